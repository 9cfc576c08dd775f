// The bins in which a connection's requests are counted, and when a connection counts as closed.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { test } from 'node:test';
import { ConnectionCounters, requestsBin } from './counters.ts';

const cases: [requests: number, bin: number, why: string][] = [
  [0, 0, 'a connection may carry nothing'],
  [1, 1, 'exact'],
  [64, 64, 'the last that is exact by rule'],
  [65, 65, 'two digits are all it has'],
  [100, 100, 'a round number stays'],
  [101, 100, 'third digit rounded down'],
  [105, 110, 'third digit rounded up'],
  [996, 1000, 'up into the next power of ten'],
  [1_234_567, 1_200_000, 'two digits however long'],
];

for (const [requests, bin, why] of cases) {
  test(`${requests} requests are counted as ${bin}: ${why}`, () => {
    assert.equal(requestsBin(requests), bin);
  });
}

const PEER = { remoteAddress: '127.0.0.1', remotePort: 40_000 };

/** A connection with TLS and HTTP/2: the socket that was accepted, the secure one on it, and the session on that. */
function openConnection(server: EventEmitter) {
  const raw = Object.assign(new EventEmitter(), PEER);
  const secure = Object.assign(new EventEmitter(), PEER, { isSessionReused: () => false });
  const session = Object.assign(new EventEmitter(), { socket: secure });
  server.emit('connection', raw as unknown as Socket);
  server.emit('secureConnection', secure);
  server.emit('session', session as unknown as ServerHttp2Session);
  return { raw, session };
}

for (const order of [
  ['raw', 'session'],
  ['session', 'raw'],
] as const) {
  test(`a connection is counted once and with its requests, though its ${order[0]} end closes before the other`, () => {
    const server = new EventEmitter();
    const counters = new ConnectionCounters(server as unknown as Server);
    const used = openConnection(server);
    used.session.emit('stream');
    used.session.emit('stream');
    const seen = order.map(end => {
      used[end].emit('close');
      return counters.read().requestsPerConnection;
    });
    const whole = [{ requests: 2, connections: 1 }];
    assert.deepEqual(seen, order[0] === 'raw' ? [[], whole] : [whole, whole]);

    const unused = openConnection(server);
    unused.raw.emit('close');
    unused.session.emit('close');
    assert.deepEqual(counters.read().requestsPerConnection, [{ requests: 0, connections: 1 }, ...whole]);
  });
}
