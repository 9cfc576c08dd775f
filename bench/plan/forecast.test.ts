// How long a cell will take, and how narrow its intervals will be: tables, with a reason on each row.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import { cellTimes, hasTimeForAnother, likelyPrecision } from './forecast.ts';
import { fullScenario } from './testing/plugins.ts';

describe('What a cell takes: tables, with a reason on each row', () => {
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

function likely(likelyReplicates: number, precision = 0.01) {
  const scenario = Scenario.parse({
    name: 'near',
    question: 'q',
    clients: { one: {}, two: {} },
    baseline: 'one',
    timing: { precision },
  });
  return likelyPrecision({ likelyReplicates, scenario });
}

suite('likely precision', () => {
  test('two replicates have no interval', () => {
    assert.deepEqual(likely(2), { replicates: 2, quietRatio: null, busyRatio: null });
  });

  test('each replicate more narrows it, and a busy machine widens it', () => {
    for (let count = 3; count < 10; count++) {
      const [fewer, more] = [likely(count), likely(count + 1)];
      assert.ok(more.quietRatio! < fewer.quietRatio! && more.busyRatio! < fewer.busyRatio!);
      assert.ok(fewer.busyRatio! > fewer.quietRatio!);
    }
  });

  test('a run that stops at its precision goes no further', () => {
    assert.equal(likely(30, 0.05).quietRatio, 0.05);
  });
});
