// Conformance: how many idle connections a pool keeps, for how long, and which it takes first.
import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { answerWith, openMisbehavingServer } from './misbehaving-server.ts';
import { openSubject, type Stated, type Subject, testWhere, type Watched } from './subject.ts';
import { until } from './until.ts';

/** Sends requests at once, each of which gets a connection of its own. */
function burst({ ask }: Watched, size: number): Promise<unknown> {
  return Promise.all(Array.from({ length: size }, () => ask()));
}

export function poolCase(subject: Subject): void {
  const where = (stated: Stated) => testWhere(subject, stated);

  suite('pool', { concurrency: true }, () => {
    for (const maxIdleConnections of [0, 2, 8]) {
      const stated = { pool: { maxIdleConnections } };
      const title = `maxIdleConnections ${maxIdleConnections}: that many of a burst of 8 stay open; the next burst opens the rest`;
      where(stated)(title, async t => {
        const target = await openTestTarget(t);
        const watched = openSubject(t, subject, target.endpoint, stated);
        await burst(watched, 8);
        assert.equal(target.read().accepted, 8);
        await until('the others are closed', () => target.read().openConnections === maxIdleConnections);
        assert.equal(watched.transport.openConnections(), maxIdleConnections);
        await burst(watched, 8);
        assert.equal(target.read().accepted, 16 - maxIdleConnections);
        assert.equal(watched.connections.length, 16 - maxIdleConnections);
      });
    }

    const total = { pool: { maxTotalConnections: 3 } };
    where(total)('maxTotalConnections 3: 12 users share 3 connections', async t => {
      const target = await openTestTarget(t);
      const { askTimes, connections } = openSubject(t, subject, target.endpoint, total);
      await askTimes(60, 12);
      assert.deepEqual([target.read().accepted, connections.length], [3, 3]);
    });

    for (const [idleTimeoutBufferMs, isKept] of [
      [1_000, true],
      [60_000, false],
    ] as const) {
      const stated = { pool: { maxConnections: 1, idleTimeoutMs: 120_000, idleTimeoutBufferMs } };
      // A hint that is long against any pause of a busy machine.
      const title = `idleTimeoutBufferMs ${idleTimeoutBufferMs} of a hint of 60 s: kept ${isKept}`;
      where(stated)(title, async t => {
        const target = await openTestTarget(t, { keepAliveTimeoutMs: 60_000 });
        const { askTimes } = openSubject(t, subject, target.endpoint, stated);
        await askTimes(4, 1);
        assert.equal(target.read().accepted, isKept ? 1 : 4);
      });
    }

    for (const scheduling of ['lifo', 'fifo', 'round-robin'] as const) {
      const stated = { pool: { scheduling, maxConnections: 4 } };
      where(stated)(
        `scheduling ${scheduling}: of idle connections, the one that was ${scheduling === 'lifo' ? 'used last' : 'idle longest, or whose turn it is'}`,
        async t => {
          const used: number[] = [];
          const ids = new Map<unknown, number>();
          const server = await openMisbehavingServer(t, ({ socket }) => {
            if (!ids.has(socket)) ids.set(socket, ids.size);
            used.push(ids.get(socket)!);
            socket.write(answerWith('ok'));
          });
          const watched = openSubject(t, subject, server.endpoint, stated);
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
