// In: a metric. Out: its name, its unit, and what better and worse mean for it.
import type { Comparison, Metric } from '../results/model/run.ts';
import { isHigherBetter } from '../results/metrics.ts';
import { NO_FIGURE } from './words/numbers.ts';

export const METRIC_TITLES: Record<Metric, string> = {
  requestsPerSec: 'requests/s',
  meanUs: 'mean latency',
  p50Us: 'p50 latency',
  p99Us: 'p99 latency',
  cpuUsPerRequest: 'client CPU per request',
  capacityPerSec: 'capacity',
};

/** `better: higher`, `worse: higher`, `unsure`: the verdict with what it rests on; `–` for a metric that does not decide. */
export function verdictText({ metric, verdict, ratio, isDeciding, replicateRatios }: Comparison): string {
  if (!isDeciding) return NO_FIGURE;
  if (verdict !== 'unsure')
    return `${verdict}: ${(verdict === 'better') === isHigherBetter(metric) ? 'higher' : 'lower'}`;
  if (ratio === null)
    return replicateRatios.length === 0 ? 'unsure: nothing to compare' : 'unsure: too few replicates';
  // Of one comparison the verdict follows its interval; of several their error is held together.
  return ratio.low > 1 || ratio.high < 1 ? 'unsure among so many' : 'unsure';
}
