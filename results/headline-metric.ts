// In: a load. Out: the metric that decides under it, the others worth comparing, and how to read it of a trial.
import type { Load } from '../bench/core/load.ts';
import type { Metric } from '../bench/core/run-types.ts';
import type { CompletedTrial } from '../bench/core/types.ts';

export interface Headline {
  /** Decides when a run is precise enough, and is what its headline and its first figure are about. */
  metric: Metric;
  /** As it stands in "every ratio of ...". */
  noun: string;
}

const HEADLINES: Record<Load['model'], Headline> = {
  closed: { metric: 'requestsPerSec', noun: 'requests/s' },
  // Under an open load all arms have the same rate, by construction.
  open: { metric: 'meanUs', noun: 'mean response time' },
  burst: { metric: 'meanUs', noun: 'mean response time' },
  capacity: { metric: 'capacityPerSec', noun: 'capacity' },
};

const LATENCIES = ['meanUs', 'p50Us', 'p99Us'] as const;

const COMPARED: Record<Load['model'], readonly Metric[]> = {
  closed: ['requestsPerSec', ...LATENCIES, 'cpuUsPerRequest'],
  open: [...LATENCIES, 'requestsPerSec', 'cpuUsPerRequest'],
  burst: [...LATENCIES, 'requestsPerSec', 'cpuUsPerRequest'],
  capacity: ['capacityPerSec', ...LATENCIES, 'requestsPerSec', 'cpuUsPerRequest'],
};

const HIGHER_BETTER: readonly Metric[] = ['requestsPerSec', 'capacityPerSec'];

/** Whether more of the metric is what a reader wishes for. */
export function isHigherBetter(metric: Metric): boolean {
  return HIGHER_BETTER.includes(metric);
}

export function headlineOf({ model }: Pick<Load, 'model'>): Headline {
  return HEADLINES[model];
}

/** The metrics that arms are compared on, the deciding one first. */
export function comparedMetrics({ model }: Pick<Load, 'model'>): readonly Metric[] {
  return COMPARED[model];
}

/** The deciding metric over the whole of a trial; null where there is nothing to read. */
export function headlineFigure({ trial, measurement }: CompletedTrial): number | null {
  const { response } = measurement;
  switch (trial.load.model) {
    case 'closed':
      return rateOf(measurement);
    case 'open':
    case 'burst':
      return response.count > 0 ? response.meanUs : null;
    case 'capacity':
      return capacityOf(measurement);
    default:
      return trial.load satisfies never;
  }
}

/** Good answers per second of the steady windows; null where there were none. */
export function rateOf({ completed, steadyMs }: CompletedTrial['measurement']): number | null {
  return steadyMs > 0 ? (completed / steadyMs) * 1_000 : null;
}

/** The highest rate borne; null where none was, and where the search was cut short and so may have ended too low. */
export function capacityOf({ capacity }: CompletedTrial['measurement']): number | null {
  return capacity?.isSettled && capacity.ratePerSec > 0 ? capacity.ratePerSec : null;
}
