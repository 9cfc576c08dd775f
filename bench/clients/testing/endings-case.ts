// Conformance: every kind of failure is distinguished, an exchange can be abandoned at any stage, the next request is not affected, and
// close() leaves nothing behind.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { suite, test } from 'node:test';
import type { Outcome } from '../../../results/model/trial.ts';
import { dialCount } from '../../../servers/testing/client.ts';
import { listenOnLoopback } from '../../../servers/testing/servers.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import type { Exchange } from '../../contracts.ts';
import { eventually } from '../../run/testing/processes.ts';
import {
  answerWith,
  closedPort,
  openBlackHole,
  openMisbehavingServer,
  type Request,
} from './misbehaving-server.ts';
import { mostOpen, openSubject, type Stated, type Subject, testWhere } from './subject.ts';

const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much';
const PART_CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n';

/** Within this, a client has read what was sent: nothing shows it to the server. */
const READ_MS = 100;

/** What the server does with the request that is to fail; `isSecond`: it is the second of its connection, if kept. */
const breaks: {
  what: string;
  doing(request: Request): void;
  isSecond?: true;
  outcome: Outcome;
}[] = [
  {
    what: 'the server ends a new connection instead of answering',
    doing: r => r.socket.end(),
    outcome: 'reset',
  },
  { what: 'it destroys it', doing: r => r.socket.destroy(), outcome: 'reset' },
  { what: 'it resets it', doing: r => r.raw.resetAndDestroy(), outcome: 'reset' },
  {
    what: 'it destroys a connection that has worked',
    doing: r => r.socket.destroy(),
    isSecond: true,
    outcome: 'staleSocket',
  },
  {
    what: 'it resets one that has worked',
    doing: r => r.raw.resetAndDestroy(),
    isSecond: true,
    outcome: 'staleSocket',
  },
  { what: 'it ends the connection within the body', doing: r => r.socket.end(PART), outcome: 'reset' },
  {
    what: 'within the body of a connection that has worked',
    doing: r => r.socket.end(PART),
    isSecond: true,
    outcome: 'reset',
  },
  {
    what: 'it resets a connection that has worked within the header',
    // A reset drops what the client has not read yet.
    doing: r => r.socket.write('HTTP/1.1 20', () => setTimeout(() => r.raw.resetAndDestroy(), READ_MS)),
    isSecond: true,
    outcome: 'reset',
  },
  { what: 'within a chunked body', doing: r => r.socket.end(PART_CHUNKED), outcome: 'reset' },
  { what: 'the answer is no HTTP', doing: r => r.socket.end('what?\r\n\r\n'), outcome: 'other' },
];

