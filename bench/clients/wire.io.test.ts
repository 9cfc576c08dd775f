// Tests of what only the wire client does: pipelines of limited length, the server's hint by itself, unsolicited bytes.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { Endpoint } from '../../servers/protocol.ts';
import type { Scope } from '../../servers/testing/client.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { eventually } from '../run/testing/processes.ts';
import { answerWith, openMisbehavingServer } from './testing/misbehaving-server.ts';
import { openSubject, type Subject } from './testing/subject.ts';
import wire from './wire.ts';

const subject: Subject = { name: 'wire', module: wire, settings: { transport: 'wire' } };

test('pipelined requests keep to requestsPerConnection: five on each, and the rest on the last', async t => {
  const target = await openTestTarget(t);
  const { transport, askTimes } = openSubject(t, subject, target.endpoint, {
    requestsPerConnection: 5,
    pool: { maxConnections: 1, pipelining: 4 },
  });
  const ended = await askTimes(23, 8);
  assert.ok(ended.every(({ outcome, bodyBytes }) => outcome === 'ok' && bodyBytes === ended[0]!.bodyBytes));
  await transport.close();
  await eventually('the target has seen every close', () => target.read().openConnections === 0);
  assert.deepEqual(target.read().requestsPerConnection, [
    { requests: 3, connections: 1 },
    { requests: 5, connections: 4 },
  ]);
});

test('a pipelined request that is given up takes its connection along; those behind it fail, the next is well', async t => {
  const server = await openMisbehavingServer(t, ({ socket, ofConnection, ofAll }) => {
    if (ofConnection === 1 && ofAll > 2) socket.write(answerWith('ok'));
  });
  const { ask, sendToAbandon } = openSubject(t, subject, server.endpoint, {
    pool: { maxConnections: 1, pipelining: 2 },
  });
  const given = sendToAbandon();
  const behind = ask();
  await eventually('both are in flight', () => server.requests === 2);
  given.abandon!();
  assert.equal((await behind).outcome, 'reset');
  assert.equal((await ask()).outcome, 'ok');
  assert.equal(server.accepted, 2);
});

for (const [idleTimeoutBufferMs, accepted] of [
  [1_000, 1],
  [60_000, 4],
] as const) {
  test(`the server's hint of 60 s is heeded without a timeout of its own, less ${idleTimeoutBufferMs} ms`, async t => {
    const target = await openTestTarget(t, { keepAliveTimeoutMs: 60_000 });
    const { askTimes } = openSubject(t, subject, target.endpoint, { pool: { idleTimeoutBufferMs } });
    await askTimes(4, 1);
    assert.equal(target.read().accepted, accepted);
  });
}

test('bytes on an idle connection are no answer to the next request: it goes over another connection', async t => {
  const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
    socket.write(answerWith('ok'), () => {
      if (ofAll === 1) setImmediate(() => socket.write(answerWith('wrong')));
    });
  });
  const { ask, transport } = openSubject(t, subject, server.endpoint);
  assert.equal((await ask()).bodyBytes, 2);
  await eventually('the connection is given up', () => transport.openConnections() === 0);
  const next = await ask();
  assert.deepEqual([next.outcome, next.bodyBytes, server.accepted], ['ok', 2, 2]);
});

test('a server that announces to close a connection, and does not, is not waited for beyond idleTimeoutMs', async t => {
  const server = await openMisbehavingServer(t, ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
  });
  const { askTimes } = openSubject(t, subject, server.endpoint, {
    requestsPerConnection: 1,
    pool: { maxConnections: 1, closing: 'server', idleTimeoutMs: 20 },
  });
  const ended = await askTimes(3, 1);
  assert.deepEqual(
    ended.map(({ outcome }) => outcome),
    ['ok', 'ok', 'ok'],
  );
  assert.equal(server.accepted, 3);
});

