// What the gate calls a regression, and what it ignores, for summaries that differ in known ways.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { randomNormal } from 'd3-random';
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { Target, withUnknowns } from '../scenarios/model/target.ts';
import { type CellFigures, joinRuns, RunSummary, summariseRun } from './baselines.ts';
import { WHY_UNCOUNTED } from './connections.ts';
import { confirmGate, type GateLine, type GateResult, gateRun, ownSight } from './gate.ts';
import { createRandom } from './random.ts';
import { replicateInterval } from './stats.ts';
import { sampleRun } from './testing/sample-run.ts';

describe('A regression counts only if the new run confirms it', () => {
  const METRIC = 'cpuUsPerRequest';
  const ARM = 'persistent';
  const EVEN = [-1, -0.5, 0, 0, 0.5, 1];

  /** A run whose CPU per request of an arm, relative to the baseline arm, is multiplied by a factor, give or take `spread`. */
  function makeRun(factor: number, spread = 0.01, damage: (run: RunSummary) => void = () => {}): RunSummary {
    const run = structuredClone(summariseRun(sampleRun().run));
    const [cell] = run.cells as [RunSummary['cells'][number]];
    const own = cell.ratios.find(({ metric, candidate }) => metric === METRIC && candidate === ARM)!;
    const ratio = (candidate: string, value: number) => {
      const replicateRatios = EVEN.map(step => value * Math.exp(step * spread));
      return {
        metric: own.metric,
        candidate,
        replicateRatios,
        interval: replicateInterval(replicateRatios.map(Math.log)),
      };
    };
    cell.ratios = [ratio(ARM, own.interval!.value * factor), ratio(NULL_ARM, 1)];
    damage(run);
    return run;
  }

  /** With a null arm that is off by up to a quarter. */
  function noisy(run: RunSummary): RunSummary {
    const nullArm = run.cells[0]!.ratios.find(({ candidate }) => candidate === NULL_ARM)!;
    nullArm.interval = { value: 1, low: 0.75, high: 1.25 };
    return run;
  }

  const baseline = makeRun(1);
  const options = { minEffect: 0.05 };

  for (const [why, first, fresh, isConfirmed] of [
    ['it shows again', makeRun(1.2), makeRun(1.2), true],
    [
      'it shows again, though by itself the fresh run would not be sure',
      makeRun(1.2),
      makeRun(1.15, 0.12),
      true,
    ],
    ['it is gone', makeRun(1.2), makeRun(1), false],
    ['it is smaller than what counts', makeRun(1.2), makeRun(1.03), false],
    ['it is an improvement', makeRun(1.2), makeRun(0.8), false],
    ['both together are not sure', makeRun(1.1), makeRun(1.06, 0.15), false],
    ['its noise floor alone would hide it', makeRun(1.3), noisy(makeRun(1.2)), true],
  ] as const) {
    test(`measured again, ${why}: ${isConfirmed ? 'a regression' : 'none'}`, () => {
      const { confirmations, result } = confirmGate(baseline, { first, fresh }, options);
      const found = confirmations.filter(({ first: line }) => line.metric === METRIC);
      assert.deepEqual(
        found.map(confirmation => confirmation.isConfirmed),
        [isConfirmed],
      );
      assert.equal(result.state === 'regression', isConfirmed);
      const { change } = found[0]!.together;
      assert.ok(change.low <= change.value && change.value <= change.high);
    });
  }

  test('what did not regress at first is no regression because both together seem to be one', () => {
    const first = makeRun(1.08, 0.08);
    const { confirmations, result } = confirmGate(baseline, { first, fresh: makeRun(1.2) }, options);
    assert.deepEqual(confirmations, []);
    assert.ok(result.lines.every(({ state, isBinding }) => !isBinding || state !== 'regression'));
  });

  test('a regression that is absent from the fresh run is not confirmed', () => {
    const fresh = makeRun(1.2, 0.01, run => {
      run.cells[0]!.ratios = [];
    });
    const { confirmations, result } = confirmGate(baseline, { first: makeRun(1.2), fresh }, options);
    assert.deepEqual(
      confirmations.map(({ fresh: line, isConfirmed }) => [line, isConfirmed]),
      [[undefined, false]],
    );
    assert.equal(result.state, 'unsure');
  });

  test('a count that is worse by more than its limit, twice', () => {
    const failing = (failed: number) =>
      makeRun(1, 0.01, run => {
        const arm = run.cells[0]!.arms.find(one => one.arm === ARM)!;
        Object.assign(arm, { completed: 100_000 - failed, failed });
      });
    const confirmedWith = (fresh: RunSummary) =>
      confirmGate(failing(0), { first: failing(500), fresh }, options).confirmations.map(
        one => one.isConfirmed,
      );
    assert.deepEqual(confirmedWith(failing(500)), [true]);
    assert.deepEqual(confirmedWith(failing(10)), [false]);
  });

  test('joined: counts are added, ratios have all replicates, and the first run gives its name', () => {
    const first = makeRun(1.2);
    const fresh = { ...makeRun(1.1), runId: 'fresh' };
    const joined = joinRuns(first, fresh);
    assert.equal(joined.runId, first.runId);
    const [cell] = joined.cells;
    assert.equal(cell!.arms[0]!.opened, first.cells[0]!.arms[0]!.opened + fresh.cells[0]!.arms[0]!.opened);
    assert.equal(cell!.ratios[0]!.replicateRatios.length, 2 * EVEN.length);
    const { low, high } = cell!.ratios[0]!.interval!;
    const { value: one } = first.cells[0]!.ratios[0]!.interval!;
    const { value: other } = fresh.cells[0]!.ratios[0]!.interval!;
    assert.ok(low < Math.sqrt(one * other) && Math.sqrt(one * other) < high);
  });

  test('joined: of two runs that differ neither is taken for a mode and left out', () => {
    const first = makeRun(1.2, 0.01);
    const fresh = makeRun(1.06, 0.01);
    fresh.cells[0]!.ratios[0]!.replicateRatios.length = 3;
    const { low, high } = joinRuns(first, fresh).cells[0]!.ratios[0]!.interval!;
    for (const { cells } of [first, fresh]) {
      const { value } = cells[0]!.ratios[0]!.interval!;
      assert.ok(low <= value && value <= high, `${value} in ${low} to ${high}`);
    }
  });

  test('joined: a cell that was not measured again, or under other conditions, stays as it was', () => {
    const first = makeRun(1.2);
    for (const cells of [[], [{ ...makeRun(1).cells[0]!, conditions: 'other' }]])
      assert.deepEqual(joinRuns(first, { ...makeRun(1), cells }), first);
  });
});

