// When the n-th request is due follows from numbers alone: tables with a reason a row, and what holds for any numbers.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createRandom } from '../../results/random.ts';
import { burstDueMs, burstSchedule, constantDueMs, rateSchedule, type Schedule } from './schedule.ts';

const constant: [why: string, n: number, ratePerSec: number, dueMs: number][] = [
  ['the first goes at once', 0, 100, 0],
  ['the second a gap later', 1, 100, 10],
  ['a gap of less than a timer can wait', 1, 4_000, 0.25],
  ['a rate below one a second', 3, 0.1, 30_000],
  ['after an hour the sum of gaps has no error', 3_600_000, 1_000, 3_600_000],
  ['nor where a gap has no end in binary', 30_000_000, 3_000, 10_000_000],
];
for (const [why, n, ratePerSec, dueMs] of constant) {
  test(`constant: ${why}`, () => assert.equal(constantDueMs(n, ratePerSec), dueMs));
}

const bursts: [why: string, n: number, size: number, everyMs: number, dueMs: number][] = [
  ['the first burst is at the start', 0, 100, 250, 0],
  ['all of it', 99, 100, 250, 0],
  ['then nothing until the next', 100, 100, 250, 250],
  ['the tenth burst', 999, 100, 250, 2_250],
  ['a burst of one is a constant rate', 7, 1, 20, 140],
];
for (const [why, n, size, everyMs, dueMs] of bursts) {
  test(`burst: ${why}`, () => assert.equal(burstDueMs(n, { size, everyMs }), dueMs));
}

function take(count: number, schedule: Schedule): number[] {
  return Array.from({ length: count }, schedule);
}

const rate = fc.double({ min: 0.1, max: 1_000_000, noNaN: true });

suite('schedules', () => {
  test('times never fall, and start at or after 0', () => {
    const schedule = fc.oneof(
      fc
        .tuple(fc.constantFrom('constant' as const, 'poisson' as const), rate, fc.nat())
        .map(([arrivals, ratePerSec, seed]) => rateSchedule(arrivals, ratePerSec, createRandom(seed, 'a'))),
      fc
        .record({ size: fc.integer({ min: 1, max: 50 }), everyMs: fc.integer({ min: 1, max: 1_000 }) })
        .map(burstSchedule),
    );
    fc.assert(
      fc.property(schedule, next => {
        const times = take(200, next);
        assert.ok(times[0]! >= 0);
        assert.ok(times.every((time, index) => index === 0 || time >= times[index - 1]!));
      }),
    );
  });

  test('constant and burst give their own formula, one n after another', () => {
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 500 }),
        (perSec, size, everyMs) => {
          const random = () => assert.fail('no randomness is needed');
          const numbers = Array.from({ length: 50 }, (_, n) => n);
          assert.deepEqual(
            take(50, rateSchedule('constant', perSec, random)),
            numbers.map(n => constantDueMs(n, perSec)),
          );
          assert.deepEqual(
            take(50, burstSchedule({ size, everyMs })),
            numbers.map(n => burstDueMs(n, { size, everyMs })),
          );
        },
      ),
    );
  });

  test('a span of a whole number of pauses holds as many bursts, wherever it begins', () => {
    const whole = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(whole, whole, whole, whole, (size, everyMs, ramps, spans) => {
        const [from, to] = [ramps * everyMs, (ramps + spans) * everyMs];
        const times = take((ramps + spans + 1) * size, burstSchedule({ size, everyMs }));
        assert.equal(times.filter(time => time >= from && time < to).length, spans * size);
      }),
    );
  });

  test('poisson: the mean gap and its spread are 1 / rate, and no gap tells of the next', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const ratePerSec = 2_000;
      const times = take(20_000, rateSchedule('poisson', ratePerSec, createRandom(seed, 'poisson')));
      const gaps = times.map((time, index) => (time - (times[index - 1] ?? 0)) * (ratePerSec / 1_000));
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
      const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
      const covariance =
        gaps.slice(1).reduce((sum, gap, index) => sum + (gap - mean) * (gaps[index]! - mean), 0) /
        gaps.length;
      // Four standard errors of 20,000 draws.
      assert.ok(Math.abs(mean - 1) < 0.03, `mean ${mean}`);
      assert.ok(Math.abs(variance - 1) < 0.09, `variance ${variance}`);
      assert.ok(Math.abs(covariance) < 0.03, `covariance ${covariance}`);
    }
  });

  test('poisson: the same random numbers give the same times, in proportion to the rate', () => {
    const [slow, fast] = [10, 1_000].map(perSec =>
      take(100, rateSchedule('poisson', perSec, createRandom(7, 'poisson'))),
    );
    for (const [index, time] of slow!.entries()) assert.ok(Math.abs(time / fast![index]! - 100) < 1e-9);
  });
});
