// At which rate an arm is warmed up, and when it is warm: tables, with a reason on each row.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Load } from '../../scenarios/model/load.ts';
import type { SliceReading } from '../protocol.ts';
import { IDLE_SLICE, STILL } from '../run/testing/readings.ts';
import { isSteady, speedOf, type WarmUpWindow, warmUpPerSec } from './warm-up.ts';

describe('An arm of unknown capacity is warmed up near its limit, however cold it is at first', () => {
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
});

describe('When an arm is warm: tables, with a reason on each row', () => {
  const steadiness: [string, number[], boolean][] = [
    ['nothing seen yet', [], false],
    ['three windows are too few', [100, 100, 100], false],
    ['flat', [100, 100, 100, 100], true],
    ['still rising', [100, 105, 110, 115], false],
    ['a rise of 3 % is noise', [100, 100, 103, 103], true],
    ['a rise of a little more is not', [100, 100, 103.1, 103.1], false],
    ['only the last four count', [10, 50, 90, 100, 100, 100, 100], true],
    ['falling: the machine, not the arm', [100, 100, 90, 80], true],
    ['one slow window between fast ones evens out', [100, 90, 95, 96], true],
    ['nothing completes', [0, 0, 0, 0], false],
    ['it came to a halt', [100, 100, 50, 0], false],
    ['it only just began to answer', [0, 0, 10, 10], false],
  ];
  for (const [why, rates, expected] of steadiness) {
    test(`steady? ${why}`, () => assert.equal(isSteady(rates), expected));
  }

  const speeds: [why: string, load: unknown, reading: Partial<SliceReading>, speed: number][] = [
    [
      'requests per CPU time, whatever the rate',
      {},
      { completed: 10, exchanges: 40, after: { ...STILL, cpuUs: 2_000 } },
      0.02,
    ],
    ['nothing answered is no speed', {}, { exchanges: 40, after: { ...STILL, cpuUs: 2_000 } }, 0],
    ['the rate, where CPU time is not known', {}, { completed: 10, exchanges: 40 }, 0.1],
    [
      'response times, where the load sets the rate',
      { model: 'open', ratePerSec: 100 },
      { meanUs: 500, exchanges: 40, after: { ...STILL, cpuUs: 2_000 } },
      0.002,
    ],
  ];
  for (const [why, load, reading, speed] of speeds) {
    test(`an arm warms up until its speed no longer rises: ${why}`, () => {
      assert.equal(speedOf({ ...IDLE_SLICE, ...reading }, Load.parse(load)), speed);
    });
  }
});
