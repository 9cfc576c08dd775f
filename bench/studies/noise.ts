// How often any verdict is false on this machine now: short runs of one client under three names, idle and beside a neighbour, and draws
// from them.
import { parseArgs } from 'node:util';
import { compareArms } from '../../results/compare.ts';
import type { CompletedTrial, TrialResult } from '../../results/model/trial.ts';
import { createRandom, type Random, shuffled } from '../../results/random.ts';
import { CONFIDENCE_LEVEL, MIN_REPLICATES, shareInterval } from '../../results/stats.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { planRun } from '../plan/plan.ts';
import { spawnChild } from '../run/child.ts';
import { measureCell } from '../run/run.ts';
import { announce } from './study.ts';

const ARMS = ['a', 'b', 'c'] as const;
const SEED = 20_261_123;
const METRIC = 'requestsPerSec';
const DRAWN_RUNS = 5_000;
const MAX_REPLICATES = 4;
const TIMING = {
  warmupMinMs: 500,
  warmupMaxMs: 1_000,
  measureMs: 750,
  maxReplicates: MAX_REPLICATES,
  // Room for four replicates of about twelve seconds: with fewer than three there is no interval, and no verdict.
  budgetMs: 55_000,
};
/** Of equal clients a ratio is 1, so that a limit of 1 is kept: whatever is said to fail it is false. */
const EXPECT = ARMS.slice(1).flatMap(of => [
  { metric: METRIC, of, over: 'a', atLeast: 1 },
  { metric: 'cpuUsPerRequest', of, over: 'a', atMost: 1 },
]);
const CONDITIONS = ['idle', 'a neighbour with a fifth of a core'] as const;
type Condition = (typeof CONDITIONS)[number];

interface AaRun {
  hasFalseVerdict: boolean;
  hasFalseFailure: boolean;
  /** The trials of each whole replicate, an arm each. */
  replicates: CompletedTrial[][];
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '8' }, help: { type: 'boolean', default: false } },
});
if (values.help) {
  console.log(`npm run bench:noise -- [--runs N]

  --runs N  A/A runs of about 55 s, N idle and N beside a neighbour that uses a fifth of a core (default 8, about 15 min)`);
  process.exit();
}
const runCount = Number(values.runs);
const host = await announce(
  'Noise: A/A ratios of requests/s, keep-alive, concurrency 100, 1 KiB, plain HTTP',
);
const measured = new Map<Condition, AaRun[]>(CONDITIONS.map(condition => [condition, []]));
for (let run = 0; run < runCount; run++) {
  for (const condition of CONDITIONS) {
    const one = await measureBeside(condition, SEED + run);
    measured.get(condition)!.push(one);
    const said = one.hasFalseVerdict ? 'a false verdict' : 'no verdict';
    console.error(`run ${run + 1}/${runCount}, ${condition}: ${said}, ${one.replicates.length} replicates`);
  }
}
for (const [condition, runs] of measured)
  printShares(condition, runs, createRandom(SEED, 'draws', condition));

async function measureBeside(condition: Condition, seed: number): Promise<AaRun> {
  if (condition === 'idle') return measureRun(seed);
  const neighbour = spawnChild({ title: 'the neighbour', entry: '../studies/neighbour-child', cpu: null });
  try {
    return await measureRun(seed);
  } finally {
    await neighbour.kill();
  }
}

async function measureRun(seed: number): Promise<AaRun> {
  const client = { pool: { maxConnections: 100 } };
  const clients = Object.fromEntries(ARMS.map(arm => [arm, client]));
  const scenario = Scenario.parse({
    name: 'aa',
    question: 'noise',
    clients,
    baseline: 'a',
    expect: EXPECT,
    timing: TIMING,
  });
  const trials: TrialResult[] = [];
  const { expectations } = await measureCell({
    cell: planRun([scenario], { seed }).cells[0]!,
    seed,
    pinning: host.pinning,
    signal: new AbortController().signal,
    emit: event => {
      if (event.type === 'trial') trials.push(event.result);
    },
    isConfirming: false,
  });
  return {
    hasFalseVerdict: isFalse(trials),
    hasFalseFailure: expectations.some(({ state }) => state === 'fail'),
    replicates: wholeReplicates(trials),
  };
}

/** The arms are equal, so any verdict is false. */
function isFalse(trials: readonly TrialResult[]): boolean {
  return compareArms({ baseline: 'a', trials }).some(({ verdict }) => verdict !== 'unsure');
}

function wholeReplicates(trials: readonly TrialResult[]): CompletedTrial[][] {
  const completed = trials.filter(trial => trial.state === 'completed');
  return [...Map.groupBy(completed, ({ trial }) => trial.replicate).values()].filter(
    own => own.length === ARMS.length,
  );
}

function printShares(condition: Condition, runs: readonly AaRun[], random: Random): void {
  const judged = runs.filter(({ replicates }) => replicates.length >= MIN_REPLICATES);
  if (judged.length < runs.length)
    console.log(`${condition}: ${runs.length - judged.length} of ${runs.length} runs had too few replicates`);
  const pool = runs.flatMap(({ replicates }) => replicates);
  const drawn =
    pool.length === 0 ? [] : Array.from({ length: DRAWN_RUNS }, () => isFalse(drawRun(pool, random)));
  const shares = [
    [
      'any verdict on requests/s, of two candidates',
      judged.filter(one => one.hasFalseVerdict).length,
      judged.length,
    ],
    [
      'any of four expectations said to fail',
      judged.filter(one => one.hasFalseFailure).length,
      judged.length,
    ],
    [
      `any verdict, drawn from ${pool.length} replicates (the interval is that of drawing alone)`,
      drawn.filter(Boolean).length,
      drawn.length,
    ],
  ] as const;
  for (const [what, count, total] of shares) {
    const share = shareInterval(count, total, CONFIDENCE_LEVEL);
    const text =
      share === null
        ? 'unknown'
        : `${percent(share.value)} (${percent(share.low)} to ${percent(share.high)})`;
    console.log(`${condition}: ${what}: ${count} of ${total} false: ${text}`);
  }
}

/** Which of three equal clients has which name is arbitrary, so it is drawn, too: chance can't take a side then. */
function drawRun(pool: readonly CompletedTrial[][], random: Random): CompletedTrial[] {
  const count = MIN_REPLICATES + Math.floor(random() * (MAX_REPLICATES - MIN_REPLICATES + 1));
  return Array.from({ length: count }, (_, replicate) => {
    const arms = shuffled(ARMS, random);
    const drawn = pool[Math.floor(random() * pool.length)]!;
    return drawn.map((one, index) => ({ ...one, trial: { ...one.trial, replicate, arm: arms[index]! } }));
  }).flat();
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
