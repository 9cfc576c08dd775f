// Ratios, verdicts, summaries and the stopping rule, for trials with known figures.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { summariseRun } from './baselines.ts';
import {
  areErrorsUnlike,
  armInterval,
  compareArms,
  failsOften,
  isPrecise,
  summariseArms,
} from './compare.ts';
import { comparedMetrics } from './metrics.ts';
import { ArmSummary, type Comparison } from './model/run.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { overReplicates } from './stats.ts';
import { sampleRun } from './testing/sample-run.ts';

describe("A client's interval is over its replicates, read as its metric is", () => {
  const { trials } = sampleRun();
  const completed = trials.filter(
    (result): result is CompletedTrial => result.state === 'completed' && result.trial.arm === 'short',
  );
  const [summary] = summariseArms(trials);

  test('every metric has an interval that holds its value; it agrees with the summary of the arm', () => {
    for (const metric of comparedMetrics({ model: 'closed' })) {
      const interval = armInterval(metric, completed);
      assert.ok(interval !== null && interval.low < interval.value && interval.value < interval.high, metric);
    }
    const near = (a: number, b: number) => Math.abs(a / b - 1) < 0.02;
    assert.ok(near(armInterval('requestsPerSec', completed)!.value, summary!.requestsPerSec!.value));
    assert.ok(near(armInterval('meanUs', completed)!.value, summary!.meanUs));
    assert.ok(near(armInterval('p99Us', completed)!.value, summary!.p99Us));
    assert.ok(near(armInterval('cpuUsPerRequest', completed)!.value, summary!.generatorCpuUsPerRequest!));
  });

  test('one trial has a value without an interval, none has nothing', () => {
    const { value, low, high } = armInterval('p50Us', completed.slice(0, 1))!;
    assert.deepEqual([value, low, high], Array(3).fill(completed[0]!.measurement.response.p50Us));
    assert.equal(armInterval('meanUs', []), null);
  });

  test('over replicates: the geometric mean of what is above 0, else the mean without an interval', () => {
    const interval = overReplicates([1, 2, 4])!;
    assert.ok(Math.abs(interval.value - 2) < 1e-9 && interval.low < 1 && interval.high > 4);
    assert.deepEqual(overReplicates([0, 4]), { value: 2, low: 2, high: 2 });
    assert.equal(overReplicates([]), null);
  });
});

