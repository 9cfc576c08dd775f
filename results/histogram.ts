// Latency distributions that can be recorded, stored, merged and read, and means that merge exactly. The only importer of hdr-histogram-js.

import * as hdr from 'hdr-histogram-js';
import { UsageError } from './errors.ts';
import type { Histogram } from './model/trial.ts';

/**
 * A sixteenth of a microsecond. Finer ticks would overflow the integers that a number holds exactly; these last for four years of
 * summed latency, such as 30,000 users for an hour.
 */
const TICKS_PER_US = 16;

export function ticksOf(us: number): number {
  return Math.round(us * TICKS_PER_US);
}

/** @returns the mean in µs; 0 of nothing */
export function meanOfTicks(ticks: number, count: number): number {
  return count === 0 ? 0 : ticks / count / TICKS_PER_US;
}

/** The sum that a mean was made of, exactly: rounding undoes the rounding of the division. */
export function ticksOfMean(meanUs: number, count: number): number {
  return Math.round(meanUs * count * TICKS_PER_US);
}

/** The mean over groups, from their means and counts. Exact for means made of ticks. */
export function mergeMeans(groups: readonly { meanUs: number; count: number }[]): number {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const ticks = groups.reduce((sum, group) => sum + ticksOfMean(group.meanUs, group.count), 0);
  return meanOfTicks(ticks, count);
}

const LOWEST_US = 1;
const HIGHEST_US = 3_600_000_000;
const DIGITS = 3;
/** A histogram with every bucket filled is shorter; a longer text could decompress to any size. */
const LONGEST_V2 = 200_000;

/** A distribution being recorded, in about 24 kB however many latencies it holds. */
export interface LatencyRecorder {
  /**
   * Adds one latency in microseconds. Never throws and drops nothing: values below 1 µs, negative or NaN count as 1 µs,
   * values above an hour as an hour, so that `count` is the number of calls.
   */
  recordUs(us: number): void;
  readonly count: number;
  /** The distribution so far: minimum and maximum are exact, the mean to a sixteenth of a µs per record, quantiles to 3 digits. */
  summary(): Histogram;
  /** Frees the memory; nothing else may be called afterwards. */
  close(): void;
}

/** Starts a recorder. The WebAssembly build takes 21 to 25 ns per record, the JavaScript one 47 to 62 ns. */
export function createLatencyRecorder(): LatencyRecorder {
  hdr.initWebAssemblySync();
  const histogram = build(true);
  let count = 0;
  let sumTicks = 0;
  let minUs = Number.POSITIVE_INFINITY;
  let maxUs = 0;
  return {
    recordUs(us) {
      const value = us > LOWEST_US ? Math.min(us, HIGHEST_US) : LOWEST_US;
      histogram.recordValue(Math.round(value));
      count++;
      sumTicks += ticksOf(value);
      if (value < minUs) minUs = value;
      if (value > maxUs) maxUs = value;
    },
    get count() {
      return count;
    },
    summary: () =>
      count === 0
        ? emptyHistogram()
        : summarise(histogram, { minUs, meanUs: meanOfTicks(sumTicks, count), maxUs }),
    close: () => histogram.destroy(),
  };
}

/** What is known beside a histogram, whose buckets are three digits wide. */
type ExactFigures = Pick<Histogram, 'minUs' | 'meanUs' | 'maxUs'>;

/** The distribution of values that each count several times; count, mean and range are known exactly. */
export function weightedHistogram(
  values: Iterable<{ us: number; count: number }>,
  exact: ExactFigures,
): Histogram {
  const histogram = build(false);
  for (const { us, count } of values)
    histogram.recordValueWithCount(Math.round(Math.min(HIGHEST_US, Math.max(LOWEST_US, us))), count);
  return summarise(histogram, exact);
}

let empty: Histogram | undefined;

/** The distribution of nothing: every figure 0. */
export function emptyHistogram(): Histogram {
  empty ??= summarise(build(false), { minUs: 0, meanUs: 0, maxUs: 0 });
  return { ...empty };
}

/** The buckets of a distribution that hold something, lowest first: the highest value that counts there, and how many do. */
interface Buckets {
  us: Float64Array;
  counts: Float64Array;
}

/** Decoding takes longer than all that is read of the buckets, and a report reads those of a trial many times. */
const knownBuckets = new WeakMap<Histogram, Buckets>();