export function failuresCase(subject: Subject): void {
  const where = (stated: Stated) => testWhere(subject, stated);

  suite('failures', { concurrency: true }, () => {
    for (const isTls of [false, true]) {
      for (const { what, doing, isSecond, outcome } of breaks) {
        test(`${isTls ? 'TLS: ' : ''}${what}: ${outcome}`, async t => {
          const failing = isSecond ? 2 : 1;
          const server = await openMisbehavingServer(
            t,
            request => {
              if (request.ofAll === failing) doing(request);
              else request.socket.write(answerWith('ok'));
            },
            isTls,
          );
          const { ask, connections } = openSubject(t, subject, server.endpoint, {
            pool: { maxConnections: 1 },
          });
          if (isSecond) assert.equal((await ask()).outcome, 'ok');
          // By then the connection is free again in any client.
          await new Promise(resolve => setImmediate(resolve));
          const failed = await ask();
          assert.equal(failed.outcome, outcome, String(failed.error));
          assert.ok(failed.error !== undefined && failed.error !== '');
          assert.ok(failed.endedAtMs >= failed.startedAtMs);
          const next = await ask(failed);
          assert.deepEqual([next.outcome, next.error, next.bodyBytes], ['ok', undefined, 2]);
          assert.deepEqual([server.accepted, connections.length], [2, 2]);
        });
      }
    }

    test('no listener: refused', async t => {
      const { ask, connections, transport } = openSubject(t, subject, await closedPort(t));
      for (const _ of [1, 2]) {
        const { outcome, error } = await ask();
        assert.equal(outcome, 'refused', String(error));
      }
      assert.equal(connections.length, 0, 'a connection that never was is not counted');
      assert.equal(transport.openConnections(), 0);
    });

    for (const status of [302, 404, 503]) {
      test(`status ${status}: reported as such, its body is read and its connection kept`, async t => {
        let isBad = true;
        let accepted = 0;
        const server = createServer((_request, response) => {
          response.statusCode = isBad ? status : 200;
          response.end('words');
        });
        server.on('connection', () => accepted++);
        const port = await listenOnLoopback(t, server);
        const { ask } = openSubject(
          t,
          subject,
          { origin: `http://127.0.0.1:${port}`, path: '/' },
          { pool: { maxConnections: 1 } },
        );
        const bad = await ask();
        assert.deepEqual([bad.status, bad.outcome, bad.error, bad.bodyBytes], [status, 'ok', undefined, 5]);
        isBad = false;
        const good = await ask(bad);
        assert.deepEqual([good.status, good.outcome, good.error], [200, 'ok', undefined]);
        assert.ok(accepted <= mostOpen(subject, 1, 1), `${accepted} accepted`);
      });
    }

    const silences: { setting: 'headersMs' | 'bodyMs'; first: string; outcome: Outcome }[] = [
      { setting: 'headersMs', first: '', outcome: 'timeoutHeaders' },
      { setting: 'headersMs', first: 'HTTP/1.1 200 OK\r\nContent-', outcome: 'timeoutHeaders' },
      { setting: 'bodyMs', first: PART, outcome: 'timeoutBody' },
      { setting: 'bodyMs', first: PART_CHUNKED, outcome: 'timeoutBody' },
    ];
    for (const [index, { setting, first, outcome }] of silences.entries()) {
      where({ timeouts: { [setting]: 100 } })(`${setting} ends a silence (${index}): ${outcome}`, async t => {
        const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
          socket.write(ofAll === 1 ? first : answerWith('ok'));
        });
        const { ask } = openSubject(t, subject, server.endpoint, {
          pool: { maxConnections: 1 },
          timeouts: { [setting]: 100 },
        });
        const failed = await ask();
        assert.equal(failed.outcome, outcome, String(failed.error));
        // A busy machine can be too slow for the next one as well.
        let asked = 1;
        let next: Exchange;
        do {
          next = await ask(failed);
          asked++;
        } while (next.outcome === outcome && asked < 20);
        assert.equal(next.outcome, 'ok', String(next.error));
        assert.equal(
          server.accepted,
          asked,
          'a connection on which an answer may still come is not used again',
        );
      });
    }

    where({ timeouts: { connectMs: 100 } })(
      'connectMs ends a connection attempt that gets no answer: timeoutConnect',
      async (t, open) => {
        const { ask, connections, transport } = open(await openBlackHole(t));
        const { outcome, error } = await ask();
        assert.equal(outcome, 'timeoutConnect', String(error));
        assert.equal(connections.length, 0);
        assert.equal(transport.openConnections(), 0);
      },
    );

    test('timeouts that are long enough are not felt', async t => {
      const target = await openTestTarget(t);
      const timeouts = { connectMs: 60_000, headersMs: 60_000, bodyMs: 60_000, totalMs: 60_000 };
      const { askTimes } = openSubject(t, subject, target.endpoint, { timeouts });
      assert.ok((await askTimes(20, 4)).every(({ outcome }) => outcome === 'ok'));
    });
  });
}

const needsLinux = { skip: process.platform === 'linux' ? false : 'there is no /proc' };

