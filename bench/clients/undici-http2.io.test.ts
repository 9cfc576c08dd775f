// Undici over HTTP/2, in each of its interfaces: connections, streams, times and failures, by the count of both ends.
import assert from 'node:assert/strict';
import type { Http2ServerResponse } from 'node:http2';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import type { Client } from '../../scenarios/model/client.ts';
import type { BehaviourModule, Responder } from '../../servers/behaviour.ts';
import fixed from '../../servers/behaviours/fixed.ts';
import stream from '../../servers/behaviours/stream.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import type { Scope } from '../../servers/testing/client.ts';
import { answerTogether, openTestTarget } from '../../servers/testing/target.ts';
import { eventually } from '../run/testing/processes.ts';
import { openSubject, type Watched } from './testing/subject.ts';
import undici from './undici.ts';

const H2 = { protocol: 'h2', tls: '1.3' } as const;

/** A behaviour that treats each request as the test prescribes, by its number from 1. */
function behave(respond: (response: Parameters<Responder>[0], ofAll: number) => void): BehaviourModule {
  let count = 0;
  return { ...fixed, createResponder: () => response => respond(response, ++count) };
}

for (const api of ['request', 'dispatch', 'fetch'] as const) {
  const open = (t: Scope, endpoint: Endpoint, stated: z.input<typeof Client> = {}): Watched =>
    openSubject(t, { name: 'undici', module: undici, settings: { api, protocol: 'h2' } }, endpoint, stated);

  suite(`undici, ${api}, over HTTP/2`, { concurrency: true }, () => {
    for (const tls of ['1.2', '1.3'] as const) {
      test(`TLS ${tls}: a thousand requests by 50 users are one connection and one handshake, by both counts`, async t => {
        const target = await openTestTarget(t, { protocol: 'h2', tls });
        const { askTimes, connections, transport } = open(t, target.endpoint);
        const ended = await askTimes(1_000, 50);
        assert.ok(ended.every(({ outcome, bodyBytes }) => outcome === 'ok' && bodyBytes === 1_024));
        assert.equal(transport.openConnections(), 1);
        await transport.close();
        await eventually('the target has seen the close', () => target.read().openConnections === 0);
        assert.deepEqual(target.read(), {
          accepted: 1,
          requests: 1_000,
          openConnections: 0,
          handshakesFull: 1,
          handshakesResumed: 0,
          acceptedHttp2: 1,
          faults: [],
          requestsPerConnection: [{ requests: 1_000, connections: 1 }],
          backends: [{ accepted: 1, requests: 1_000 }],
          growth: null,
        });
        assert.equal(connections.length, 1);
        const [{ connectMs, tlsMs, isResumed }] = connections as [(typeof connections)[0]];
        assert.ok(connectMs >= 0 && tlsMs > 0 && !isResumed);
      });
    }

    const limits = [
      { users: 100, target: 100, client: undefined, pool: undefined, streams: 100, accepted: 1 },
      { users: 20, target: 5, client: undefined, pool: 1, streams: 5, accepted: 1 },
      { users: 20, target: 100, client: 5, pool: 1, streams: 5, accepted: 1 },
      { users: 20, target: 3, client: 5, pool: 1, streams: 3, accepted: 1 },
      { users: 20, target: 100, client: 5, pool: 4, streams: 20, accepted: 4 },
      { users: 20, target: 100, client: 5, pool: undefined, streams: 20, accepted: 4 },
      { users: 10, target: 100, client: 100, pool: 4, streams: 10, accepted: 1 },
    ];
    for (const { users, target: byTarget, client: byClient, pool, streams, accepted } of limits) {
      const stated = `target ${byTarget}, client ${byClient ?? 'not stated'}, connections ${pool ?? 'not stated'}`;
      test(`${users} users, ${stated}: ${streams} streams at once on ${accepted}`, async t => {
        const { behaviour, peak } = answerTogether(streams);
        const target = await openTestTarget(t, { ...H2, maxConcurrentStreams: byTarget }, behaviour);
        const { ask } = open(t, target.endpoint, {
          pool: {
            ...(byClient === undefined ? {} : { maxConcurrentStreams: byClient }),
            ...(pool === undefined ? {} : { maxConnections: pool }),
          },
        });
        // In whole rounds: the behaviour answers only when a full round is in flight.
        const asked = Math.ceil(users / streams) * streams;
        const ended = await Promise.all(Array.from({ length: asked }, () => ask()));
        assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
        assert.deepEqual([peak(), target.read().accepted], [streams, accepted]);
      });
    }

    test('what finds no free stream waits, and its wait is not taken for the server', async t => {
      const target = await openTestTarget(t, { ...H2, maxConcurrentStreams: 1 });
      const { ask } = open(t, target.endpoint, { pool: { maxConnections: 1 } });
      await ask();
      const [first, second] = await Promise.all([ask(), ask()]);
      assert.ok(second!.writtenAtMs >= first!.headersAtMs);
    });

    test('started <= written <= headers < ended', async t => {
      const behaviour = { name: 'stream', chunks: 3, chunkBytes: 10, intervalMs: 2 };
      const target = await openTestTarget(t, { ...H2, behaviour }, stream);
      const { askTimes } = open(t, target.endpoint);
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

    const bodies = api === 'fetch' ? (['read'] as const) : (['read', 'dump'] as const);
    for (const body of bodies) {
      for (const bytes of [0, 1_024, 100_000, 1_000_000]) {
        test(`body ${body}, ${bytes} bytes: the connection is kept`, async t => {
          const target = await openTestTarget(t, { ...H2, behaviour: { name: 'fixed', bytes } });
          const { askTimes } = open(t, target.endpoint, { body });
          const ended = await askTimes(4, 2);
          // Above 128 KiB dump() gives up, over HTTP/2 the stream alone.
          const isGivenUp = api === 'request' && body === 'dump' && bytes > 131_072;
          for (const { outcome, bodyBytes } of ended) {
            assert.equal(outcome, 'ok');
            assert.ok(isGivenUp ? bodyBytes < bytes : bodyBytes === bytes, `${bodyBytes} bytes`);
          }
          assert.equal(target.read().accepted, 1);
        });
      }
    }

    test('given up in flight: nothing is reported, and the connection goes on', async t => {
      let asked = 0;
      const behaviour = behave((response, ofAll) => {
        asked = ofAll;
        if (ofAll > 1) response.end();
      });
      const target = await openTestTarget(t, H2, behaviour);
      const { ask, sendToAbandon, connections } = open(t, target.endpoint);
      const given = sendToAbandon();
      await eventually('it has arrived', () => asked === 1);
      given.abandon!();
      assert.equal((await ask()).outcome, 'ok');
      assert.deepEqual([asked, target.read().accepted, connections.length], [2, 1, 1]);
    });

    test('given up while it waits for a stream: it is never sent', async t => {
      let release = (): void => {};
      const behaviour = behave((response, ofAll) => {
        if (ofAll === 1) release = () => response.end();
        else response.end();
      });
      const target = await openTestTarget(t, { ...H2, maxConcurrentStreams: 1 }, behaviour);
      const { ask, sendToAbandon } = open(t, target.endpoint, { pool: { maxConnections: 1 } });
      const first = ask();
      await eventually('the first is in flight', () => target.read().requests === 1);
      const given = [sendToAbandon(), sendToAbandon()];
      for (const exchange of given) exchange.abandon!();
      release();
      assert.equal((await first).outcome, 'ok');
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(target.read().requests, 2);
      assert.ok(given.every(({ writtenAtMs }) => Number.isNaN(writtenAtMs)));
    });

    const failures: {
      what: string;
      respond: Responder;
      outcome: string;
      hasHeaders: boolean;
      kept: boolean;
      timeouts?: { headersMs?: number; bodyMs?: number };
    }[] = [
      {
        what: 'a stream that is reset',
        respond: response => response.destroy(new Error('reset')),
        outcome: 'reset',
        hasHeaders: false,
        kept: true,
      },
      {
        what: 'a connection that is reset within the body',
        respond: response => {
          response.writeHead(200).write('part');
          const { session } = (response as unknown as Http2ServerResponse).stream;
          setTimeout(() => session?.destroy(), 20);
        },
        outcome: 'reset',
        hasHeaders: true,
        kept: false,
      },
      {
        what: 'a status of 500',
        respond: response => response.writeHead(500).end(),
        outcome: 'ok',
        hasHeaders: true,
        kept: true,
      },
      {
        what: 'no answer within headersMs',
        respond: () => {},
        outcome: 'timeoutHeaders',
        hasHeaders: false,
        kept: true,
        timeouts: { headersMs: 1_000 },
      },
      {
        what: 'no end of the body within bodyMs',
        respond: response => response.writeHead(200).write('part'),
        outcome: 'timeoutBody',
        hasHeaders: true,
        kept: true,
        timeouts: { bodyMs: 300 },
      },
    ];
    for (const { what, respond, outcome, hasHeaders, kept, timeouts = {} } of failures) {
      test(`${what} is ${outcome}, and the connection is ${kept ? 'kept' : 'replaced'}`, async t => {
        const behaviour = behave((response, ofAll) => {
          if (ofAll === 2) respond(response);
          else response.end();
        });
        const target = await openTestTarget(t, H2, behaviour);
        const { askTimes } = open(t, target.endpoint, { timeouts });
        const [first, second, third] = await askTimes(3, 1);
        assert.deepEqual(
          [first!.outcome, second!.outcome, third!.outcome],
          ['ok', outcome, 'ok'],
          String(second!.error),
        );
        assert.equal(!Number.isNaN(second!.headersAtMs), hasHeaders);
        assert.equal(target.read().accepted, kept ? 1 : 2);
      });
    }

    test('a server that closes the idle connection announces it: the next request is sent on another', async t => {
      const target = await openTestTarget(t, { ...H2, keepAliveTimeoutMs: 30 });
      const { ask, connections } = open(t, target.endpoint);
      assert.equal((await ask()).outcome, 'ok');
      await eventually('it is closed', () => target.read().openConnections === 0);
      assert.equal((await ask()).outcome, 'ok');
      assert.equal(connections.length, 2);
    });

    test('idleTimeoutMs closes an idle connection; pinned, the next one resumes its session', async t => {
      const target = await openTestTarget(t, H2);
      const pool = { idleTimeoutMs: 30, tlsSessions: 'pinned' } as const;
      const { ask, connections } = open(t, target.endpoint, { pool });
      for (const opened of [1, 2, 3]) {
        assert.equal((await ask()).outcome, 'ok');
        await eventually('it is closed', () => target.read().openConnections === 0);
        assert.equal(connections.length, opened);
      }
      assert.deepEqual(
        connections.map(({ isResumed }) => isResumed),
        [false, true, true],
      );
      assert.deepEqual([target.read().handshakesFull, target.read().handshakesResumed], [1, 2]);
    });

    test('maxLifetimeMs replaces a connection that is in use, and its last request is still answered', async t => {
      let release = (): void => {};
      const behaviour = behave((response, ofAll) => {
        if (ofAll === 1) release = () => response.end();
        else response.end();
      });
      const target = await openTestTarget(t, H2, behaviour);
      const { ask, connections } = open(t, target.endpoint, {
        pool: { maxConnections: 1, maxLifetimeMs: 40 },
      });
      const first = ask();
      while (connections.length < 2) assert.equal((await ask()).outcome, 'ok');
      release();
      assert.equal((await first).outcome, 'ok');
    });

    test('where the server chooses HTTP/1.1, each request fails and says so: nothing is measured over another protocol', async t => {
      const target = await openTestTarget(t, { tls: '1.3' });
      const { askTimes, connections } = open(t, target.endpoint, { pool: { maxConnections: 1 } });
      for (const { outcome, error } of await askTimes(3, 1)) {
        assert.equal(outcome, 'other');
        assert.match(error ?? '', /configured for h2, but the server chose http\/1\.1/);
      }
      assert.equal(connections.length, 0);
      assert.equal(target.read().requests, 0);
    });
  });
}

for (const requestsPerConnection of [1, 2, 'unlimited'] as const) {
  test(`where h2 is offered, an arm of http1 speaks HTTP/1.1: requestsPerConnection ${requestsPerConnection} holds`, async t => {
    const target = await openTestTarget(t, H2);
    const subject = { name: 'undici', module: undici, settings: {} };
    const { askTimes } = openSubject(t, subject, target.endpoint, {
      requestsPerConnection,
      pool: { maxConnections: 1 },
    });
    await askTimes(6, 1);
    assert.equal(
      target.read().accepted,
      requestsPerConnection === 'unlimited' ? 1 : 6 / requestsPerConnection,
    );
    assert.equal(target.read().acceptedHttp2, 0);
  });
}
