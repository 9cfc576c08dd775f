// Conformance: what a load tool reports about its exchanges: times, outcomes and bodies.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { suite, test } from 'node:test';
import type { ForeignServer } from '../../../results/model/run.ts';
import { FOUND_SERVER } from '../../../results/testing/sample-run.ts';
import delay from '../../../servers/behaviours/delay.ts';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Scope } from '../../../servers/testing/client.ts';
import { listenOnLoopback } from '../../../servers/testing/listen.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { answerWith, closedPort, openMisbehavingServer } from '../../clients/testing/misbehaving-server.ts';
import { type EngineSubject, openEngine, skipMissing } from './subject.ts';

const USERS = 5;
const SERVICE_MS = 20;

async function openServer(scope: Scope, respond: RequestListener): Promise<Endpoint> {
  const port = await listenOnLoopback(scope, createServer(respond));
  return { origin: `http://127.0.0.1:${port}`, path: '/there?is=one' };
}

const UNUSUAL_ANSWERS: readonly {
  what: string;
  /** What the question before a run tells of such a server. */
  found: ForeignServer;
  answer: string;
  /** Whether the connection stays open after it. */
  isHeld?: boolean;
}[] = [
  {
    what: 'answers that the end of the connection ends',
    found: { ...FOUND_SERVER, framing: 'close' },
    answer: 'HTTP/1.1 200 OK\r\n\r\nwords',
  },
  {
    what: 'answers after 103 Early Hints',
    found: { ...FOUND_SERVER, interimStatuses: [103] },
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${answerWith('words')}`,
    isHeld: true,
  },
];

export function engineExchangeCase(subject: EngineSubject): void {
  suite('exchanges', { ...skipMissing(subject), concurrency: true }, () => {
    for (const requestsPerConnection of [1, 'unlimited'] as const) {
      test(`requestsPerConnection ${requestsPerConnection}: latencies are those of the service, and of all users`, async t => {
        const target = await openTestTarget(
          t,
          { behaviour: { name: 'delay', distribution: 'constant', meanMs: SERVICE_MS, bytes: 500 } },
          delay,
        );
        const { recorder, slice } = openEngine(t, subject, {
          endpoint: target.endpoint,
          users: USERS,
          stated: { requestsPerConnection },
        });
        const window = await slice({ rampMs: 50, windowMs: 1_500 });
        const { completed, meanUs } = recorder.windowCounts();
        const { response, bytesRecorded, completedRecorded } = recorder.finish();
        assert.equal(response.count, completed);
        // A timer of Node's may fire up to a millisecond early.
        assert.ok(response.minUs >= (SERVICE_MS - 1) * 1_000, `least ${response.minUs} us`);
        assert.ok(response.p50Us < 10 * SERVICE_MS * 1_000, `median ${response.p50Us} us`);
        const busyUsers = (completed / (window.closeAtMs - window.openAtMs)) * (meanUs / 1_000);
        assert.ok(busyUsers > 0.6 * USERS && busyUsers < 1.4 * USERS, `${busyUsers} busy users`);
        // Some count the header, too.
        const perAnswer = bytesRecorded / completedRecorded;
        assert.ok(perAnswer >= 500 && perAnswer < 900, `${perAnswer} bytes`);
      });
    }

    test('a bad status is a failure, also where some answers are good', async t => {
      let count = 0;
      const endpoint = await openServer(t, (_request, response) => {
        response.statusCode = count++ % 2 === 0 ? 503 : 200;
        setTimeout(() => response.end('so'), 5);
      });
      const { recorder, sliceUntil, account } = openEngine(t, subject, { endpoint, users: USERS });
      await sliceUntil('many have arrived', () => count >= 20 * USERS);
      const { answered, failed, sent } = account();
      const { outcomes } = recorder.finish();
      assert.ok(Math.abs(answered - failed) <= 2 * USERS + sent * 0.1, `${answered} good, ${failed} bad`);
      assert.ok((outcomes.badStatus?.count ?? 0) > 0);
      assert.match(outcomes.badStatus!.sample ?? '', /status/);
      assert.deepEqual(
        Object.keys(outcomes).filter(outcome => outcome !== 'ok'),
        ['badStatus'],
      );
    });

    for (const { what, found, answer, isHeld = false } of UNUSUAL_ANSWERS) {
      const refusal = subject.module.refusesAnswers?.(found);
      test(`${what}: ${refusal === undefined ? 'each is one answer' : 'refused before the run'}`, async t => {
        if (refusal !== undefined) {
          assert.match(refusal.message, new RegExp(subject.name));
          return;
        }
        const server = await openMisbehavingServer(t, ({ socket }) => {
          setTimeout(() => (isHeld ? socket.write(answer) : socket.end(answer)), 10);
        });
        const { slice, account, recorder } = openEngine(t, subject, {
          endpoint: server.endpoint,
          users: USERS,
        });
        await slice({ windowMs: 1_000 });
        const { sent, answered, failed } = account();
        assert.ok(answered > 0 && failed === 0, `${answered} answered, ${failed} failed`);
        assert.equal(server.requests, sent);
        assert.ok(Object.keys(recorder.finish().statuses).every(status => status === '200'));
      });
    }

    test('it goes to the address that was checked, and names the host', async t => {
      const hosts = new Set<string | undefined>();
      let count = 0;
      const { origin, path } = await openServer(t, ({ headers }, response) => {
        count++;
        hosts.add(headers.host);
        setTimeout(() => response.end('so'), 5);
      });
      const host = `name.invalid:${new URL(origin).port}`;
      const address = '127.0.0.1';
      // In this process, names are resolved by bench/run/external-server.ts.
      const named = subject.module.countsConnections ? { origin } : { origin: `http://${host}`, address };
      const { sliceUntil, account } = openEngine(t, subject, { endpoint: { ...named, path }, users: 1 });
      await sliceUntil('some have arrived', () => count >= 20);
      assert.ok(account().answered > 0);
      assert.deepEqual([...hosts], [new URL(named.origin).host]);
    });

    test('it asks for the path and the query, and GETs', async t => {
      const asked = new Set<string>();
      let count = 0;
      const endpoint = await openServer(t, ({ method, url }, response) => {
        count++;
        asked.add(`${method} ${url}`);
        setTimeout(() => response.end('so'), 5);
      });
      const { sliceUntil } = openEngine(t, subject, { endpoint, users: 1 });
      await sliceUntil('some have arrived', () => count >= 20);
      assert.deepEqual([...asked], ['GET /there?is=one']);
    });
  });

  suite('without a server', skipMissing(subject), () => {
    test('without a listener every request fails, or the trial does and says why', async t => {
      const endpoint = await closedPort(t);
      const { recorder, slice, account } = openEngine(t, subject, { endpoint, users: 2 });
      const fault = await slice({ windowMs: 300 }).then(
        () => undefined,
        (error: Error) => error.message,
      );
      const { answered, failed } = account();
      assert.equal(answered, 0);
      if (fault !== undefined) {
        assert.match(fault, /unable to connect/);
        return;
      }
      // One in thousands of dials may meet itself: then what comes back is the request, and no answer.
      const { refused } = recorder.finish().outcomes;
      assert.ok(
        refused !== undefined && refused.count > failed / 2,
        `${refused?.count} of ${failed} refused`,
      );
      assert.match(refused.sample ?? '', /refused/i);
    });
  });
}
