// In: a load. Out: the metric that decides under it, the others worth comparing, and how to read it of a trial.
import type { Load } from '../scenarios/model/load.ts';
import type { Metric } from './model/run.ts';
import type { Capacity, CompletedTrial, Slice } from './model/trial.ts';

// From a trial. Out: how many requests a second its load was to send, where that does not depend on the answers.

/** Null for a closed load. A capacity search is measured at the rate found, or at its first where it found none. */
export function askedPerSec(load: Load, capacity: Capacity | null): number | null {
  switch (load.model) {
    case 'closed':
      return null;
    case 'open':
      return load.ratePerSec;
    case 'burst':
      return (load.size / load.everyMs) * 1_000;
    case 'capacity':
      return capacity === null ? null : capacity.ratePerSec || load.minRatePerSec;
    default:
      return load satisfies never;
  }
}

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
export function headlineFigure({ trial, measurement }: Measured): number | null {
  const { response } = measurement;
  switch (trial.load.model) {
    case 'closed':
      return requestsPerSec({ trial, measurement });
    case 'open':
    case 'burst':
      return response.count > 0 ? response.meanUs : null;
    case 'capacity':
      return capacityOf(measurement);
    default:
      return trial.load satisfies never;
  }
}

type Measured = Pick<CompletedTrial, 'trial' | 'measurement'>;

/** What a slice contributes to a figure: that of several slices is the sum of their amounts over the sum of their `per`. */
export interface Portion {
  amount: number;
  per: number;
}

/**
 * Good answers per second. Of a closed load it follows from what its users did with their time, users / (mean time of a
 * request + pause), by J. D. C. Little's law (1961): requests belong to the window in which they began, and in a window that
 * is short against the slowest of them more begin than in a long run. Where the users' time is not known (load tools, runs of
 * older versions), and where a schedule sets the rate, it is the requests of the window over its length.
 */
export function ratePortion({ completed, userMs, windowMs }: Slice, load: Load): Portion {
  return load.model === 'closed' && userMs !== null
    ? { amount: completed * load.concurrency * 1_000, per: userMs }
    : { amount: completed * 1_000, per: windowMs };
}

/** What the slices of a trial contribute to its rate. */
export function ratePortions(slices: readonly Slice[], load: Load): Portion[] {
  const isByUserTime = slices.some(({ userMs }) => userMs !== null);
  // A window in which no request began, since all of them were still waiting, says nothing by itself of the users' time.
  const told = isByUserTime ? slices.filter(({ userMs }) => userMs !== null) : slices;
  return told.map(slice => ratePortion(slice, load));
}

/** Good answers per second of the steady windows; null where there were none. */
export function requestsPerSec({ trial: { load }, measurement: { slices } }: Measured): number | null {
  return overall(ratePortions(slices, load));
}

/** What the slices of a trial contribute to its mean response time, µs; requests without an answer by their lower bounds. */
export function meanPortions(slices: readonly Slice[]): Portion[] {
  return slices.map(({ completed, censored, meanUs }) => ({
    amount: meanUs * (completed + censored),
    per: completed + censored,
  }));
}

/** The figure of several slices; null where there is nothing to divide by. */
export function overall(portions: readonly Portion[]): number | null {
  const per = portions.reduce((sum, portion) => sum + portion.per, 0);
  return per > 0 ? portions.reduce((sum, portion) => sum + portion.amount, 0) / per : null;
}

/** The highest rate borne; null where none was, and where the search was cut short and so may have ended too low. */
export function capacityOf({ capacity }: CompletedTrial['measurement']): number | null {
  return capacity?.isSettled && capacity.ratePerSec > 0 ? capacity.ratePerSec : null;
}
