// Conformance: a client opens exactly the connections that its settings ask for, keeps those that its pool may keep, resumes TLS
// sessions as stated, and closes connections as stated.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Scope } from '../../../servers/testing/client.ts';
import { listenOnLoopback } from '../../../servers/testing/servers.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { eventually } from '../../run/testing/processes.ts';
import { answerWith, openMisbehavingServer } from './misbehaving-server.ts';
import { mostOpen, openSubject, type Stated, type Subject, testWhere, type Watched } from './subject.ts';

/** By the target's count. */
export function connectionsCase(subject: Subject): void {
  const where = (stated: Stated) => testWhere(subject, stated);

  suite('connections', { concurrency: true }, () => {
    const patterns = [
      { pattern: 'one after another', count: 9, users: 1, pool: {} },
      { pattern: 'by 8 users at once', count: 60, users: 8, pool: {} },
      { pattern: 'by 8 users of a pool of 8', count: 60, users: 8, pool: { maxConnections: 8 } },
      { pattern: 'by 8 users of a pool of 2', count: 30, users: 8, pool: { maxConnections: 2 } },
    ];

    for (const { pattern, count, users, pool } of patterns) {
      where({ requestsPerConnection: 1, pool })(
        `requestsPerConnection 1, ${pattern}: as many connections as requests`,
        async (t, open) => {
          const target = await openTestTarget(t);
          const { transport, connections, askTimes } = open(target.endpoint);
          const ended = await askTimes(count, users);
          assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
          await transport.close();
          await eventually('the target has seen every close', () => target.read().openConnections === 0);
          assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: count }]);
          assert.deepEqual([target.read().accepted, connections.length], [count, count]);
        },
      );

      where({ requestsPerConnection: 3, pool })(
        `requestsPerConnection 3, ${pattern}: three on each but the last ones`,
        async (t, open) => {
          const target = await openTestTarget(t);
          const { transport, connections, askTimes } = open(target.endpoint);
          const ended = await askTimes(count, users);
          assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
          await transport.close();
          await eventually('the target has seen every close', () => target.read().openConnections === 0);
          const { accepted, requests, requestsPerConnection } = target.read();
          assert.deepEqual([requests, connections.length], [count, accepted]);
          const full = requestsPerConnection.find(entry => entry.requests === 3)?.connections ?? 0;
          assert.ok(requestsPerConnection.every(entry => entry.requests <= 3));
          // One user on a pool without limit may alternate between two connections (the first is not free in time).
          const inUseAtMost = Math.min(pool.maxConnections ?? Infinity, Math.max(2, 2 * users));
          assert.ok(accepted - full <= inUseAtMost, `${accepted} accepted, ${full} of them full`);
          if (pool.maxConnections === 1) assert.equal(accepted, Math.ceil(count / 3));
        },
      );
    }

    for (const n of [2, 3, 7]) {
      where({ requestsPerConnection: n, pool: { maxConnections: 1 } })(
        `requestsPerConnection ${n} on a pool of one: exactly ${n} on each, and the rest on the last`,
        async (t, open) => {
          const target = await openTestTarget(t);
          const { transport, askTimes } = open(target.endpoint);
          await askTimes(3 * n + 1, 1);
          await transport.close();
          await eventually('the target has seen every close', () => target.read().openConnections === 0);
          assert.deepEqual(target.read().requestsPerConnection, [
            { requests: 1, connections: 1 },
            { requests: n, connections: 3 },
          ]);
        },
      );
    }

    const pools = [
      { maxConnections: 1, users: 1 },
      { maxConnections: 1, users: 5 },
      { maxConnections: 4, users: 20 },
      { maxConnections: 8, users: 8 },
    ];
    for (const { maxConnections, users } of pools) {
      where({ pool: { maxConnections } })(
        `unlimited: ${users} users share at most ${maxConnections} connections`,
        async (t, open) => {
          const target = await openTestTarget(t);
          const { transport, connections, askTimes } = open(target.endpoint);
          const ended = await askTimes(100, users);
          assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
          const { accepted } = target.read();
          assert.ok(accepted <= maxConnections, `${accepted} accepted`);
          assert.equal(connections.length, accepted);
          assert.equal(transport.openConnections(), accepted);
        },
      );
    }

    for (const requestsPerConnection of [1, 3, 'unlimited'] as const) {
      where({ requestsPerConnection, pool: { maxConnections: 3 } })(
        `requestsPerConnection ${requestsPerConnection}: never more than maxConnections open at once`,
        async (t, open) => {
          let current = 0;
          let peak = 0;
          const server = createServer((_request, response) => {
            setImmediate(() => response.end('ok'));
          });
          server.on('connection', socket => {
            current++;
            peak = Math.max(peak, current);
            socket.once('close', () => current--);
          });
          const port = await listenOnLoopback(t, server);
          const { askTimes } = open({ origin: `http://127.0.0.1:${port}`, path: '/' });
          await askTimes(60, 12);
          assert.equal(peak, 3);
        },
      );
    }

    where({ pool: { maxConnections: 1, idleTimeoutMs: 50 } })(
      'idleTimeoutMs closes an idle connection, whatever longer time the server announces',
      async (t, open) => {
        const target = await openTestTarget(t, { keepAliveTimeoutMs: 600_000 });
        const { connections, transport, ask } = open(target.endpoint);
        await ask();
        await eventually('the idle connection is closed', () => target.read().openConnections === 0);
        assert.equal(transport.openConnections(), 0);
        assert.equal((await ask()).outcome, 'ok');
        assert.equal(connections.length, 2);
      },
    );

    where({ pool: { maxConnections: 1, maxLifetimeMs: 40 } })(
      'maxLifetimeMs replaces a connection that is in constant use, and not before its time',
      async (t, open) => {
        const target = await openTestTarget(t);
        const brief = open(target.endpoint);
        const long = openSubject(t, subject, target.endpoint, {
          pool: { maxConnections: 1, maxLifetimeMs: 3_600_000 },
        });
        const startedAtMs = performance.now();
        while (brief.connections.length < 4) {
          assert.equal((await brief.ask()).outcome, 'ok');
          assert.equal((await long.ask()).outcome, 'ok');
        }
        assert.ok(
          performance.now() - startedAtMs >= 3 * 40,
          'the fourth opened before three lifetimes were over',
        );
        assert.equal(long.connections.length, 1);
        await eventually('all but one of each are closed', () => target.read().openConnections === 2);
        assert.deepEqual([brief.transport.openConnections(), long.transport.openConnections()], [1, 1]);
      },
    );

    for (const pipelining of [undefined, 1, 4]) {
      const depth = pipelining ?? 1;
      where({ pool: { maxConnections: 1, ...(pipelining === undefined ? {} : { pipelining }) } })(
        `pipelining ${pipelining ?? 'not stated'}: ${depth} in flight on one connection`,
        async (t, open) => {
          const held: (() => void)[] = [];
          let peak = 0;
          const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
            if (ofAll === 1) socket.write(answerWith('ok'));
            else held.push(() => socket.write(answerWith('ok')));
            peak = Math.max(peak, held.length);
          });
          const { ask } = open(server.endpoint);
          await ask();
          const asked = Promise.all(Array.from({ length: 8 }, () => ask()));
          for (let answered = 0; answered < 8; answered++) {
            await eventually(
              'as many are in flight as may be',
              () => held.length === Math.min(depth, 8 - answered),
            );
            held.shift()!();
          }
          assert.ok((await asked).every(({ outcome }) => outcome === 'ok'));
          assert.deepEqual([peak, server.accepted], [depth, 1]);
        },
      );
    }

    where({ requestsPerConnection: 1, pool: { pipelining: 1 } })(
      'requestsPerConnection 1 holds beside a pipelining of 1',
      async (t, open) => {
        const target = await openTestTarget(t);
        const { askTimes } = open(target.endpoint);
        await askTimes(6, 2);
        assert.equal(target.read().accepted, 6);
      },
    );

    test('a server that ends every connection gets a new one for every request', async t => {
      const target = await openTestTarget(t, { connectionClose: true });
      const { connections, askTimes } = openSubject(t, subject, target.endpoint);
      const ended = await askTimes(20, 4);
      assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
      assert.deepEqual([target.read().accepted, connections.length], [20, 20]);
    });
  });
}

