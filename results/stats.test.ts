// The 95 % interval holds known truths about as often as it claims, by many draws.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomNormal } from 'd3-random';
import fc from 'fast-check';
import { createRandom, type Random } from './random.ts';
import {
  CONFIDENCE_LEVEL,
  difference,
  type Estimator,
  findModes,
  type Interval,
  intervalOfParts,
  ratioOfRatios,
  replicateInterval,
  replicatesToTell,
  studentInterval,
  studentReach,
  toRatio,
  trimmedMean,
} from './stats.ts';

interface Truth {
  name: string;
  /** What an interval should hold: the centre of the main mode, or the mean where there is one mode. */
  value: number;
  /** A source of replicates. */
  draws: (random: Random) => () => number;
}

/** What replicates of one mode vary by: measured on two shared cores. */
const REPLICATE_SD = 0.016;
const MODE = 0.25;

/** Requests/s of nine fresh processes with the same code and flags, against one reference. */
const NINE_PROCESSES = [0.87, 0.95, 0.98, 0.99, 1, 1.02, 1.24, 1.25, 1.26].map(Math.log);

const normal = (sd: number): Truth => ({
  name: `normal, sd ${sd}`,
  value: 0,
  draws: random => randomNormal.source(random)(0, sd),
});

/** A share of replicates off by 0.25 either way, as when both arms may be in the slow mode. */
const twoSided = (share: number): Truth => ({
  name: `modes at +-0.25, ${share * 100} %`,
  value: 0,
  draws: random => {
    const noise = randomNormal.source(random)(0, REPLICATE_SD);
    return () => {
      const draw = random();
      return noise() + (draw < share / 2 ? MODE : draw < share ? -MODE : 0);
    };
  },
});

/** A share of replicates slower by 0.25, as when only the candidate has a slow mode. */
const oneSided = (share: number): Truth => ({
  name: `mode at -0.25, ${share * 100} %`,
  value: 0,
  draws: random => {
    const noise = randomNormal.source(random)(0, REPLICATE_SD);
    return () => noise() - (random() < share ? MODE : 0);
  },
});

const TRUTHS: readonly Truth[] = [
  normal(REPLICATE_SD),
  normal(0.15),
  {
    name: 'skewed (centred lognormal)',
    value: 0,
    draws: random => {
      const noise = randomNormal.source(random)();
      return () => 0.04 * (Math.exp(0.4 * noise() - 0.08) - 1);
    },
  },
  {
    name: 'heavy tails (t3)',
    value: 0,
    draws: random => {
      const noise = randomNormal.source(random)();
      return () => (REPLICATE_SD * noise()) / Math.sqrt((noise() ** 2 + noise() ** 2 + noise() ** 2) / 3);
    },
  },
  twoSided(0.1),
  twoSided(0.35),
  oneSided(0.1),
  oneSided(0.35),
  {
    name: 'two of nine real processes',
    value: 0,
    draws: random => {
      const noise = randomNormal.source(random)(0, REPLICATE_SD);
      const process = () => NINE_PROCESSES[Math.floor(random() * NINE_PROCESSES.length)]!;
      return () => noise() + process() - process();
    },
  },
];

interface Coverage {
  /** Share of the experiments whose interval held the truth. */
  holdsRatio: number;
  /** Median of half the interval's width, as a share of the value. */
  halfWidthRatio: number;
  /** Share of the experiments whose interval was within +-5 %. */
  preciseRatio: number;
  /** Mean number of replicates used. */
  replicates: number;
}

/** Repeats an experiment of exactly n replicates. */
function coverageAt(estimate: Estimator, truth: Truth, n: number, experiments: number): Coverage {
  const draw = truth.draws(createRandom(1, truth.name, n));
  return summarise(truth, experiments, () => Array.from({ length: n }, draw), estimate);
}

