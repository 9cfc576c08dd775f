// How long the ramp, window and drain of a slice are: tables, with a reason on each row.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Load } from '../../scenarios/model/load.ts';
import { Timing } from '../../scenarios/model/scenario.ts';
import { probeShape, type SeenTimes, shapeForLoad, sliceShape, spreadRampMs } from './slice-shape.ts';

describe('A slice is long enough for an open load to be within it what it is', () => {
  const SHAPE = { rampMs: 10, windowMs: 100, drainMs: 1_000 };
  const timing = Timing.parse({});
  const objective = { p99Ms: 50 };

  const rows: [
    why: string,
    load: unknown,
    ratePerSec: number | undefined,
    rampMs: number,
    windowMs: number,
  ][] = [
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
      assert.deepEqual(shapeForLoad(SHAPE, timing, Load.parse(load), ratePerSec), {
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
          const shape = shapeForLoad({ rampMs, windowMs, drainMs: 1_000 }, timing, load);
          assert.deepEqual([shape.rampMs % everyMs, shape.windowMs % everyMs], [0, 0]);
          assert.ok(
            shape.rampMs >= rampMs && shape.windowMs >= windowMs && shape.windowMs < windowMs + everyMs,
          );
          assert.deepEqual(shapeForLoad(shape, timing, load), shape);
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
});

describe('How long a slice is: tables, with a reason on each row', () => {
  test('a ramp is one to three times as long as it has to be; bursts and whole replicates keep theirs', () => {
    const closed = Load.parse({ concurrency: 2 });
    const burst = Load.parse({ model: 'burst', size: 2, everyMs: 100 });
    const sliced = Timing.parse({});
    assert.deepEqual(
      [0, 0.5, 1].map(chance => spreadRampMs(10, sliced, closed, chance)),
      [10, 20, 30],
    );
    assert.equal(spreadRampMs(10, sliced, burst, 1), 10);
    assert.equal(spreadRampMs(10, Timing.parse({ slicing: 'whole' }), closed, 1), 10);
  });

  type Times = [rampMs: number, windowMs: number, drainMs: number];
  const shapes: [why: string, timing: Partial<Timing>, seen: SeenTimes, expected: Times][] = [
    ['fast client: the least times', {}, { meanMs: 0 }, [10, 100, 10_000]],
    ['20 mean responses are longer', {}, { meanMs: 30 }, [90, 600, 10_000]],
    ['a slow client drains longer', { sliceResponses: 5 }, { meanMs: 600 }, [1_800, 3_000, 12_000]],
    ['the scenario says how long to drain', { drainMs: 500 }, { meanMs: 5 }, [15, 100, 500]],
    ['whole: one slice for all', { slicing: 'whole', measureMs: 700 }, { meanMs: 30 }, [90, 700, 10_000]],
    ['whole ms', { sliceResponses: 1, sliceMs: 20 }, { meanMs: 33.4 }, [101, 34, 10_000]],
    ['a slow request that a window holds', {}, { meanMs: 5, longestMs: 80 }, [15, 100, 10_000]],
    ['a little longer than that window', {}, { meanMs: 5, longestMs: 90 }, [15, 113, 10_000]],
    ['ramp and window hold the slowest request', {}, { meanMs: 5, longestMs: 300 }, [300, 375, 10_000]],
    ['the drain is four times as long as it', {}, { meanMs: 5, longestMs: 5_000 }, [5_000, 6_250, 20_000]],
    ['no slice grows beyond 10 s for it', {}, { meanMs: 5, longestMs: 30_000 }, [10_000, 10_000, 120_000]],
    [
      'unanswered requests: one slice for all',
      {},
      { meanMs: 5, longestMs: 300, hasCensored: true },
      [300, 1_500, 10_000],
    ],
    ['whole: never lengthened', { slicing: 'whole' }, { meanMs: 5, longestMs: 3_000 }, [15, 1_500, 12_000]],
    [
      'a tool that drops what is in flight gets 20 times the slowest request',
      { sliceMs: 1_000 },
      { meanMs: 5, longestMs: 100, dropsInFlight: true },
      [15, 2_000, 10_000],
    ],
    [
      "the client's own deadline is waited for",
      {},
      { meanMs: 5, timeouts: { totalMs: 30_000 } },
      [15, 100, 32_000],
    ],
    [
      'its deadlines of phases add up',
      {},
      { meanMs: 5, timeouts: { connectMs: 2_000, headersMs: 9_000, bodyMs: 4_000 } },
      [15, 100, 17_000],
    ],
  ];
  for (const [why, timing, seen, [rampMs, windowMs, drainMs]] of shapes) {
    test(`slice: ${why}`, () =>
      assert.deepEqual(sliceShape(Timing.parse(timing), seen), { rampMs, windowMs, drainMs }));
  }

  test('a slice is never shorter than asked for, and longer for slower arms', () => {
    const meanMs = fc.double({ min: 0, max: 10_000, noNaN: true });
    fc.assert(
      fc.property(meanMs, meanMs, (one, other) => {
        const timing = Timing.parse({});
        const [fast, slow] = [
          sliceShape(timing, { meanMs: Math.min(one, other) }),
          sliceShape(timing, { meanMs: Math.max(one, other) }),
        ];
        assert.ok(
          fast.windowMs >= timing.sliceMs && fast.windowMs >= timing.sliceResponses * Math.min(one, other),
        );
        assert.ok(
          slow.windowMs >= fast.windowMs && slow.rampMs >= fast.rampMs && slow.drainMs >= fast.drainMs,
        );
      }),
    );
  });
});
