// In: a metric. Out: its name, its unit, and what better and worse mean for it.
import type { Comparison, Metric } from '../bench/core/run-types.ts';
import { isHigherBetter } from '../results/compare.ts';

export const METRIC_TITLES: Record<Metric, string> = {
  requestsPerSec: 'requests/s',
  meanUs: 'mean latency',
  p50Us: 'p50 latency',
  p99Us: 'p99 latency',
  cpuUsPerRequest: 'client CPU per request',
  capacityPerSec: 'capacity',
};

/** `better: higher`, `worse: higher`, `unsure`: the verdict with what it rests on. */
export function verdictText({ metric, verdict, ratio, replicateRatios }: Comparison): string {
  if (verdict === 'unsure') {
    if (ratio !== null) return 'unsure';
    return replicateRatios.length === 0 ? 'unsure: nothing to compare' : 'unsure: too few replicates';
  }
  return `${verdict}: ${(verdict === 'better') === isHigherBetter(metric) ? 'higher' : 'lower'}`;
}