describe('Ratios, verdicts, summaries and the stopping rule', () => {
  const { trials } = sampleRun();

  function requestsPerSec(comparisons: readonly Comparison[]): Comparison {
    return comparisons.find(({ metric }) => metric === 'requestsPerSec')!;
  }

  /** The same trials with every slice of an arm, in one replicate or all, sped up or slowed down. */
  function scaled(arm: string, factor: number, replicate?: number): TrialResult[] {
    const copy = structuredClone(trials);
    for (const result of copy) {
      const isMeant =
        result.trial.arm === arm && (replicate === undefined || result.trial.replicate === replicate);
      if (result.state !== 'completed' || !isMeant) continue;
      for (const slice of result.measurement.slices) {
        slice.windowMs /= factor;
        if (slice.userMs !== null) slice.userMs /= factor;
      }
    }
    return copy;
  }

  test('a percentile that is far off in some replicates, while response times are as ever, shows no mode', () => {
    const { trials: eight } = sampleRun({ replicates: 8 });
    for (const { state, ...result } of eight) {
      if (state !== 'completed' || result.trial.arm !== 'persistent' || result.trial.replicate < 6) continue;
      (result as CompletedTrial).measurement.response.p99Us *= 3;
    }
    const { ratio, replicateRatios } = compareArms({ baseline: 'short', trials: eight }).find(
      ({ metric }) => metric === 'p99Us',
    )!;
    const logs = replicateRatios.map(Math.log);
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
    assert.ok(Math.abs(Math.log(ratio!.value) - mean) < 1e-9);
    assert.ok(ratio!.high / ratio!.low > 1.5, 'two of eight are three times the others');
  });

  test('a machine that is slow in two of eight replicates leaves the means of two arms as far apart as their ratio', () => {
    const { trials: eight } = sampleRun({ replicates: 8 });
    for (const { state, ...result } of eight) {
      if (state !== 'completed' || result.trial.replicate < 6) continue;
      // A little less for one arm, so that its slow replicates are no group of their own.
      const factor = result.trial.arm === 'short' ? 0.6 : 0.85;
      for (const slice of (result as CompletedTrial).measurement.slices) slice.completed *= factor;
    }
    const [short, persistent] = summariseArms(eight);
    const { replicateRatios } = requestsPerSec(compareArms({ baseline: 'short', trials: eight }));
    const mean = Math.exp(
      replicateRatios.map(Math.log).reduce((sum, log) => sum + log, 0) / replicateRatios.length,
    );
    const apart = persistent!.requestsPerSec!.value / short!.requestsPerSec!.value;
    assert.ok(Math.abs(apart / mean - 1) < 0.01, `${apart} and ${mean}`);
  });

  test('every other arm is compared with the baseline on every metric', () => {
    const comparisons = compareArms({ baseline: 'short', trials });
    assert.deepEqual(
      comparisons.map(({ metric, baseline, candidate }) => [metric, baseline, candidate]),
      comparedMetrics({ model: 'closed' }).map(metric => [metric, 'short', 'persistent']),
    );
    assert.ok(comparisons.every(({ replicateRatios }) => replicateRatios.length === 4));
    assert.deepEqual(
      comparisons.map(({ isDeciding, verdict }) => [isDeciding, verdict]),
      comparisons.map(({ metric }) => (metric === 'requestsPerSec' ? [true, 'better'] : [false, 'unsure'])),
    );
  });

  test('swapping the baseline turns ratios and verdicts round', () => {
    const forth = compareArms({ baseline: 'short', trials });
    const back = compareArms({ baseline: 'persistent', trials });
    forth.forEach((comparison, index) => {
      const other = back[index]!;
      assert.equal(other.verdict, other.isDeciding ? 'worse' : 'unsure');
      assert.ok(Math.abs(comparison.ratio!.value * other.ratio!.value - 1) < 1e-9);
      assert.ok(Math.abs(comparison.ratio!.low * other.ratio!.high - 1) < 1e-9);
    });
  });

  test('a ratio follows the rate, and an arm compared with its own copy is 1 and unsure', () => {
    const before = requestsPerSec(compareArms({ baseline: 'short', trials })).ratio!.value;
    const after = requestsPerSec(compareArms({ baseline: 'short', trials: scaled('persistent', 1.3) })).ratio!
      .value;
    assert.ok(Math.abs(after / before - 1.3) < 1e-9);
    const copies = trials.flatMap(trial =>
      trial.trial.arm === 'short' ? [trial, { ...trial, trial: { ...trial.trial, arm: 'copy' } }] : [],
    );
    for (const { ratio, verdict } of compareArms({ baseline: 'short', trials: copies })) {
      assert.deepEqual([ratio, verdict], [{ value: 1, low: 1, high: 1 }, 'unsure']);
    }
  });

  test('drift that hits the slices of a block alike hardly moves the ratio', () => {
    const drifting = structuredClone(trials);
    for (const result of drifting) {
      if (result.state !== 'completed') continue;
      const { slices } = result.measurement;
      for (const slice of slices) {
        slice.completed *=
          1 + 0.5 * Math.sin((2 * Math.PI * slice.block) / slices.length + result.trial.replicate);
      }
    }
    const [still, drifted] = [trials, drifting].map(list =>
      requestsPerSec(compareArms({ baseline: 'short', trials: list })),
    );
    assert.ok(Math.abs(still!.ratio!.value / drifted!.ratio!.value - 1) < 0.005);
  });

  test('what an arm does in few of its slices counts in full: a pause in every tenth costs what it costs', () => {
    const pausing = structuredClone(trials);
    let paused = 0;
    let all = 0;
    let pausedCpuUs = 0;
    let allCpuUs = 0;
    for (const result of pausing) {
      if (result.state !== 'completed' || result.trial.arm !== 'persistent') continue;
      for (const slice of result.measurement.slices) {
        all++;
        allCpuUs += slice.generatorCpuUs;
        if (slice.block % 10 !== 0) continue;
        paused++;
        pausedCpuUs += slice.generatorCpuUs;
        slice.userMs! += 20 * slice.windowMs;
        slice.meanUs += (20 * slice.windowMs * 1_000) / slice.completed;
        slice.generatorCpuUs *= 3;
      }
    }
    const share = paused / all;
    const changeOf = (metric: Comparison['metric']): number => {
      const [before, after] = [trials, pausing].map(
        list => compareArms({ baseline: 'short', trials: list }).find(found => found.metric === metric)!,
      );
      return after!.ratio!.value / before!.ratio!.value;
    };
    const slowdown = 1 + (share * 20) / 100;
    assert.ok(Math.abs(changeOf('requestsPerSec') * slowdown - 1) < 0.005);
    assert.ok(Math.abs(changeOf('meanUs') / slowdown - 1) < 0.005);
    assert.ok(Math.abs(changeOf('cpuUsPerRequest') / (1 + (2 * pausedCpuUs) / allCpuUs) - 1) < 0.005);
  });

  test('a block that only one of the two arms has does not count', () => {
    const cut = structuredClone(trials);
    for (const result of cut) {
      if (result.state !== 'completed' || result.trial.arm !== 'persistent') continue;
      const { slices } = result.measurement;
      slices.push({ ...slices.at(-1)!, block: 1_000, completed: 1_000_000 });
    }
    const [whole, longer] = [trials, cut].map(list => compareArms({ baseline: 'short', trials: list }));
    assert.deepEqual(longer, whole);
  });

  test('replicates are paired by their number, in whatever order and number the trials come', () => {
    const of = (arm: string, keep: readonly number[]) =>
      trials.filter(({ trial }) => trial.arm === arm && keep.includes(trial.replicate));
    const paired = requestsPerSec(
      compareArms({ baseline: 'short', trials: [...of('persistent', [3, 2, 0]), ...of('short', [1, 2, 3])] }),
    );
    const all = requestsPerSec(compareArms({ baseline: 'short', trials }));
    assert.deepEqual(paired.replicateRatios, all.replicateRatios.slice(2));
  });

  test('a replicate counts only where both arms completed with data', () => {
    const failed = requestsPerSec(
      compareArms({ baseline: 'short', trials: sampleRun({ trouble: 'failed-trial' }).trials }),
    );
    assert.equal(failed.replicateRatios.length, 3);
    const empty = structuredClone(trials);
    for (const result of empty) {
      if (result.state !== 'completed' || result.trial.replicate > 0) continue;
      for (const slice of result.measurement.slices) slice.completed = 0;
    }
    assert.equal(requestsPerSec(compareArms({ baseline: 'short', trials: empty })).replicateRatios.length, 3);
    const one = requestsPerSec(compareArms({ baseline: 'short', trials: trials.slice(0, 2) }));
    assert.deepEqual([one.ratio, one.verdict, one.replicateRatios.length], [null, 'unsure', 1]);
  });

  test('precise is when every interval of requests/s is within the precision, to both sides', () => {
    const of = (low: number, high: number): Comparison => ({
      ...requestsPerSec(compareArms({ baseline: 'short', trials })),
      ratio: { value: 1, low, high },
    });
    const rows = [
      { comparisons: [of(0.96, 1.04)], is: true },
      { comparisons: [of(0.96, 1.06)], is: false },
      { comparisons: [of(0.94, 1.04)], is: false },
      { comparisons: [of(0.96, 1.04), of(0.9, 1.1)], is: false },
      { comparisons: [{ ...of(1, 1), ratio: null }], is: false },
      { comparisons: [{ ...of(0.5, 2), metric: 'p99Us' as const }], is: true },
      { comparisons: [], is: true },
    ];
    assert.deepEqual(
      rows.map(({ comparisons }) => isPrecise(comparisons, 'requestsPerSec', 0.05)),
      rows.map(({ is }) => is),
    );
  });

  test('the row of an arm adds up its trials', () => {
    const [short] = summariseArms(trials);
    const measured = trials.flatMap(t =>
      t.state === 'completed' && t.trial.arm === 'short' ? [t.measurement] : [],
    );
    const total = (read: (m: (typeof measured)[number]) => number) =>
      measured.reduce((sum, m) => sum + read(m), 0);
    assert.ok(short !== undefined);
    assert.equal(short.trials, 4);
    assert.equal(
      short.completed,
      total(m => m.completed),
    );
    assert.equal(
      short.opened,
      total(m => m.ledger.opened),
    );
    assert.deepEqual(short.needed, { least: short.requestsSent, most: short.requestsSent });
    assert.equal(short.maxUs, Math.max(...measured.map(m => m.response.maxUs)));
    const rate = (short.completed / total(m => m.steadyMs)) * 1000;
    assert.ok(short.requestsPerSec!.low < rate && rate < short.requestsPerSec!.high);
  });

  test('rows of arms with one trial, with failures, and with none completed', () => {
    const one = summariseArms(trials.slice(0, 1))[0]!;
    assert.equal(one.requestsPerSec!.low, one.requestsPerSec!.high);
    const troubled = structuredClone(trials.slice(0, 1));
    if (troubled[0]?.state === 'completed')
      troubled[0].measurement.failed = troubled[0].measurement.completed * 3;
    assert.equal(summariseArms(troubled)[0]!.errorRatio, 0.75);
    const failed = sampleRun({ trouble: 'failed-trial', replicates: 1 }).trials;
    const none = summariseArms(failed)[1]!;
    assert.deepEqual(ArmSummary.parse(none), none);
    assert.deepEqual(
      [none.arm, none.trials, none.requestsPerSec, none.errorRatio],
      ['persistent', 0, null, 0],
    );
  });

  test('under an open load the response time decides, with a capacity search the rate found', () => {
    for (const [scenario, metrics] of [
      ['same-load', ['meanUs', 'p50Us', 'p99Us', 'requestsPerSec', 'cpuUsPerRequest']],
      ['capacity', ['capacityPerSec', 'meanUs', 'p50Us', 'p99Us', 'requestsPerSec', 'cpuUsPerRequest']],
    ] as const) {
      const { trials } = sampleRun({ scenario });
      const comparisons = compareArms({ baseline: 'short', trials });
      assert.deepEqual(
        comparisons.map(({ metric }) => metric),
        metrics,
      );
      assert.equal(comparisons[0]!.verdict, 'better');
      assert.equal(isPrecise(comparisons, metrics[0], 0.2), true);
    }
    const same = compareArms({ baseline: 'short', trials: sampleRun({ scenario: 'same-load' }).trials });
    const rate = requestsPerSec(same);
    assert.deepEqual([rate.ratio!.value, rate.verdict], [1, 'unsure']);
  });

  test('a capacity has an interval over the replicates; searches that were cut short have no part in it', () => {
    const { trials } = sampleRun({ scenario: 'capacity' });
    const found = trials.flatMap(trial =>
      trial.state === 'completed' && trial.trial.arm === 'short' ? [trial.measurement.capacity!] : [],
    );
    const [short, persistent] = summariseArms(trials);
    const rates = found.map(({ ratePerSec }) => ratePerSec);
    const { value, low, high } = short!.capacityPerSec!;
    assert.ok(low < value && value < high);
    assert.ok(Math.min(...rates) <= value && value <= Math.max(...rates));
    assert.ok(persistent!.capacityPerSec!.value > 4 * value);
    const [first] = found;
    Object.assign(first!, { isSettled: false, ratePerSec: 10 });
    assert.ok(summariseArms(trials)[0]!.capacityPerSec!.low > 1_000);
    const capacity = compareArms({ baseline: 'short', trials }).find(
      ({ metric }) => metric === 'capacityPerSec',
    );
    assert.equal(capacity?.replicateRatios.length, 3);
    for (const each of found) Object.assign(each, { isSettled: true, ratePerSec: 0 });
    assert.equal(summariseArms(trials)[0]!.capacityPerSec, null);
  });
});

