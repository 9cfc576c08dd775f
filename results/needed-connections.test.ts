// In: settings of an arm and its target. Out: proof of the number of connections that they need, row by row.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Client } from '../bench/core/client.ts';
import { Load } from '../bench/core/load.ts';
import { Target } from '../bench/core/target.ts';
import { neededConnections } from './needed-connections.ts';

const rows = [
  { why: 'one request each', client: { requestsPerConnection: 1 }, needed: [950, 950] },
  {
    why: '9 full ones of 100 and a half, the rest of 100 users',
    client: { requestsPerConnection: 100 },
    needed: [10, 109],
  },
  {
    why: 'the pool, not the users, bounds those in use',
    client: { requestsPerConnection: 100, pool: { maxConnections: 5 } },
    needed: [10, 14],
  },
  { why: 'a pool of 10', client: { pool: { maxConnections: 10 } }, needed: [1, 10] },
  { why: 'no bound to the pool', client: {}, needed: [1, null] },
  { why: 'an unlimited pool, said so', client: { pool: { maxConnections: 'unlimited' } }, needed: [1, null] },
  { why: 'more pool than requests', client: { pool: { maxConnections: 2000 } }, needed: [1, 950] },
  {
    why: 'the target closes after each',
    client: { pool: { maxConnections: 10 } },
    target: { connectionClose: true },
    needed: [950, 950],
  },
  {
    why: 'the target closes after 100',
    client: { pool: { maxConnections: 10 } },
    target: { maxRequestsPerSocket: 100 },
    needed: [10, 19],
  },
  {
    why: 'the stricter of the two counts',
    client: { requestsPerConnection: 50, pool: { maxConnections: 10 } },
    target: { maxRequestsPerSocket: 100 },
    needed: [19, 29],
  },
  {
    why: 'idle connections expire at the target',
    client: { pool: { maxConnections: 10 } },
    target: { keepAliveTimeoutMs: 2000 },
    needed: [1, 950],
  },
  {
    why: 'idle connections expire at the client',
    client: { pool: { maxConnections: 10, idleTimeoutMs: 500 } },
    needed: [1, 950],
  },
  {
    why: 'no hint: the library guesses',
    client: { pool: { maxConnections: 10 } },
    target: { keepAliveHint: false },
    needed: [1, 950],
  },
  {
    why: 'no hint, but a stated timeout',
    client: { pool: { maxConnections: 10, idleTimeoutMs: 60_000 } },
    target: { keepAliveHint: false },
    needed: [1, 10],
  },
  {
    why: 'fewer may idle than are in use',
    client: { pool: { maxConnections: 10, maxIdleConnections: 9 } },
    needed: [1, 950],
  },
  {
    why: 'all that are in use may idle',
    client: { pool: { maxConnections: 10, maxIdleConnections: 10 } },
    needed: [1, 10],
  },
  { why: 'nothing sent', client: { requestsPerConnection: 7 }, requests: 0, needed: [0, 0] },
] as const;

for (const { why, client, needed, ...rest } of rows) {
  test(`needed connections: ${why}`, () => {
    const found = neededConnections({
      client: Client.parse(client),
      target: Target.parse('target' in rest ? rest.target : {}),
      load: Load.parse({}),
      requests: 'requests' in rest ? rest.requests : 950,
    });
    assert.deepEqual([found.least, found.most], needed);
  });
}

test('least is never above most, nor either above the requests, whatever the settings', () => {
  const settings = fc.record({
    requestsPerConnection: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constant('unlimited' as const)),
    maxConnections: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
    maxRequestsPerSocket: fc.integer({ min: 0, max: 1000 }),
    connectionClose: fc.boolean(),
    keepAliveTimeoutMs: fc.integer({ min: 0, max: 20_000 }),
    requests: fc.integer({ min: 0, max: 100_000 }),
    concurrency: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(settings, s => {
      const { least, most } = neededConnections({
        client: Client.parse({
          requestsPerConnection: s.requestsPerConnection,
          pool: s.maxConnections === undefined ? {} : { maxConnections: s.maxConnections },
        }),
        target: Target.parse({
          maxRequestsPerSocket: s.maxRequestsPerSocket,
          connectionClose: s.connectionClose,
          keepAliveTimeoutMs: s.keepAliveTimeoutMs,
        }),
        load: Load.parse({ concurrency: s.concurrency }),
        requests: s.requests,
      });
      assert.ok(least <= s.requests);
      assert.ok(most === null || (least <= most && most <= s.requests));
    }),
  );
});