export function endingCase(subject: Subject): void {
  /** One connection, if that can be asked for, and requests that can be called off. */
  const callable = { pool: { maxConnections: 1 }, timeouts: { totalMs: 600_000 } };

  suite('giving up', { concurrency: true }, () => {
    /** A server that holds back its first answer until released. */
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
      const { ask, sendToAbandon, connections, transport } = openSubject(
        t,
        subject,
        server.endpoint,
        callable,
      );
      const given = sendToAbandon();
      await eventually('the request has arrived', () => server.requests === 1);
      given.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(server.requests, 2);
      assert.ok(server.accepted >= 2 && server.accepted <= 1 + mostOpen(subject, 1, 1));
      await eventually('both ends have counted the same', () => server.accepted === connections.length);
      await eventually('the first connection is closed', () => server.open === server.accepted - 1);
      assert.equal(transport.openConnections(), server.open);
    });

    test('within the body: the same', async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        socket.write(ofAll === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart' : answerWith('ok'));
      });
      const { ask, sendToAbandon } = openSubject(t, subject, server.endpoint, callable);
      const given = sendToAbandon();
      // A client that reports no times shows a body only when it is whole.
      const isSeen = subject.unreported === undefined;
      await eventually('a part of the body has arrived', () =>
        isSeen ? given.bodyBytes === 4 : server.requests === 1,
      );
      given.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.ok(server.accepted >= 2 && server.accepted <= 1 + mostOpen(subject, 1, 1));
      assert.equal(given.bodyBytes, isSeen ? 4 : 0);
    });

    const whereLimited = testWhere(subject, { pool: { maxConnections: 1 } });
    whereLimited('while it waits for a connection: it is never sent, and the connection is kept', async t => {
      const { onRequest, release } = holdFirst();
      const server = await openMisbehavingServer(t, onRequest);
      const { ask, sendToAbandon, connections } = openSubject(t, subject, server.endpoint, callable);
      const first = ask();
      await eventually('the first is in flight', () => server.requests === 1);
      const waiting = [sendToAbandon(), sendToAbandon()];
      for (const exchange of waiting) exchange.abandon!();
      release();
      assert.equal((await first).outcome, 'ok');
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(server.requests, 2);
      assert.ok(waiting.every(({ writtenAtMs }) => Number.isNaN(writtenAtMs)));
      assert.equal(connections.length, server.accepted);
    });

    whereLimited('in flight and waiting, one request per connection: both ends count the same', async t => {
      const { onRequest } = holdFirst();
      const server = await openMisbehavingServer(t, onRequest);
      const stated = { ...callable, requestsPerConnection: 1 } as const;
      const { ask, sendToAbandon, connections } = openSubject(t, subject, server.endpoint, stated);
      const given = [sendToAbandon(), sendToAbandon(), sendToAbandon()];
      await eventually('the first is in flight', () => server.requests === 1);
      for (const exchange of given) exchange.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(server.requests, 2);
      await eventually('both ends have counted', () => server.accepted === connections.length);
    });

    test('at once after send: nothing is reported', async t => {
      const target = await openTestTarget(t);
      const { ask, sendToAbandon, connections } = openSubject(t, subject, target.endpoint, callable);
      sendToAbandon().abandon!();
      assert.equal((await ask()).outcome, 'ok');
      sendToAbandon().abandon!();
      assert.equal((await ask()).outcome, 'ok');
      await eventually('both ends have counted', () => target.read().accepted === connections.length);
    });
  });

  suite('close', { concurrency: true }, () => {
    test('leaves no connection, idle, in use or waited for', async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll <= 4) socket.write(answerWith('ok'));
      });
      const { transport, askTimes, sendToAbandon } = openSubject(t, subject, server.endpoint, {
        ...callable,
        pool: { maxConnections: 3 },
      });
      await askTimes(4, 2);
      const given = [sendToAbandon(), sendToAbandon(), sendToAbandon(), sendToAbandon()];
      // Without a limit, the fourth has one too.
      const sent = 4 + Math.min(4, mostOpen(subject, 3, 4));
      await eventually('all connections are in use', () => server.requests === sent);
      for (const exchange of given) exchange.abandon!();
      await transport.close();
      assert.equal(transport.openConnections(), 0);
      await eventually('the server has seen every close', () => server.open === 0);
      assert.equal(server.requests, sent);
    });

    test('abandons a connection attempt that gets no answer, without waiting for it', needsLinux, async t => {
      const endpoint = await openBlackHole(t);
      const { transport, sendToAbandon } = openSubject(t, subject, endpoint, {
        timeouts: { connectMs: 3_600_000, totalMs: 3_600_000 },
      });
      const given = sendToAbandon();
      await eventually('it is dialling', () => dialCount(endpoint) === 1);
      given.abandon!();
      await transport.close();
      assert.equal(transport.openConnections(), 0);
      await eventually('nothing dials any more', () => dialCount(endpoint) === 0);
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
