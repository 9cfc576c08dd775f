// The one table of metrics: what each is called, its units, which way is better, how it is read, and which load decides by it.
import type { Load } from '../scenarios/model/load.ts';
import type { ExpectedMetric } from '../scenarios/model/scenario.ts';
import { type ArmSummary, METRICS, type Metric } from './model/run.ts';
import type { Capacity, CompletedTrial, Measurement, Slice } from './model/trial.ts';
import type { Interval } from './stats.ts';

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

type Measured = Pick<CompletedTrial, 'trial' | 'measurement'>;

/** A part of all requests: `part` of `of`. */
export interface Share {
  part: number;
  of: number;
}

/** How the interval of a client's own figure is estimated, and that of its ratio to another client's. */
export type IntervalKind =
  /** Positive and varying in proportion to itself: by the logarithms of the replicates, ratios replicate by replicate. */
  | { of: 'logarithms' }
  /** A count that may be 0: by the replicates themselves; ratios by their logarithms. */
  | { of: 'counts' }
  /** A share of requests, exact, in units of `per`. `read` is null where the trial does not know it. */
  | { of: 'shares'; per: number; read: (trial: Measured) => Share | null; hasRatio: boolean };

/** What is known of a metric. Everything that compares, judges or shows metrics reads it here. */
interface MetricRow {
  /** In the middle of a sentence, and over a column. */
  title: string;
  /** As in "every ratio of ...", where it differs from the title. */
  noun?: string;
  /** As shown; the stored unit ends the metric's own name. Undefined for a plain count. */
  unit: string | undefined;
  /** From the stored unit to the one shown. */
  factor: number;
  /** Name of its column for machines, with the unit shown. */
  columnKey: string;
  isHigherBetter: boolean;
  interval: IntervalKind;
  /**
   * What each slice contributes to a figure that adds up over slices: clients are then compared block by block. Without
   * it the figure is the trial's (quantiles, which need many samples).
   */
  ofSlices?: (slices: readonly Slice[], load: Load) => readonly Portion[];
  /** Over the whole of a trial; null where there is nothing to read. */
  ofTrial: (trial: Measured) => number | null;
  /** Of a client's row; without an interval of its own a figure is its own bounds. null where it is not known. */
  ofSummary?: (summary: ArmSummary) => Interval | null;
  /** Whether requests without an answer make it a bound only. */
  isBoundByUnanswered: boolean;
  /** The only load that has it; all loads do without. */
  onlyUnder?: Load['model'];
  /** Whether trends show it even where another metric decides. */
  isAlwaysInTrends?: true;
  /** In metrics.prom, in Prometheus' base units. */
  gauge?: {
    name: string;
    help: string;
    /** How many of the metric's own units are one of the gauge's. */
    divisor: number;
    labels?: Readonly<Record<string, string>>;
    /** Whether gauges for the bounds of its interval stand beside it. */
    hasBounds?: true;
  };
}

const latency = {
  unit: 'ms',
  factor: 1e-3,
  isHigherBetter: false,
  interval: { of: 'logarithms' },
  isBoundByUnanswered: true,
} as const;

const cpu = {
  unit: 'µs',
  factor: 1,
  isHigherBetter: false,
  interval: { of: 'logarithms' },
} as const;

const rate = {
  unit: 'requests/s',
  factor: 1,
  isHigherBetter: true,
  interval: { of: 'logarithms' },
  isBoundByUnanswered: true,
} as const;

const count = {
  unit: undefined,
  factor: 1,
  isHigherBetter: false,
  isBoundByUnanswered: true,
} as const;