/** The sockets that are dialled to the endpoint from now on, one that is dialled again twice. */
function watchDials(scope: Scope, { origin }: Endpoint): readonly Socket[] {
  const dialled: Socket[] = [];
  const port = Number(new URL(origin).port);
  const onDial = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.once('connectionAttempt', (_address: string, attempted: number) => {
      if (attempted === port) dialled.push(socket);
    });
  };
  subscribe('net.client.socket', onDial);
  scope.after(() => unsubscribe('net.client.socket', onDial));
  return dialled;
}

test('a socket that the client has closed as planned is dialled again', async t => {
  const server = await openMisbehavingServer(t, ({ socket }) => socket.write(answerWith('ok')));
  const dialled = watchDials(t, server.endpoint);
  const { askTimes } = openSubject(t, subject, server.endpoint, { requestsPerConnection: 1 });
  const ended = await askTimes(20, 1);
  assert.ok(ended.every(({ outcome, bodyBytes }) => outcome === 'ok' && bodyBytes === 2));
  assert.deepEqual([dialled.length, server.accepted], [20, 20]);
  assert.ok(new Set(dialled).size <= 3, `${new Set(dialled).size} sockets`);
});

test('requests of one turn on one connection go out in one write, and none where it is lost in that turn', async t => {
  const server = await openMisbehavingServer(t, ({ socket, ofConnection }) => {
    if (ofConnection === 1) socket.write(answerWith('ok'));
  });
  const dialled = watchDials(t, server.endpoint);
  const { ask, sendToAbandon } = openSubject(t, subject, server.endpoint, {
    pool: { maxConnections: 1, pipelining: 3 },
  });
  await ask();
  const { mock } = t.mock.method(dialled[0]!, 'write');
  const given = sendToAbandon();
  const behind = [ask()];
  assert.equal(mock.callCount(), 0);
  await eventually('both are in flight', () => server.requests === 3);
  assert.equal(mock.callCount(), 1);
  behind.push(ask());
  given.abandon!();
  assert.equal((await ask()).outcome, 'ok');
  const ended = await Promise.all(behind);
  assert.deepEqual(
    ended.map(({ outcome }) => outcome),
    ['reset', 'reset'],
  );
  assert.deepEqual([mock.callCount(), server.accepted, server.requests], [1, 2, 4]);
});

test('a socket that the server has ended or reset is not', async t => {
  const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
    if (ofAll % 2 === 0) socket.resetAndDestroy();
    else socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
  });
  const dialled = watchDials(t, server.endpoint);
  const { askTimes } = openSubject(t, subject, server.endpoint, { requestsPerConnection: 1 });
  const ended = await askTimes(8, 1);
  assert.deepEqual(
    ended.map(({ outcome }) => outcome),
    Array(4).fill(['ok', 'reset']).flat(),
  );
  assert.equal(new Set(dialled).size, 8);
});

test('a malformed answer is named as one', async t => {
  const server = await openMisbehavingServer(t, ({ socket }) => socket.write('HTTP/1.1 20 No\r\n\r\n'));
  const { ask } = openSubject(t, subject, server.endpoint);
  const { outcome, error } = await ask();
  assert.equal(outcome, 'other');
  assert.match(error!, /^ERR_MALFORMED_ANSWER: malformed answer: /);
});

test('a dial that fails fails one request; the others that wait are served by further dials', async t => {
  const server = await openMisbehavingServer(
    t,
    ({ socket }) => {
      socket.write(answerWith('ok'));
    },
    true,
  );
  // Without the authority, each handshake fails at the client.
  const { caPem: _, ...untrusted } = server.endpoint;
  const { ask, transport } = openSubject(t, subject, untrusted, { pool: { maxConnections: 1 } });
  const ended = await Promise.all([ask(), ask(), ask()]);
  for (const { outcome, error } of ended) {
    assert.equal(outcome, 'other', String(error));
    assert.match(String(error), /SELF_SIGNED|UNABLE_TO|self.signed|unable to/i);
  }
  assert.deepEqual([transport.openConnections(), server.requests], [0, 0]);
});
