// In: --replicates N (20 unless told). Out: on standard output, how far a comparison can be trusted on this machine now:
// A/A ratios of our design and of rivals, taken in turns in one run; every deviation from 1 is noise.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compareArms } from '../../results/compare.ts';
import { replicateInterval, studentInterval, toRatio } from '../../results/stats.ts';
import { createRandom } from '../core/random.ts';
import { Scenario } from '../core/scenario.ts';
import type { TrialResult } from '../core/types.ts';
import { type PlannedCell, planRun } from '../plan/plan.ts';
import { conditionTarget, measureReplicate, type ReplicateOptions } from '../run/replicate.ts';
import { startTarget, type TargetProcess } from '../run/target.ts';
import { announce } from './machine.ts';

const PRECISIONS = [0.05, 0.03] as const;
const LEAST_REPLICATES = 3;
const MOST_REPLICATES = 30;
const RESAMPLES = 2_000;
const client = { pool: { maxConnections: 100 } };
const SEED = 20_261_123;

function cellOf(timing: object, arms: readonly string[]): PlannedCell {
  const clients = Object.fromEntries(arms.map(arm => [arm, client]));
  const scenario = Scenario.parse({ name: 'aa', question: 'noise', clients, baseline: arms[0], timing });
  return planRun([scenario], { seed: SEED }).cells[0]!;
}

interface Design {
  name: string;
  /** One log ratio b / a, and how long it took. */
  replicate(index: number): Promise<number>;
  interval: (logRatios: readonly number[]) => { value: number; low: number; high: number } | null;
  /** Time before the first replicate. */
  setUpMs: number;
  logRatios: number[];
  elapsedMs: number[];
}

const { values } = parseArgs({ options: { replicates: { type: 'string', default: '20' } } });
const replicates = Number(values.replicates);
const host = await announce(
  'Noise: A/A ratios of requests/s, keep-alive, concurrency 100, 1 KiB, plain HTTP',
);
const signal = new AbortController().signal;

function optionsOf(cell: PlannedCell, replicate: number): ReplicateOptions {
  const { pinning } = host;
  return {
    cell,
    replicate,
    seed: SEED,
    pinning,
    generatorFlags: [],
    signal,
    emit: () => {},
    leftMs: () => 0,
  };
}

function rateOf(results: readonly TrialResult[], arm: string): number {
  const trial = results.find(result => result.trial.arm === arm);
  if (trial?.state !== 'completed') throw new Error(`arm ${arm} was not measured: ${JSON.stringify(trial)}`);
  return trial.measurement.completed / trial.measurement.steadyMs;
}

const sliced = cellOf({}, ['a', 'b']);
const plainTarget = sliced.scenario.target;
const startPlainTarget = (): Promise<TargetProcess> =>
  startTarget(plainTarget, SEED, host.pinning?.targetCpu ?? null);

/** One replicate as `conntax run` takes it with the default timing. */
async function slicedLogRatio(index: number, target: TargetProcess): Promise<number> {
  const trials = await measureReplicate(optionsOf(sliced, index), target);
  const ratio = compareArms({ baseline: 'a', trials })[0]?.replicateRatios[0];
  if (ratio === undefined) throw new Error(`not measured: ${JSON.stringify(trials)}`);
  return Math.log(ratio);
}

function ours(target: TargetProcess, setUpMs: number): Design {
  return {
    name: 'conntax',
    interval: replicateInterval,
    setUpMs,
    logRatios: [],
    elapsedMs: [],
    replicate: index => slicedLogRatio(index, target),
  };
}

/** The same but for what conditioning is there to prevent: every replicate has a fresh, cold target. */
function cold(): Design {
  return {
    name: 'the same, cold target',
    interval: replicateInterval,
    setUpMs: 0,
    logRatios: [],
    elapsedMs: [],
    async replicate(index) {
      const target = await startPlainTarget();
      try {
        return await slicedLogRatio(index, target);
      } finally {
        await target.kill();
      }
    },
  };
}

/** What people do by hand: start a load tool, let it run, stop it; then the other. */
function naive(target: TargetProcess): Design {
  const whole = { slicing: 'whole', warmupMinMs: 1_000, warmupMaxMs: 1_000, measureMs: 2_000 };
  const rates: number[] = [];
  return {
    name: 'naive, whole trials in turn',
    interval: logRatios => toRatio(studentInterval(logRatios, 0.95)),
    setUpMs: 0,
    logRatios: [],
    elapsedMs: [],
    async replicate(index) {
      rates.length = 0;
      for (const arm of index % 2 === 0 ? ['a', 'b'] : ['b', 'a']) {
        const cell = cellOf(whole, [arm]);
        rates[arm === 'a' ? 0 : 1] = rateOf(await measureReplicate(optionsOf(cell, index), target), arm);
      }
      return Math.log(rates[1]! / rates[0]!);
    },
  };
}

