// A slice is long enough for an open load to be within it what it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Load } from '../../scenarios/model/load.ts';
import { Timing } from '../../scenarios/model/scenario.ts';
import { paced, probeShape } from './pace.ts';

const SHAPE = { rampMs: 10, windowMs: 100, drainMs: 1_000 };
const timing = Timing.parse({});
const objective = { p99Ms: 50 };

const rows: [why: string, load: unknown, ratePerSec: number | undefined, rampMs: number, windowMs: number][] =
  [
    ['a closed load is as it was', {}, undefined, 10, 100],
    ['a high rate, too', { model: 'open', ratePerSec: 1_500 }, undefined, 10, 100],
    ['at a low one the window holds 20 mean gaps', { model: 'open', ratePerSec: 50 }, undefined, 10, 400],
    [
      'bursts are whole: the pause fits into the window',
      { model: 'burst', size: 9, everyMs: 30 },
      undefined,
      30,
      120,
    ],
    ['or is longer than it', { model: 'burst', size: 9, everyMs: 2_000 }, undefined, 2_000, 2_000],
    [
      'a search at its lowest rate',
      { model: 'capacity', objective, minRatePerSec: 10 },
      undefined,
      10,
      2_000,
    ],
    ['a search at the rate of the turn', { model: 'capacity', objective, minRatePerSec: 10 }, 5_000, 10, 100],
  ];
for (const [why, load, ratePerSec, rampMs, windowMs] of rows) {
  test(`pace: ${why}`, () => {
    assert.deepEqual(paced(SHAPE, timing, Load.parse(load), ratePerSec), {
      rampMs,
      windowMs,
      drainMs: 1_000,
    });
  });
}

test('bursts: ramp and window are whole pauses, at least as long as asked for, and stay so', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.nat(3_000),
      fc.integer({ min: 1, max: 3_000 }),
      (everyMs, rampMs, windowMs) => {
        const load = Load.parse({ model: 'burst', size: 1, everyMs });
        const shape = paced({ rampMs, windowMs, drainMs: 1_000 }, timing, load);
        assert.deepEqual([shape.rampMs % everyMs, shape.windowMs % everyMs], [0, 0]);
        assert.ok(
          shape.rampMs >= rampMs && shape.windowMs >= windowMs && shape.windowMs < windowMs + everyMs,
        );
        assert.deepEqual(paced(shape, timing, load), shape);
      },
    ),
  );
});

const probes: [why: string, stated: object, ratePerSec: number, windowMs: number, drainMs: number][] = [
  ['as long as it is to be', { objective }, 5_000, 1_000, 1_000],
  ['at a low rate it holds 20 mean gaps', { objective }, 10, 2_000, 1_000],
  ['the drain lets twice the limit pass', { objective: { p50Ms: 800, p99Ms: 5_000 } }, 100, 1_000, 10_000],
  ['shorter probes', { objective, probeMs: 200 }, 1_000, 200, 1_000],
];
for (const [why, stated, ratePerSec, windowMs, drainMs] of probes) {
  test(`probe: ${why}`, () => {
    const load = Load.parse({ model: 'capacity', ...stated });
    assert.ok(load.model === 'capacity');
    assert.deepEqual(probeShape(load, timing, ratePerSec), { rampMs: 100, windowMs, drainMs });
  });
}
