// One suite for every load tool of the registry: a new one proves itself by its line there.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { neededConnections } from '../../results/connections.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import { FOUND_SERVER } from '../../results/testing/sample-run.ts';
import { CLIENT_SETTINGS, Client } from '../../scenarios/model/client.ts';
import { ClosedLoad } from '../../scenarios/model/load.ts';
import { Request } from '../../scenarios/model/request.ts';
import { Target } from '../../scenarios/model/target.ts';
import delay from '../../servers/behaviours/delay.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { Scope } from '../../servers/testing/client.ts';
import { listenOnLoopback, openEchoServer } from '../../servers/testing/servers.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { transports } from '../clients/index.ts';
import { answerWith, closedPort, openMisbehavingServer } from '../clients/testing/misbehaving-server.ts';
import {
  assertArrived,
  countArrived,
  drawnCounts,
  REQUESTS,
  SEVERAL,
} from '../clients/testing/request-case.ts';
import { childrenWith, eventually } from '../run/testing/processes.ts';
import { type EngineSubject, openEngine, skipMissing } from './testing/subject.ts';

/** What no load tool here can do. */
const refused: { stated: z.input<typeof Client>; path: string }[] = [
  { stated: { body: 'dump' }, path: 'body' },
];

/** What it declares about itself is true and helpful. */
function engineDeclarationCase({ name, module }: EngineSubject): void {
  suite('declaration', () => {
    test('by default nothing is refused, with and without TLS, and there is a caveat for the reader', () => {
      for (const tls of ['none', '1.3'] as const) {
        assert.deepEqual(module.refusals(Client.parse({ transport: name }), Target.parse({ tls })), []);
      }
      assert.ok((module.caveats ?? []).length > 0);
    });

    for (const { stated, path } of refused) {
      test(`${JSON.stringify(stated)} is refused, with the reason and what is expected`, () => {
        const [refusal] = module.refusals(Client.parse({ transport: name, ...stated }), Target.parse({}));
        assert.equal(refusal?.path, path);
        assert.ok(module.honours.includes(path), 'it knows the setting, but not in this value');
        assert.ok(refusal.message.length > 10 && refusal.hint.length > 3);
      });
    }

    test('it honours a setting, or says in a sentence why it cannot: one of the two for each that there is', () => {
      const reasons = Object.keys(module.cannot ?? {});
      assert.deepEqual([...module.honours, ...reasons].sort(), [...CLIENT_SETTINGS].sort());
    });
  });
}

const CONNECTION_USERS = 8;
const SLICES = 2;

/** It opens the connections that its settings ask for, and both ends agree on the count. */
function engineConnectionsCase(subject: EngineSubject): void {
  const { module } = subject;
  const target = Target.parse({ behaviour: { name: 'delay', meanMs: 10 } });

  suite('connections', { ...skipMissing(subject), concurrency: true }, () => {
    for (const requestsPerConnection of [1, 3, 'unlimited'] as const) {
      const client = Client.parse({ transport: subject.name, requestsPerConnection });
      if (module.refusals(client, target).length > 0) continue;

      test(`requestsPerConnection ${requestsPerConnection}: both ends count alike over ${SLICES} slices`, async t => {
        const server = await openTestTarget(t, target, delay);
        const { engine, recorder, sliceUntil, account } = openEngine(t, subject, {
          endpoint: server.endpoint,
          users: CONNECTION_USERS,
          stated: { requestsPerConnection },
        });
        for (let i = 1; i <= SLICES; i++) {
          const enough = 6 * CONNECTION_USERS * i;
          await sliceUntil('many have been answered', () => server.read().requests >= enough);
        }
        await engine.close();
        await eventually('the target has seen every close', () => server.read().openConnections === 0);
        const { accepted, requests, requestsPerConnection: carried } = server.read();
        const { sent, answered, failed, unfinished } = account();
        assert.ok(answered > CONNECTION_USERS * SLICES, `only ${answered} answers`);
        assert.equal(failed, 0);
        assert.ok(requests >= answered && requests <= sent, `${answered} <= ${requests} <= ${sent}`);
        assert.ok(unfinished <= CONNECTION_USERS * SLICES);
        if (module.countsConnections) assert.equal(recorder.opened, accepted);
        const load = ClosedLoad.parse({ concurrency: CONNECTION_USERS });
        const needed = neededConnections({ client, target, load, requests: sent, pool: engine.pool });
        // Requests in flight at the end may not have got their connection.
        assert.ok(accepted >= needed.least - unfinished, `${accepted} of at least ${needed.least}`);
        assert.ok(needed.most === null || accepted <= needed.most, `${accepted} of at most ${needed.most}`);
        if (requestsPerConnection === 'unlimited') {
          const inUse = CONNECTION_USERS * engine.pool.openings + engine.pool.unused;
          assert.ok(accepted <= 2 * inUse, `${accepted} for ${inUse}`);
          return;
        }
        const most = Math.max(...carried.map(entry => entry.requests));
        assert.equal(most, requestsPerConnection);
        const full = carried.find(entry => entry.requests === most)!.connections;
        const notFull = accepted - full - engine.pool.unused;
        assert.ok(
          notFull <= CONNECTION_USERS * SLICES,
          `${notFull} of ${accepted} carried fewer than they may`,
        );
      });
    }

    test('between slices it holds no connection but those of its pool', async t => {
      const server = await openTestTarget(t, target, delay);
      const { engine, slice } = openEngine(t, subject, {
        endpoint: server.endpoint,
        users: CONNECTION_USERS,
      });
      for (let i = 0; i < SLICES; i++) {
        await slice();
        const kept = engine.pool.openings > i ? 0 : CONNECTION_USERS;
        const expected = subject.module.countsConnections ? CONNECTION_USERS : kept;
        await eventually('the others are closed', () => server.read().openConnections === expected);
      }
      assert.equal(engine.pool.openings, subject.module.countsConnections ? 1 : SLICES);
    });
  });
}

