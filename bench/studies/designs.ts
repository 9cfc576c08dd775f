// Which design narrows an interval fastest: A/A runs of several designs in turn, each with the same budget, from start to end.
import { parseArgs } from 'node:util';
import { compareArms } from '../../results/compare.ts';
import type { Metric } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { replicateInterval } from '../../results/stats.ts';
import { Scenario, type ScenarioInput } from '../../scenarios/model/scenario.ts';
import { type PlannedCell, planRun, trialsOf } from '../plan/plan.ts';
import type { ReplicateContext } from '../run/context.ts';
import { conditionTargets, measureReplicate, withSession } from '../run/replicate.ts';
import type { Session } from '../run/session.ts';
import { startTarget, type TargetProcess } from '../run/targets.ts';
import { announce } from './machine.ts';
import { reach } from './resample.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2' },
    'budget-sec': { type: 'string', default: '40' },
    transport: { type: 'string', default: 'undici' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`npm run bench:designs -- [--runs N] [--budget-sec N] [--transport NAME]

  --runs N          runs of each design, designs in turn (default 2)
  --budget-sec N    time of a run, its start included (default 40)
  --transport NAME  the client library of both clients (default undici)`);
  process.exit();
}
const budgetMs = Number(values['budget-sec']) * 1_000;
const host = await announce(`Designs: A/A ratios after ${values['budget-sec']} s, ${values.transport}`);
const signal = new AbortController().signal;

function cellOf(timing: NonNullable<ScenarioInput['timing']>): PlannedCell {
  const client = { transport: values.transport, pool: { maxConnections: 100 } };
  const clients = { a: client, b: client };
  const scenario = Scenario.parse({ name: 'aa', question: 'noise', clients, baseline: 'a', timing });
  return planRun([scenario], { seed: 1 }).cells[0]!;
}

/** All trials of a run that ends within its budget. */
type Design = (target: TargetProcess, of: { seed: number; endsAtMs: number }) => Promise<TrialResult[]>;

function contextOf(cell: PlannedCell, replicate: number, seed: number): ReplicateContext {
  const { pinning } = host;
  const quiet = { emit: () => {}, leftMs: () => 0, isConfirming: false };
  return { cell, replicate, seed, pinning, slowest: new Map(), signal, ...quiet };
}

/** A fresh pair of processes for each replicate, one replicate after the other. */
function freshPairs(timing: NonNullable<ScenarioInput['timing']>): Design {
  const cell = cellOf(timing);
  return async (target, { seed, endsAtMs }) => {
    await conditionTargets(contextOf(cell, 0, seed), () => target);
    const trials: TrialResult[] = [];
    for (let replicate = 0, longestMs = 0; performance.now() + longestMs < endsAtMs; replicate++) {
      const startedAtMs = performance.now();
      trials.push(...(await measureReplicate(contextOf(cell, replicate, seed), () => target)));
      longestMs = Math.max(longestMs, performance.now() - startedAtMs);
    }
    return trials;
  };
}

/** Several pairs that live side by side: warmed up once, then a short turn of each, again and again. */
function sideBySide(pairs: number, timing: NonNullable<ScenarioInput['timing']>): Design {
  const cell = cellOf(timing);
  return async (target, { seed, endsAtMs }) => {
    await conditionTargets(contextOf(cell, 0, seed), () => target);
    const withPairs = async (sessions: readonly Session[]): Promise<TrialResult[]> => {
      const replicate = sessions.length;
      if (replicate < pairs) {
        const context = contextOf(cell, replicate, seed);
        return withSession(
          context,
          () => target,
          trialsOf(cell, replicate, seed),
          async session => {
            await session.warmUp();
            return withPairs([...sessions, session]);
          },
        );
      }
      while (performance.now() < endsAtMs) for (const session of sessions) await session.measure();
      const finished: TrialResult[] = [];
      for (const session of sessions) finished.push(...(await session.finish()));
      return finished;
    };
    return withPairs([]);
  };
}

const LONG = { warmupMinMs: 1_000, warmupMaxMs: 3_000 } as const;
const DESIGNS: Record<string, Design> = {
  'fresh pairs, 1 to 1.5 s of warm-up, 1.2 s each': freshPairs({ warmupMaxMs: 1_500, measureMs: 1_200 }),
  'fresh pairs, warm-up to 3 s, 1 s each': freshPairs({ ...LONG, measureMs: 1_000 }),
  'fresh pairs, warm-up to 3 s, 3 s each': freshPairs({ ...LONG, measureMs: 3_000 }),
  'four pairs side by side, warm-up to 3 s': sideBySide(4, { ...LONG, measureMs: 200 }),
};

const METRICS: readonly Metric[] = ['requestsPerSec', 'cpuUsPerRequest'];

for (let run = 0; run < Number(values.runs); run++) {
  for (const [name, design] of Object.entries(DESIGNS)) {
    const seed = 20_261_129 + run;
    const startedAtMs = performance.now();
    const { target: own } = cellOf({}).scenario;
    const target = await startTarget(own, seed, host.pinning?.targetCpu ?? null);
    try {
      const trials = await design(target, { seed, endsAtMs: startedAtMs + budgetMs });
      print(name, trials, performance.now() - startedAtMs);
    } finally {
      await target.kill();
    }
  }
}

function print(name: string, trials: readonly TrialResult[], elapsedMs: number): void {
  const comparisons = compareArms({ baseline: 'a', trials });
  const figures = METRICS.map(metric => {
    const logRatios = comparisons
      .filter(comparison => comparison.metric === metric)
      .flatMap(({ replicateRatios }) => replicateRatios.map(Math.log));
    const interval = replicateInterval(logRatios);
    const within = interval === null ? 'no interval' : `±${(reach(interval) * 100).toFixed(1)} %`;
    const holds = interval === null || (interval.low <= 1 && interval.high >= 1) ? '' : ' MISSES 1';
    return `${metric} ${within}${holds} (${logRatios.map(x => Math.exp(x).toFixed(3)).join(' ')})`;
  });
  console.log(`${name}, ${(elapsedMs / 1_000).toFixed(0)} s: ${figures.join('; ')}`);
}
