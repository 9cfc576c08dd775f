// Clients behind an HTTP proxy: the connections that they report are those that the proxy accepted, with and without a tunnel.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { suite, type TestContext, test } from 'node:test';
import type { Endpoint } from '../../servers/protocol.ts';
import { createAuthority } from '../../servers/testing/certificates.ts';
import { listenOnLoopback, openTestProxy, type TestProxy } from '../../servers/testing/servers.ts';
import { newExchange } from '../contracts.ts';
import nodeHttp from './node-http.ts';
import { openSubject, refusalOf, type Subject } from './testing/subject.ts';
import undici from './undici.ts';

const subjects: Subject[] = [
  ...['request', 'dispatch', 'fetch'].map(api => ({
    name: `undici, ${api}`,
    module: undici,
    settings: { api },
  })),
  { name: 'node-http', module: nodeHttp, settings: { transport: 'node-http' } },
];

interface Way {
  endpoint: Endpoint;
  proxy: TestProxy;
  /** What the proxy was asked for, tunnel or request. */
  asked(): readonly string[];
  /** Requests that reached the server, by their path. */
  served: string[];
}

async function openWay(t: TestContext, scheme: 'http' | 'https', credentials?: string): Promise<Way> {
  const served: string[] = [];
  const answer: http.RequestListener = (request, response) => {
    served.push(request.url!);
    assert.equal(request.headers['proxy-authorization'], undefined);
    response.end('ok');
  };
  const authority = await createAuthority(t);
  const { certPem: cert, keyPem: key } = await authority.sign('server', { address: '127.0.0.1' });
  const server = scheme === 'http' ? http.createServer(answer) : https.createServer({ cert, key }, answer);
  const port = await listenOnLoopback(t, server);
  const proxy = await openTestProxy(
    t,
    credentials === undefined ? {} : { credentials: decodeURIComponent(credentials) },
  );
  const proxyUrl = credentials === undefined ? proxy.url : proxy.url.replace('//', `//${credentials}@`);
  return {
    endpoint: {
      origin: `${scheme}://127.0.0.1:${port}`,
      path: '/a?b=c',
      proxyUrl,
      ...(scheme === 'https' ? { caPem: authority.caPem } : {}),
    },
    proxy,
    asked: () => (scheme === 'https' ? proxy.tunnels : proxy.passedOn),
    served,
  };
}

for (const subject of subjects) {
  suite(subject.name, { concurrency: true }, () => {
    for (const scheme of ['http', 'https'] as const) {
      test(`${scheme}: each connection is one of the proxy's, short or kept, with a password`, async t => {
        const { endpoint, proxy, asked, served } = await openWay(t, scheme, 'me:p%40ss');
        const { host } = new URL(endpoint.origin);
        const short = openSubject(t, subject, endpoint, { requestsPerConnection: 1 });
        const ended = await short.askTimes(4, 2);
        assert.deepEqual(
          ended.map(({ error, status }) => error ?? status),
          [200, 200, 200, 200],
        );
        assert.deepEqual([short.connections.length, proxy.connections(), served.length], [4, 4, 4]);
        assert.deepEqual(asked(), Array(4).fill(scheme === 'https' ? host : `http://${host}/a?b=c`));
        assert.ok(served.every(path => path === '/a?b=c'));
        for (const { connectMs, tlsMs, isResumed } of short.connections) {
          assert.ok(connectMs > 0, `${connectMs} ms`);
          assert.equal(Number.isNaN(tlsMs), scheme === 'http');
          if (scheme === 'http') assert.equal(isResumed, false);
          else assert.ok(tlsMs > 0, `${tlsMs} ms`);
        }

        const kept = openSubject(t, subject, endpoint);
        const more = await kept.askTimes(20, 1);
        assert.ok(more.every(({ outcome }) => outcome === 'ok'));
        assert.equal(proxy.connections(), 4 + kept.connections.length);
        assert.ok(kept.connections.length <= 2, `${kept.connections.length} connections of one user`);
        assert.equal(kept.transport.openConnections(), kept.connections.length);
      });

      test(`${scheme}: a proxy that refuses fails the request, and no connection is left`, async t => {
        const { endpoint, proxy, served } = await openWay(t, scheme, 'me:secret');
        const wrong = { ...endpoint, proxyUrl: proxy.url };
        const { outcome, error, status } = await openSubject(t, subject, wrong).ask();
        assert.ok(outcome !== 'ok' || status === 407, `${outcome} ${status}`);
        assert.match(error ?? String(status), /407/);
        assert.deepEqual(served, []);
      });
    }

    test('a record that is used again and again does not make the way to its answer longer', async t => {
      const { endpoint } = await openWay(t, 'http');
      const exchange = newExchange();
      const depths = new Set<number>();
      Error.stackTraceLimit = 200;
      t.after(() => {
        Error.stackTraceLimit = 10;
      });
      Object.defineProperty(exchange, 'status', {
        set: (status: number) => status === 200 && depths.add(new Error().stack!.split('\n').length),
      });
      const watched = openSubject(t, subject, endpoint);
      for (let i = 0; i < 10; i++) await watched.ask(exchange);
      assert.ok(depths.size > 0 && Math.max(...depths) - Math.min(...depths) < 5, [...depths].join());
    });

    test('sessions are resumed within tunnels as the library does it, and never where none are wanted', async t => {
      const { endpoint } = await openWay(t, 'https');
      const none = { requestsPerConnection: 1, pool: { tlsSessions: 'none' } } as const;
      const watched = openSubject(t, subject, endpoint, none);
      await watched.askTimes(3, 1);
      assert.deepEqual(
        watched.connections.map(({ isResumed }) => isResumed),
        [false, false, false],
      );
    });
  });
}

for (const scheme of ['http', 'https'] as const) {
  for (const subject of subjects) {
    const target = { url: `${scheme}://127.0.0.1/`, proxy: 'http://127.0.0.1:3128' };
    const stated = { pool: { maxConnections: 2 } };
    const refusal = refusalOf(subject, stated, target);
    if (refusal === undefined) {
      test(`${subject.name}, ${scheme}: a pool of two opens no third connection to the proxy`, async t => {
        const { endpoint, proxy } = await openWay(t, scheme);
        const watched = openSubject(t, subject, endpoint, stated);
        const ended = await watched.askTimes(60, 6);
        assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
        assert.deepEqual([watched.connections.length, proxy.connections()], [2, 2]);
      });
    } else {
      test(`${subject.name}, ${scheme}: a limit that it would exceed is refused`, async t => {
        assert.match(refusal.message, /exceeds this limit while a proxy opens its tunnels/);
        const { endpoint, proxy } = await openWay(t, scheme);
        await openSubject(t, subject, endpoint, stated).askTimes(60, 6);
        assert.ok(proxy.connections() > 2, 'if it no longer does, the refusal can go');
      });
    }
  }
}
