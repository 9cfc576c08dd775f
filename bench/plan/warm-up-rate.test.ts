// An arm of unknown capacity is warmed up near what it bears, however cold it is at first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type WarmUpWindow, warmUpPerSec } from './warm-up-rate.ts';

const LIMITS = { minRatePerSec: 100, maxRatePerSec: 50_000 };

const rows: [why: string, windows: [askedPerSec: number, endedPerSec: number][], nextPerSec: number][] = [
  ['it begins at the least rate', [], 100],
  ['doubles while the arm keeps up', [[100, 98]], 200],
  [
    'within a tenth',
    [
      [100, 100],
      [200, 181],
    ],
    400,
  ],
  [
    'stays below what was answered once it has not',
    [
      [100, 100],
      [200, 150],
    ],
    120,
  ],
  [
    'then goes on in small steps',
    [
      [100, 100],
      [200, 150],
      [120, 120],
    ],
    150,
  ],
  ['a cold first window is no limit', [[100, 10]], 100],
  ['nor does it go below the least', [[100, 0]], 100],
  ['or above the most', [[40_000, 40_000]], 50_000],
];
for (const [why, windows, nextPerSec] of rows) {
  test(`warm-up rate: ${why}`, () => {
    const seen = windows.map(([askedPerSec, endedPerSec]) => ({ askedPerSec, endedPerSec }));
    assert.equal(warmUpPerSec(LIMITS, seen), nextPerSec);
  });
}

test('it comes near any capacity within the limits, and stays there', () => {
  fc.assert(
    fc.property(fc.integer({ min: 200, max: 40_000 }), capacityPerSec => {
      const windows: WarmUpWindow[] = [];
      for (let window = 0; window < 30; window++) {
        const askedPerSec = warmUpPerSec(LIMITS, windows);
        windows.push({ askedPerSec, endedPerSec: Math.min(askedPerSec, capacityPerSec) });
      }
      for (const { askedPerSec } of windows.slice(-10)) {
        const load = askedPerSec / capacityPerSec;
        assert.ok(load > 0.6 && load < 1.4, `${load}`);
      }
    }),
  );
});
