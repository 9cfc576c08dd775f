// Runs of simulated arms that stop as a cell does, and how often their interval holds the true ratio.
import { ClosedLoad } from '../../scenarios/model/load.ts';
import { isLongEnough, isWithin, ratioOver } from '../compare.ts';
import { readerOf } from '../metrics.ts';
import type { CompletedTrial } from '../model/trial.ts';
import { createRandom, type Random } from '../random.ts';
import { type Interval, LEAST_REPLICATES } from '../stats.ts';
import { sampleRun } from './sample-run.ts';
import { type SimulatedTrial, simulateReplicate, USERS } from './simulated-arms.ts';
import { type StallCase, truthOf } from './stall-truths.ts';

const METRIC = 'requestsPerSec';
const PRECISION = 0.05;
const load = ClosedLoad.parse({ concurrency: USERS });

/** Replicates of a case as trials, the baseline of each before the candidate, with what is read of slices. */
export function simulatedTrials(
  { baseline, candidate, host }: StallCase,
  replicates: number,
  random: Random,
): CompletedTrial[] {
  const samples = sampleRun({ replicates: 1 }).trials.filter(trial => trial.state === 'completed');
  return Array.from({ length: replicates }, (_, replicate) => {
    const simulated = simulateReplicate([baseline, candidate], host, random);
    return simulated.map((trial, index) => asTrial(samples[index]!, replicate, trial));
  }).flat();
}

function asTrial(
  sample: CompletedTrial,
  replicate: number,
  { slices, longestMs, lengthenedForMs }: SimulatedTrial,
): CompletedTrial {
  const { trial, measurement } = sample;
  return {
    ...sample,
    trial: { ...trial, replicate, load },
    measurement: {
      ...measurement,
      slices,
      steadyMs: slices.reduce((sum, { windowMs }) => sum + windowMs, 0),
      response: { ...measurement.response, maxUs: longestMs * 1_000 },
      lengthening: lengthenedForMs === null ? null : { fromMs: 100, toMs: 100, longestMs: lengthenedForMs },
    },
  };
}

export interface RunCoverage {
  /** Share of the runs whose interval held the true ratio. */
  holdsRatio: number;
  /** Mean number of replicates until a run stopped. */
  replicates: number;
}

export interface DrawnRuns {
  /** How many replicates are simulated, from which the runs are drawn. */
  pool: number;
  runs: number;
  /** Replicates of a run: as many as it needs, from the least to the most. */
  least?: number;
  most?: number;
}

interface Pool {
  /** The trials of each replicate. */
  pairs: CompletedTrial[][];
  /** The true ratio. */
  truth: number;
}

/** By case: simulating one takes as long as drawing hundreds of runs from it. */
const pools = new Map<StallCase, Pool>();

function poolOf(stall: StallCase, size: number): Pool {
  const known = pools.get(stall);
  if (known?.pairs.length === size) return known;
  const trials = simulatedTrials(stall, size, createRandom(4, stall.name));
  const pool = {
    pairs: [...Map.groupBy(trials, ({ trial }) => trial.replicate).values()],
    truth: Math.exp(truthOf(stall).value),
  };
  pools.set(stall, pool);
  return pool;
}

/** Runs drawn from a pool of simulated replicates, each stopped as a cell is: precise, and measured for long enough. */
export function coverageOfRuns(
  stall: StallCase,
  { pool, runs, least = LEAST_REPLICATES, most = 30 }: DrawnRuns,
): RunCoverage {
  const { pairs, truth } = poolOf(stall, pool);
  const random = createRandom(4, `runs of ${stall.name}`);
  let held = 0;
  let used = 0;
  for (let run = 0; run < runs; run++) {
    const { interval, replicates } = drawRun(pairs, { least, most }, random);
    if (interval !== null && interval.low <= truth && truth <= interval.high) held++;
    used += replicates;
  }
  return { holdsRatio: held / runs, replicates: used / runs };
}

function drawRun(
  pairs: readonly CompletedTrial[][],
  { least, most }: { least: number; most: number },
  random: Random,
): { interval: Interval | null; replicates: number } {
  const trials: CompletedTrial[] = [];
  for (let replicate = 0; ; replicate++) {
    const drawn = pairs[Math.floor(random() * pairs.length)]!;
    trials.push(...drawn.map(one => ({ ...one, trial: { ...one.trial, replicate } })));
    if (replicate + 1 < least) continue;
    const [baseline, candidate] = [0, 1].map(side => trials.filter((_, index) => index % 2 === side));
    const { interval } = ratioOver(readerOf(METRIC), candidate!, baseline!);
    const isEnough = isWithin(interval, PRECISION) && isLongEnough(trials, METRIC, PRECISION);
    if (isEnough || replicate + 1 === most) return { interval, replicates: replicate + 1 };
  }
}
