// A client in words: every setting that was given is told, and nothing is said of what only a module of the user's knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { Client, type Pool } from '../scenarios/model/client.ts';
import { clientText, modeSubject, modeText } from './modes.ts';

const own = { transport: './my-client.ts', modulePath: '/somewhere/my-client.ts' };

const cases: [stated: z.input<typeof Client>, mode: string, subject: string, text: string][] = [
  [{}, 'persistent', 'persistent connections', 'undici: keep-alive, body read'],
  [
    { transport: 'node-http', requestsPerConnection: 1, pool: { maxIdleConnections: 0 } },
    'short',
    'short connections',
    'node-http: a new connection for each request, at most 0 idle connections, body read',
  ],
  [
    { api: 'fetch', requestsPerConnection: 5 },
    '5 requests per connection',
    'connections of 5 requests',
    'undici fetch: 5 requests per connection, body read',
  ],
  [
    { ...own, options: { service: 'a' }, timeouts: { totalMs: 50 } },
    './my-client.ts',
    'connections of ./my-client.ts',
    './my-client.ts: connections kept as the module does, total timeout 50 ms, body read, options {"service":"a"}',
  ],
  [
    { ...own, requestsPerConnection: 1 },
    'short',
    'short connections',
    './my-client.ts: a new connection for each request, body read',
  ],
];
for (const [stated, mode, subject, text] of cases) {
  test(text, () => {
    const client = Client.parse(stated);
    assert.deepEqual([modeText(client), modeSubject(client), clientText(client)], [mode, subject, text]);
  });
}

test('every setting of a pool is told when it is given', () => {
  const pools: Record<keyof z.input<typeof Pool>, z.input<typeof Pool>> = {
    maxConnections: { maxConnections: 7 },
    maxTotalConnections: { maxTotalConnections: 'unlimited' },
    maxIdleConnections: { maxIdleConnections: 7 },
    idleTimeoutMs: { idleTimeoutMs: 7 },
    idleTimeoutBufferMs: { idleTimeoutBufferMs: 7 },
    maxLifetimeMs: { maxLifetimeMs: 7 },
    pipelining: { pipelining: 7 },
    maxConcurrentStreams: { maxConcurrentStreams: 7 },
    scheduling: { scheduling: 'fifo' },
    tcpKeepAliveMs: { tcpKeepAliveMs: 7 },
    tlsSessions: { tlsSessions: 'pinned' },
  };
  const unasked = clientText(Client.parse({}));
  const texts = Object.values(pools).map(pool => clientText(Client.parse({ pool })));
  assert.ok(texts.every(text => text.length > unasked.length));
  assert.equal(new Set(texts).size, texts.length);
});
