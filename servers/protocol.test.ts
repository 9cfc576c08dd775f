// protocol.test.ts
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import fc from 'fast-check';
import {
  LATENESS_BIN_COUNT,
  LATENESS_BIN_MS,
  LATENESS_FIRST_MS,
  latenessBin,
  latenessQuantileMs,
  latenessSince,
} from './protocol.ts';

describe('Lateness in bins: where a value goes, what a quantile of the counts says, and that it is never below the truth', () => {
  function countsOf(values: readonly number[]): number[] {
    const counts = new Array<number>(LATENESS_BIN_COUNT).fill(0);
    for (const value of values) counts[latenessBin(value)]!++;
    return counts;
  }

  const bins: [lateMs: number, bin: number, why: string][] = [
    [-7, 0, 'earlier than anything is written'],
    [-0.5, 0, 'the edge belongs to the bin below it'],
    [-0.05, 5, 'early'],
    [0.01, 6, 'late'],
    [1.55, 21, 'late'],
    [99.35, 999, 'the last bin'],
    [5_000, 999, 'however late'],
    [Number.POSITIVE_INFINITY, 999, 'however late'],
  ];
  for (const [lateMs, bin, why] of bins) {
    test(`${lateMs} ms goes to bin ${bin}: ${why}`, () => assert.equal(latenessBin(lateMs), bin));
  }

  suite('a quantile', () => {
    test('of nothing is 0', () => assert.equal(latenessQuantileMs([], 0.5), 0));

    test('is the upper edge of the bin that holds it', () => {
      const inRange = fc.double({ min: LATENESS_FIRST_MS, max: 99, noNaN: true });
      fc.assert(
        fc.property(
          fc.array(inRange, { minLength: 1 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (values, q) => {
            const sorted = values.toSorted((a, b) => a - b);
            const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
            const told = latenessQuantileMs(countsOf(values), q);
            assert.ok(told >= exact - 1e-9 && told <= exact + LATENESS_BIN_MS + 1e-9, `${told} for ${exact}`);
          },
        ),
      );
    });

    test('of what was counted between two readings is that of the later values', () => {
      const value = fc.double({ min: -1, max: 200, noNaN: true });
      fc.assert(
        fc.property(fc.array(value), fc.array(value), (early, late) => {
          const cut = (counts: number[]) => counts.slice(0, counts.findLastIndex(count => count > 0) + 1);
          const since = latenessSince(cut(countsOf(early)), cut(countsOf([...early, ...late])));
          for (const q of [0, 0.5, 0.99, 1]) {
            assert.equal(latenessQuantileMs(since, q), latenessQuantileMs(countsOf(late), q));
          }
        }),
      );
    });
  });
});