function bucketsOf(histogram: Histogram): Buckets {
  const buckets = knownBuckets.get(histogram) ?? readBuckets(decode(histogram));
  knownBuckets.set(histogram, buckets);
  return buckets;
}

function readBuckets(decoded: hdr.JsHistogram): Buckets {
  const us: number[] = [];
  const counts: number[] = [];
  for (let index = 0; index < decoded.countsArrayLength; index++) {
    const count = decoded.getCountAtIndex(index);
    if (count === 0) continue;
    us.push(decoded.highestEquivalentValue(decoded.valueFromIndex(index)));
    counts.push(count);
  }
  return { us: Float64Array.from(us), counts: Float64Array.from(counts) };
}

/**
 * Merges distributions exactly: the result is that of recording everything into one, bit for bit.
 * @throws UsageError if a histogram's stored form cannot be read.
 */
export function mergeHistograms(histograms: readonly Histogram[]): Histogram {
  const filled = histograms.filter(histogram => histogram.count > 0);
  if (filled.length === 0) return emptyHistogram();
  if (filled.length === 1) return filled[0]!;
  const counts = new Map<number, number>();
  for (const histogram of filled) {
    const own = bucketsOf(histogram);
    for (const [index, us] of own.us.entries()) counts.set(us, (counts.get(us) ?? 0) + own.counts[index]!);
  }
  const us = Float64Array.from(counts.keys()).sort();
  return encodedLater(
    { us, counts: us.map(value => counts.get(value)!) },
    {
      minUs: Math.min(...filled.map(histogram => histogram.minUs)),
      meanUs: mergeMeans(filled),
      maxUs: Math.max(...filled.map(histogram => histogram.maxUs)),
    },
  );
}

/** Its stored form is made when it is first read: a report merges hundreds for their quantiles and curves alone. */
function encodedLater(buckets: Buckets, exact: ExactFigures): Histogram {
  const count = buckets.counts.reduce((sum, own) => sum + own, 0);
  const [p50Us, p90Us, p99Us, p999Us] = valuesAt(buckets, [50, 90, 99, 99.9], { count, ...exact });
  let v2: string | undefined;
  const histogram: Histogram = {
    count,
    ...exact,
    p50Us: p50Us!,
    p90Us: p90Us!,
    p99Us: p99Us!,
    p999Us: p999Us!,
    get v2() {
      v2 ??= encode(buckets);
      return v2;
    },
  };
  knownBuckets.set(histogram, buckets);
  return histogram;
}

function encode({ us, counts }: Buckets): string {
  const histogram = build(false);
  for (const [index, value] of us.entries()) histogram.recordValueWithCount(value, counts[index]!);
  return hdr.encodeIntoCompressedBase64(histogram);
}

type Extent = Pick<Histogram, 'count' | 'minUs' | 'maxUs'>;

/** The values at ascending percentiles, µs; that at 0 is the least. */
function valuesAt({ us, counts }: Buckets, percentiles: readonly number[], extent: Extent): number[] {
  let index = -1;
  let reached = 0;
  return percentiles.map(percentile => {
    if (percentile === 0) return extent.minUs;
    const wanted = countWithin(percentile, extent.count);
    while (reached < wanted && index + 1 < us.length) reached += counts[++index]!;
    return withinRange(us[index] ?? 0, extent);
  });
}

/** The latency that a share `q` (0 to 1) of the recorded ones does not exceed, in µs; 0 for an empty histogram. */
export function quantileUs(histogram: Histogram, q: number): number {
  return histogram.count === 0 ? 0 : valuesAt(bucketsOf(histogram), [q * 100], histogram)[0]!;
}

/** Points per halving of the distance to 100 %. */
const POINTS_PER_HALF = 4;

/**
 * The points of an HDR plot: 0, 12.5, 25, 37.5, 50, 56.25 ... each halving of the distance to 100 % in equal steps, until
 * the step holds less than one record. The last point is the maximum, at 100 x (1 - 1 / (2 count)) rather than at 100, so
 * that every point has a place on the axis 1 / (1 - percentile / 100). Empty for an empty histogram.
 */
