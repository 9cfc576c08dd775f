// Measures how often an estimator's interval holds a known truth, and how wide it is.
import { createRandom } from '../random.ts';
import type { Estimator, Interval } from '../stats.ts';
import type { Truth } from './truths.ts';

export interface Coverage {
  /** Share of the experiments whose interval held the truth. */
  holdsRatio: number;
  /** Median of half the interval's width, as a share of the value. */
  halfWidthRatio: number;
  /** Share of the experiments whose interval was within +-5 %. */
  preciseRatio: number;
  /** Mean number of replicates used. */
  replicates: number;
}

/** Repeats an experiment of exactly n replicates. */
export function coverageAt(estimate: Estimator, truth: Truth, n: number, experiments: number): Coverage {
  const draw = truth.draws(createRandom(1, truth.name, n));
  return summarise(truth, experiments, () => Array.from({ length: n }, draw), estimate);
}

/** Repeats an experiment as a run does it: at least `least` replicates, then until within +-5 % or `most` are done. */
export function coverageWhenStopping(
  estimate: Estimator,
  truth: Truth,
  { least, most, experiments }: { least: number; most: number; experiments: number },
): Coverage {
  const draw = truth.draws(createRandom(2, truth.name));
  const replicates = () => {
    const drawn = Array.from({ length: least }, draw);
    while (drawn.length < most && !isPrecise(estimate(drawn))) drawn.push(draw());
    return drawn;
  };
  return summarise(truth, experiments, replicates, estimate);
}

function summarise(
  truth: Truth,
  experiments: number,
  replicates: () => number[],
  estimate: Estimator,
): Coverage {
  const target = Math.exp(truth.value);
  const halfWidths: number[] = [];
  let held = 0;
  let precise = 0;
  let used = 0;
  for (let experiment = 0; experiment < experiments; experiment++) {
    const drawn = replicates();
    const interval = estimate(drawn);
    used += drawn.length;
    if (interval === null) continue;
    if (interval.low <= target && target <= interval.high) held++;
    if (isPrecise(interval)) precise++;
    halfWidths.push((interval.high - interval.low) / 2 / interval.value);
  }
  return {
    holdsRatio: held / experiments,
    halfWidthRatio: halfWidths.toSorted((a, b) => a - b)[Math.floor(halfWidths.length / 2)] ?? Number.NaN,
    preciseRatio: precise / experiments,
    replicates: used / experiments,
  };
}

function isPrecise(interval: Interval | null): boolean {
  return interval !== null && interval.high / interval.value <= 1.05 && interval.low / interval.value >= 0.95;
}