describe('What the gate calls a regression, and what it ignores', () => {
  type Damage = (summary: RunSummary, cell: CellFigures) => void;

  /** The sample run with a null arm that is within 2 %, and ratios that are sure to 1 %. */
  function makeSummary(damage: Damage = () => {}): RunSummary {
    const summary = structuredClone(summariseRun(sampleRun().run));
    const cell = summary.cells[0]!;
    for (const ratio of cell.ratios) {
      const { value } = ratio.interval!;
      ratio.interval = { value, low: value * 0.99, high: value * 1.01 };
    }
    cell.ratios.push(
      ...cell.ratios.map(ratio => ({
        ...ratio,
        candidate: NULL_ARM,
        interval: { value: 1, low: 0.98, high: 1.02 },
      })),
    );
    damage(summary, cell);
    return summary;
  }

  function scaled(metric: string, factor: number, arm = 'persistent'): Damage {
    return (_summary, cell) => {
      const ratio = cell.ratios.find(one => one.metric === metric && one.candidate === arm)!;
      const { value, low, high } = ratio.interval!;
      ratio.interval = { value: value * factor, low: low * factor, high: high * factor };
    };
  }

  function gateWith(before: Damage, after: Damage, minEffect = 0.05): GateResult {
    return gateRun(makeSummary(before), makeSummary(after), { minEffect });
  }

  function lineOf({ lines }: GateResult, metric: GateLine['metric']): GateLine {
    return lines.find(line => line.metric === metric && line.arm === 'persistent')!;
  }

  const nothing: Damage = () => {};
  const cpu = 'cpuUsPerRequest';

  const rows: {
    why: string;
    before?: Damage;
    after: Damage;
    minEffect?: number;
    metric: GateLine['metric'];
    state: GateLine['state'];
    verdict: GateResult['state'];
  }[] = [
    { why: 'the same again', after: nothing, metric: cpu, state: 'within', verdict: 'pass' },
    {
      why: '10 % more CPU',
      after: scaled(cpu, 1.1),
      metric: cpu,
      state: 'regression',
      verdict: 'regression',
    },
    { why: '10 % less CPU', after: scaled(cpu, 1 / 1.1), metric: cpu, state: 'improvement', verdict: 'pass' },
    { why: '2 % more CPU', after: scaled(cpu, 1.02), metric: cpu, state: 'within', verdict: 'pass' },
    {
      why: '5 % more: the limit lies in the interval',
      after: scaled(cpu, 1.05),
      metric: cpu,
      state: 'unsure',
      verdict: 'unsure',
    },
    {
      why: '5 % more, 2 % asked for',
      after: scaled(cpu, 1.05),
      minEffect: 0.02,
      metric: cpu,
      state: 'regression',
      verdict: 'regression',
    },
    {
      why: '10 % fewer requests',
      after: scaled('requestsPerSec', 1 / 1.1),
      metric: 'requestsPerSec',
      state: 'regression',
      verdict: 'regression',
    },
    {
      why: '10 % more, in a run whose own noise reaches 15 %',
      after: (summary, cell) => {
        scaled(cpu, 1.1)(summary, cell);
        cell.ratios.find(one => one.metric === cpu && one.candidate === NULL_ARM)!.interval = {
          value: 1.05,
          low: 0.97,
          high: 1.15,
        };
      },
      metric: cpu,
      state: 'within',
      verdict: 'pass',
    },
    {
      why: 'the same again, in a run whose own noise reaches 40 %: blind',
      after: (_summary, cell) => {
        cell.ratios.find(one => one.metric === cpu && one.candidate === NULL_ARM)!.interval = {
          value: 1.1,
          low: 0.9,
          high: 1.4,
        };
      },
      metric: cpu,
      state: 'unsure',
      verdict: 'unsure',
    },
    {
      why: 'one connection more per 100 requests',
      after: (_summary, cell) => {
        const arm = cell.arms.find(one => one.arm === 'persistent')!;
        arm.opened += Math.round(arm.requestsSent / 100);
      },
      metric: 'excessConnections',
      state: 'regression',
      verdict: 'regression',
    },
    {
      why: 'a slower machine: fewer requests on the same pool',
      after: (_summary, cell) => {
        for (const arm of cell.arms) arm.requestsSent = Math.round(arm.requestsSent / 2);
      },
      metric: 'excessConnections',
      state: 'within',
      verdict: 'pass',
    },
    {
      why: 'one request in a hundred fails',
      after: (_summary, cell) => {
        const arm = cell.arms.find(one => one.arm === 'persistent')!;
        arm.failed = Math.round(arm.completed / 99);
      },
      metric: 'errorRatio',
      state: 'regression',
      verdict: 'regression',
    },
    {
      why: 'half the rate of everything: the machine, not the code',
      after: (_summary, cell) => {
        for (const { requestsPerSec } of cell.arms) {
          for (const key of ['value', 'low', 'high'] as const) requestsPerSec![key] /= 2;
        }
      },
      metric: cpu,
      state: 'within',
      verdict: 'pass',
    },
  ];

  suite('gate', () => {
    for (const { why, before = nothing, after, minEffect, metric, state, verdict } of rows) {
      test(why, () => {
        const result = gateWith(before, after, minEffect);
        assert.deepEqual(
          [lineOf(result, metric).state, result.state],
          [state, verdict],
          JSON.stringify(result),
        );
      });
    }

    test('absolute figures inform where the machine is the same, and are left out where it is not', () => {
      const halved: Damage = (_summary, cell) => {
        for (const { requestsPerSec } of cell.arms) {
          for (const key of ['value', 'low', 'high'] as const) requestsPerSec![key] /= 2;
        }
      };
      const absolute = ({ lines }: GateResult): GateLine[] => lines.filter(({ kind }) => kind === 'absolute');
      const same = gateWith(nothing, halved);
      assert.deepEqual(
        absolute(same).map(({ state, isBinding }) => [state, isBinding]),
        [
          ['regression', false],
          ['regression', false],
        ],
      );
      const moved = gateWith(nothing, summary => {
        summary.host.cpuModel = 'another';
      });
      assert.deepEqual([moved.hasSameMachine, absolute(moved).length], [false, 0]);
    });

    test('the detectable change is reported: the effect and half of the interval', () => {
      const { effect, detectable, noiseFloor } = lineOf(gateWith(nothing, nothing), cpu);
      assert.equal(effect, 0.05);
      assert.ok(detectable > effect && detectable < 0.1, String(detectable));
      assert.ok(Math.abs(noiseFloor! - (1 / 0.98 - 1)) < 1e-9);
    });

    test('unnecessary connections that nothing bounds are not compared, which says why and leaves the outcome', () => {
      const { run } = sampleRun();
      run.cells[0]!.scenario.target = Target.parse(withUnknowns({ url: 'http://127.0.0.1/' }));
      for (const arm of run.cells[0]!.arms)
        Object.assign(arm, { opened: arm.requestsSent, needed: { least: 1, most: arm.requestsSent } });
      const summary = RunSummary.parse(summariseRun(run));
      const { lines, unknown, state } = gateRun(summary, summary, { minEffect: 0.05 });
      const compared = lines.filter(({ metric }) => metric === 'excessConnections').map(({ arm }) => arm);
      assert.deepEqual(compared, ['short'], 'which opens one for each request by definition');
      assert.match(
        unknown.join(),
        /^short-vs-persistent: .* of persistent are not compared, because .*target.keepAliveTimeoutMs/,
      );
      assert.equal(
        state,
        gateRun(summariseRun(sampleRun().run), summariseRun(sampleRun().run), { minEffect: 0.05 }).state,
      );
    });

    const openedRows: [why: string, before: number, after: number, state: string | undefined][] = [
      ['a connection per request, where a few were opened', 0.00324, 1, 'regression'],
      ['nine times as many: a slower machine may need as many', 0.1, 0.9, 'within'],
      ['more than ten times as many', 0.09, 0.91, 'regression'],
      ['twenty times as many, which are still few', 0.001, 0.02, 'within'],
      ['a few, where each request opened one', 1, 0.00324, 'improvement'],
    ];
    for (const [why, before, after, state] of openedRows) {
      test(`connections opened where the need is not known: ${why}: ${state}`, () => {
        const opening = (share: number): Damage => {
          return (_summary, cell) => {
            const arm = cell.arms.find(one => one.arm === 'persistent')!;
            const opened = Math.round(share * 10_000);
            Object.assign(arm, {
              requestsSent: 10_000,
              opened,
              mostNeeded: null,
              whyNeedUnknown: 'unbounded',
            });
          };
        };
        const result = gateWith(opening(before), opening(after));
        const own = lineOf(result, 'openedConnections');
        assert.deepEqual(
          [own.arm, own.state, result.state === 'regression'],
          ['persistent', state, state === 'regression'],
        );
        assert.match(result.unknown.join(), /all that were opened are, by a limit of 10 times/);
        const [first, fresh] = [opening(after), opening(after)].map(makeSummary);
        const confirmed = confirmGate(
          makeSummary(opening(before)),
          { first: first!, fresh: fresh! },
          { minEffect: 0.05 },
        );
        assert.equal(confirmed.result.state === 'regression', state === 'regression', 'measured again');
      });
    }

    test('connections that are not counted are not compared, and those that exceed a known need are, as such', () => {
      const uncounted: Damage = (_summary, cell) => {
        for (const arm of cell.arms)
          Object.assign(arm, { opened: 0, mostNeeded: null, whyNeedUnknown: WHY_UNCOUNTED });
      };
      for (const result of [gateWith(uncounted, uncounted), gateWith(nothing, nothing)])
        assert.ok(result.lines.every(({ metric }) => metric !== 'openedConnections'));
    });

    const another = 'another';
    const twoCells = (damage: Damage): GateResult => {
      const [before, after] = [makeSummary(), makeSummary(damage)];
      for (const summary of [before, after]) {
        const [cell] = makeSummary().cells;
        summary.cells.push({ ...cell!, cell: another });
      }
      return gateRun(before, after, { minEffect: 0.05 });
    };
    const renamed: Damage = (_summary, cell) => {
      for (const arm of cell.arms) if (arm.arm === 'persistent') arm.arm = 'kept';
      for (const ratio of cell.ratios) if (ratio.candidate === 'persistent') ratio.candidate = 'kept';
      cell.conditions = 'of other clients';
    };
    const gaps: [why: string, after: Damage, told: RegExp][] = [
      [
        'a cell that was not measured',
        summary => summary.cells.splice(0, 1),
        /^short-vs-persistent was not measured in this run$/,
      ],
      [
        'a renamed cell',
        (_summary, cell) => Object.assign(cell, { cell: 'new-name' }),
        /^short-vs-persistent was not measured in this run, which has new-name instead$/,
      ],
      [
        'a renamed arm',
        renamed,
        /^short-vs-persistent has no client persistent in this run, only short, kept; save a new baseline$/,
      ],
      [
        'another arm to compare with',
        (_summary, cell) => Object.assign(cell, { baseline: 'persistent' }),
        /is compared with persistent, but with short in the baseline/,
      ],
      [
        'other conditions',
        (_summary, cell) => Object.assign(cell, { conditions: 'x' }),
        /different conditions/,
      ],
    ];
    for (const [why, after, told] of gaps) {
      test(`${why}, and nothing else: nothing is compared; beside another cell it is unsure`, () => {
        const alone = gateWith(nothing, after);
        assert.deepEqual([alone.state, alone.lines], ['nothing', []]);
        assert.match(alone.gaps.join('\n'), told);
        const result = twoCells(after);
        assert.equal(result.state, 'unsure');
        assert.match(result.gaps.join('\n'), told);
        assert.ok(result.lines.every(({ cell }) => cell === another));
      });
    }

    const lost: [why: string, before: Damage, after: Damage, told: string[]][] = [
      [
        'ratios without an interval',
        nothing,
        (_summary, cell) => {
          cell.ratios[0]!.interval = null;
          cell.ratios[1]!.interval = null;
        },
        ['short-vs-persistent: requestsPerSec, meanUs of persistent has no interval in this run'],
      ],
      [
        'an arm whose trials failed',
        nothing,
        (_summary, cell) => {
          Object.assign(cell.arms.find(({ arm }) => arm === 'persistent')!, { completed: 0, failed: 0 });
          for (const ratio of cell.ratios) ratio.interval = null;
        },
        ['short-vs-persistent: persistent has no figures in this run'],
      ],
      [
        'an arm without one good answer in the baseline, and again',
        (_summary, cell) => Object.assign(cell.arms[1]!, { completed: 0, failed: 1_000 }),
        (_summary, cell) => Object.assign(cell.arms[1]!, { completed: 0, failed: 1_000 }),
        ['short-vs-persistent: persistent has no successful response in the baseline; save a new one'],
      ],
    ];
    for (const [why, before, after, told] of lost) {
      test(`${why}: unsure, and one sentence says so`, () => {
        const result = gateWith(before, after);
        assert.equal(result.state, 'unsure');
        assert.deepEqual(result.gaps, told);
      });
    }

    test('what a run can detect follows from its intervals: from best to worst, blind or not', () => {
      const sharp = ownSight(makeSummary(), 0.05);
      assert.deepEqual([sharp.isBlind, sharp.blind, sharp.ratios.length], [false, [], 5]);
      assert.ok(sharp.ratios[0]!.detectable >= 0.05 && sharp.ratios.at(-1)!.detectable < 0.1);
      const wide: Damage = (_summary, cell) => {
        const { interval } = cell.ratios.find(({ metric }) => metric === 'requestsPerSec')!;
        interval!.high *= 2;
        cell.ratios.find(({ metric }) => metric === 'p99Us')!.interval = null;
      };
      const { isBlind, blind, ratios } = ownSight(makeSummary(wide), 0.05);
      assert.deepEqual(
        [isBlind, blind.map(({ metric }) => metric), ratios.at(-1)!.detectable],
        [true, ['requestsPerSec', 'p99Us'], Infinity],
      );
    });

    test('a summary survives JSON', () => {
      const summary = makeSummary();
      assert.deepEqual(RunSummary.parse(JSON.parse(JSON.stringify(summary))), summary);
    });
  });

  const still = makeSummary();

  /** A run of one cell with several arms whose figures vary independently or together, and do not differ from the baseline's. */
  function nullRun(arms: number, replicates: number, normal: () => number, common: number): RunSummary {
    const shared = Array.from({ length: replicates }, normal);
    const [cell] = still.cells as [CellFigures];
    const changed: CellFigures = {
      ...cell,
      arms: [],
      ratios: Array.from({ length: arms }, (_, arm) =>
        (['requestsPerSec', 'cpuUsPerRequest', 'p99Us'] as const).map(metric => {
          const logs = shared.map(own => 0.03 * (Math.sqrt(common) * own + Math.sqrt(1 - common) * normal()));
          const replicateRatios = logs.map(Math.exp);
          return { metric, candidate: `arm-${arm}`, interval: replicateInterval(logs), replicateRatios };
        }),
      ).flat(),
    };
    return { ...still, cells: [changed] };
  }

  suite('of many figures that have not changed, any is called a change in 5 % at most', () => {
    const experiments = 600;
    for (const [arms, before, after, common] of [
      [2, 4, 4, 0],
      [6, 4, 4, 0],
      [6, 4, 8, 0],
      [6, 5, 5, 0.9],
    ] as const) {
      test(`${arms * 3} figures of ${before} and ${after} replicates, ${common * 100} % of their noise in common`, () => {
        const normal = randomNormal.source(createRandom(3, arms, before, after, common))();
        let changes = 0;
        for (let experiment = 0; experiment < experiments; experiment++) {
          const { lines } = gateRun(
            nullRun(arms, before, normal, common),
            nullRun(arms, after, normal, common),
            { minEffect: 0 },
          );
          if (lines.some(({ state }) => state === 'regression' || state === 'improvement')) changes++;
        }
        // 5 % and three standard errors.
        assert.ok(changes / experiments <= 0.077, `${changes} of ${experiments}`);
      });
    }
  });

  test('a change of 30 % in one of 18 figures that vary by 3 % is mostly seen with four replicates, one of 15 % with six', () => {
    const normal = randomNormal.source(createRandom(4, 'power'))();
    for (const [replicates, factor] of [
      [4, 1.3],
      [6, 1.15],
    ] as const) {
      let seen = 0;
      for (let experiment = 0; experiment < 200; experiment++) {
        const after = nullRun(6, replicates, normal, 0);
        const slower = after.cells[0]!.ratios.find(({ metric }) => metric === 'cpuUsPerRequest')!;
        slower.replicateRatios = slower.replicateRatios.map(ratio => ratio * factor);
        slower.interval = replicateInterval(slower.replicateRatios.map(Math.log));
        const { state } = gateRun(nullRun(6, replicates, normal, 0), after, { minEffect: 0.05 });
        if (state === 'regression') seen++;
      }
      assert.ok(seen > 100, `${replicates} replicates, ${factor}: ${seen} of 200`);
    }
  });
});