describe('Whether two arms failed unlike, and what makes two runs comparable', () => {
  const pairs: [
    one: [failed: number, all: number],
    other: [failed: number, all: number],
    isUnlike: boolean,
  ][] = [
    [[0, 1_000], [0, 1_000], false],
    [[17, 355], [17, 477], false], // 4.8 and 3.6 %: chance
    [[480, 10_000], [360, 10_000], true], // the same shares of more requests
    [[50, 10_000], [0, 10_000], false], // half a point is too little to matter
    [[1, 2], [0, 2], false],
    [[10, 10], [0, 10], true],
    [[0, 0], [10, 10], false], // nothing is known of the first
  ];
  const counts = ([failed, all]: [number, number]) => ({ failed, completed: all - failed });
  for (const [one, other, isUnlike] of pairs) {
    test(`${one.join(' of ')} and ${other.join(' of ')}: ${isUnlike ? 'unlike' : 'not told apart'}`, () => {
      assert.equal(areErrorsUnlike(counts(one), counts(other)), isUnlike);
      assert.equal(areErrorsUnlike(counts(other), counts(one)), isUnlike);
    });
  }

  test('more than one in a hundred is often', () => {
    assert.deepEqual([counts([1, 100]), counts([2, 100])].map(failsOften), [false, true]);
  });

  test('a run that sends other requests, or in whole slices, is not comparable', () => {
    const { run } = sampleRun();
    const conditionsWith = (more: object): string => {
      const [cell] = run.cells;
      return summariseRun({ ...run, cells: [{ ...cell!, scenario: { ...cell!.scenario, ...more } }] })
        .cells[0]!.conditions;
    };
    const request = { method: 'GET', query: {}, headers: {}, framing: 'length' } as const;
    const { timing, target } = run.cells[0]!.scenario;
    const all = [
      {},
      { request },
      { request: { ...request, method: 'POST' } },
      { requests: [{ ...request, weight: 1 }] },
      { requests: [{ ...request, weight: 2 }] },
      { timing: { ...timing, slicing: 'whole' } },
      { target: { ...target, faults: [{ kind: 'close', ratio: 0.1 }] } },
      { target: { ...target, backlog: 4 } },
      { limits: { localPorts: 256 } },
      { limits: { openFiles: 256 } },
    ].map(conditionsWith);
    assert.equal(new Set(all).size, all.length);
    assert.equal(conditionsWith({ timing: { ...timing, measureMs: 9 } }), all[0]);
    assert.equal(all[0], 'fce293aa17902a6c', 'as in baselines that are stored, which it must not outdate');
  });
});
