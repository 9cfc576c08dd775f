// What is undici's own: what it refuses, and facts of this version that the settings are built on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { openTestTarget } from '../../servers/testing/target.ts';
import { createCertificate } from '../../servers/tls.ts';
import { Client } from '../core/client.ts';
import type { Exchange } from '../core/contracts.ts';
import { newExchange } from '../core/exchange.ts';
import { Target } from '../core/target.ts';
import { answerWith, openBlackHole, openMisbehavingServer } from './testing/misbehaving-server.ts';
import { openSubject, type Subject } from './testing/subject.ts';
import undici from './undici.ts';

const subject: Subject = { name: 'undici', module: undici, settings: {} };

suite('refusals', () => {
  const cases: [stated: z.input<typeof Client>, tls: 'none' | '1.3', paths: string[]][] = [
    [{}, 'none', []],
    [{ api: 'request', body: 'dump' }, 'none', []],
    [{ api: 'dispatch', body: 'dump' }, 'none', []],
    [{ api: 'fetch', body: 'dump' }, 'none', ['body']],
    [{ api: 'stream' }, 'none', ['api']],
    [{ api: 'toString' }, 'none', ['api']],
    [{ pool: { pipelining: 4 } }, 'none', []],
    [{ requestsPerConnection: 1, pool: { pipelining: 1 } }, 'none', []],
    [{ requestsPerConnection: 1, pool: { pipelining: 2 } }, 'none', ['pool.pipelining']],
    [{ requestsPerConnection: 9, pool: { pipelining: 2 } }, 'none', ['pool.pipelining']],
    [{ pool: { tlsSessions: 'pinned' } }, '1.3', []],
    [{ pool: { tlsSessions: 'pinned' } }, 'none', ['pool.tlsSessions']],
    [{ api: 'x', pool: { tlsSessions: 'none' } }, 'none', ['api', 'pool.tlsSessions']],
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

  test('an api that was refused cannot be opened either', () => {
    const client = Client.parse({ api: 'stream' });
    const endpoint = { origin: 'http://127.0.0.1:9', path: '/' };
    assert.throws(() => undici.open({ client, endpoint, onConnection: () => {} }), /no api "stream"/);
  });
});

suite('facts of this version', { concurrency: true }, () => {
  for (const requestsPerConnection of [1, 2, 'unlimited'] as const) {
    test(`where h2 is offered, HTTP/1.1 is spoken: requestsPerConnection ${requestsPerConnection} holds`, async t => {
      const { keyPem: key, certPem: cert } = await createCertificate();
      const versions = new Set<string>();
      let accepted = 0;
      const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
        versions.add(request.httpVersion);
        response.end('ok');
      });
      server.on('secureConnection', () => accepted++);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      t.after(() => new Promise(resolve => server.close(resolve)));
      const { port } = server.address() as AddressInfo;
      const endpoint = { origin: `https://127.0.0.1:${port}`, path: '/', caPem: cert };
      const { askTimes } = openSubject(t, subject, endpoint, {
        requestsPerConnection,
        pool: { maxConnections: 1 },
      });
      await askTimes(6, 1);
      assert.deepEqual([...versions], ['1.1']);
      assert.equal(accepted, requestsPerConnection === 'unlimited' ? 1 : 6 / requestsPerConnection);
    });
  }

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

  test('connectMs takes the place of its own 10 s', async t => {
    const stated = { timeouts: { connectMs: 100 } };
    const { error } = await openSubject(t, subject, await openBlackHole(t), stated).ask();
    assert.match(error ?? '', /timeout: 100ms/);
  });
});

suite('without phases', { concurrency: true }, () => {
  for (const api of ['request', 'dispatch', 'fetch']) {
    test(`${api}: no time is told but the end, and what breaks within a body is still no stale socket`, async t => {
      const server = await openMisbehavingServer(t, ({ socket, ofAll }) => {
        if (ofAll === 1) socket.write(answerWith('abc'));
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much');
      });
      const transport = undici.open({
        client: Client.parse({ api, pool: { maxConnections: 1 } }),
        endpoint: server.endpoint,
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
