// In: the trials of an arm. Out: what it did on a metric, with an interval over the replicates.
import type { Metric } from '../bench/core/run-types.ts';
import type { CompletedTrial } from '../bench/core/types.ts';
import { METRIC_READERS } from './compare.ts';
import { overall } from './headline-metric.ts';
import { type Interval, overReplicates } from './stats.ts';

/** In the metric's own unit; null where no trial has anything to read. */
export function armInterval(metric: Metric, trials: readonly CompletedTrial[]): Interval | null {
  return overReplicates(replicateValues(metric, trials));
}

/** The same, trial by trial. */
export function replicateValues(metric: Metric, trials: readonly CompletedTrial[]): number[] {
  return trials.flatMap(trial => replicateValue(metric, trial) ?? []);
}

/** One trial's figure: where a metric is read slice by slice, that of all its slices together. */
function replicateValue(metric: Metric, trial: CompletedTrial): number | null {
  const reader = METRIC_READERS[metric];
  if (reader.of === 'trial') return reader.read(trial);
  const {
    trial: { load },
    measurement,
  } = trial;
  return overall(measurement.slices.flatMap(slice => reader.read(slice, load) ?? []));
}