/** Repeats an experiment as a run does it: at least `least` replicates, then until within +-5 % or `most` are done. */
function coverageWhenStopping(
  estimate: Estimator,
  truth: Truth,
  { least, most, experiments }: { least: number; most: number; experiments: number },
): Coverage {
  const draw = truth.draws(createRandom(2, truth.name));
  const replicates = () => {
    const drawn = Array.from({ length: least }, draw);
    while (drawn.length < most && !isPrecise(estimate(drawn))) drawn.push(draw());
    return drawn;
  };
  return summarise(truth, experiments, replicates, estimate);
}

function summarise(
  truth: Truth,
  experiments: number,
  replicates: () => number[],
  estimate: Estimator,
): Coverage {
  const target = Math.exp(truth.value);
  const halfWidths: number[] = [];
  let held = 0;
  let precise = 0;
  let used = 0;
  for (let experiment = 0; experiment < experiments; experiment++) {
    const drawn = replicates();
    const interval = estimate(drawn);
    used += drawn.length;
    if (interval === null) continue;
    if (interval.low <= target && target <= interval.high) held++;
    if (isPrecise(interval)) precise++;
    halfWidths.push((interval.high - interval.low) / 2 / interval.value);
  }
  return {
    holdsRatio: held / experiments,
    halfWidthRatio: halfWidths.toSorted((a, b) => a - b)[Math.floor(halfWidths.length / 2)] ?? Number.NaN,
    preciseRatio: precise / experiments,
    replicates: used / experiments,
  };
}

function isPrecise(interval: Interval | null): boolean {
  return interval !== null && interval.high / interval.value <= 1.05 && interval.low / interval.value >= 0.95;
}

describe('The interval of a change holds the true change as often as it says, and turns round with its runs', () => {
  const interval = fc
    .tuple(fc.double({ min: 0.1, max: 100, noNaN: true }), fc.double({ min: 0, max: 0.9, noNaN: true }))
    .map(([value, half]): Interval => ({ value, low: value * (1 - half), high: value * (1 + half) }));

  test('a change between two sure figures is as sure', () => {
    const sure = (value: number): Interval => ({ value, low: value, high: value });
    assert.deepEqual(difference(sure(2), sure(5)), sure(3));
  });

  test('the other way round it is the inverse', () => {
    fc.assert(
      fc.property(interval, interval, (before, after) => {
        const forth = ratioOfRatios(before, after);
        const back = ratioOfRatios(after, before);
        for (const [one, other] of [
          [forth.value, back.value],
          [forth.low, back.high],
          [forth.high, back.low],
        ] as const) {
          assert.ok(Math.abs(one * other - 1) < 1e-9);
        }
        assert.ok(forth.low <= forth.value && forth.value <= forth.high);
      }),
    );
  });

  for (const truth of TRUTHS) {
    test(`holds the true change of ${truth.name}`, () => {
      const random = createRandom(3, 'change', truth.name);
      const draw = truth.draws(random);
      const change = Math.log(1.1);
      const experiments = 600;
      let held = 0;
      for (let experiment = 0; experiment < experiments; experiment++) {
        const before = replicateInterval(Array.from({ length: 6 }, draw))!;
        const after = replicateInterval(Array.from({ length: 6 }, () => draw() + change))!;
        const { low, high } = ratioOfRatios(before, after);
        if (Math.log(low) <= change && change <= Math.log(high)) held++;
      }
      assert.ok(held / experiments >= 0.93, `${held} of ${experiments}`);
    });
  }
});

describe('As many replicates as would tell a ratio from 1, and no more', () => {
  const LOG = 0.05;

  for (const [half, replicates, bounds] of [
    [0.02, 3, [3, 3]],
    [0.3, 4, [5, 999]],
    [2, 6, [1_000, 10_000]],
  ] as const) {
    test(`of ${replicates} whose interval reaches ${half} to either side`, () => {
      const interval = toRatio({ value: LOG, low: LOG - half, high: LOG + half });
      const needed = replicatesToTell(interval, replicates, 0.01)!;
      const halfOf = (count: number): number => (half * studentReach(count)) / studentReach(replicates);
      assert.ok(needed >= bounds[0] && needed <= bounds[1], `${needed}`);
      assert.ok(halfOf(needed) < LOG);
      assert.ok(needed === replicates || halfOf(needed - 1) >= LOG, `fewer than ${needed} would do`);
    });
  }

  test('none where no number would do', () => {
    assert.equal(replicatesToTell(toRatio({ value: 0, low: -5, high: 5 }), 3, 0.001), null);
  });
});