/** Sends requests at once, each of which gets a connection of its own. */
function burst({ ask }: Watched, size: number): Promise<unknown> {
  return Promise.all(Array.from({ length: size }, () => ask()));
}

/** How many idle connections a pool keeps, for how long, and which it takes first. */
export function poolCase(subject: Subject): void {
  const where = (stated: Stated) => testWhere(subject, stated);

  suite('pool', { concurrency: true }, () => {
    for (const maxIdleConnections of [0, 2, 8]) {
      const stated = { pool: { maxIdleConnections } };
      const title = `maxIdleConnections ${maxIdleConnections}: that many of a burst of 8 stay open; the next burst opens the rest`;
      where(stated)(title, async (t, open) => {
        const target = await openTestTarget(t);
        const watched = open(target.endpoint);
        await burst(watched, 8);
        assert.equal(target.read().accepted, 8);
        await eventually('the others are closed', () => target.read().openConnections === maxIdleConnections);
        assert.equal(watched.transport.openConnections(), maxIdleConnections);
        await burst(watched, 8);
        assert.equal(target.read().accepted, 16 - maxIdleConnections);
        assert.equal(watched.connections.length, 16 - maxIdleConnections);
      });
    }

    where({ pool: { maxTotalConnections: 3 } })(
      'maxTotalConnections 3: 12 users share 3 connections',
      async (t, open) => {
        const target = await openTestTarget(t);
        const { askTimes, connections } = open(target.endpoint);
        await askTimes(60, 12);
        assert.deepEqual([target.read().accepted, connections.length], [3, 3]);
      },
    );

    for (const [idleTimeoutBufferMs, isKept] of [
      [1_000, true],
      [60_000, false],
    ] as const) {
      const stated = { pool: { maxConnections: 1, idleTimeoutMs: 120_000, idleTimeoutBufferMs } };
      // A hint that is long against any pause of a busy machine.
      const title = `idleTimeoutBufferMs ${idleTimeoutBufferMs} of a hint of 60 s: kept ${isKept}`;
      where(stated)(title, async (t, open) => {
        const target = await openTestTarget(t, { keepAliveTimeoutMs: 60_000 });
        const { askTimes } = open(target.endpoint);
        await askTimes(4, 1);
        assert.equal(target.read().accepted, isKept ? 1 : 4);
      });
    }

    for (const scheduling of ['lifo', 'fifo', 'round-robin'] as const) {
      const stated = { pool: { scheduling, maxConnections: 4 } };
      where(stated)(
        `scheduling ${scheduling}: of idle connections, the one that was ${scheduling === 'lifo' ? 'used last' : 'idle longest, or whose turn it is'}`,
        async (t, open) => {
          const used: number[] = [];
          const ids = new Map<unknown, number>();
          const server = await openMisbehavingServer(t, ({ socket }) => {
            if (!ids.has(socket)) ids.set(socket, ids.size);
            used.push(ids.get(socket)!);
            socket.write(answerWith('ok'));
          });
          const watched = open(server.endpoint);
          await burst(watched, 4);
          used.length = 0;
          await watched.askTimes(8, 1);
          assert.equal(server.accepted, 4);
          // The one used last is used again and again; the one idle longest, or whose turn it is, is another each time.
          if (scheduling === 'lifo') assert.equal(new Set(used).size, 1, used.join());
          else assert.deepEqual([new Set(used.slice(0, 4)).size, used.slice(4)], [4, used.slice(0, 4)]);
        },
      );
    }
  });
}