export function percentileCurve(histogram: Histogram): { percentile: number; valueUs: number }[] {
  if (histogram.count === 0) return [];
  const last = 100 * (1 - 1 / (2 * histogram.count));
  const percentiles = [0];
  for (let tick = 1; ; tick++) {
    const half = Math.floor(tick / POINTS_PER_HALF);
    const within = (tick % POINTS_PER_HALF) / POINTS_PER_HALF;
    const percentile = 100 * (1 - (1 - within / 2) / 2 ** half);
    if (percentile >= last) break;
    percentiles.push(percentile);
  }
  const values = valuesAt(bucketsOf(histogram), percentiles, histogram);
  return [
    ...percentiles.map((percentile, index) => ({ percentile, valueUs: values[index]! })),
    { percentile: last, valueUs: histogram.maxUs },
  ];
}

/** How many of the records a percentile takes in: at least one, and none more because of a rounding error. */
function countWithin(percentile: number, count: number): number {
  const exact = (percentile / 100) * count;
  return Math.max(1, Math.ceil(exact * (1 - Number.EPSILON)));
}

/**
 * How many of the recorded latencies lie in each interval between two neighbours of `edgesUs`, the upper one included; those outside
 * are in none.
 *
 * @param edgesUs ascending. An interval narrower than a thousandth of its values gets all or nothing of a stored bucket
 */
export function countBetween(histogram: Histogram, edgesUs: readonly number[]): number[] {
  const counts = edgesUs.slice(1).map(() => 0);
  if (histogram.count === 0) return counts;
  const buckets = bucketsOf(histogram);
  let interval = -1;
  for (const [index, highestUs] of buckets.us.entries()) {
    const us = withinRange(highestUs, histogram);
    while (interval < counts.length && us > edgesUs[interval + 1]!) interval++;
    if (interval >= 0 && interval < counts.length) counts[interval]! += buckets.counts[index]!;
  }
  return counts;
}

/** One line of a histogram log. `startMs` counts from any zero that the entries share. */
export interface LogEntry {
  tag: string;
  startMs: number;
  lengthMs: number;
  histogram: Histogram;
}

/** A standard HdrHistogram log (format 1.3): values in µs, the interval's maximum in ms, as HdrHistogram's own tools expect. */
export function hdrLog(entries: readonly LogEntry[]): string {
  let text = '';
  const writer = new hdr.HistogramLogWriter(piece => {
    text += piece;
  });
  writer.outputComment('[Latencies recorded by conntax, in microseconds; Interval_Max in milliseconds]');
  writer.outputLogFormatVersion();
  writer.outputLegend();
  for (const { tag, startMs, lengthMs, histogram } of entries) {
    const decoded = decode(histogram);
    decoded.tag = tag.replaceAll(/[\s,=]/g, '_'); // these end a tag in the format
    writer.outputIntervalHistogram(decoded, startMs / 1000, (startMs + lengthMs) / 1000);
  }
  return text;
}

function build(useWebAssembly: boolean): hdr.Histogram {
  return hdr.build({
    useWebAssembly,
    bitBucketSize: 64,
    lowestDiscernibleValue: LOWEST_US,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: DIGITS,
    autoResize: false,
  });
}

/** Reads the stored form as the JavaScript kind, which needs no freeing; the two kinds cannot be added to each other. */
function decode(histogram: Histogram): hdr.JsHistogram {
  if (histogram.v2.length > LONGEST_V2) {
    throw new UsageError(
      `a stored latency histogram of ${histogram.v2.length} characters is too long to be valid`,
    );
  }
  try {
    return hdr.decodeFromCompressedBase64(histogram.v2, 64, false) as hdr.JsHistogram;
  } catch (cause) {
    throw new UsageError(`cannot decode a stored latency histogram: ${String(cause)}`);
  }
}

/** The stored form rounds values up to the top of their bucket; no quantile may leave the range that was recorded. */
function withinRange(us: number, { minUs, maxUs }: { minUs: number; maxUs: number }): number {
  return Math.min(maxUs, Math.max(minUs, us));
}

function summarise(histogram: hdr.Histogram, exact: ExactFigures): Histogram {
  const at = (percentile: number) => withinRange(histogram.getValueAtPercentile(percentile), exact);
  return {
    count: histogram.totalCount,
    ...exact,
    p50Us: at(50),
    p90Us: at(90),
    p99Us: at(99),
    p999Us: at(99.9),
    v2: hdr.encodeIntoCompressedBase64(histogram),
  };
}
