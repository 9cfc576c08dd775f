// Conformance: an exchange can be abandoned at any stage, and close() leaves nothing behind.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { dialCount } from '../../../servers/testing/client.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { eventually } from '../../run/testing/processes.ts';
import { answerWith, openBlackHole, openMisbehavingServer, type Request } from './misbehaving-server.ts';
import { mostOpen, openSubject, type Subject, testWhere } from './subject.ts';

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
      // Who tells no times shows a body only when it is whole.
      const isSeen = subject.untold === undefined;
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
