// Simulated clients that stall or have slow requests, with their true ratio to one that does not.
import { Load } from '../../scenarios/model/load.ts';
import { overall, ratePortions } from '../metrics.ts';
import type { Slice } from '../model/trial.ts';
import { createRandom } from '../random.ts';
import {
  type SimulatedArm,
  type SimulatedHost,
  simulateReplicate,
  trueMeanMs,
  USERS,
} from './simulated-arms.ts';
import type { Truth } from './truths.ts';

const LOAD = Load.parse({ concurrency: USERS });

/** Block by block, as pairs. */
export type BlockEstimator = (baseline: readonly Slice[], candidate: readonly Slice[]) => number;

/** The log ratio of requests/s by the totals of both arms, as results/compare.ts takes it. */
export const logRatioOfTotals: BlockEstimator = (baseline, candidate) => {
  const [before, after] = [baseline, candidate].map(slices => overall(ratePortions(slices, LOAD)));
  return Math.log(after! / before!);
};

export interface StallCase {
  name: string;
  baseline: SimulatedArm;
  candidate: SimulatedArm;
  host: SimulatedHost;
}

/** The noise of a replicate is that of A/A replicates on two shared cores (docs/measured.md): about 2 %. */
const quiet: SimulatedHost = {
  driftSd: 0.08,
  jitterSd: 0.03,
  processSd: 0.011,
  slowModeRatio: 0,
  burstsPerSec: 0,
  longBurstsPerSec: 0,
};
const busy: SimulatedHost = { ...quiet, burstsPerSec: 0.5, longBurstsPerSec: 0.05 };
const usual: SimulatedArm = { meanMs: 5 };

function casesOn(hostName: string, host: SimulatedHost): StallCase[] {
  const of = (name: string, candidate: SimulatedArm, baseline = usual): StallCase => ({
    name: `${name}, ${hostName} host`,
    baseline,
    candidate,
    host,
  });
  const pausing = (lengthMs: number, everyMs: number, isRandom: boolean): SimulatedArm => ({
    ...usual,
    pauses: { lengthMs, everyMs, isRandom },
  });
  return [
    of('A/A', usual),
    of('1.2 times the mean', { meanMs: 6 }),
    ...[20, 150, 500].flatMap(lengthMs =>
      [1_000, 3_000].flatMap(everyMs =>
        [false, true].map(isRandom =>
          of(
            `pauses of ${lengthMs} ms, ${isRandom ? 'on average' : 'just'} every ${everyMs / 1_000} s`,
            pausing(lengthMs, everyMs, isRandom),
          ),
        ),
      ),
    ),
    of('both pause for 150 ms', pausing(150, 1_000, true), pausing(150, 1_000, true)),
    ...[300, 1_000, 5_000].flatMap(ms =>
      [0.001, 0.002, 0.01].map(ratio =>
        of(`${ratio * 1_000} in 1,000 take ${ms} ms`, { ...usual, slow: { ms, ratio } }),
      ),
    ),
  ];
}

export const STALL_CASES: readonly StallCase[] = [
  ...casesOn('quiet', quiet),
  ...casesOn('busy', busy),
  {
    name: 'A/A, one process in ten slower for life',
    baseline: usual,
    candidate: usual,
    host: { ...quiet, slowModeRatio: 0.1 },
  },
];

/** What an estimator of a replicate makes of a case, as draws of log ratios whose truth is known. */
export function truthOf({ name, baseline, candidate, host }: StallCase, estimate = logRatioOfTotals): Truth {
  const meanOf = (arm: SimulatedArm, part: string): number => trueMeanMs(arm, createRandom(1, name, part));
  return {
    name,
    value: Math.log(meanOf(baseline, 'baseline') / meanOf(candidate, 'candidate')),
    draws: random => () => {
      const [before, after] = simulateReplicate([baseline, candidate], host, random);
      return estimate(before.slices, after.slices);
    },
  };
}
