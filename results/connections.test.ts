// The number of connections that settings need, as a table, and reuse, which is of the requests that had a connection.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Client } from '../scenarios/model/client.ts';
import { Load } from '../scenarios/model/load.ts';
import { Target, withUnknowns } from '../scenarios/model/target.ts';
import { neededConnections, reuseOf, whyUnbounded, whyUnneededUnknown } from './connections.ts';
import { type Ledger, OUTCOMES } from './model/trial.ts';
import { sampleRun } from './testing/sample-run.ts';

/** As a scenario with only a url comes out of the door. */
const FOREIGN = withUnknowns({ url: 'http://127.0.0.1/' });

const rows = [
  { why: 'one request each', client: { requestsPerConnection: 1 }, needed: [950, 950] },
  {
    why: '9 full ones of 100 and a half; of an unlimited pool up to two for each of 100 users',
    client: { requestsPerConnection: 100 },
    needed: [10, 209],
  },
  {
    why: 'the pool, not the users, bounds those in use',
    client: { requestsPerConnection: 100, pool: { maxConnections: 5 } },
    needed: [10, 14],
  },
  { why: 'a pool of 10', client: { pool: { maxConnections: 10 } }, needed: [1, 10] },
  { why: 'no bound to the pool', client: {}, needed: [1, null] },
  {
    why: 'a limit to all hosts is one to the only host',
    client: { pool: { maxConnections: 20, maxTotalConnections: 10 } },
    needed: [1, 10],
  },
  {
    why: 'a limit per host counts once for each origin',
    client: { pool: { maxConnections: 20 } },
    target: { origins: 3 },
    needed: [1, 60],
  },
  {
    why: 'of unlimited pools two per user and origin may be in use',
    client: { requestsPerConnection: 100 },
    target: { origins: [2, 1] },
    needed: [10, 409],
  },
  {
    why: 'within a limit to all origins, a connection to one may make room for another',
    client: { pool: { maxTotalConnections: 10 } },
    target: { origins: 3 },
    needed: [1, 950],
  },
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
    why: "someone else's server, of which nothing is stated: it may close whenever it likes",
    client: { pool: { maxConnections: 10, idleTimeoutMs: 60_000 } },
    target: FOREIGN,
    needed: [1, 950],
  },
  { why: 'the same, and no bound to the pool', client: {}, target: FOREIGN, needed: [1, null] },
  {
    why: 'the same, but the client closes after each',
    client: { requestsPerConnection: 1 },
    target: FOREIGN,
    needed: [950, 950],
  },
  {
    why: 'its limit is stated, but not how long it keeps idle ones',
    client: { pool: { maxConnections: 10, idleTimeoutMs: 60_000 } },
    target: { ...FOREIGN, maxRequestsPerSocket: 100, keepAliveHint: false, connectionClose: false },
    needed: [10, 950],
  },
  {
    why: 'all is stated of it: as tight as for our own',
    client: { pool: { maxConnections: 10, idleTimeoutMs: 60_000 } },
    target: {
      ...FOREIGN,
      maxRequestsPerSocket: 100,
      keepAliveTimeoutMs: 75_000,
      keepAliveHint: false,
      connectionClose: false,
    },
    needed: [10, 19],
  },
  {
    why: 'all but the hint, so that the library may guess',
    client: { pool: { maxConnections: 10 } },
    target: { ...FOREIGN, maxRequestsPerSocket: 0, keepAliveTimeoutMs: 75_000, connectionClose: false },
    needed: [1, 950],
  },
  {
    why: 'a connection grows too old, however busy it is',
    client: { pool: { maxConnections: 10, maxLifetimeMs: 60_000 } },
    needed: [1, 950],
  },
  {
    why: 'one connection of HTTP/2',
    client: { protocol: 'h2', pool: { maxConnections: 1, idleTimeoutMs: 60_000 } },
    target: { protocol: 'h2' },
    needed: [1, 1],
  },
  {
    why: 'over HTTP/2 the server states no idle time',
    client: { protocol: 'h2', pool: { maxConnections: 1 } },
    target: { protocol: 'h2' },
    needed: [1, 950],
  },
  {
    why: '100 users on streams of 30, by the stricter of the two ends',
    client: { protocol: 'h2', pool: { maxConcurrentStreams: 40, idleTimeoutMs: 60_000 } },
    target: { protocol: 'h2', maxConcurrentStreams: 30 },
    needed: [1, 4],
  },
  {
    why: 'a pool smaller than its streams need',
    client: { protocol: 'h2', pool: { maxConnections: 2, maxConcurrentStreams: 10, idleTimeoutMs: 60_000 } },
    target: { protocol: 'h2' },
    needed: [1, 2],
  },
  {
    why: 'streams as the library has them: no bound',
    client: { protocol: 'h2', pool: { idleTimeoutMs: 60_000 } },
    target: { protocol: 'h2' },
    needed: [1, null],
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
  {
    why: 'a tool that reopens its 10 in each of 4 slices',
    client: {},
    pool: { size: 10, openings: 4, unused: 0 },
    needed: [4, 40],
  },
  {
    why: 'and tries the address once in each',
    client: {},
    pool: { size: 10, openings: 4, unused: 4 },
    needed: [8, 44],
  },
  {
    why: 'one request each, and the tries',
    client: { requestsPerConnection: 1 },
    pool: { size: 10, openings: 4, unused: 4 },
    needed: [954, 954],
  },
  {
    why: 'a tool that sets itself no bound',
    client: {},
    pool: { size: null, openings: 4, unused: 0 },
    needed: [4, null],
  },
  {
    why: "a tool's own pool, not the users, bounds those in use at the end of each slice",
    client: { requestsPerConnection: 100 },
    pool: { size: 5, openings: 2, unused: 0 },
    needed: [10, 19],
  },
  {
    why: 'bodies that are given up',
    client: { body: 'cancel', pool: { maxConnections: 10 } },
    needed: [1, 950],
  },
  {
    why: 'bodies that end with their connection',
    client: {},
    target: { framing: 'close' },
    needed: [950, 950],
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
      ...('pool' in rest ? { pool: rest.pool } : {}),
    });
    assert.deepEqual([found.least, found.most], needed);
  });
}

