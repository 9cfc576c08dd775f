// A distribution that is drawn again from its summary keeps what the summary says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeHistograms, quantileUs } from '../../results/histogram.ts';
import { drawnFrom, type Summary } from './artillery-report.ts';

/** Of sorted times, each quantile within 1 %, as Artillery has them. */
function summarise(times: readonly number[], error: number): Summary {
  const at = (share: number): number =>
    Number((times[Math.min(times.length - 1, Math.floor(share * times.length))]! * (1 + error)).toFixed(1));
  return {
    min: times[0]!,
    max: times.at(-1)!,
    count: times.length,
    mean: times.reduce((sum, us) => sum + us, 0) / times.length,
    p50: at(0.5),
    p75: at(0.75),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
  };
}

const sortedTimes = fc
  .array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 300 })
  .map(times => times.toSorted((a, b) => a - b));

test('count, mean, minimum, maximum and quantiles are those of the summary', () => {
  fc.assert(
    fc.property(sortedTimes, fc.constantFrom(-0.01, 0, 0.01), (times, error) => {
      const summary = summarise(times, error);
      const { count, minUs, maxUs, meanUs, p50Us, p90Us, p99Us, p999Us } = drawnFrom([summary]);
      assert.deepEqual(
        [count, minUs, maxUs, meanUs],
        [summary.count, summary.min, summary.max, summary.mean],
      );
      const within = (us: number): number => Math.min(maxUs, Math.max(minUs, us));
      assert.deepEqual(
        [p50Us, p90Us, p99Us, p999Us],
        [summary.p50, summary.p90, summary.p99, summary.p999].map(within),
      );
    }),
  );
});

test('merged, the counts add up and the quantiles are near those of all times', () => {
  const times = Array.from({ length: 2_000 }, (_, rank) => 500 + rank);
  const parts = [times.filter((_, rank) => rank % 2 === 0), times.filter((_, rank) => rank % 2 === 1)];
  const merged = mergeHistograms(parts.map(part => drawnFrom([summarise(part, 0)])));
  assert.equal(merged.count, 2_000);
  assert.ok(Math.abs(merged.meanUs - 1_499.5) < 0.1);
  for (const q of [0.5, 0.8, 0.9, 0.99])
    assert.ok(Math.abs(quantileUs(merged, q) / (500 + q * 2_000) - 1) < 0.01, `${q}`);
});

test('many times take no longer than some', () => {
  const { count, p50Us, v2 } = drawnFrom([{ ...summarise([1, 2, 3], 0), count: 2 ** 45 }]);
  assert.deepEqual([count, p50Us], [2 ** 45, 2]);
  assert.equal(mergeHistograms([{ ...drawnFrom([undefined]), count, v2 }]).count, 2 ** 45);
});

test('of nothing, it is empty', () => {
  assert.equal(drawnFrom([undefined]).count, 0);
});