/** In the order in which a reader meets them. */
export const METRIC_TABLE: Readonly<Record<ExpectedMetric, MetricRow>> = {
  meanUs: {
    ...latency,
    title: 'mean latency',
    noun: 'mean response time',
    columnKey: 'meanMs',
    ofSlices: meanPortions,
    ofTrial: ({ measurement: { response } }) => (response.count > 0 ? response.meanUs : null),
    ofSummary: latencyOf(({ meanUs }) => meanUs),
    gauge: { name: 'response_time_mean_seconds', help: 'Mean response time', divisor: 1e6 },
  },
  p50Us: {
    ...latency,
    title: 'p50 latency',
    columnKey: 'p50Ms',
    ofTrial: ({ measurement: { response } }) => positive(response.p50Us),
    ofSummary: latencyOf(({ p50Us }) => p50Us),
  },
  p99Us: {
    ...latency,
    title: 'p99 latency',
    columnKey: 'p99Ms',
    ofTrial: ({ measurement: { response } }) => positive(response.p99Us),
    ofSummary: latencyOf(({ p99Us }) => p99Us),
  },
  requestsPerSec: {
    ...rate,
    title: 'requests/s',
    columnKey: 'requestsPerSec',
    ofSlices: ratePortions,
    ofTrial: requestsPerSec,
    ofSummary: summary => summary.requestsPerSec,
    gauge: {
      name: 'requests_per_second',
      help: 'Requests per second, centre over replicates',
      divisor: 1,
      hasBounds: true,
    },
  },
  cpuUsPerRequest: {
    ...cpu,
    title: 'client CPU per request',
    columnKey: 'cpuUsPerRequest',
    ofSlices: slices =>
      slices.map(({ generatorCpuUs, exchanges }) => ({ amount: generatorCpuUs, per: exchanges })),
    ofTrial: ({ measurement }) => measurement.generator.cpuUsPerRequest,
    ofSummary: summary => point(summary.generatorCpuUsPerRequest),
    isBoundByUnanswered: false,
    // The least noisy of all.
    isAlwaysInTrends: true,
    gauge: {
      name: 'cpu_seconds_per_request',
      help: 'CPU time per request',
      divisor: 1e6,
      labels: { process: 'generator' },
    },
  },
  capacityPerSec: {
    ...rate,
    title: 'capacity',
    columnKey: 'capacityPerSec',
    onlyUnder: 'capacity',
    // A trial without a capacity leaves an expectation open: it cannot be told from a low one.
    ofTrial: ({ measurement }) => capacityOf(measurement),
    ofSummary: summary => summary.capacityPerSec,
    gauge: {
      name: 'capacity_requests_per_second',
      help: 'Highest rate borne within the objective of a capacity search, centre over replicates',
      divisor: 1,
      hasBounds: true,
    },
  },
  targetCpuUsPerRequest: {
    ...cpu,
    title: 'target CPU per request',
    columnKey: 'targetCpuUsPerRequest',
    ofSlices: slices =>
      slices.flatMap(({ targetCpuUs, exchanges }) =>
        targetCpuUs === null ? [] : { amount: targetCpuUs, per: exchanges },
      ),
    // Unknown for a server that conntax did not start.
    ofTrial: ({ measurement }) => measurement.target?.cpuUsPerRequest ?? null,
    ofSummary: summary => point(summary.targetCpuUsPerRequest),
    isBoundByUnanswered: true,
    gauge: {
      name: 'cpu_seconds_per_request',
      help: 'CPU time per request',
      divisor: 1e6,
      labels: { process: 'target' },
    },
  },
  successRatio: {
    ...count,
    title: 'good answers',
    unit: '%',
    factor: 100,
    columnKey: 'successPercent',
    isHigherBetter: true,
    interval: { of: 'shares', per: 1, read: successesOf, hasRatio: true },
    ofTrial: trial => ratioOf(successesOf(trial)),
    ofSummary: ({ completed, failed }) => point(ratioOf({ part: completed, of: completed + failed })),
  },
  connectionsPer1kRequests: {
    ...count,
    title: 'connections per 1,000 requests',
    columnKey: 'connectionsPer1000Count',
    interval: { of: 'counts' },
    ofTrial: trial => (isCounted(trial.measurement) ? connectionsPer1k(trial) : null),
    ofSummary: ({ requestsSent, openedBy, opened }) =>
      requestsSent === 0 || openedBy === 'unknown' ? null : point((opened / requestsSent) * 1_000),
  },
  unneededConnectionsPer1kRequests: {
    ...count,
    title: 'connections beyond need per 1,000 requests',
    columnKey: 'unneededConnectionsPer1000Count',
    // Mostly 0 of both clients: there is no ratio.
    interval: { of: 'shares', per: 1_000, read: unneededOf, hasRatio: false },
    ofTrial: trial => {
      const share = unneededOf(trial);
      return share === null ? null : ratioOf(share) * 1_000;
    },
  },
};