test('least is never above most, nor either above the requests, whatever the settings', () => {
  const settings = fc.record({
    requestsPerConnection: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constant('unlimited' as const)),
    maxConnections: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
    maxRequestsPerSocket: fc.option(fc.integer({ min: 0, max: 1000 })),
    connectionClose: fc.option(fc.boolean()),
    keepAliveTimeoutMs: fc.option(fc.integer({ min: 0, max: 20_000 })),
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

const POLICY = { keepAliveTimeoutMs: 75_000, maxRequestsPerSocket: 0, connectionClose: false } as const;

for (const { why, client, target = {}, reason } of [
  { why: 'our own server', client: {}, reason: null },
  {
    why: 'an external server without a stated policy',
    client: {},
    target: FOREIGN,
    reason: /keepAliveTimeoutMs, target.maxRequestsPerSocket, target.connectionClose/,
  },
  {
    why: 'the same, of which a part is stated',
    client: {},
    target: { ...FOREIGN, ...POLICY, maxRequestsPerSocket: null },
    reason: /\(target.maxRequestsPerSocket\)/,
  },
  {
    why: 'the same, but the client opens one for each request',
    client: { requestsPerConnection: 1 },
    target: FOREIGN,
    reason: null,
  },
  {
    why: 'the same, but the server is known to close after each',
    client: {},
    target: { ...FOREIGN, connectionClose: true },
    reason: null,
  },
  {
    why: 'all but how long the client keeps idle ones',
    client: {},
    target: { ...FOREIGN, ...POLICY },
    reason: /pool.idleTimeoutMs/,
  },
  {
    why: 'all is stated',
    client: { pool: { maxConnections: 10, idleTimeoutMs: 60_000 } },
    target: { ...FOREIGN, ...POLICY },
    reason: null,
  },
  {
    why: 'idle ones expire at the server',
    client: {},
    target: { keepAliveTimeoutMs: 2_000 },
    reason: /idle for 2000 ms \(target.keepAliveTimeoutMs/,
  },
  {
    why: 'idle ones expire at the client',
    client: { pool: { maxConnections: 10, idleTimeoutMs: 500 } },
    reason: /idle for 500 ms \(pool.idleTimeoutMs/,
  },
  {
    why: 'they age',
    client: { pool: { maxConnections: 10, maxLifetimeMs: 60_000 } },
    reason: /maxLifetimeMs/,
  },
  {
    why: 'fewer may idle than are in use',
    client: { pool: { maxConnections: 10, maxIdleConnections: 9 } },
    reason: /maxIdleConnections: 9/,
  },
  ...(['dump', 'cancel', 'ignore'] as const).map(body => ({
    why: `a body is not read: ${body}`,
    client: { body },
    target: {},
    reason: new RegExp(`body: '${body}'`),
  })),
  { why: 'every body ends with its connection', client: {}, target: { framing: 'close' }, reason: null },
  { why: 'no limit', client: { pool: {} }, reason: /pool.maxConnections/ },
]) {
  test(`unnecessary connections are ${reason === null ? 'known' : 'unknown'}: ${why}`, () => {
    const settings = {
      client: Client.parse({ pool: { maxConnections: 10 }, ...client }),
      target: Target.parse(target),
      load: Load.parse({}),
    };
    const found = whyUnbounded(settings, neededConnections({ ...settings, requests: 950 }));
    if (reason === null) assert.equal(found, null);
    else assert.match(found ?? 'known', reason);
  });
}

test('a client of a stored run may have the name of what every object has', () => {
  const scenario = { clients: {}, target: Target.parse({}), load: Load.parse({ concurrency: 1 }) };
  for (const arm of ['constructor', 'toString', '__proto__'])
    assert.equal(
      whyUnneededUnknown({ arm, openedBy: 'client', needed: { least: 1, most: 1 } }, scenario),
      null,
    );
});

const [trial] = sampleRun({ replicates: 1, blocks: 1 }).trials;
assert.ok(trial?.state === 'completed');
const { ledger: base } = trial.measurement;

type Given = Partial<Omit<Ledger, 'failed'>> & Pick<Ledger, 'opened' | 'answered'>;

/** Sent are those that were answered, failed or were cut short. */
function ledger({ failures = {}, unfinished = 0, ...given }: Given): Ledger {
  const failed = Object.values(failures ?? {}).reduce((sum, count) => sum + count, 0);
  const requestsSent = given.answered + failed + unfinished;
  return { ...base, requestsSent, failed, failures, unfinished, ...given };
}

describe('Share of requests on a connection that was open: a table', () => {
  const rows: [why: string, ledger: Ledger, least: number, most: number][] = [
    ['one each', ledger({ opened: 100, answered: 100 }), 0, 0],
    ['refused ones had none', ledger({ opened: 760, answered: 760, failures: { refused: 257 } }), 0, 0],
    ['four of five', ledger({ opened: 20, answered: 100, failures: { timeoutConnect: 60 } }), 0.8, 0.8],
    ['a bad status had one', ledger({ opened: 20, answered: 50, failures: { badStatus: 50 } }), 0.8, 0.8],
    ['a reset may have had one', ledger({ opened: 50, answered: 50, failures: { reset: 50 } }), 0, 0.5],
    ['one cut short, too', ledger({ opened: 50, answered: 80, unfinished: 20 }), 0.375, 0.5],
    [
      'of attempts, where there are others than requests',
      ledger({
        opened: 10,
        answered: 3,
        attempts: { sent: 100, answered: 50, failures: { refused: 30, badStatus: 10 } },
      }),
      1 - 10 / 60,
      1 - 10 / 70,
    ],
    [
      'of runs that do not tell how requests failed',
      { ...ledger({ opened: 50, answered: 50, failures: { refused: 50 } }), failures: null },
      0,
      0.5,
    ],
  ];
  for (const [why, one, least, most] of rows)
    test(why, () => assert.deepEqual(reuseOf([one])?.ratio, { least, most }));
});

test('unknown where no request had a connection, or connections cannot be observed', () => {
  assert.equal(reuseOf([]), null);
  assert.equal(reuseOf([ledger({ opened: 0, answered: 0, failures: { refused: 9 } })]), null);
  assert.equal(reuseOf([ledger({ opened: 0, answered: 9, openedBy: 'unknown' })]), null);
});

test('requests that are refused change nothing, and a client that opens one for each never seems to reuse', () => {
  const kinds = fc.dictionary(fc.constantFrom(...OUTCOMES.slice(1)), fc.nat(100));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), kinds, fc.nat(100), (answered, failures, refused) => {
      const without = ledger({ opened: answered, answered, failures: { ...failures, refused: 0 } });
      const reuse = reuseOf([without])!;
      assert.deepEqual(
        reuseOf([ledger({ opened: answered, answered, failures: { ...failures, refused } })]),
        reuse,
      );
      assert.ok(reuse.ratio.least <= reuse.ratio.most && reuse.ratio.most < 1);
      assert.equal(reuseOf([{ ...without, opened: reuse.connected.most }])!.ratio.most, 0);
    }),
  );
});
