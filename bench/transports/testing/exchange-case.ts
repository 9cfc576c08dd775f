// In: a transport. Out: tests of one exchange: its bytes, its times, giving it up, and what close leaves behind.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import stream from '../../../servers/behaviours/stream.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { newExchange } from '../../core/exchange.ts';
import { Target } from '../../core/target.ts';
import {
  answerWith,
  dialCount,
  openBlackHole,
  openMisbehavingServer,
  type Request,
} from './misbehaving-server.ts';
import { clientOf, openSubject, type Subject } from './subject.ts';
import { until } from './until.ts';

/** undici's dump() gives up a connection whose body is longer; a transport may read on, but need not. */
const LONGEST_DUMP_BYTES = 128 * 1024;

const needsLinux = { skip: process.platform === 'linux' ? false : 'there is no /proc' };

export function exchangeCase(subject: Subject): void {
  suite('an exchange', { concurrency: true }, () => {
    for (const body of ['read', 'dump'] as const) {
      const isRefused = subject.module
        .refusals(clientOf(subject, { body }), Target.parse({}))
        .some(({ path }) => path === 'body');
      const skip = isRefused ? `${subject.name} refuses body: ${body}` : false;
      for (const bytes of [0, 1, 1_024, 100_000, 1_000_000]) {
        if (body === 'dump' && bytes > LONGEST_DUMP_BYTES) continue;
        test(`body ${body}, ${bytes} bytes: all counted, the connection kept`, { skip }, async t => {
          const target = await openTestTarget(t, { behaviour: { name: 'fixed', bytes } });
          const { askTimes } = openSubject(t, subject, target.endpoint, {
            body,
            pool: { maxConnections: 1 },
          });
          const ended = await askTimes(4, 1);
          assert.deepEqual(
            ended.map(({ outcome, bodyBytes }) => [outcome, bodyBytes]),
            Array(4).fill(['ok', bytes]),
          );
          assert.equal(target.read().accepted, 1);
        });
      }

      test(`body ${body}, in chunks: all counted, the connection kept`, { skip }, async t => {
        const behaviour = { name: 'stream', chunks: 5, chunkBytes: 700, intervalMs: 1 };
        const target = await openTestTarget(t, { behaviour }, stream);
        const { askTimes } = openSubject(t, subject, target.endpoint, { body, pool: { maxConnections: 2 } });
        const ended = await askTimes(10, 2);
        assert.deepEqual(
          ended.map(({ outcome, bodyBytes }) => [outcome, bodyBytes]),
          Array(10).fill(['ok', 3_500]),
        );
        assert.ok(target.read().accepted <= 2);
      });
    }

    for (const requestsPerConnection of [1, 'unlimited'] as const) {
      test(`requestsPerConnection ${requestsPerConnection}: started <= written <= headers <= ended`, async t => {
        const behaviour = { name: 'stream', chunks: 3, chunkBytes: 10, intervalMs: 2 };
        const target = await openTestTarget(t, { behaviour }, stream);
        const { askTimes } = openSubject(t, subject, target.endpoint, {
          requestsPerConnection,
          pool: { maxConnections: 2 },
        });
        const beforeMs = performance.now();
        for (const { startedAtMs, writtenAtMs, headersAtMs, endedAtMs } of await askTimes(20, 6)) {
          const times = [beforeMs, startedAtMs, writtenAtMs, headersAtMs, endedAtMs, performance.now()];
          assert.deepEqual(
            [...times].sort((a, b) => a - b),
            times,
          );
          assert.ok(headersAtMs < endedAtMs, 'the body came after the header');
        }
      });
    }

    test('a redirect is an answer: nobody is asked where it leads', async t => {
      const elsewhere = await openTestTarget(t);
      const server = await openMisbehavingServer(t, ({ socket }) => {
        const header = `Location: ${elsewhere.endpoint.origin}/\r\nContent-Length: 2`;
        socket.write(`HTTP/1.1 302 Found\r\n${header}\r\n\r\nno`);
      });
      const { ask } = openSubject(t, subject, server.endpoint);
      const { outcome, bodyBytes } = await ask();
      assert.deepEqual([outcome, bodyBytes, server.requests, elsewhere.read().requests], ['ok', 2, 1, 0]);
    });

    test('a record that is used again tells nothing of the exchange before', async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll === 2) socket.destroy();
        else socket.write(answerWith('abc'));
      });
      const { ask } = openSubject(t, subject, server.endpoint, { pool: { maxConnections: 1 } });
      const record = newExchange();
      const first = { ...(await ask(record)) };
      const second = { ...(await ask(record)) };
      assert.deepEqual([first.bodyBytes, second.bodyBytes], [3, 0]);
      assert.ok(Number.isNaN(second.headersAtMs));
      const third = await ask(record);
      assert.deepEqual(
        [third.outcome, third.error, third.bodyBytes, third.abandon],
        ['ok', undefined, 3, undefined],
      );
    });
  });

  suite('giving up', { concurrency: true }, () => {
    /** A server that holds the first answer until told. */
    function holdFirst() {
      let held: Request | undefined;
      return {
        onRequest(request: Request): void {
          if (request.ofAll === 1) held = request;
          else request.socket.write(answerWith('ok'));
        },
        release: () => held?.socket.write(answerWith('ok')),
      };
    }

    test('in flight: nothing is reported, the connection is not used again, the next request is well', async t => {
      const { onRequest } = holdFirst();
      const server = await openMisbehavingServer(t, onRequest);
      const { ask, sendToAbandon, connections, transport } = openSubject(t, subject, server.endpoint, {
        pool: { maxConnections: 1 },
      });
      const given = sendToAbandon();
      await until('the request has arrived', () => server.requests === 1);
      given.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.deepEqual([server.requests, server.accepted, connections.length], [2, 2, 2]);
      await until('the first connection is closed', () => server.open === 1);
      assert.equal(transport.openConnections(), 1);
    });

    test('within the body: the same', async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        socket.write(ofAll === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart' : answerWith('ok'));
      });
      const { ask, sendToAbandon } = openSubject(t, subject, server.endpoint, {
        pool: { maxConnections: 1 },
      });
      const given = sendToAbandon();
      await until('a part of the body has arrived', () => given.bodyBytes === 4);
      given.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(server.accepted, 2);
      assert.equal(given.bodyBytes, 4);
    });

    test('while it waits for a connection: it is never sent, and the connection is kept', async t => {
      const { onRequest, release } = holdFirst();
      const server = await openMisbehavingServer(t, onRequest);
      const { ask, sendToAbandon, connections } = openSubject(t, subject, server.endpoint, {
        pool: { maxConnections: 1 },
      });
      const first = ask();
      await until('the first is in flight', () => server.requests === 1);
      const waiting = [sendToAbandon(), sendToAbandon()];
      for (const exchange of waiting) exchange.abandon!();
      release();
      assert.equal((await first).outcome, 'ok');
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(server.requests, 2);
      assert.ok(waiting.every(({ writtenAtMs }) => Number.isNaN(writtenAtMs)));
      assert.equal(connections.length, server.accepted);
    });

    test('in flight and waiting, one request per connection: both ends count the same connections', async t => {
      const { onRequest } = holdFirst();
      const server = await openMisbehavingServer(t, onRequest);
      const { ask, sendToAbandon, connections } = openSubject(t, subject, server.endpoint, {
        requestsPerConnection: 1,
        pool: { maxConnections: 1 },
      });
      const given = [sendToAbandon(), sendToAbandon(), sendToAbandon()];
      await until('the first is in flight', () => server.requests === 1);
      for (const exchange of given) exchange.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(server.requests, 2);
      await until('both ends have counted', () => server.accepted === connections.length);
    });

    test('at once after send: nothing is reported', async t => {
      const target = await openTestTarget(t);
      const { ask, sendToAbandon, connections } = openSubject(t, subject, target.endpoint, {
        pool: { maxConnections: 1 },
      });
      sendToAbandon().abandon!();
      assert.equal((await ask()).outcome, 'ok');
      sendToAbandon().abandon!();
      assert.equal((await ask()).outcome, 'ok');
      await until('both ends have counted', () => target.read().accepted === connections.length);
    });
  });

  suite('close', { concurrency: true }, () => {
    test('leaves no connection, idle, in use or waited for', async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll <= 4) socket.write(answerWith('ok'));
      });
      const { transport, askTimes, sendToAbandon } = openSubject(t, subject, server.endpoint, {
        pool: { maxConnections: 3 },
      });
      await askTimes(4, 2);
      const given = [sendToAbandon(), sendToAbandon(), sendToAbandon(), sendToAbandon()];
      await until('all connections are in use', () => server.requests === 7);
      for (const exchange of given) exchange.abandon!();
      await transport.close();
      assert.equal(transport.openConnections(), 0);
      await until('the server has seen every close', () => server.open === 0);
      assert.equal(server.requests, 7);
    });

    test('ends a dial that nobody answers, and does not wait for it', needsLinux, async t => {
      const endpoint = await openBlackHole(t);
      const { transport, sendToAbandon } = openSubject(t, subject, endpoint, {
        timeouts: { connectMs: 3_600_000 },
      });
      const given = sendToAbandon();
      await until('it is dialling', () => dialCount(endpoint) === 1);
      given.abandon!();
      await transport.close();
      assert.equal(transport.openConnections(), 0);
      await until('nothing dials any more', () => dialCount(endpoint) === 0);
    });

    test('is the end: what is sent afterwards fails', async t => {
      const target = await openTestTarget(t);
      const { transport, ask } = openSubject(t, subject, target.endpoint);
      await transport.close();
      const { outcome, error } = await ask();
      assert.equal(outcome, 'other', String(error));
      assert.equal(target.read().accepted, 0);
    });

    test('before any request is nothing', async t => {
      const target = await openTestTarget(t);
      const { transport } = openSubject(t, subject, target.endpoint);
      await transport.close();
      assert.equal(target.read().accepted, 0);
    });
  });
}
