// autocannon by itself still has the defects that docs/load-tools.md lists, and as a load tool each workaround works.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import delay from '../../servers/behaviours/delay.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { answerWith, openMisbehavingServer } from '../clients/testing/misbehaving-server.ts';
import { eventually } from '../run/testing/processes.ts';
import engine from './autocannon.ts';
import { type EngineSubject, openEngine } from './testing/subject.ts';

const require = createRequire(import.meta.url);
const subject: EngineSubject = { name: 'autocannon', module: engine };
const SERVICE_MS = 5;
const EARLY_HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';
const service = { behaviour: { name: 'delay', distribution: 'constant', meanMs: SERVICE_MS } };

interface Tracker extends PromiseLike<unknown> {
  on(event: 'response', listener: (client: unknown, status: number, bytes: number, ms: number) => void): void;
}

/** The latencies that a run of 600 ms by 4 clients tells, ascending. */
async function runBare(origin: string, options: Record<string, unknown>): Promise<number[]> {
  const autocannon = require('autocannon') as (options: Record<string, unknown>) => Tracker;
  const told: number[] = [];
  const run = autocannon({ url: origin, connections: 4, duration: 0.6, sampleInt: 50, ...options });
  run.on('response', (_client, _status, _bytes, ms) => told.push(ms));
  await run;
  return told.sort((left, right) => left - right);
}

suite('autocannon by itself: once one of these fails, a way around it may go', () => {
  test('loses every answer after which it has to reconnect', async t => {
    const target = await openTestTarget(t, service, delay);
    const told = await runBare(target.endpoint.origin, { reconnectRate: 1 });
    assert.equal(told.length, 0);
    assert.ok(target.read().requests > 20);
  });

  test('times answers from the wrong request where the server closes', async t => {
    const target = await openTestTarget(t, service, delay);
    const told = await runBare(target.endpoint.origin, { headers: { connection: 'close' } });
    assert.ok(told.length > 20);
    const median = told[Math.floor(told.length / 2)]!;
    assert.ok(median > 10 * SERVICE_MS, `median ${median} ms`);
  });

  test('sends again after an interim answer, which is none', async t => {
    const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
      if (ofAll === 1) socket.write(EARLY_HINTS);
    });
    await runBare(server.endpoint.origin, { connections: 1 });
    assert.equal(server.requests, 2);
  });

  test('takes the end of the connection for no answer', async t => {
    const server = await openMisbehavingServer(t, ({ socket }) => {
      setTimeout(() => socket.end('HTTP/1.1 200 OK\r\n\r\nwords'), SERVICE_MS);
    });
    const told = await runBare(server.endpoint.origin, {});
    assert.deepEqual([told.length, server.requests > 4], [0, true]);
  });

  test('is of the version whose private fields are used', () => {
    const { dependencies } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { dependencies: Record<string, string> };
    const { version } = require('autocannon/package.json') as { version: string };
    assert.deepEqual([dependencies['autocannon'], version], ['9.0.0', '9.0.0']);
    assert.ok(
      engine.caveats?.some(caveat => caveat.includes(version)),
      'the caveat names the version',
    );
  });
});