const target = await startPlainTarget();
const naiveTarget = await startPlainTarget();
try {
  const setUpStartMs = performance.now();
  await conditionTarget(optionsOf(sliced, 0), target);
  const designs = [ours(target, performance.now() - setUpStartMs), cold(), naive(naiveTarget)];
  for (let index = 0; index < replicates; index++) {
    for (const design of designs) {
      const startMs = performance.now();
      design.logRatios.push(await design.replicate(index));
      design.elapsedMs.push(performance.now() - startMs);
      console.error(
        `${index + 1}/${replicates} ${design.name}: ${Math.exp(design.logRatios.at(-1)!).toFixed(3)}`,
      );
    }
  }
  for (const design of designs) print(design);
  printTable(designs);
} finally {
  await Promise.all([target.kill(), naiveTarget.kill()]);
}

function reach(interval: { value: number; low: number; high: number } | null): number {
  return interval === null
    ? Infinity
    : Math.max(interval.high / interval.value - 1, 1 - interval.low / interval.value);
}

/** Replicates and time after which the interval was first within the precision; null: never. */
function timeUntil(design: Design, precision: number): { count: number; sec: number } | null {
  let ms = design.setUpMs;
  for (let count = 1; count <= design.logRatios.length; count++) {
    ms += design.elapsedMs[count - 1]!;
    if (count >= LEAST_REPLICATES && reach(design.interval(design.logRatios.slice(0, count))) <= precision) {
      return { count, sec: ms / 1_000 };
    }
  }
  return null;
}

/**
 * How comparisons made of these replicates would do: drawn with replacement, with a random sign (which of two equal
 * clients is called b is arbitrary), stopped as a run stops. An estimate from one sitting, not from 100 sittings.
 */
function resample(design: Design, precision: number) {
  const random = createRandom(SEED, 'resample', design.name, precision);
  const { logRatios, elapsedMs, setUpMs } = design;
  const meanMs = elapsedMs.reduce((sum, ms) => sum + ms, 0) / elapsedMs.length;
  let holds = 0;
  let precise = 0;
  const secs: number[] = [];
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn: number[] = [];
    let interval: ReturnType<Design['interval']> = null;
    while (drawn.length < MOST_REPLICATES) {
      drawn.push(logRatios[Math.floor(random() * logRatios.length)]! * (random() < 0.5 ? -1 : 1));
      interval = drawn.length < LEAST_REPLICATES ? null : design.interval(drawn);
      if (reach(interval) <= precision) break;
    }
    if (interval !== null && interval.low <= 1 && interval.high >= 1) holds++;
    if (reach(interval) <= precision) precise++;
    secs.push((setUpMs + drawn.length * meanMs) / 1_000);
  }
  secs.sort((a, b) => a - b);
  return {
    holds: holds / RESAMPLES,
    precise: precise / RESAMPLES,
    medianSec: secs[RESAMPLES / 2]!,
    p90Sec: secs[RESAMPLES * 0.9]!,
  };
}

function print(design: Design): void {
  const ratios = design.logRatios.map(logRatio => Math.exp(logRatio).toFixed(3)).join(' ');
  console.log(`${design.name}\n  replicates: ${ratios}`);
}

function printTable(designs: readonly Design[]): void {
  const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
  const head = [
    'design',
    'A/A ratio, all replicates',
    'until within',
    'in this run',
    'resampled: median, p90',
    'holds 1.0',
  ];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const design of designs) {
    const interval = design.interval(design.logRatios);
    const all =
      interval === null
        ? '-'
        : `${interval.value.toFixed(3)} (${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`;
    for (const precision of PRECISIONS) {
      const seen = timeUntil(design, precision);
      const { holds, precise, medianSec, p90Sec } = resample(design, precision);
      table.push([
        design.name,
        all,
        `+-${percent(precision)}`,
        seen === null ? 'never' : `${seen.sec.toFixed(0)} s (${seen.count} replicates)`,
        precise < 0.5
          ? `reached by ${percent(precise)} within ${MOST_REPLICATES} replicates`
          : `${medianSec.toFixed(0)} s, ${p90Sec.toFixed(0)} s`,
        percent(holds),
      ]);
    }
  }
  console.log(table.toString());
}
