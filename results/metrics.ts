// The table of metrics: what each is called, its units, which direction is better, how it is read, and which load it decides.
import type { Load } from '../scenarios/model/load.ts';
import type { ExpectedMetric } from '../scenarios/model/scenario.ts';
import { whyUnbounded } from './connections.ts';
import { mergeMeans } from './histogram.ts';
import type { Resources } from './model/process.ts';
import { type ArmSummary, METRICS, type Metric } from './model/run.ts';
import type {
  Capacity,
  CompletedTrial,
  Measurement,
  Probe,
  ProbeLimit,
  Slice,
  TimeWait,
} from './model/trial.ts';
import { spreadOf } from './spread.ts';
import { exactly, type Interval, sumOf } from './stats.ts';

/** The rate that a load requests; null for a closed load. A capacity search is measured at the rate it found, or at its lowest rate if it found none. */
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

/** `part` of `of` requests. */
export interface Share {
  part: number;
  of: number;
}

/** How the intervals of a client's figure and of its ratio to another client's are estimated. */
export type IntervalKind =
  /** Positive, and varies in proportion to its size: from the logarithms of the replicates; ratios replicate by replicate. */
  | { of: 'logarithms' }
  /** A count that may be 0: from the values of the replicates; ratios from their logarithms. */
  | { of: 'counts' }
  /** A share of requests, by the exact binomial interval, in units of `per`. `read` returns null if the trial does not know it. */
  | { of: 'shares'; per: number; read: (trial: Measured) => Share | null; hasRatio: boolean };