suite('autocannon as an engine', () => {
  test('the end of the connection ends an answer that names no length', async t => {
    const server = await openMisbehavingServer(t, ({ socket }) => {
      setTimeout(() => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nfirst ');
        setImmediate(() => socket.end('second'));
      }, SERVICE_MS);
    });
    const { recorder, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 3 });
    await slice({ rampMs: 0, windowMs: 300 });
    const { sent, answered } = account();
    assert.ok(answered > 3, `${answered} answered`);
    assert.deepEqual([answered, server.requests, server.accepted], [sent, sent, sent]);
    const { bytesRecorded, completedRecorded, response } = recorder.finish();
    assert.equal(bytesRecorded, completedRecorded * 'first second'.length);
    assert.ok(response.p50Us < 10 * SERVICE_MS * 1_000, `median ${response.p50Us} us`);
  });

  test('an interim answer is none: one request, and one answer, timed to its end', async t => {
    const server = await openMisbehavingServer(t, ({ socket }) => {
      socket.write(EARLY_HINTS.repeat(3));
      setTimeout(() => socket.write(`${EARLY_HINTS}${answerWith('ok')}`), SERVICE_MS);
    });
    const { recorder, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 2 });
    await slice({ rampMs: 0, windowMs: 300 });
    const { sent, answered } = account();
    assert.ok(answered > 3, `${answered} answered`);
    assert.deepEqual([answered, server.requests, server.accepted], [sent, sent, 2]);
    const { statuses, completedRecorded, bytesRecorded, response } = recorder.finish();
    assert.deepEqual(statuses, { '200': completedRecorded });
    assert.equal(bytesRecorded, 2 * completedRecorded);
    assert.ok(response.minUs >= (SERVICE_MS - 1) * 1_000, `least ${response.minUs} us`);
  });

  test('an unsolicited answer is not an answer to the next request: in the piece of the first', async t => {
    const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
      if (ofAll === 1) socket.write(answerWith('ok').repeat(2));
    });
    const { slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 1 });
    await slice({ rampMs: 0, windowMs: 100, drainMs: 50 });
    assert.deepEqual(account(), { sent: 2, answered: 1, failed: 0, unfinished: 1 });
    assert.equal(server.accepted, 2);
  });

  test('and between two slices', async t => {
    const sockets: Socket[] = [];
    const server = await openMisbehavingServer(t, ({ socket }) => {
      sockets.push(socket);
      setTimeout(() => socket.write(answerWith('ok')), SERVICE_MS);
    });
    const { slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 1 });
    await slice({ rampMs: 0, windowMs: 50 });
    sockets[0]!.write(answerWith('no'));
    await eventually('the client has given the connection up', () => server.open === 0);
    await slice({ rampMs: 0, windowMs: 50 });
    const { sent, answered } = account();
    assert.deepEqual([answered, server.requests, server.accepted], [sent, sent, 2]);
  });

  for (const [why, stated, target] of [
    ['asked to by the client', { requestsPerConnection: 1 }, {}],
    ['by the server alone', {}, { connectionClose: true }],
  ] as const) {
    test(`one request a connection, ${why}: each is counted, and timed from its own start`, async t => {
      const server = await openTestTarget(t, { ...service, ...target }, delay);
      const { recorder, engine, slice, account } = openEngine(t, subject, {
        endpoint: server.endpoint,
        users: 4,
        stated,
      });
      await slice({ windowMs: 600 });
      await engine.close();
      const { sent, answered } = account();
      const { accepted, requests } = server.read();
      assert.deepEqual([answered, requests, accepted, recorder.opened], [sent, sent, sent, sent]);
      const { response, wait, firstByte, body } = recorder.finish();
      assert.ok(response.p50Us < 10 * SERVICE_MS * 1_000, `median ${response.p50Us} us`);
      const phasesUs = wait.meanUs + firstByte.meanUs + body.meanUs;
      assert.ok(Math.abs(phasesUs / response.meanUs - 1) < 0.05, `${phasesUs} of ${response.meanUs} us`);
    });
  }

  test('the server closes after three: each connection carries three', async t => {
    const server = await openTestTarget(t, { ...service, maxRequestsPerSocket: 3 }, delay);
    const { engine, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 2 });
    await slice();
    await engine.close();
    await eventually('the target has seen every close', () => server.read().openConnections === 0);
    const { requestsPerConnection, requests } = server.read();
    assert.equal(requests, account().answered);
    assert.ok(requestsPerConnection.every(entry => entry.requests <= 3));
    assert.ok(requestsPerConnection.find(entry => entry.requests === 3)!.connections > 2);
  });

  test('the server closes idle connections between slices: they are opened again, and nothing fails', async t => {
    const server = await openTestTarget(t, { ...service, keepAliveTimeoutMs: 50 }, delay);
    const { recorder, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 3 });
    for (const opened of [3, 6]) {
      await slice();
      await eventually('all are closed', () => server.read().openConnections === 0);
      assert.deepEqual([recorder.opened, server.read().accepted], [opened, opened]);
    }
    assert.equal(account().failed, 0);
  });

  for (const { why, spoil, outcome, message } of [
    {
      why: 'broken off within an answer',
      spoil: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nno',
      outcome: 'reset',
      message: /before its response was complete/,
    },
    { why: 'closed instead of an answer', spoil: '', outcome: 'staleSocket', message: /before its response/ },
    {
      why: 'another protocol',
      spoil: 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      outcome: 'other',
      message: /status 101/,
    },
    { why: 'no HTTP', spoil: 'NOT HTTP AT ALL\r\n\r\n', outcome: 'other', message: /Parse Error/ },
  ]) {
    test(`${why}: one failure, and the next answers are right`, async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll === 2) socket.end(spoil);
        else setTimeout(() => socket.write(answerWith('ok')), SERVICE_MS);
      });
      const { recorder, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 1 });
      await slice({ rampMs: 0, windowMs: 300 });
      const { answered, failed } = account();
      assert.deepEqual([failed, server.accepted], [1, 2]);
      assert.ok(answered > 3, `${answered} answered`);
      const { outcomes, response } = recorder.finish();
      assert.deepEqual(Object.keys(outcomes).sort(), ['ok', outcome].sort());
      assert.match(outcomes[outcome as 'reset']!.sample ?? '', message);
      assert.ok(response.p50Us < 10 * SERVICE_MS * 1_000, `median ${response.p50Us} us`);
    });
  }

  test('over TLS each connection is a full handshake, counted and timed', async t => {
    const server = await openTestTarget(t, { ...service, tls: '1.3' }, delay);
    const { recorder, engine, slice } = openEngine(t, subject, {
      endpoint: server.endpoint,
      users: 2,
      stated: { requestsPerConnection: 3, pool: { tlsSessions: 'none' } },
    });
    await slice({ windowMs: 300 });
    await engine.close();
    const { handshakesFull, handshakesResumed, connect, tls } = recorder.finish();
    assert.ok(handshakesFull > 2 && tls.minUs > 1 && connect.minUs > 1);
    assert.deepEqual(
      [handshakesFull, handshakesResumed],
      [server.read().handshakesFull, server.read().handshakesResumed],
    );
  });
});
