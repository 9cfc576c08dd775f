// delay.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createRandom } from '../../results/random.ts';
import {
  createServiceTimeSampler,
  createWholeMsSampler,
  meanServiceTimeMs,
  type ServiceTime,
} from './delay.ts';

describe('Draws follow the distribution that was asked for, and keep its mean when they become whole milliseconds', () => {
  const DRAWS = 50_000;

  function draw(time: ServiceTime, seed = 7): Float64Array {
    const sample = createServiceTimeSampler(time, createRandom(seed, 'service-time'));
    return Float64Array.from({ length: DRAWS }, sample).sort();
  }

  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const quantile = (sorted: Float64Array, share: number) => sorted[Math.floor(share * sorted.length)]!;

  function assertWithin(actual: number, expected: number, share: number, what: string): void {
    assert.ok(Math.abs(actual / expected - 1) <= share, `${what}: ${actual}, expected ${expected}`);
  }

  const logNormalQuantile = (meanMs: number, sigma: number, z: number) =>
    meanMs * Math.exp(z * sigma - sigma ** 2 / 2);

  /** Quantiles by the distributions' textbook inverses; 0, 1.2816 and 2.3263 are the normal's p50, p90 and p99. */
  const cases: { time: ServiceTime; p50: number; p90: number; p99: number }[] = [
    { time: { distribution: 'constant', meanMs: 0.3 }, p50: 0.3, p90: 0.3, p99: 0.3 },
    { time: { distribution: 'uniform', minMs: 2, maxMs: 12 }, p50: 7, p90: 11, p99: 11.9 },
    {
      time: { distribution: 'exponential', meanMs: 5 },
      p50: 5 * Math.LN2,
      p90: 5 * Math.log(10),
      p99: 5 * Math.log(100),
    },
    {
      time: { distribution: 'lognormal', meanMs: 5, sigma: 0.5 },
      p50: logNormalQuantile(5, 0.5, 0),
      p90: logNormalQuantile(5, 0.5, 1.2816),
      p99: logNormalQuantile(5, 0.5, 2.3263),
    },
    {
      time: { distribution: 'lognormal', meanMs: 0.4, sigma: 1 },
      p50: logNormalQuantile(0.4, 1, 0),
      p90: logNormalQuantile(0.4, 1, 1.2816),
      p99: logNormalQuantile(0.4, 1, 2.3263),
    },
  ];

  for (const { time, ...quantiles } of cases) {
    test(`draws have the mean and the quantiles of ${JSON.stringify(time)}`, () => {
      const draws = draw(time);
      assertWithin(mean(draws), meanServiceTimeMs(time), 0.02, 'mean');
      assertWithin(quantile(draws, 0.5), quantiles.p50, 0.02, 'p50');
      assertWithin(quantile(draws, 0.9), quantiles.p90, 0.03, 'p90');
      assertWithin(quantile(draws, 0.99), quantiles.p99, 0.05, 'p99');
    });
  }

  test('the same seed gives the same draws, another seed others', () => {
    const time: ServiceTime = { distribution: 'exponential', meanMs: 5 };
    assert.deepEqual(draw(time, 1), draw(time, 1));
    assert.notDeepEqual(draw(time, 1), draw(time, 2));
  });

  test('a mean of 0 is 0 throughout, whatever the distribution', () => {
    const times: ServiceTime[] = [
      { distribution: 'constant', meanMs: 0 },
      { distribution: 'uniform', minMs: 0, maxMs: 0 },
      { distribution: 'exponential', meanMs: 0 },
      { distribution: 'lognormal', meanMs: 0, sigma: 0.5 },
    ];
    for (const time of times)
      assert.ok(
        draw(time).every(value => value === 0),
        time.distribution,
      );
  });

  test('a constant below a millisecond is spread evenly over whole ones', () => {
    const next = createWholeMsSampler(() => 0.25);
    assert.deepEqual(Array.from({ length: 8 }, next), [0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test('whole milliseconds add up to the draws, less than 1 ms short, and none is 1 ms off or negative', () => {
    const draws = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(draws, wanted => {
        let index = 0;
        const next = createWholeMsSampler(() => wanted[index++]!);
        let owedMs = 0;
        for (const wantedMs of wanted) {
          const wholeMs = next();
          assert.ok(Number.isInteger(wholeMs) && wholeMs >= 0, `${wholeMs} is a whole time`);
          assert.ok(Math.abs(wholeMs - wantedMs) < 1 + 1e-9, `${wholeMs} for ${wantedMs}`);
          owedMs += wantedMs - wholeMs;
          assert.ok(owedMs > -1e-9 && owedMs < 1 + 1e-9, `${owedMs} ms are owed`);
        }
      }),
    );
  });
});
