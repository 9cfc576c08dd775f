// In: the trials of an arm. Out: what it did on a metric, with an interval over the replicates.
import type { Metric } from './model/run.ts';
import type { CompletedTrial } from './model/trial.ts';
import { METRIC_READERS, trialFigure } from './compare.ts';
import { type Interval, overReplicates } from './stats.ts';

/** In the metric's own unit; null where no trial has anything to read. */
export function armInterval(metric: Metric, trials: readonly CompletedTrial[]): Interval | null {
  return overReplicates(replicateValues(metric, trials));
}

/** The same, trial by trial. */
export function replicateValues(metric: Metric, trials: readonly CompletedTrial[]): number[] {
  return trials.flatMap(trial => trialFigure(METRIC_READERS[metric], trial) ?? []);
}
