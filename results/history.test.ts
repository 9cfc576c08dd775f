// Trends contain the right runs, and change points are found where there are some.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { randomNormal } from 'd3-random';
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { type CellFigures, type RunSummary, summariseRun } from './baselines.ts';
import {
  findChangePoints,
  findTrends,
  findTrendsUpTo,
  MAX_TREND_RUNS,
  MIN_TREND_RUNS,
  openWorsening,
  type Trend,
  type TrendLevel,
} from './history.ts';
import { createRandom } from './random.ts';
import { sampleHistory, sampleRun } from './testing/sample-run.ts';

describe('A change of level is found where it is, and none is where there is only noise', () => {
  function noise(
    count: number,
    seed: number,
    levels: readonly [from: number, level: number][] = [],
  ): number[] {
    const draw = randomNormal.source(createRandom(seed, 'noise'))(0, 0.02);
    return Array.from({ length: count }, (_, run) => {
      const level = levels.filter(([from]) => from <= run).at(-1)?.[1] ?? 0;
      return level + draw();
    });
  }

  const find = (values: readonly number[]) => findChangePoints(values, createRandom(1, 'shuffle'));

  suite('change points', () => {
    test('one, at the run where the level changed, with both levels', () => {
      const [point, ...others] = find(noise(30, 1, [[20, 0.1]]));
      assert.deepEqual([point!.index, others.length], [20, 0]);
      assert.ok(Math.abs(point!.before) < 0.02 && Math.abs(point!.after - 0.1) < 0.02);
      assert.ok(point!.p <= 0.01);
    });

    test('two, there and back again', () => {
      const points = find(
        noise(45, 3, [
          [15, 0.15],
          [30, 0],
        ]),
      );
      assert.deepEqual(
        points.map(({ index }) => index),
        [15, 30],
      );
    });

    test('a change of 5 % among nights that vary by 2 % is reported within eight of them, and dated within three', () => {
      for (let seed = 0; seed < 30; seed++) {
        const values = noise(38, 300 + seed, [[30, 0.05]]);
        const told = Array.from(
          { length: 8 },
          (_, night) => find(values.slice(0, 31 + night)).at(-1)?.index ?? 0,
        );
        assert.ok(Math.abs(told.find(index => index >= 27)! - 30) <= 3, `seed ${seed}: ${told.join(', ')}`);
      }
    });

    test('none in a single bad night', () => {
      const values = noise(30, 3);
      values[12] = 0.5;
      assert.deepEqual(find(values), []);
    });

    test('none in too few runs', () => assert.deepEqual(find([0, 0, 1, 1, 1]), []));

    test('of a hundred quiet histories at most a few show one', () => {
      let alarms = 0;
      for (let seed = 0; seed < 100; seed++) alarms += find(noise(20, 100 + seed)).length > 0 ? 1 : 0;
      assert.ok(alarms <= 4, `${alarms} of 100`);
    });
  });
});