const EXCHANGE_USERS = 5;
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

/** What it reports about its exchanges: times, outcomes and bodies. */
function engineExchangeCase(subject: EngineSubject): void {
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
          users: EXCHANGE_USERS,
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
        assert.ok(
          busyUsers > 0.6 * EXCHANGE_USERS && busyUsers < 1.4 * EXCHANGE_USERS,
          `${busyUsers} busy users`,
        );
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
      const { recorder, sliceUntil, account } = openEngine(t, subject, { endpoint, users: EXCHANGE_USERS });
      await sliceUntil('many have arrived', () => count >= 20 * EXCHANGE_USERS);
      const { answered, failed, sent } = account();
      const { outcomes } = recorder.finish();
      assert.ok(
        Math.abs(answered - failed) <= 2 * EXCHANGE_USERS + sent * 0.1,
        `${answered} good, ${failed} bad`,
      );
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
          users: EXCHANGE_USERS,
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

/** Requests of a case, all alike. */
const ENOUGH = 20;

/** What the scenario's request asks for is what arrives at the server, for every load tool that does not refuse it. */
function engineRequestCase(subject: EngineSubject): void {
  suite('the request', skipMissing(subject), () => {
    for (const { title, request: stated, arrives } of REQUESTS) {
      const request = Request.parse(stated);
      const client = Client.parse({ transport: subject.name });
      if (subject.module.refusals(client, Target.parse({}), [request]).length > 0) continue;
      test(`${title}: arrives as asked for, every time`, async t => {
        const server = await openEchoServer(t, { serviceMs: 5 });
        const { endpoint } = server;
        const { sliceUntil, account } = openEngine(t, subject, { endpoint, users: 2, request });
        await sliceUntil('some have arrived', () => server.received.length >= ENOUGH);
        const { answered, failed } = account();
        assert.ok(answered > 0 && failed === 0, `${answered} answered, ${failed} failed`);
        assert.ok(server.received.length >= answered);
        assertArrived(server.received, arrives);
      });
    }

    const client = Client.parse({ transport: subject.name });
    const [refusal] = subject.module.refusals(client, Target.parse({}), SEVERAL);
    if (refusal !== undefined) {
      test('several requests are refused with the reason', () => {
        assert.match(refusal.message, /one request/);
        assert.match(refusal.hint, /request in place of requests/);
      });
      return;
    }
    test('several requests: what arrives is what was drawn', async t => {
      const server = await openEchoServer(t, { serviceMs: 5 });
      const users = 3;
      const { slice, engine, recorder, account } = openEngine(t, subject, {
        endpoint: server.endpoint,
        users,
        requests: SEVERAL,
      });
      await slice({ windowMs: 1_500, requestSeed: 5 });
      const { sent } = account();
      const counts = engine.sentByRequest!;
      const total = counts.reduce((sum, count) => sum + count, 0);
      // A tool that is stopped drops requests that it has just written, or was about to write.
      const mostLost = engine.dropsInFlight ? users : 0;
      assert.ok(total <= sent && total >= sent - mostLost, `${total} of ${sent}`);
      assert.deepEqual(counts, drawnCounts(SEVERAL, 5, total));
      const arrived = countArrived(server.received, SEVERAL);
      for (const [index, count] of counts.entries()) {
        const lost = count - arrived[index]!;
        assert.ok(lost >= 0 && lost <= mostLost, `${count}, ${arrived[index]}`);
      }
      for (const { completed, response } of recorder.finish().requests) {
        if (engine.dropsInFlight) assert.deepEqual([completed, response], [null, null]);
        else assert.ok(completed! > 0 && response!.count === completed);
      }
    });
  });
}

const ENDING_USERS = 4;
const slow = { behaviour: { name: 'delay', meanMs: 5 } };

/** How its slices end: in time, when cut short, against a silent server; and nothing is left running. */
function engineEndsCase(subject: EngineSubject): void {
  /** Of this test alone: its address is an argument of the program. */
  const processes = (origin: string): unknown[] => childrenWith(origin);

  suite('ends', { ...skipMissing(subject), concurrency: true }, () => {
    test('cut while it sends, it tells what was done, and leaves nothing', async t => {
      const target = await openTestTarget(t, slow, delay);
      const { origin } = target.endpoint;
      const { engine, slice, account } = openEngine(t, subject, {
        endpoint: target.endpoint,
        users: ENDING_USERS,
      });
      const running = slice({ windowMs: 600_000 });
      await eventually('it sends', () => target.read().requests > 50);
      assert.equal(processes(origin).length, subject.module.countsConnections ? 0 : 1);
      engine.cut();
      const window = await running;
      assert.ok(window.closeAtMs - window.openAtMs < 300_000);
      assert.deepEqual(processes(origin), []);
      await engine.close();
      await eventually('every connection is closed', () => target.read().openConnections === 0);
      const { sent, answered } = account();
      assert.ok(answered > 0 && target.read().requests >= answered && target.read().requests <= sent);
    });

    test('cut before it sends, or when it does not run, it can go on', async t => {
      const target = await openTestTarget(t, slow, delay);
      const { endpoint } = target;
      const { engine, slice, sliceUntil, account } = openEngine(t, subject, {
        endpoint,
        users: ENDING_USERS,
      });
      engine.cut();
      const running = slice({ rampMs: 600_000, windowMs: 600_000 });
      engine.cut();
      const window = await running;
      assert.ok(window.closeAtMs - window.openAtMs < 300_000);
      engine.cut();
      await sliceUntil('it sends', () => target.read().requests > 50);
      assert.ok(account().answered > 0);
    });

    test('cut where every request fails, its window ends then', async t => {
      const server = await openMisbehavingServer(t, ({ raw }) => raw.resetAndDestroy());
      const { engine, slice, account } = openEngine(t, subject, {
        endpoint: server.endpoint,
        users: ENDING_USERS,
      });
      const running = slice({ rampMs: 0, windowMs: 600_000 });
      await eventually('it sends', () => server.requests > 50);
      engine.cut();
      const window = await running;
      assert.ok(window.closeAtMs - window.openAtMs < 300_000);
      const { failed, answered } = account();
      assert.ok(failed > 0 && answered === 0);
    });

    test('closed while it sends, it leaves nothing', async t => {
      const target = await openTestTarget(t, slow, delay);
      const { engine, slice } = openEngine(t, subject, { endpoint: target.endpoint, users: ENDING_USERS });
      const running = slice({ windowMs: 60_000, drainMs: 0 }).catch(() => undefined);
      await eventually('it sends', () => target.read().requests > 50);
      engine.cut();
      await engine.close();
      await running;
      assert.deepEqual(processes(target.endpoint.origin), []);
      await eventually('every connection is closed', () => target.read().openConnections === 0);
    });

    test('what a silent server never answers is unfinished or has failed, or the trial ends with the reason', async t => {
      const server = await openMisbehavingServer(t, () => {});
      const { engine, slice, account } = openEngine(t, subject, {
        endpoint: server.endpoint,
        users: ENDING_USERS,
      });
      const ended = await slice({ windowMs: 100, drainMs: 50 }).then(
        () => 'in time',
        (error: Error) => error.message,
      );
      const { unfinished, failed } = account();
      if (ended === 'in time') assert.equal(unfinished + failed, ENDING_USERS);
      else assert.match(ended, /did not end within \d+ ms/);
      await engine.close();
      assert.deepEqual(processes(server.endpoint.origin), []);
      await eventually('every connection is closed', () => server.open === 0);
    });
  });
}

const subjects: EngineSubject[] = [];
for (const [name, load] of Object.entries(transports)) {
  const { default: module } = await load();
  if (module.kind === 'engine') subjects.push({ name, module });
}

test('there are load tools', () => {
  assert.ok(subjects.length > 0);
});

for (const subject of subjects) {
  // One case after another: what runs in this process shares its event loop with the servers.
  suite(subject.name, () => {
    engineDeclarationCase(subject);
    engineConnectionsCase(subject);
    engineExchangeCase(subject);
    engineRequestCase(subject);
    engineEndsCase(subject);
  });
}