const METRIC_ORDER = Object.keys(METRIC_TABLE) as ExpectedMetric[];

/** How a metric is read of a trial to compare it: by its slices, or as a whole. */
export type FigureReader =
  | { of: 'slices'; read: (slices: readonly Slice[], load: Load) => readonly Portion[] }
  | { of: 'trial'; read: (trial: Measured) => number | null };

export function readerOf(metric: ExpectedMetric): FigureReader {
  const { ofSlices, ofTrial } = METRIC_TABLE[metric];
  return ofSlices === undefined ? { of: 'trial', read: ofTrial } : { of: 'slices', read: ofSlices };
}

/** Of a client's row; null where there is no row, or it does not know. */
export function summaryFigure(metric: ExpectedMetric, summary: ArmSummary | null): Interval | null {
  return summary === null ? null : (METRIC_TABLE[metric].ofSummary?.(summary) ?? null);
}

export interface Headline {
  /** Decides when a run is precise enough, and is what its headline and its first figure are about. */
  metric: Metric;
  /** As it stands in "every ratio of ...". */
  noun: string;
}

const DECIDING: Record<Load['model'], Metric> = {
  closed: 'requestsPerSec',
  // Under an open load all arms have the same rate, by construction.
  open: 'meanUs',
  burst: 'meanUs',
  capacity: 'capacityPerSec',
};

/** Whether more of the metric is what a reader wishes for. */
export function isHigherBetter(metric: ExpectedMetric): boolean {
  return METRIC_TABLE[metric].isHigherBetter;
}

export function headlineOf({ model }: Pick<Load, 'model'>): Headline {
  const metric = DECIDING[model];
  const { noun, title } = METRIC_TABLE[metric];
  return { metric, noun: noun ?? title };
}

/** The metrics that arms are compared on, the deciding one first. */
export function comparedMetrics({ model }: Pick<Load, 'model'>): readonly Metric[] {
  const deciding = DECIDING[model];
  const others = METRIC_ORDER.filter(isCompared).filter(metric => {
    const { onlyUnder = model } = METRIC_TABLE[metric];
    return metric !== deciding && onlyUnder === model;
  });
  return [deciding, ...others];
}

function isCompared(metric: ExpectedMetric): metric is Metric {
  return (METRICS as readonly string[]).includes(metric);
}

/** The deciding metric over the whole of a trial; null where there is nothing to read. */
export function headlineFigure(trial: Measured): number | null {
  return METRIC_TABLE[DECIDING[trial.trial.load.model]].ofTrial(trial);
}

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

function latencyOf(read: (summary: ArmSummary) => number): (summary: ArmSummary) => Interval | null {
  // Without an answer there is no latency.
  return summary => (summary.completed === 0 ? null : point(read(summary)));
}

/** Opened per 1,000 requests sent, warm-up included. */
export function connectionsPer1k({ measurement: { ledger } }: Measured): number {
  return ledger.requestsSent === 0 ? 0 : (ledger.opened / ledger.requestsSent) * 1_000;
}

function isCounted({ ledger }: Measurement): boolean {
  return ledger.openedBy !== 'unknown';
}

function successesOf({ measurement: { completed, failed } }: Measured): Share {
  return { part: completed, of: completed + failed };
}

/**
 * Connections beyond the most that the mode needs: none of a client that reuses what it may, however long and fast the
 * run was. null where they are not counted, or any number may be needed.
 */
function unneededOf({ measurement }: Measured): Share | null {
  const { requestsSent, opened, needed } = measurement.ledger;
  if (needed.most === null || !isCounted(measurement)) return null;
  return { part: Math.max(0, Math.min(requestsSent, opened - needed.most)), of: requestsSent };
}

export function ratioOf({ part, of }: Share): number {
  return of === 0 ? 0 : part / of;
}

function positive(value: number): number | null {
  return value > 0 && Number.isFinite(value) ? value : null;
}

/** A figure without an interval. */
function point(value: number): Interval;
function point(value: number | null): Interval | null;
function point(value: number | null): Interval | null {
  return value === null ? null : { value, low: value, high: value };
}
