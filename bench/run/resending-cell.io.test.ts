// Clients that send a request several times, or not at all: both ends count the same, and a scenario's times of faults are kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureCell } from './run.ts';
import { completed, makeTinyCell } from './testing/tiny-cell.ts';

test('retries, a cache and policies, against a target that fails for a while', async () => {
  const pool = { maxConnections: 4 };
  const delays = { minDelayMs: 1, maxDelayMs: 2 };
  const cell = makeTinyCell({
    target: {
      behaviour: { name: 'fixed', bytes: 100 },
      faults: [
        { kind: 'status', ratio: 0.3 },
        { kind: 'close', ratio: 0.2, during: { fromMs: 100, toMs: 500 } },
      ],
    },
    load: { concurrency: 4, thinkMs: 2 },
    timing: { slicing: 'whole', measureMs: 600, warmupMinMs: 50, warmupMaxMs: 50 },
    clients: {
      interceptor: { pool, interceptors: { retry: { maxRetries: 20, ...delays } } },
      cache: { pool, interceptors: { cache: { freshMs: 600_000 } } },
      policies: {
        transport: 'wire',
        pool,
        resilience: {
          retry: { maxRetries: 20, ...delays },
          bulkhead: { maxConcurrent: 3, maxQueued: 1 },
          timeout: { attemptMs: 10_000 },
        },
      },
      breaker: {
        transport: 'node-http',
        pool,
        resilience: { breaker: { consecutiveFailures: 2, openMs: 20 } },
      },
    },
    baseline: 'interceptor',
  });
  const { findings } = await measureCell(cell.options);
  const failed = findings.filter(({ rule, state }) =>
    ['conservation', 'ledger', 'faults'].includes(rule) ? state !== 'pass' : state === 'fail',
  );
  assert.deepEqual(failed, []);
  const ledgers = Object.fromEntries(
    completed(cell.results()).map(({ trial, measurement }) => [trial.arm, measurement.ledger]),
  );
  const { interceptor, cache, policies, breaker } = ledgers;
  assert.ok(interceptor!.faults.every(count => count > 0));
  for (const repeating of [interceptor!, policies!]) {
    assert.equal(repeating.failed, 0);
    assert.equal(repeating.attempts!.answered, repeating.answered);
    assert.equal(repeating.attempts!.sent, repeating.requestsSeen);
    assert.ok(repeating.requestsSeen! > 1.2 * repeating.requestsSent);
  }
  assert.ok(cache!.requestsSeen! < cache!.answered / 4, 'most answers are from memory');
  assert.ok(breaker!.failures!.breakerOpen! > 0);
  assert.equal(breaker!.requestsSent - breaker!.failures!.breakerOpen!, breaker!.requestsSeen);
});
