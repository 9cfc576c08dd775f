// Each client library against servers that are reached in other ways than by an IPv4 address: what it supports works, by the server's count.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { Endpoint } from '../../servers/protocol.ts';
import { createAuthority } from '../../servers/testing/certificates.ts';
import fetchModule from './fetch.ts';
import nodeHttp from './node-http.ts';
import { openSubject, refusalOf, type Subject } from './testing/subject.ts';
import undici from './undici.ts';
import wire from './wire.ts';

const subjects: Subject[] = [
  ...['request', 'dispatch', 'fetch'].map(api => ({
    name: `undici, ${api}`,
    module: undici,
    settings: { api },
  })),
  { name: 'node-http', module: nodeHttp, settings: { transport: 'node-http' } },
  { name: 'wire', module: wire, settings: { transport: 'wire' } },
  { name: 'fetch', module: fetchModule, settings: { transport: 'fetch' }, unreported: ['writtenAtMs'] },
];

interface Counted {
  server: Server;
  accepted(): number;
  requests(): http.IncomingMessage[];
}

async function listen(t: TestContext, server: http.Server | https.Server, where: ListenOptions) {
  let accepted = 0;
  const requests: http.IncomingMessage[] = [];
  server.on('connection', () => accepted++);
  server.on('request', (request, response) => {
    requests.push(request);
    response.end('ok');
  });
  await once(server.listen(where), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, accepted: () => accepted, requests: () => requests } satisfies Counted;
}

function portOf({ server }: Counted): number {
  return (server.address() as AddressInfo).port;
}

/** Four requests of two kinds of client: the connections that both sides count. */
async function askBoth(t: TestContext, subject: Subject, endpoint: Endpoint, { accepted }: Counted) {
  const short = openSubject(t, subject, endpoint, { requestsPerConnection: 1 });
  const ended = await short.askTimes(4, 1);
  assert.deepEqual(
    ended.map(({ error, status }) => error ?? status),
    [200, 200, 200, 200],
  );
  assert.deepEqual([short.connections.length, accepted()], [4, 4]);
  const kept = openSubject(t, subject, endpoint, { pool: { maxConnections: 1 } });
  await kept.askTimes(4, 1);
  assert.equal(accepted(), 4 + kept.connections.length);
  assert.ok(kept.connections.length <= 2, `${kept.connections.length} connections of one user`);
}

for (const subject of subjects) {
  suite(subject.name, { concurrency: true }, () => {
    for (const host of ['::1', '::']) {
      test(`a server that listens on ${host}, by http://[::1]`, async t => {
        const counted = await listen(t, http.createServer(), { port: 0, host });
        const endpoint = { origin: `http://[::1]:${portOf(counted)}`, path: '/a?b=c' };
        await askBoth(t, subject, endpoint, counted);
        const [first] = counted.requests();
        assert.deepEqual([first?.headers.host, first?.url], [`[::1]:${portOf(counted)}`, '/a?b=c']);
      });
    }

    const socketPath = '/run/app.sock';
    const url = 'http://localhost/';
    if (refusalOf(subject, {}, { url, socketPath }) === undefined) {
      test('a Unix socket, by the name in the URL', async t => {
        const folder = await mkdtemp(join(tmpdir(), 'conntax-socket-'));
        t.after(() => rm(folder, { recursive: true, force: true }));
        const path = join(folder, 'server.sock');
        const counted = await listen(t, http.createServer(), { path });
        const endpoint = { origin: 'http://app.test', path: '/health', socketPath: path };
        await askBoth(t, subject, endpoint, counted);
        assert.equal(counted.requests()[0]?.headers.host, 'app.test');
      });
    }

    if (refusalOf(subject, {}, { url: 'https://localhost/', certFile: 'a.pem' }) === undefined) {
      for (const tlsContext of ['shared', 'per-connection'] as const) {
        test(`a client certificate, TLS contexts ${tlsContext}`, async t => {
          const authority = await createAuthority(t);
          const { certPem: cert, keyPem: key } = await authority.sign('server', { address: '127.0.0.1' });
          const client = await authority.sign('client');
          const options = { cert, key, ca: authority.caPem, requestCert: true, rejectUnauthorized: true };
          const counted = await listen(t, https.createServer(options), { port: 0, host: '127.0.0.1' });
          const origin = `https://127.0.0.1:${portOf(counted)}`;
          const endpoint = { origin, path: '/', caPem: authority.caPem };
          const { certPem, keyPem } = client;
          const shown = { ...endpoint, identity: { certPem, keyPem } };
          const watched = openSubject(t, subject, shown, {
            requestsPerConnection: 1,
            pool: { maxConnections: 1, tlsContext },
          });
          const ended = await watched.askTimes(3, 1);
          assert.deepEqual(
            ended.map(({ error, status }) => error ?? status),
            [200, 200, 200],
          );
          for (const { socket } of counted.requests()) {
            assert.equal((socket as TLSSocket).authorized, true);
          }
          assert.deepEqual([watched.connections.length, counted.accepted()], [3, 3]);
          const without = await openSubject(t, subject, endpoint, { requestsPerConnection: 1 }).ask();
          assert.notEqual(without.outcome, 'ok');
          assert.equal(counted.requests().length, 3);
        });
      }
    }
  });
}
