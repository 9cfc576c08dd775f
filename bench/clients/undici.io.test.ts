// What is undici's own: what it refuses, and facts of this version that the settings are built on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { type Exchange, newExchange } from '../contracts.ts';
import { plainRequest } from './request.ts';
import { answerWith, openBlackHole, openMisbehavingServer } from './testing/misbehaving-server.ts';
import { openSubject, type Subject } from './testing/subject.ts';
import undici from './undici.ts';

const needsLinux = { skip: process.platform === 'linux' ? false : 'there is no /proc' };

const subject: Subject = { name: 'undici', module: undici, settings: {} };

suite('refusals', () => {
  const cases: [stated: z.input<typeof Client>, tls: 'none' | '1.3', paths: string[]][] = [
    [{}, 'none', []],
    [{ api: 'request', body: 'dump' }, 'none', []],
    [{ api: 'dispatch', body: 'dump' }, 'none', []],
    [{ api: 'fetch', body: 'dump' }, 'none', ['body']],
    [{ api: 'fetch', body: 'cancel' }, 'none', []],
    [{ api: 'request', body: 'ignore' }, 'none', []],
    [{ api: 'dispatch', body: 'ignore' }, 'none', ['body']],
    [{ body: 'cancel', pool: { pipelining: 2 } }, 'none', ['body']],
    [{ protocol: 'h2', body: 'ignore' }, '1.3', ['body']],
    [{ api: 'stream' }, 'none', ['api']],
    [{ api: 'toString' }, 'none', ['api']],
    [{ pool: { pipelining: 4 } }, 'none', []],
    [{ requestsPerConnection: 1, pool: { pipelining: 1 } }, 'none', []],
    [{ requestsPerConnection: 1, pool: { pipelining: 2 } }, 'none', ['pool.pipelining']],
    [{ requestsPerConnection: 9, pool: { pipelining: 2 } }, 'none', ['pool.pipelining']],
    [{ pool: { tlsSessions: 'pinned' } }, '1.3', []],
    [{ pool: { tlsSessions: 'pinned' } }, 'none', ['pool.tlsSessions']],
    [{ api: 'x', pool: { tlsSessions: 'none' } }, 'none', ['api', 'pool.tlsSessions']],
    [{ pool: { maxLifetimeMs: 1_000, tcpKeepAliveMs: 2_000 } }, 'none', []],
    [{ pool: { tcpKeepAliveMs: 999 } }, 'none', ['pool.tcpKeepAliveMs']],
    [{ pool: { tcpKeepAliveMs: 1_500 } }, 'none', ['pool.tcpKeepAliveMs']],
    [{ pool: { maxConcurrentStreams: 9 } }, '1.3', ['pool.maxConcurrentStreams']],
    [{ protocol: 'h2' }, '1.3', []],
    [{ protocol: 'h2', pool: { maxConcurrentStreams: 9, maxLifetimeMs: 1_000 } }, '1.3', []],
    [{ protocol: 'h2', requestsPerConnection: 1 }, '1.3', ['requestsPerConnection']],
    [{ protocol: 'h2', requestsPerConnection: 9 }, '1.3', ['requestsPerConnection']],
    [{ protocol: 'h2', pool: { pipelining: 1 } }, '1.3', ['pool.pipelining']],
    [
      { protocol: 'h2', requestsPerConnection: 2, pool: { pipelining: 4 } },
      '1.3',
      ['requestsPerConnection', 'pool.pipelining'],
    ],
  ];
  for (const [stated, tls, paths] of cases) {
    test(`${JSON.stringify(stated)} with TLS ${tls}: ${paths.join(', ') || 'none'}`, () => {
      const refused = undici.refusals(Client.parse(stated), Target.parse({ tls }));
      assert.deepEqual(
        refused.map(({ path }) => path),
        paths,
      );
    });
  }

  test('timeouts that its timers cannot keep are remarked on', async t => {
    const remarksOf = (timeouts: z.input<typeof Client>['timeouts']) => {
      const transport = undici.open({
        client: Client.parse({ timeouts }),
        endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
        requests: [plainRequest('/')],
        onConnection: () => {},
      });
      t.after(() => transport.close());
      return transport.remarks!();
    };
    assert.deepEqual(remarksOf({}), []);
    assert.deepEqual(remarksOf({ connectMs: 1_000, headersMs: 2_000, bodyMs: 1_000, totalMs: 5 }), []);
    const [connect, headers, ...rest] = remarksOf({ connectMs: 5, headersMs: 999 });
    assert.match(
      connect!,
      /^timeouts\.connectMs is 5 ms, but undici's timers below 1 s fire after 0\.5 to 1 s/,
    );
    assert.match(headers!, /^timeouts\.headersMs is 999 ms/);
    assert.deepEqual(rest, []);
  });

  test('an api that was refused cannot be opened either', () => {
    const client = Client.parse({ api: 'stream' });
    const endpoint = { origin: 'http://127.0.0.1:9', path: '/' };
    assert.throws(
      () => undici.open({ client, endpoint, requests: [plainRequest('/')], onConnection: () => {} }),
      /no api "stream"/,
    );
  });
});

