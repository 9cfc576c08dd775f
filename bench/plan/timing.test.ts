// How long a slice is, when an arm is warm, and what a cell takes: tables, with a reason on each row.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Load } from '../../scenarios/model/load.ts';
import { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import { fullScenario } from './testing/plugins.ts';
import {
  cellTimes,
  hasTimeForAnother,
  isSteady,
  paced,
  probeShape,
  type SeenTimes,
  sliceShape,
  spreadRampMs,
  type WarmUpWindow,
  warmUpPerSec,
} from './timing.ts';

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
});

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

describe('How long a slice is, when an arm is warm, and what a cell takes: tables, with a reason on each row', () => {
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

  const estimateMs = (...stated: Parameters<typeof cellTimes>): number => cellTimes(...stated).aboutMs;

  function estimateWith(timing: Partial<Timing>): number {
    return estimateMs(Scenario.parse({ ...fullScenario, timing }));
  }

  test('arms that answer slowly make longer slices, so that a cell takes longer', () => {
    const scenario = Scenario.parse({ ...fullScenario, timing: { minReplicates: 2, budgetMs: 1 } });
    const [fast, slow, slower] = [0, 200, 400].map(ms => estimateMs(scenario, { expectedMs: () => ms })) as [
      number,
      number,
      number,
    ];
    assert.ok(fast < slow && slow < slower, `${fast}, ${slow}, ${slower}`);
    assert.ok(slower > 2 * 2 * 20 * 400, 'two replicates of two arms, each of 20 responses at least');
    const oneSlow = estimateMs(scenario, {
      expectedMs: ({ requestsPerConnection }) => (requestsPerConnection === 1 ? 400 : 0),
    });
    assert.ok(oneSlow > fast && oneSlow < slower);
  });

  test('a cell takes about its budget, but for too few or too many replicates', () => {
    const [one, two, three] = [1, 2, 3].map(maxReplicates =>
      estimateWith({ minReplicates: 1, maxReplicates, budgetMs: 3_600_000 }),
    ) as [number, number, number];
    const oneMs = two - one;
    assert.ok(one > oneMs, 'the target is started and conditioned once');
    assert.equal(three, two + oneMs);
    assert.equal(estimateWith({ budgetMs: 1 }), three, 'as many as an interval needs');
    assert.equal(estimateWith({ budgetMs: 1, minReplicates: 2 }), two);
    const budgetMs = 100_000;
    const found = estimateWith({ budgetMs });
    assert.ok(found <= budgetMs && found > budgetMs - oneMs, String(found));
  });

  test('a load with long pauses makes longer slices, so that a cell takes longer', () => {
    const estimate = (load: object): number =>
      estimateMs(Scenario.parse({ ...fullScenario, load, timing: { minReplicates: 2, budgetMs: 1 } }));
    const often = estimate({ model: 'open', ratePerSec: 1_000 });
    const seldom = estimate({ model: 'open', ratePerSec: 0.5 });
    assert.ok(seldom > 2 * 2 * 40_000, `${seldom}: two replicates of two arms, 20 requests each at least`);
    assert.ok(often < seldom / 10, String(often));
    assert.ok(estimate({ model: 'burst', size: 10, everyMs: 30_000 }) > 2 * 2 * 60_000);
  });

  test('one target is started and conditioned for all replicates, several for each', () => {
    const estimate = (maxReplicates: number, targetCount: number): number => {
      const timing = { minReplicates: 1, maxReplicates, budgetMs: 3_600_000 };
      return estimateMs(Scenario.parse({ ...fullScenario, timing }), { targetCount });
    };
    assert.ok(estimate(1, 2) > estimate(1, 1), 'a second process has to start');
    assert.equal(estimate(3, 2), 3 * estimate(1, 2));
    assert.ok(estimate(3, 1) < 3 * estimate(1, 1));
  });

  test('a capacity search takes as long as its probes: more for a finer one, a wider one, a longer one', () => {
    const estimate = (stated: object): number =>
      estimateMs(
        Scenario.parse({
          ...fullScenario,
          load: { model: 'capacity', objective: { p99Ms: 50 }, ...stated },
          timing: { minReplicates: 1, maxReplicates: 1, budgetMs: 3_600_000 },
        }),
      );
    const plainMs = estimate({});
    const closedMs = estimateWith({ minReplicates: 1, maxReplicates: 1, budgetMs: 3_600_000 });
    assert.ok(plainMs - closedMs > 2 * 10 * 1_000, 'two arms, ten probes of a second each at least');
    for (const more of [{ resolutionRatio: 0.01 }, { maxRatePerSec: 1_000_000 }, { probeMs: 3_000 }]) {
      assert.ok(estimate(more) > plainMs, JSON.stringify(more));
    }
  });

  test('at most, a cell takes longer than about: for one replicate, and more for an interval', () => {
    const scenario = Scenario.parse({ ...fullScenario, timing: { budgetMs: 1, minReplicates: 2 } });
    const { aboutMs, oneMostMs, intervalMostMs } = cellTimes(scenario);
    assert.ok(oneMostMs < intervalMostMs && aboutMs < intervalMostMs);
    const once = cellTimes({ ...scenario, timing: { ...scenario.timing, minReplicates: 1 } });
    assert.equal(once.intervalMostMs, once.oneMostMs, 'where one replicate is enough');
  });

  test('beside other programs, upper estimates are longer, and nothing else is', () => {
    const scenario = Scenario.parse({ ...fullScenario, timing: { budgetMs: 1 } });
    const [idle, busy] = [1, 10].map(slowness => cellTimes(scenario, { slowness })) as [
      ReturnType<typeof cellTimes>,
      ReturnType<typeof cellTimes>,
    ];
    assert.deepEqual([busy.aboutMs, busy.replicates], [idle.aboutMs, idle.replicates]);
    assert.equal(busy.endingMostMs, 10 * idle.endingMostMs);
    assert.ok(busy.oneMostMs > 2 * idle.oneMostMs && busy.oneMostMs < 10 * idle.oneMostMs);
  });

  const ANOTHER: [why: string, state: Partial<Parameters<typeof hasTimeForAnother>[1]>, expected: boolean][] =
    [
      ['the first is always made', { replicates: 0, longestMs: 90_000 }, true],
      [
        'the second may take what was announced',
        { replicates: 1, elapsedMs: 20_000, longestMs: 19_000 },
        true,
      ],
      ['but not more', { replicates: 1, elapsedMs: 20_000, longestMs: 21_000 }, false],
      ['so may the third, for an interval', { replicates: 2, elapsedMs: 20_000, longestMs: 19_000 }, true],
      ['the fourth has to fit the budget', { replicates: 3, elapsedMs: 8_000, longestMs: 2_001 }, false],
      ['and does', { replicates: 3, elapsedMs: 8_000, longestMs: 2_000 }, true],
    ];
  for (const [why, state, expected] of ANOTHER) {
    test(`another replicate? ${why}`, () => {
      const timing = Timing.parse({ budgetMs: 10_000 });
      const whole = { replicates: 1, elapsedMs: 0, longestMs: 0, mostMs: 40_000, ...state };
      assert.equal(hasTimeForAnother(timing, whole), expected);
    });
  }
});