describe('A trend has the right runs, and finds since when its level has changed', () => {
  const now = summariseRun(sampleRun().run);
  const step = { count: 13, metric: 'requestsPerSec', atLevel: 5, factor: 1.1 } as const;
  const quiet = { ...step, factor: 1 };

  function trendIn(trends: readonly Trend[], metric: Trend['metric'] = 'requestsPerSec'): Trend | undefined {
    return trends.find(trend => trend.metric === metric && trend.arm === 'persistent');
  }

  /** The same history with its cell changed in the runs that are named by their index. */
  function changed(
    runs: readonly RunSummary[],
    indices: readonly number[],
    change: (cell: CellFigures) => void,
  ) {
    return runs.map((run, index) => {
      if (!indices.includes(index)) return run;
      const copy = structuredClone(run);
      change(copy.cells[0]!);
      return copy;
    });
  }

  suite('what has become worse and is still', () => {
    /** A trend that went over these levels. */
    function trendOver(metric: Trend['metric'], values: readonly number[]): Trend {
      const levels = values.map(
        (value, index): TrendLevel => ({
          from: index * 3,
          to: index * 3 + 3,
          ratio: { value, low: value, high: value },
        }),
      );
      const changes = levels.slice(1).map((after, index) => {
        const before = levels[index]!;
        const value = after.ratio.value / before.ratio.value;
        const isWorse = value > 1 !== (metric === 'requestsPerSec');
        return { before, after, change: { value, low: value, high: value }, p: 0.001, isWorse };
      });
      return { cell: 'c', baseline: 'b', arm: 'a', metric, isDeciding: true, points: [], levels, changes };
    }

    for (const [why, metric, values, dated] of [
      ['nothing changed', 'cpuUsPerRequest', [1], null],
      ['worse', 'cpuUsPerRequest', [1, 1.3], 1],
      ['better', 'cpuUsPerRequest', [1, 0.8], null],
      ['worse, then a little better', 'cpuUsPerRequest', [1, 1.3, 1.2], 1],
      ['worse, then as it was', 'cpuUsPerRequest', [1, 1.3, 0.99], null],
      ['worse twice', 'cpuUsPerRequest', [1, 1.1, 1.3], 2],
      ['worse where more is better', 'requestsPerSec', [5, 4, 4.5], 1],
      ['made up for where more is better', 'requestsPerSec', [5, 4, 5.2], null],
    ] as const) {
      test(why, () => {
        const trend = trendOver(metric, values);
        assert.equal(openWorsening(trend), dated === null ? undefined : trend.changes[dated - 1]);
      });
    }
  });

  suite('a change of level', () => {
    const history = sampleHistory(now, step);
    const trend = trendIn(findTrendsUpTo(now, history))!;

    test('is dated by the first run of the new level', () => {
      assert.equal(trend.points.length, 14);
      assert.equal(trend.points.at(-1)!.run, now);
      const [change, ...others] = trend.changes;
      assert.equal(others.length, 0);
      assert.deepEqual([change!.before.from, change!.before.to], [0, 8]);
      assert.deepEqual([change!.after.from, change!.after.to], [8, 14]);
      assert.equal(trend.points[change!.after.from]!.run, history[8]);
      assert.deepEqual(trend.levels, [change!.before, change!.after]);
    });

    test('has its size, with an interval that holds the truth', () => {
      const { change, p, isWorse, before, after } = trend.changes[0]!;
      assert.ok(change.low < 1 / 1.1 && 1 / 1.1 < change.high && change.high < 0.95, JSON.stringify(change));
      assert.ok(Math.abs(change.value - after.ratio.value / before.ratio.value) < 1e-12);
      assert.ok(p <= 0.01 && p > 0);
      assert.equal(isWorse, true, 'fewer requests per second');
    });

    test('is in the metric that changed only', () => {
      assert.deepEqual(trendIn(findTrendsUpTo(now, history), 'cpuUsPerRequest')!.changes, []);
    });

    test('is the same at every call: the shuffles are seeded', () => {
      assert.deepEqual(findTrendsUpTo(now, history), findTrendsUpTo(now, history));
    });

    for (const [metric, factor, isWorse] of [
      ['requestsPerSec', 1.1, true],
      ['requestsPerSec', 1 / 1.1, false],
      ['cpuUsPerRequest', 1.1, false],
      ['cpuUsPerRequest', 1 / 1.1, true],
    ] as const) {
      test(`${metric} from ${factor.toFixed(2)} to 1 is ${isWorse ? 'worse' : 'better'}`, () => {
        const found = trendIn(findTrendsUpTo(now, sampleHistory(now, { ...step, metric, factor })), metric);
        assert.deepEqual(
          found!.changes.map(change => change.isWorse),
          [isWorse],
        );
      });
    }
  });

  suite('the runs of a trend', () => {
    const history = sampleHistory(now, quiet);
    const count = (runs: readonly RunSummary[]) => trendIn(findTrendsUpTo(now, runs))?.points.length;

    test('a quiet history is one level', () => {
      const { levels, changes, points } = trendIn(findTrendsUpTo(now, history))!;
      assert.deepEqual([levels.length, changes.length], [1, 0]);
      assert.deepEqual([levels[0]!.from, levels[0]!.to], [0, points.length]);
    });

    const rows: [why: string, runs: readonly RunSummary[], points: number | undefined][] = [
      ['all of them, and the run itself', history, 14],
      ['the run itself once, where the history has it', [...history, now], 14],
      [
        'none that came after it',
        [...history, { ...now, runId: 'later', startedAt: '2027-01-01T00:00:00.000Z' }],
        14,
      ],
      [
        'none under other conditions',
        changed(history, [0, 5], cell => {
          cell.conditions = 'other';
        }),
        12,
      ],
      [
        'none against another baseline',
        changed(history, [0], cell => {
          cell.baseline = 'other';
        }),
        13,
      ],
      [
        'none without an interval',
        changed(history, [3], cell => {
          for (const ratio of cell.ratios) ratio.interval = null;
        }),
        13,
      ],
      [
        'none whose logarithm is not known',
        changed(history, [3, 4], cell => {
          for (const ratio of cell.ratios) ratio.interval = { value: 1, low: 0, high: 2 };
        }),
        12,
      ],
      ['just enough', history.slice(-(MIN_TREND_RUNS - 1)), MIN_TREND_RUNS],
      ['too few for a trend', history.slice(-(MIN_TREND_RUNS - 2)), undefined],
      ['the newest of many', sampleHistory(now, { ...quiet, count: 80 }), MAX_TREND_RUNS],
    ];
    for (const [why, runs, points] of rows) test(why, () => assert.equal(count(runs), points));

    test('of a run without the figure there is no trend that ends in it', () => {
      const bare = structuredClone(now);
      for (const ratio of bare.cells[0]!.ratios) ratio.interval = null;
      assert.deepEqual(findTrendsUpTo(bare, history), []);
    });

    test('every metric has one, the null arm none, and the first metric of an arm decides', () => {
      const withNull = [...history, now].map(run => {
        const copy = structuredClone(run);
        const [cell] = copy.cells;
        cell!.ratios.push(...cell!.ratios.map(ratio => ({ ...ratio, candidate: NULL_ARM })));
        return copy;
      });
      const trends = findTrends(withNull);
      assert.deepEqual(
        trends.map(({ arm, metric, isDeciding }) => [arm, metric, isDeciding]),
        now.cells[0]!.ratios.map(({ metric }, index) => ['persistent', metric, index === 0]),
      );
    });

    test('a cell that the newest run has not is shown by the runs that have it', () => {
      const other = { ...now, runId: 'other', startedAt: '2026-12-01T00:00:00.000Z', cells: [] };
      assert.equal(trendIn(findTrends([...history, other]))?.points.length, 13);
      assert.deepEqual(findTrendsUpTo(other, history), []);
    });
  });
});