/** Everything about a metric. All code that compares, judges or shows metrics reads it here. */
interface MetricRow {
  /** Within a sentence, and as a column heading. */
  title: string;
  /** As in "every ratio of ...", if it differs from the title. */
  noun?: string;
  /** As shown; the stored unit ends the metric's own name. Undefined for a plain count. */
  unit: string | undefined;
  /** From the stored unit to the one shown. */
  factor: number;
  /** Name of its column for machines, which ends in the unit shown. */
  columnKey: string;
  isHigherBetter: boolean;
  /** Its column in the table of results by client; absent if that shows it in another form, or only other tables have it. */
  resultColumn?: {
    /** If it differs from `columnKey`. */
    key?: string;
    heading: string;
    /** If it differs from the metric's. */
    unit?: string;
  };
  interval: IntervalKind;
  /**
   * What each slice contributes to a figure that adds up over slices; clients are then compared block by block. Without it,
   * the figure is that of the whole trial (quantiles, which need many samples).
   */
  ofSlices?: (slices: readonly Slice[], load: Load) => readonly Portion[];
  /** Over the whole of a trial; null if there is nothing to read. */
  ofTrial: (trial: Measured) => number | null;
  /** From a client's stored summary; a figure without an interval is its own bounds. null if it is unknown. */
  ofSummary?: (summary: ArmSummary) => Interval | null;
  /** Whether a client's stored summary has an interval for it. */
  isIntervalStored?: true;
  /** The share of requests that take longer; of quantiles only. */
  shareBeyond?: number;
  /** Whether requests without a response make it a bound. */
  isBoundByUnanswered: boolean;
  /** The only load that has it; absent if all loads have it. */
  onlyUnder?: Load['model'];
  /** Whether trends show it even if another metric decides. */
  isAlwaysInTrends?: true;
  /** The share that it leaves to 1, where reports and sweeps show that instead. */
  complement?: { title: string; columnKey: string };
  /** In metrics.prom, in Prometheus' base units. */
  gauge?: {
    name: string;
    help: string;
    /** How many of the metric's own units make one of the gauge's. */
    divisor: number;
    labels?: Readonly<Record<string, string>>;
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
  isIntervalStored: true,
} as const;

const count = {
  unit: undefined,
  factor: 1,
  isHigherBetter: false,
  // An unanswered request is a failed one in every count and share.
  isBoundByUnanswered: false,
} as const;

function quantile(
  heading: string,
  name: 'p50Us' | 'p99Us' | 'p999Us',
  shareBeyond: number,
): Omit<MetricRow, 'columnKey'> {
  return {
    ...latency,
    title: `${heading} latency`,
    shareBeyond,
    resultColumn: { heading },
    ofTrial: ({ measurement: { response } }) => positive(response[name]),
  };
}

function timeWait(end: 'client' | 'server'): Omit<MetricRow, 'columnKey'> {
  return {
    ...count,
    title: `TIME_WAIT at the ${end}'s end per 1,000 requests`,
    interval: { of: 'counts' },
    ofTrial: ({ measurement }) => timeWaitPer1k(measurement, end),
  };
}

function throttled(whose: 'client' | 'server'): Omit<MetricRow, 'columnKey'> {
  return {
    ...count,
    title: `throttled periods of the ${whose}`,
    unit: '%',
    factor: 100,
    interval: { of: 'counts' },
    ofTrial: ({ measurement: { generator, target } }) => throttledOf(whose === 'client' ? generator : target),
  };
}

/** In the order in which reports show them. */
export const METRIC_TABLE: Readonly<Record<ExpectedMetric, MetricRow>> = {
  meanUs: {
    ...latency,
    title: 'mean latency',
    noun: 'mean response time',
    columnKey: 'meanMs',
    resultColumn: { heading: 'mean' },
    ofSlices: meanPortions,
    ofTrial: ({ measurement: { response } }) => (response.count > 0 ? response.meanUs : null),
    ofSummary: latencyOf(({ meanUs }) => meanUs),
    gauge: { name: 'response_time_mean_seconds', help: 'Mean response time', divisor: 1e6 },
  },
  p50Us: { ...quantile('p50', 'p50Us', 0.5), columnKey: 'p50Ms', ofSummary: latencyOf(({ p50Us }) => p50Us) },
  p99Us: {
    ...quantile('p99', 'p99Us', 0.01),
    columnKey: 'p99Ms',
    ofSummary: latencyOf(({ p99Us }) => p99Us),
  },
  // Without a summary's figure, sweeps have no part of it: few points have enough requests for it.
  p999Us: { ...quantile('p99.9', 'p999Us', 0.001), columnKey: 'p999Ms' },
  requestsPerSec: {
    ...rate,
    title: 'requests/s',
    columnKey: 'requestsPerSec',
    resultColumn: { heading: 'requests/s' },
    ofSlices: ratePortions,
    ofTrial: requestsPerSec,
    ofSummary: summary => summary.requestsPerSec,
    gauge: {
      name: 'requests_per_second',
      help: 'Requests per second, centre over replicates',
      divisor: 1,
    },
  },
  cpuUsPerRequest: {
    ...cpu,
    title: 'client CPU per request',
    columnKey: 'cpuUsPerRequest',
    resultColumn: { key: 'generatorCpuUsPerRequest', heading: 'client CPU', unit: 'µs/request' },
    ofSlices: slices =>
      slices.map(({ generatorCpuUs, exchanges }) => ({ amount: generatorCpuUs, per: exchanges })),
    // Of another load generator, it includes the generator's own work.
    ofTrial: ({ trial, measurement }) =>
      trial.imported === undefined ? measurement.generator.cpuUsPerRequest : null,
    ofSummary: ({ generatorCpuUsPerRequest: us }) => (us === null ? null : exactly(us)),
    isBoundByUnanswered: false,
    // The least noisy metric.
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
    // Without a capacity, an expectation is judged by the bound that the search found, if it found one.
    ofTrial: ({ measurement }) => capacityOf(measurement),
    ofSummary: summary => summary.capacityPerSec,
    gauge: {
      name: 'capacity_requests_per_second',
      help: 'Highest rate sustained within the objective of a capacity search, centre over replicates',
      divisor: 1,
    },
  },
  targetCpuUsPerRequest: {
    ...cpu,
    title: 'server CPU per request',
    columnKey: 'targetCpuUsPerRequest',
    resultColumn: { heading: 'server CPU', unit: 'µs/request' },
    ofSlices: slices =>
      slices.flatMap(({ targetCpuUs, exchanges }) =>
        targetCpuUs === null ? [] : { amount: targetCpuUs, per: exchanges },
      ),
    // Unknown for a server that conntax did not start.
    ofTrial: ({ measurement }) => measurement.target?.cpuUsPerRequest ?? null,
    ofSummary: ({ targetCpuUsPerRequest: us }) => (us === null ? null : exactly(us)),
    isBoundByUnanswered: false,
    gauge: {
      name: 'cpu_seconds_per_request',
      help: 'CPU time per request',
      divisor: 1e6,
      labels: { process: 'target' },
    },
  },
  connectionsPer1kRequests: {
    ...count,
    title: 'connections per 1,000 requests',
    columnKey: 'connectionsPer1000Count',
    interval: { of: 'counts' },
    ofTrial: trial => (isCounted(trial.measurement) ? connectionsPer1k(trial) : null),
    ofSummary: ({ requestsSent, openedBy, opened }) =>
      requestsSent === 0 || openedBy === 'unknown' ? null : exactly((opened / requestsSent) * 1_000),
    gauge: {
      name: 'connections_per_1k_requests',
      help: 'Connections opened per 1,000 requests',
      divisor: 1,
    },
  },
  unneededConnectionsPer1kRequests: {
    ...count,
    title: 'unnecessary connections per 1,000 requests',
    columnKey: 'unneededConnectionsPer1000Count',
    // Usually 0 for both clients, so there is no ratio.
    interval: { of: 'shares', per: 1_000, read: unneededOf, hasRatio: false },
    ofTrial: trial => {
      const share = unneededOf(trial);
      return share === null ? null : ratioOf(share) * 1_000;
    },
  },
  leftOpenPer1kRequests: {
    ...count,
    title: 'connections left open per 1,000 requests',
    columnKey: 'leftOpenPer1000Count',
    interval: { of: 'counts' },
    ofTrial: ({ measurement: { ledger } }) =>
      ledger.leftOpen === null || ledger.requestsSent === 0
        ? null
        : (ledger.leftOpen / ledger.requestsSent) * 1_000,
  },
  failureMeanUs: {
    ...latency,
    title: 'mean time to failure',
    columnKey: 'failureMeanMs',
    ofTrial: ({ measurement: { outcomes } }) => failureMeanUs(outcomes),
    // Only requests that ended count.
    isBoundByUnanswered: false,
  },
  busiestBackendRatio: {
    ...count,
    title: 'busiest backend / mean',
    columnKey: 'busiestBackendRatio',
    interval: { of: 'counts' },
    ofTrial: trial => spreadOf(trial)?.requests.busiestRatio ?? null,
  },
  clientTimeWaitPer1kRequests: { ...timeWait('client'), columnKey: 'clientTimeWaitPer1000Count' },
  serverTimeWaitPer1kRequests: { ...timeWait('server'), columnKey: 'serverTimeWaitPer1000Count' },
  throttledRatio: { ...throttled('client'), columnKey: 'throttledPercent' },
  targetThrottledRatio: { ...throttled('server'), columnKey: 'targetThrottledPercent' },
  successRatio: {
    ...count,
    title: 'success rate',
    unit: '%',
    factor: 100,
    columnKey: 'successPercent',
    complement: { title: 'error rate', columnKey: 'errorPercent' },
    isHigherBetter: true,
    interval: { of: 'shares', per: 1, read: successesOf, hasRatio: true },
    ofTrial: trial => ratioOf(successesOf(trial)),
    ofSummary: ({ completed, failed, errorRatio }) =>
      completed + failed === 0 ? null : exactly(1 - errorRatio),
    gauge: { name: 'success_ratio', help: 'Share of requests that succeeded', divisor: 1 },
  },
};

/** All metrics, in the order of the table. */
export const METRIC_ORDER = Object.keys(METRIC_TABLE) as ExpectedMetric[];

/** With fewer requests beyond it, a quantile is that of single requests. */
const MIN_BEYOND = 10;

/** Whether a figure is a quantile that fewer than 10 of these requests exceed. @param shareBeyond undefined: not a quantile */
export function hasFewBeyond(shareBeyond: number | undefined, requestCount: number): boolean {
  // A share of 0.1 % of 10,000 must not fail by rounding.
  return shareBeyond !== undefined && requestCount * shareBeyond < MIN_BEYOND * (1 - 1e-9);
}

/** Requests whose times the quantiles of a client are of. */
export function countResponses(trials: readonly Pick<Measured, 'measurement'>[]): number {
  return sumOf(trials, ({ measurement }) => measurement.response.count);
}

/** How a metric is read from a trial for comparisons: by its slices, or as a whole. */
export type FigureReader =
  | { of: 'slices'; read: (slices: readonly Slice[], load: Load) => readonly Portion[] }
  | { of: 'trial'; read: (trial: Measured) => number | null };

export function readerOf(metric: ExpectedMetric): FigureReader {
  const { ofSlices, ofTrial } = METRIC_TABLE[metric];
  return ofSlices === undefined ? { of: 'trial', read: ofTrial } : { of: 'slices', read: ofSlices };
}

/** What the list of the kernel's sockets is read for, which costs tens of milliseconds where there are tens of thousands. */
export const TIME_WAIT_METRICS: ReadonlySet<ExpectedMetric> = new Set<ExpectedMetric>([
  'clientTimeWaitPer1kRequests',
  'serverTimeWaitPer1kRequests',
]);

/** From a client's stored summary; null if there is none, or the figure is unknown. */
export function summaryFigure(metric: ExpectedMetric, summary: ArmSummary | null): Interval | null {
  return summary === null ? null : (METRIC_TABLE[metric].ofSummary?.(summary) ?? null);
}

export interface Headline {
  /** Decides when a run is precise enough; its headline and first chart show it. */
  metric: Metric;
  /** As in "every ratio of ...". */
  noun: string;
}

const DECIDING: Record<Load['model'], Metric> = {
  closed: 'requestsPerSec',
  // Under an open load all clients have the same rate by construction.
  open: 'meanUs',
  burst: 'meanUs',
  capacity: 'capacityPerSec',
};

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

/** Whether the load sets it for all clients alike, so that they cannot differ in it but by failing. */
export function isSetByLoad(metric: ExpectedMetric, { model }: Pick<Load, 'model'>): boolean {
  return metric === 'requestsPerSec' && (model === 'open' || model === 'burst');
}

/** Whether clients are compared on it in every run; the others are judged by expectations. */
export function isCompared(metric: ExpectedMetric): metric is Metric {
  return (METRICS as readonly string[]).includes(metric);
}

/** The deciding metric over the whole of a trial; null if there is nothing to read. */
export function headlineFigure(trial: Measured): number | null {
  return METRIC_TABLE[DECIDING[trial.trial.load.model]].ofTrial(trial);
}

/** What a slice contributes to a figure. The figure of several slices is the sum of their amounts divided by the sum of their `per`. */
export interface Portion {
  amount: number;
  per: number;
}

/**
 * Successful responses per second. Under a closed load they follow from how the users spent their time: users / (mean time of
 * a request + think time), by Little's law (J. D. C. Little, 1961). Requests belong to the window in which they began, and in a
 * window that is short compared with the slowest of them, more begin than in a long run. If the users' time is unknown (load
 * tools, runs of older versions), and under loads with a schedule, it is the requests of the window over its length.
 */
export function ratePortion({ completed, userMs, windowMs }: Slice, load: Load): Portion {
  return load.model === 'closed' && userMs !== null
    ? { amount: completed * load.concurrency * 1_000, per: userMs }
    : { amount: completed * 1_000, per: windowMs };
}

/** What the slices of a trial contribute to its rate. */
export function ratePortions(slices: readonly Slice[], load: Load): Portion[] {
  const isByUserTime = slices.some(({ userMs }) => userMs !== null);
  // A window in which no request began, because all users were still waiting, does not show by itself how users spent their time.
  const usable = isByUserTime ? slices.filter(({ userMs }) => userMs !== null) : slices;
  return usable.map(slice => ratePortion(slice, load));
}

/** Successful responses per second in the steady windows; null if there were none. */
export function requestsPerSec({ trial: { load }, measurement: { slices } }: Measured): number | null {
  return overall(ratePortions(slices, load));
}

/** What the slices of a trial contribute to its mean response time, µs; requests without a response count with their lower bounds. */
export function meanPortions(slices: readonly Slice[]): Portion[] {
  return slices.map(({ completed, censored, meanUs }) => ({
    amount: meanUs * (completed + censored),
    per: completed + censored,
  }));
}

/** The figure of several slices; null if there is nothing to divide by. */
export function overall(portions: readonly Portion[]): number | null {
  const per = sumOf(portions, portion => portion.per);
  return per > 0 ? sumOf(portions, portion => portion.amount) / per : null;
}

/**
 * How a search for the capacity ended: between a rate that was sustained and one that was not (`found`), with the lowest rate
 * that it may try failing, or the highest sustained; or before it was over.
 */
export type SearchOutcome = 'found' | 'lowestFailed' | 'highestSustained' | 'cutShort';

export function searchOutcome({
  isSettled,
  ratePerSec,
  notKeptPerSec,
}: Pick<Capacity, 'isSettled' | 'ratePerSec' | 'notKeptPerSec'>): SearchOutcome {
  if (!isSettled) return 'cutShort';
  if (ratePerSec === 0) return 'lowestFailed';
  return notKeptPerSec === null ? 'highestSustained' : 'found';
}

/** The last trial of the lowest rate that was not sustained; undefined if all were. */
export function lowestFailing({ notKeptPerSec, probes }: Capacity): Probe | undefined {
  return probes.findLast(probe => probe.ratePerSec === notKeptPerSec && !probe.isKept);
}

/** Why that rate was not sustained; null if all were. */
export function limitOfSearch(capacity: Capacity): ProbeLimit | null {
  return lowestFailing(capacity)?.limit ?? null;
}

/** The highest rate sustained; null unless the search ended between it and a rate that was not. */
export function capacityOf({ capacity }: CompletedTrial['measurement']): number | null {
  return capacity !== null && searchOutcome(capacity) === 'found' ? capacity.ratePerSec : null;
}

/** A lower bound of the capacity: also the highest rate that the search may try, if that was sustained. */
export function leastCapacityOf({ capacity }: CompletedTrial['measurement']): number | null {
  if (capacity === null) return null;
  const outcome = searchOutcome(capacity);
  return outcome === 'found' || outcome === 'highestSustained' ? capacity.ratePerSec : null;
}

/**
 * The trials of a client that can speak for it on a metric. Searches that ended without a capacity are not missing by chance:
 * what the others found lies between the ends of the range because it was selected so. With one of them none counts.
 */
export function speakingFor<Trial extends Pick<CompletedTrial, 'measurement'>>(
  metric: ExpectedMetric,
  trials: readonly Trial[],
): readonly Trial[] {
  if (metric !== 'capacityPerSec') return trials;
  const isSelected = trials.some(({ measurement: { capacity } }) => {
    const outcome = capacity === null ? 'cutShort' : searchOutcome(capacity);
    return outcome === 'lowestFailed' || outcome === 'highestSustained';
  });
  return isSelected ? [] : trials;
}

function latencyOf(read: (summary: ArmSummary) => number): (summary: ArmSummary) => Interval | null {
  // Without a successful response there is no latency.
  return summary => (summary.completed === 0 ? null : exactly(read(summary)));
}

/** Opened per 1,000 requests sent, warm-up included. */
export function connectionsPer1k({ measurement: { ledger } }: Measured): number {
  return ledger.requestsSent === 0 ? 0 : (ledger.opened / ledger.requestsSent) * 1_000;
}

/** Per 1,000 requests that ended in the slices; null where it was not counted. */
function timeWaitPer1k({ timeWait, slices }: Measurement, end: keyof TimeWait): number | null {
  const ended = sumOf(slices, ({ exchanges }) => exchanges);
  return timeWait === null || ended === 0 ? null : (timeWait[end] / ended) * 1_000;
}

/** The share of periods of its CPU limit in which a process was throttled; null without a limit, or without a period in which it had something to run. */
function throttledOf(used: Resources | null): number | null {
  const { throttledPeriods = 0, periods = 0 } = used?.throttling ?? {};
  return periods === 0 ? null : throttledPeriods / periods;
}

function isCounted({ ledger }: Measurement): boolean {
  return ledger.openedBy !== 'unknown';
}

function successesOf({ measurement: { completed, failed } }: Measured): Share {
  return { part: completed, of: completed + failed };
}

/** Mean time of the requests that failed by themselves; those that conntax abandoned would have taken longer. null without any. */
function failureMeanUs(outcomes: Measurement['outcomes']): number | null {
  const failures = Object.entries(outcomes).flatMap(([outcome, { count: failed, meanUs }]) =>
    outcome === 'ok' || outcome === 'noAnswer' || meanUs === undefined ? [] : { count: failed, meanUs },
  );
  return failures.length === 0 ? null : mergeMeans(failures);
}

/**
 * Connections opened beyond the most that the connection policy needs: 0 for a client that reuses connections as it may,
 * however long and fast the run was. null if they are not counted, or if no statement bounds them.
 */
function unneededOf({ trial, measurement }: Measured): Share | null {
  const { requestsSent, opened, needed } = measurement.ledger;
  if (needed.most === null || !isCounted(measurement) || whyUnbounded(trial, needed) !== null) return null;
  return { part: Math.max(0, Math.min(requestsSent, opened - needed.most)), of: requestsSent };
}

export function ratioOf({ part, of }: Share): number {
  return of === 0 ? 0 : part / of;
}

/** null for what has no logarithm. */
export function positive(value: number): number | null {
  return value > 0 && Number.isFinite(value) ? value : null;
}