describe('Only clear groups are called modes', () => {
  const rows = [
    { why: 'one value', values: [0.1], main: [0.1], isDistinct: false },
    { why: 'one group', values: [0.01, -0.02, 0], main: [-0.02, 0, 0.01], isDistinct: false },
    { why: 'a slow mode', values: [0, -0.25, 0.01, -0.01], main: [-0.01, 0, 0.01], isDistinct: true },
    { why: 'modes on both sides', values: [0, -0.25, 0.01, 0.26], main: [0, 0.01], isDistinct: true },
    {
      why: 'a gap no wider than the group',
      values: [0, 0.05, 0.1, 0.2],
      main: [0, 0.05, 0.1],
      isDistinct: false,
    },
    { why: 'every value alone', values: [0, 0.2, 0.4], main: [0], isDistinct: false },
  ];

  for (const { why, values, main, isDistinct } of rows) {
    test(`modes: ${why}`, () => {
      const found = findModes(values);
      assert.deepEqual([found.main, found.isDistinct], [main, isDistinct]);
      assert.deepEqual(
        found.groups.flat(),
        values.toSorted((a, b) => a - b),
      );
    });
  }
});

describe('The 95 % interval holds known truths about as often as it claims', () => {
  const EXPERIMENTS = 1_000;
  /** 95 % less three standard errors of a share counted in 1,000 experiments. */
  const MIN_HELD = 0.95 - 3 * Math.sqrt((0.95 * 0.05) / EXPERIMENTS);

  for (const truth of TRUTHS) {
    test(`the interval holds the truth: ${truth.name}`, () => {
      for (const n of [3, 4, 5, 6, 8, 12, 20]) {
        const { holdsRatio } = coverageAt(replicateInterval, truth, n, EXPERIMENTS);
        assert.ok(holdsRatio >= MIN_HELD, `${holdsRatio} of the intervals of ${n} replicates`);
      }
    });
  }

  /** A third of one arm's processes slower for life is too much for a run that stops at the first narrow interval. */
  const MIN_HELD_WHEN_STOPPING: Record<string, number> = { 'mode at -0.25, 35 %': 0.88 };

  for (const truth of TRUTHS) {
    test(`the interval holds the truth when a run stops as soon as it is narrow: ${truth.name}`, () => {
      const { holdsRatio } = coverageWhenStopping(replicateInterval, truth, {
        least: 3,
        most: 30,
        experiments: EXPERIMENTS,
      });
      const least = MIN_HELD_WHEN_STOPPING[truth.name] ?? MIN_HELD;
      assert.ok(holdsRatio >= least, `${holdsRatio} of the intervals`);
    });
  }

  test('six replicates of one mode are enough for +-5 %, and a minority in another mode does not cost it', () => {
    const [normal] = TRUTHS;
    assert.ok(coverageAt(replicateInterval, normal!, 6, EXPERIMENTS).preciseRatio > 0.99);
    const modes = TRUTHS.find(({ name }) => name === 'modes at +-0.25, 10 %')!;
    assert.ok(coverageAt(replicateInterval, modes, 6, EXPERIMENTS).preciseRatio > 0.8);
  });

  test('no interval of fewer than three', () => {
    for (const logs of [[], [0.1], [0.1, 0.12]]) assert.equal(replicateInterval(logs), null);
    assert.notEqual(replicateInterval([0.1, 0.12, 0.11]), null);
  });

  /** What an interval of two would be, by the same rule. */
  const ofTwo: typeof replicateInterval = logs => toRatio(studentInterval(logs, 0.97));

  test('three are enough, for they hold the truth as often as more; two do not, and reach three times as far', () => {
    const oneSided = TRUTHS.find(({ name }) => name === 'mode at -0.25, 35 %')!;
    assert.ok(coverageAt(ofTwo, oneSided, 2, EXPERIMENTS).holdsRatio < MIN_HELD);
    const [normal] = TRUTHS;
    const [two, three, four] = [
      coverageAt(ofTwo, normal!, 2, EXPERIMENTS),
      coverageAt(replicateInterval, normal!, 3, EXPERIMENTS),
      coverageAt(replicateInterval, normal!, 4, EXPERIMENTS),
    ].map(({ halfWidthRatio }) => halfWidthRatio);
    assert.ok(two! > 3 * three! && three! < 2 * four!, `${two}, ${three}, ${four}`);
  });

  test('at a higher level an interval reaches further, and misses less', () => {
    const [normal] = TRUTHS;
    const at = (level: number) => coverageAt(logs => replicateInterval(logs, level), normal!, 5, EXPERIMENTS);
    const [wide, narrow] = [at(0.99), at(0.95)];
    assert.ok(wide.holdsRatio >= 0.98 && wide.halfWidthRatio > narrow.halfWidthRatio);
  });

  test('two modes of like size: the interval spans both', () => {
    const found = replicateInterval([-0.25, -0.26, 0, 0.01, -0.01]);
    assert.ok(found !== null && found.low <= Math.exp(-0.26) && found.high >= Math.exp(0.01));
  });

  const finite = fc.double({ min: -600, max: 600, noNaN: true });

  const WITH_ANOTHER_GROUP = [-0.01, -0.005, 0, 0.002, 0.005, 0.01, -0.3];

  test('a group that the usual slices do not show is no mode: all replicates count', () => {
    const usual = WITH_ANOTHER_GROUP.map(() => 0);
    const mean = WITH_ANOTHER_GROUP.reduce((sum, log) => sum + log, 0) / WITH_ANOTHER_GROUP.length;
    assert.equal(replicateInterval(WITH_ANOTHER_GROUP, CONFIDENCE_LEVEL, usual)!.value, Math.exp(mean));
    assert.deepEqual(
      replicateInterval(WITH_ANOTHER_GROUP, CONFIDENCE_LEVEL, WITH_ANOTHER_GROUP),
      replicateInterval(WITH_ANOTHER_GROUP),
    );
  });

  test('measurements together have modes only if each of them believed its own', () => {
    const again = {
      interval: replicateInterval([0, 0.01, 0.02]),
      replicateRatios: [0, 0.01, 0.02].map(Math.exp),
    };
    const replicateRatios = WITH_ANOTHER_GROUP.map(Math.exp);
    const usual = WITH_ANOTHER_GROUP.map(() => 0);
    const ofOneMode = {
      interval: replicateInterval(WITH_ANOTHER_GROUP, CONFIDENCE_LEVEL, usual),
      replicateRatios,
    };
    const ofTwo = { interval: replicateInterval(WITH_ANOTHER_GROUP), replicateRatios };
    assert.ok(intervalOfParts([ofOneMode, again])!.low < 0.95);
    assert.ok(intervalOfParts([ofTwo, again])!.low > 0.98);
  });

  test('an interval is ordered, finite and positive, and turns round with its ratios', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 3, maxLength: 20 }), logs => {
        const { value, low, high } = replicateInterval(logs)!;
        assert.ok(0 <= low && low <= value && value <= high && Number.isFinite(high));
        const turned = replicateInterval(logs.map(log => -log))!;
        assert.ok(Math.abs(Math.log(turned.value) + Math.log(value)) < 1e-6);
      }),
    );
  });

  test("Student's interval of 1, 2, 3, 4", () => {
    const { value, low, high } = studentInterval([1, 2, 3, 4], 0.95);
    assert.equal(value, 2.5);
    assert.ok(Math.abs(low - 0.4457) < 1e-4 && Math.abs(high - 4.5543) < 1e-4);
  });

  const trimmed = [
    { values: [], mean: null },
    { values: [3], mean: 3 },
    { values: [1, 2, 3, 100], mean: 26.5 },
    { values: [100, 1, 2, 3, -100], mean: 2 },
  ];
  for (const { values, mean } of trimmed) {
    test(`trimmed mean of ${JSON.stringify(values)} is ${mean}`, () =>
      assert.equal(trimmedMean(values, 0.2), mean));
  }
});
