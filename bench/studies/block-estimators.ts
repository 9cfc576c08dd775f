// Prints how ways to make one ratio of a replicate's blocks do on simulated arms with a known ratio (--experiments N, --only TEXT).
import { parseArgs } from 'node:util';
import { overall, ratePortion } from '../../results/metrics.ts';
import type { Slice } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { meanOf, replicateInterval, trimmedMean } from '../../results/stats.ts';
import { coverageAt, coverageWhenStopping } from '../../results/testing/coverage.ts';
import { USERS } from '../../results/testing/simulated-arms.ts';
import {
  type BlockEstimator,
  logRatioOfTotals,
  STALL_CASES,
  truthOf,
} from '../../results/testing/stall-truths.ts';
import { Load } from '../../scenarios/model/load.ts';

const COUNTS = [4, 6, 12];
const TRIM = 0.2;
const LOAD = Load.parse({ concurrency: USERS });

const logRate = (slice: Slice): number => Math.log(overall([ratePortion(slice, LOAD)]) ?? 0);
const hasRate = (slice: Slice): boolean => slice.completed > 0;

function blockLogRatios(baseline: readonly Slice[], candidate: readonly Slice[]): number[] {
  return candidate.flatMap((slice, block) => {
    const other = baseline[block]!;
    return hasRate(slice) && hasRate(other) ? logRate(slice) - logRate(other) : [];
  });
}

const median = (values: readonly number[]): number => trimmedMean(values, 0.499)!;

/** Totals without the fifth of the blocks in which both arms are furthest from what is usual for them. */
const totalsOfUsualBlocks: BlockEstimator = (baseline, candidate) => {
  const distances = [baseline, candidate].map(slices => {
    const usual = median(slices.filter(hasRate).map(logRate));
    return slices.map(slice => (hasRate(slice) ? Math.abs(logRate(slice) - usual) : Infinity));
  });
  const both = baseline.map((_, block) => Math.min(...distances.map(arm => arm[block]!)));
  const kept = [...both.keys()]
    .toSorted((a, b) => both[a]! - both[b]!)
    .slice(0, Math.ceil(both.length * (1 - TRIM)));
  return logRatioOfTotals(
    kept.map(block => baseline[block]!),
    kept.map(block => candidate[block]!),
  );
};

/** Totals with the bias of order 1 / blocks taken off (M. H. Quenouille, 1956). */
const totalsJackknifed: BlockEstimator = (baseline, candidate) => {
  const n = baseline.length;
  const all = logRatioOfTotals(baseline, candidate);
  const without = baseline.map((_, left) =>
    logRatioOfTotals(baseline.toSpliced(left, 1), candidate.toSpliced(left, 1)),
  );
  return n < 2 || !without.every(Number.isFinite) ? all : n * all - (n - 1) * meanOf(without);
};

const RIVALS: Record<string, BlockEstimator> = {
  totals: logRatioOfTotals,
  'trimmed mean of log ratios': (a, b) => trimmedMean(blockLogRatios(a, b), TRIM) ?? 0,
  'mean of log ratios': (a, b) => meanOf(blockLogRatios(a, b)),
  'totals of usual blocks': totalsOfUsualBlocks,
  'totals, jackknifed': totalsJackknifed,
};

const { values } = parseArgs({
  options: { experiments: { type: 'string', default: '100' }, only: { type: 'string', default: '' } },
});
const experiments = Number(values.experiments);
const percent = (ratio: number): string => (ratio * 100).toFixed(1);

console.log(
  '| case | true ratio | estimator | bias, % | sd, % | holds the truth at 4, 6, 12 replicates, % | when stopping at +-5 %: holds, % / replicates |',
);
console.log('|---|---:|---|---:|---:|---|---|');
for (const stall of STALL_CASES.filter(({ name }) => name.includes(values.only))) {
  for (const [name, estimator] of Object.entries(RIVALS)) {
    const truth = truthOf(stall, estimator);
    const draw = truth.draws(createRandom(3, stall.name));
    const errors = Array.from({ length: experiments * 4 }, () => draw() - truth.value);
    const bias = meanOf(errors);
    const sd = Math.sqrt(meanOf(errors.map(error => (error - bias) ** 2)));
    const held = COUNTS.map(n => percent(coverageAt(replicateInterval, truth, n, experiments).holdsRatio));
    const stopping = coverageWhenStopping(replicateInterval, truth, { least: 3, most: 30, experiments });
    console.log(
      `| ${stall.name} | ${Math.exp(truth.value).toFixed(3)} | ${name} | ${percent(bias)} | ${percent(sd)} | ${held.join(', ')} | ${percent(stopping.holdsRatio)} / ${stopping.replicates.toFixed(1)} |`,
    );
  }
}