suite('facts of this version', { concurrency: true }, () => {
  const hints: [keepAliveTimeoutMs: number, keepAliveHint: boolean, isReused: boolean][] = [
    [2_999, true, false],
    [3_000, true, true],
    [2_999, false, true],
    [72_000, true, true],
  ];
  for (const [keepAliveTimeoutMs, keepAliveHint, isReused] of hints) {
    test(`a server's keep-alive timeout of ${keepAliveTimeoutMs} ms, hint ${keepAliveHint}: reused ${isReused}`, async t => {
      const target = await openTestTarget(t, { keepAliveTimeoutMs, keepAliveHint });
      const { askTimes } = openSubject(t, subject, target.endpoint, { pool: { maxConnections: 1 } });
      await askTimes(5, 1);
      assert.equal(target.read().accepted, isReused ? 1 : 5);
    });
  }

  test('request: dump gives up the connection of a body above 128 KiB, and bodyBytes is what had come; dispatch reads on', async t => {
    const bytes = 300_000;
    const target = await openTestTarget(t, { behaviour: { name: 'fixed', bytes } });
    const stated = { body: 'dump', pool: { maxConnections: 1 } } as const;
    const request = openSubject(t, subject, target.endpoint, { ...stated, api: 'request' });
    const dumped = await request.askTimes(3, 1);
    assert.equal(target.read().accepted, 3);
    assert.ok(dumped.every(({ outcome, bodyBytes }) => outcome === 'ok' && bodyBytes < bytes));
    const dispatch = openSubject(t, subject, target.endpoint, { ...stated, api: 'dispatch' });
    const seen = await dispatch.askTimes(3, 1);
    assert.equal(target.read().accepted, 4);
    assert.ok(seen.every(({ bodyBytes }) => bodyBytes === bytes));
  });

  const probes: [stated: number | undefined, dueInMs: number][] = [
    [undefined, 60_000],
    [7_000, 7_000],
  ];
  for (const [tcpKeepAliveMs, dueInMs] of probes) {
    test(
      `tcpKeepAliveMs ${tcpKeepAliveMs ?? 'not stated'}: the kernel's first probe of an idle connection is due in ${dueInMs} ms`,
      needsLinux,
      async t => {
        const target = await openTestTarget(t);
        const pool = tcpKeepAliveMs === undefined ? {} : { tcpKeepAliveMs };
        await openSubject(t, subject, target.endpoint, { pool }).ask();
        const port = Number(new URL(target.endpoint.origin).port).toString(16).toUpperCase().padStart(4, '0');
        const line = new RegExp(`0100007F:${port} 01 \\S+ 02:([0-9A-F]+)`).exec(
          readFileSync('/proc/net/tcp', 'utf8'),
        );
        const leftMs = Number.parseInt(line?.[1] ?? '', 16) * 10;
        assert.ok(leftMs <= dueInMs && leftMs > dueInMs * 0.7, `due in ${leftMs} ms`);
      },
    );
  }

  test('connectMs takes the place of its own 10 s', async t => {
    const stated = { timeouts: { connectMs: 100 } };
    const { error } = await openSubject(t, subject, await openBlackHole(t), stated).ask();
    assert.match(error ?? '', /timeout: 100ms/);
  });
});

suite('without phases', { concurrency: true }, () => {
  for (const api of ['request', 'dispatch', 'fetch']) {
    test(`${api}: only the end is timed, and a failure within a body is still not a stale socket`, async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll === 1) socket.write(answerWith('abc'));
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much');
      });
      const transport = undici.open({
        client: Client.parse({ api, pool: { maxConnections: 1 } }),
        endpoint: server.endpoint,
        requests: [plainRequest('/')],
        hasPhases: false,
        onConnection: () => {},
      });
      t.after(() => transport.close());
      const exchange = newExchange();
      const ask = () => new Promise<Exchange>(resolve => transport.send(exchange, resolve));
      const good = { ...(await ask()) };
      const broken = { ...(await ask()) };
      assert.deepEqual([good.outcome, good.bodyBytes, broken.outcome], ['ok', 3, 'reset']);
      for (const { writtenAtMs, headersAtMs, endedAtMs } of [good, broken]) {
        assert.deepEqual([writtenAtMs, headersAtMs], [Number.NaN, Number.NaN]);
        assert.ok(endedAtMs > 0);
      }
    });
  }
});