const LAST = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const NOT_LAST = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What the server sees first of a connection's end; itself does nothing. */
function firstSign(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    socket.once('end', () => resolve('FIN'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

/** Who closes a connection after its last response, by what the server sees of it. */
export function closingCase(subject: Subject): void {
  const stated = (closing: 'client' | 'server' | 'reset') =>
    ({ requestsPerConnection: 1, pool: { maxConnections: 1, closing } }) satisfies Stated;

  suite('closing', { concurrency: true }, () => {
    const cases = [
      { closing: 'client', answer: LAST, sign: 'FIN' },
      { closing: 'reset', answer: LAST, sign: 'ECONNRESET' },
      // The server has not said that it closes, and might never do so.
      { closing: 'server', answer: NOT_LAST, sign: 'FIN' },
    ] as const;
    for (const { closing, answer, sign } of cases) {
      const title = `${closing}, after an answer ${answer === LAST ? 'with' : 'without'} Connection: close: the server sees ${sign}`;
      testWhere(subject, stated(closing))(title, async (t, open) => {
        const signs: Promise<string>[] = [];
        const server = await openMisbehavingServer(t, ({ socket }) => {
          signs.push(firstSign(socket));
          socket.write(answer);
        });
        const { askTimes } = open(server.endpoint);
        const ended = await askTimes(3, 1);
        assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
        assert.deepEqual(await Promise.all(signs), [sign, sign, sign]);
      });
    }

    testWhere(subject, stated('server'))(
      'server: the connection stays open, and counts, until the server ends it',
      async (t, open) => {
        const sockets: Socket[] = [];
        const server = await openMisbehavingServer(t, ({ socket }) => {
          sockets.push(socket);
          socket.write(LAST);
        });
        const { ask, transport } = open(server.endpoint);
        assert.equal((await ask()).outcome, 'ok');
        const second = ask();
        assert.deepEqual([transport.openConnections(), server.requests], [1, 1]);
        sockets[0]!.end();
        assert.equal((await second).outcome, 'ok');
        assert.equal(server.accepted, 2);
        sockets[1]!.end();
        await eventually(
          'the second is closed',
          () => transport.openConnections() === 0 && server.open === 0,
        );
      },
    );
  });
}

function handshakes({ connections }: Watched): { full: number; resumed: number } {
  const resumed = connections.filter(({ isResumed }) => isResumed).length;
  return { full: connections.length - resumed, resumed };
}

/** The contexts of all TLS connections to the endpoint, from now on. */
function watchContexts(scope: Scope, { origin }: Endpoint): readonly unknown[] {
  const contexts: unknown[] = [];
  const port = Number(new URL(origin).port);
  const onDial = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.once('connectionAttempt', (_address: string, attempted: number) => {
      // Node has no public name for it.
      if (attempted === port)
        contexts.push((socket as Socket & { _tlsOptions: ConnectionOptions })._tlsOptions.secureContext);
    });
  };
  subscribe('net.client.socket', onDial);
  scope.after(() => unsubscribe('net.client.socket', onDial));
  return contexts;
}

export function tlsCase(subject: Subject): void {
  for (const tls of ['1.2', '1.3'] as const) {
    const where = (stated: Stated) => testWhere(subject, { ...stated, requestsPerConnection: 1 }, { tls });
    suite(`TLS ${tls}`, { concurrency: true }, () => {
      const modes = [
        { tlsSessions: 'none', least: 0, most: 0 },
        { tlsSessions: 'pinned', least: 11, most: 11 },
        { tlsSessions: 'library', least: 0, most: 11 },
      ] as const;
      const cases = (['ec', 'rsa'] as const).flatMap(tlsKey => modes.map(mode => ({ tlsKey, ...mode })));
      for (const { tlsKey, tlsSessions, least, most } of cases) {
        const title = `${tlsKey} key, sessions ${tlsSessions}: of 12 connections ${least} to ${most} are resumed, by both counts`;
        where({ pool: { tlsSessions } })(title, async t => {
          const target = await openTestTarget(t, { tls, tlsKey });
          const watched = openSubject(t, subject, target.endpoint, {
            requestsPerConnection: 1,
            pool: { maxConnections: 1, tlsSessions },
          });
          const ended = await watched.askTimes(12, 1);
          assert.deepEqual(
            ended.map(({ error }) => error),
            Array(12).fill(undefined),
          );
          const { handshakesFull, handshakesResumed } = target.read();
          assert.deepEqual(handshakes(watched), { full: handshakesFull, resumed: handshakesResumed });
          assert.equal(handshakesFull + handshakesResumed, 12);
          assert.ok(handshakesResumed >= least && handshakesResumed <= most, `${handshakesResumed} resumed`);
        });
      }

      const pinned = { pool: { maxConnections: 4, tlsSessions: 'pinned' } } as const;
      const title =
        'pinned, by users at once: only those that dial before there is a session shake hands in full';
      where(pinned)(title, async t => {
        const target = await openTestTarget(t, { tls });
        const watched = openSubject(t, subject, target.endpoint, {
          requestsPerConnection: 1,
          ...pinned,
        });
        await watched.askTimes(24, 4);
        const { full, resumed } = handshakes(watched);
        assert.ok(full >= 1 && full <= 4, `${full} full`);
        assert.equal(resumed, target.read().handshakesResumed);
        assert.equal(full + resumed, 24);
      });

      where(pinned)('a session pinned by one transport is not known to another', async t => {
        const target = await openTestTarget(t, { tls });
        for (const _ of [1, 2]) {
          const { askTimes } = openSubject(t, subject, target.endpoint, {
            requestsPerConnection: 1,
            pool: { maxConnections: 1, tlsSessions: 'pinned' },
          });
          await askTimes(3, 1);
        }
        assert.equal(target.read().handshakesFull, 2);
      });

      for (const [tlsContext, contexts] of [
        ['shared', 1],
        ['per-connection', 3],
      ] as const) {
        where({ pool: { tlsContext } })(
          `tlsContext ${tlsContext}: 3 connections have ${contexts}`,
          async t => {
            const target = await openTestTarget(t, { tls });
            const seen = watchContexts(t, target.endpoint);
            const { askTimes } = openSubject(t, subject, target.endpoint, {
              requestsPerConnection: 1,
              pool: { maxConnections: 1, tlsContext },
            });
            const ended = await askTimes(3, 1);
            assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
            assert.deepEqual([seen.length, new Set(seen).size], [3, contexts]);
          },
        );
      }

      test('kept alive, one handshake is enough for a connection', async t => {
        const target = await openTestTarget(t, { tls });
        const watched = openSubject(t, subject, target.endpoint, {
          pool: { maxConnections: 1, tlsSessions: 'none' },
        });
        await watched.askTimes(10, 1);
        const { handshakesFull, handshakesResumed } = target.read();
        assert.deepEqual(handshakes(watched), { full: handshakesFull, resumed: handshakesResumed });
        assert.ok(handshakesFull >= 1 && handshakesFull + handshakesResumed <= mostOpen(subject, 1, 1));
        const [connection] = watched.connections;
        assert.ok(connection!.connectMs >= 0 && connection!.tlsMs > 0, JSON.stringify(connection));
      });
    });
  }
}
