// Load and connections are divided over generators without a remainder, or not at all.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Client } from '../../scenarios/model/client.ts';
import { Load, mostInFlight } from '../../scenarios/model/load.ts';
import { burstDueMs, constantDueMs } from '../load/open.ts';
import { makeTinyCell } from '../run/testing/tiny-cell.ts';
import { apportion, divideClient, divideLoad, divideRate, divideTrial, refuseDivision } from './division.ts';
import { trialsOf } from './plan.ts';
import { createTransport } from './testing/plugins.ts';

const weights = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 16 });

describe('whole numbers are divided by weight', () => {
  test('nothing is lost, and no part is further than one from its fair share', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), weights, (total, by) => {
        const parts = apportion(total, by);
        const sum = by.reduce((a, b) => a + b);
        assert.equal(
          parts.reduce((a, b) => a + b),
          total,
        );
        for (const [index, part] of parts.entries()) {
          assert.ok(Math.abs(part - (total * by[index]!) / sum) < 1, `${parts}`);
        }
      }),
    );
  });

  for (const [why, total, by, parts] of [
    ['evenly', 100, [1, 1], [50, 50]],
    ['the rest goes to the first', 101, [1, 1, 1], [34, 34, 33]],
    ['a machine with three times the cores gets three times the users', 100, [3, 1], [75, 25]],
    ['the rest goes to the largest fraction', 10, [1, 2, 3], [2, 3, 5]],
    ['nothing is left for some', 1, [1, 1], [1, 0]],
  ] as const) {
    test(why, () => assert.deepEqual(apportion(total, by), parts));
  }
});

describe('loads', () => {
  const loads: Record<string, unknown>[] = [
    { concurrency: 101 },
    { model: 'open', ratePerSec: 1_000, maxInFlight: 30 },
    { model: 'burst', size: 7, everyMs: 100, maxInFlight: 9 },
    { model: 'capacity', objective: { p99Ms: 10 }, maxInFlight: 33 },
  ];
  for (const stated of loads) {
    test(`${stated['model'] ?? 'closed'}: the parts are the whole`, () => {
      const load = Load.parse(stated);
      const parts = divideLoad(load, [2, 1]);
      assert.equal(
        parts.reduce((sum, part) => sum + mostInFlight(part), 0),
        mostInFlight(load),
      );
      for (const part of parts) Load.parse(part);
      const rates = parts.flatMap(part => (part.model === 'open' ? part.ratePerSec : []));
      if (load.model === 'open') assert.equal(Math.round(rates.reduce((a, b) => a + b)), load.ratePerSec);
      const sizes = parts.flatMap(part => (part.model === 'burst' ? part.size : []));
      if (load.model === 'burst') assert.deepEqual(sizes, [5, 2]);
    });
  }

  test('constant arrivals of equal generators are evenly spaced together', () => {
    const due = divideRate(100, [1, 1, 1, 1]).flatMap(({ ratePerSec, offsetMs }) =>
      Array.from({ length: 5 }, (_, n) => offsetMs + constantDueMs(n, ratePerSec)),
    );
    assert.deepEqual(
      due.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, n) => n * 10),
    );
  });

  test('a burst stays a burst: all parts are due at the same time', () => {
    for (const part of divideLoad(Load.parse({ model: 'burst', size: 7, everyMs: 100 }), [1, 1])) {
      assert.ok(part.model === 'burst');
      assert.equal(burstDueMs(part.size, part), 100);
    }
  });
});

test('limits of the pool are divided; what applies to a connection, and no limit, stay', () => {
  const client = Client.parse({
    pool: { maxConnections: 10, maxTotalConnections: 'unlimited', maxIdleConnections: 0, pipelining: 3 },
  });
  const pools = divideClient(client, [1, 1]).map(({ pool }) => pool);
  const half = {
    maxConnections: 5,
    maxTotalConnections: 'unlimited',
    maxIdleConnections: 0,
    pipelining: 3,
  };
  assert.deepEqual(pools, [half, half]);
});

test('each generator draws times of its own: equal ones would send all requests together', () => {
  const { cell, seed } = makeTinyCell().options;
  const [trial] = trialsOf(cell, 0, seed);
  const seeds = divideTrial(trial!, [1, 1, 1]).map(part => part.seed);
  assert.equal(new Set(seeds).size, 3);
  assert.deepEqual(
    divideTrial(trial!, [1, 1, 1]).map(part => part.seed),
    seeds,
  );
});

describe('what cannot be divided is refused, with what is expected', () => {
  const tool = { ...createTransport([]), kind: 'engine', countsConnections: true } as never;
  const transports = { undici: createTransport([]), wrk: tool };
  function refuse(load: Record<string, unknown>, client: Record<string, unknown>, count: number) {
    return refuseDivision(
      { load: Load.parse(load), clients: { a: Client.parse(client) } },
      transports,
      Array<number>(count).fill(1),
    );
  }

  test('3 users over 4 generators', () => {
    assert.deepEqual(refuse({ concurrency: 3 }, {}, 4), [
      {
        path: 'load.concurrency',
        message: '3 users cannot be divided over 4 generators: each needs at least one',
        hint: 'at least 4, or generators: 3 at most',
      },
    ]);
    assert.deepEqual(refuse({ concurrency: 3 }, {}, 3), []);
  });

  test('a burst of one, and one request in flight', () => {
    const paths = refuse({ model: 'burst', size: 1, everyMs: 10, maxInFlight: 1 }, {}, 2).map(
      ({ path }) => path,
    );
    assert.deepEqual(paths, ['load.size', 'load.maxInFlight']);
  });

  test('a pool of one connection over 2, or of 5', () => {
    assert.deepEqual(refuse({}, { pool: { maxConnections: 1 } }, 2), [
      {
        path: 'clients.a.pool.maxConnections',
        message:
          '1 connection cannot be divided evenly over 2 generators: each is a process with a pool of its own',
        hint: '2, or generators: 1',
      },
    ]);
    assert.equal(refuse({}, { pool: { maxConnections: 5 } }, 2)[0]?.hint, '4 or 6, or generators: 1');
    assert.deepEqual(refuse({}, { pool: { maxConnections: 6 } }, 2), []);
  });

  test('a limit that never binds may leave a rest', () => {
    assert.deepEqual(refuse({ concurrency: 101 }, { pool: { maxConnections: 101 } }, 2), []);
    assert.equal(refuse({ concurrency: 101 }, { pool: { maxConnections: 99 } }, 2).length, 1);
  });

  test('a breaker, a bulkhead and a cache, which are of one process; a retry and a timeout are of one request', () => {
    const resilience = {
      retry: {},
      breaker: {},
      bulkhead: { maxConcurrent: 2 },
      timeout: { attemptMs: 9 },
    };
    const refusals = refuse({}, { resilience, interceptors: { retry: {}, cache: {} } }, 2);
    assert.deepEqual(
      refusals.map(({ path }) => path),
      ['interceptors.cache', 'resilience.breaker', 'resilience.bulkhead'].map(path => `clients.a.${path}`),
    );
  });

  test('a load tool', () => {
    const [{ path, message, hint } = { path: '', message: '', hint: '' }] = refuse(
      {},
      { transport: 'wrk' },
      2,
    );
    assert.equal(path, 'clients.a.transport');
    assert.match(message, /wrk is a load tool .* cannot divide over 2 generators/);
    assert.equal(hint, 'a client library, or generators: 1');
  });

  test('one generator divides nothing', () => {
    assert.deepEqual(refuse({ concurrency: 1 }, { transport: 'wrk', pool: { maxConnections: 1 } }, 1), []);
  });
});
