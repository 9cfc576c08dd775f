// Formats numbers and intervals as text, rounded to the digits that their uncertainty supports.
import { isHigherBetter, METRIC_TABLE } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { type Interval, MIN_REPLICATES } from '../../results/stats.ts';
import type { ExpectedMetric } from '../../scenarios/model/scenario.ts';

const LOCALE = 'en-US';
/** Made once: a formatter takes far longer to make than a number to format, and a report has tens of thousands. */
const WHOLE = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const SECONDS = new Intl.NumberFormat(LOCALE);
const SIGNIFICANT = new Intl.NumberFormat(LOCALE, {
  minimumSignificantDigits: 3,
  maximumSignificantDigits: 3,
});
/** Formats of shares below 1 %, and of the others. */
const PERCENT = [2, 3].map(
  maximumSignificantDigits => new Intl.NumberFormat(LOCALE, { maximumSignificantDigits }),
);
/** By the number of decimals. */
const DECIMALS = new Map<number, Intl.NumberFormat>();

/** A hyphen breaks lines, and is not a minus sign. */
function withMinus(text: string): string {
  return text.replace('-', '−');
}

/** Ratios are never shown with more decimals than this, even to tell them from 1. */
const FINEST_EXPONENT = -5;

/** Shown where there is no figure. */
export const NO_FIGURE = '–';

/** Exact, with thousands separators: `28,232`. */
export function formatCount(count: number): string {
  return WHOLE.format(count);
}

/** As it is, with thousands separators: `0.95`, `2,000`. */
export function formatPlain(value: number): string {
  return Number(value.toPrecision(12)).toLocaleString(LOCALE, { maximumFractionDigits: 12 });
}

/** `1 run`, `12 runs`. */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function countReplicates(count: number): string {
  return formatQuantity(count, 'replicate');
}

/** To 3 significant digits: `4,120`, `24.1`, `0.344`; zero is `0`. */
export function formatSignificant(value: number): string {
  if (!Number.isFinite(value)) return NO_FIGURE;
  if (value === 0) return '0';
  return withMinus(SIGNIFICANT.format(value));
}

/** To a fixed number of decimals: `0.22`, `−0.01`. */
export function formatDecimals(value: number, digits: number): string {
  return withMinus(decimals(digits).format(value));
}

/** A figure of a metric in the unit that reports show. */
export function toShownUnit(metric: ExpectedMetric, value: number): number {
  const { factor } = METRIC_TABLE[metric];
  return factor < 1 ? value / Math.round(1 / factor) : value * factor;
}

/** Microseconds as milliseconds to 3 significant digits, without the unit. */
export function formatMs(us: number): string {
  return formatSignificant(us / 1000);
}

/** Microseconds in the unit that reads best: `344 µs` rather than `0.34 ms`, but `24.1 ms`. */
export function formatLatency(us: number): string {
  return us < 1000 ? `${formatSignificant(us)} µs` : `${formatMs(us)} ms`;
}

/** Above this ratio of its bounds, each of them is rounded for itself. */
const WIDE_RATIO = 3;
/** An interval with a bound further than this factor from its value is too wide to be useful. */
const KNOWN_FACTOR = 10;

/** Whether the bounds of a ratio or a rate are close enough to be useful. */
export function isKnown({ value, low, high }: Interval): boolean {
  return low * KNOWN_FACTOR >= value && high <= value * KNOWN_FACTOR;
}

/** Whether an interval says more than its value. */
export function hasBounds({ value, low, high }: Interval): boolean {
  return high > low && isKnown({ value, low, high });
}

/**
 * Rounds value and bounds to the digits that the interval supports. The value has three digits where the third is worth at least
 * a twentieth of the interval's half-width, else two: never fewer, and a wider interval never gets more. The bounds end at the
 * same decimal place, and have at least two digits too. A bound never rounds to `divide`, so that the text never contradicts a
 * verdict. Without a width (a single trial), there are three digits.
 */
export function roundInterval(
  { value, low, high }: Interval,
  divide?: number,
): { value: string; low: string; high: string } {
  const half = (high - low) / 2;
  if (!(half > 0)) {
    const text = formatSignificant(value);
    return { value: text, low: text, high: text };
  }
  const leading = exponentOf(value);
  const last = Math.min(leading - 1, Math.max(leading - 2, exponentOf(half / 2)));
  const isWide = high > low * WIDE_RATIO;
  const bound = (number: number): string =>
    roundBound(number, isWide ? Number.POSITIVE_INFINITY : last, divide);
  return { value: roundAt(value, last), low: bound(low), high: bound(high) };
}

/** `0.15`, `1.021` beside 1.02: three digits, or as many more as tell it from `divide`. */
export function formatBeside(value: number, divide: number): string {
  return roundBound(value, exponentOf(value) - 2, divide);
}

/** Exponent of the first digit: 3 for 4,120, -1 for 0.344. */
function exponentOf(value: number): number {
  return Math.floor(Math.log10(Math.abs(value)));
}

/** With as many digits more as tell it from `divide`. */
function roundBound(bound: number, exponent: number, divide: number | undefined): string {
  if (bound === 0) return formatSignificant(0);
  let last = Math.min(exponent, exponentOf(bound) - 1);
  const touches = (): boolean =>
    divide !== undefined && bound !== divide && roundAt(bound, last) === roundAt(divide, last);
  while (last > FINEST_EXPONENT && touches()) last--;
  return roundAt(bound, last);
}

function roundAt(value: number, exponent: number): string {
  if (value === 0 || !Number.isFinite(value)) return formatSignificant(value);
  const rounded = exponent > 0 ? Math.round(value / 10 ** exponent) * 10 ** exponent : value;
  return formatDecimals(rounded, Math.max(0, -exponent));
}

function decimals(digits: number): Intl.NumberFormat {
  const made =
    DECIMALS.get(digits) ??
    new Intl.NumberFormat(LOCALE, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      // What rounds to zero has no sign.
      signDisplay: 'negative',
    });
  DECIMALS.set(digits, made);
  return made;
}

/** `4,120 (3,980 to 4,260)`; the value alone if the interval has no width; `4,120 (bounds unknown)` if it is too wide. */
export function formatInterval(interval: Interval): string {
  return formatBounded(interval, '');
}

/** `7.1× (6.6 to 7.7)`. @param divide a value that no bound rounds to */
export function formatRatio(ratio: Interval, divide = 1): string {
  return formatBounded(ratio, '×', divide);
}

function formatBounded(interval: Interval, unit: string, divide?: number): string {
  const { value, low, high } = roundInterval(interval, divide);
  if (!(interval.high > interval.low)) return `${value}${unit}`;
  return `${value}${unit} (${isKnown(interval) ? `${low} to ${high}` : BOUNDS_UNKNOWN})`;
}

export const BOUNDS_UNKNOWN = 'bounds unknown';

/** `1.02×` of `1.02× (0.98 to 1.06)`, `1.02×†` of `1.02× (0.98 to 1.06)†`: without what follows the value in brackets. */
export function withoutBounds(text: string): string {
  return text.replace(/ \(.*\)/, '');
}

/** Up to this many values are listed; for more, only the range is shown. */
const MAX_LISTED = 4;

/** The values of replicates: `1.05×, 1.61×`; for many, the lowest and the highest: `0.41× to 9.20×`. */
export function formatValues(
  values: readonly number[],
  unit = '',
  format: (value: number) => string = formatSignificant,
): string {
  const text = (value: number): string => `${format(value)}${unit}`;
  if (values.length <= MAX_LISTED) return values.map(text).join(', ');
  return `${text(Math.min(...values))} to ${text(Math.max(...values))}`;
}

/** A share of 0 to 1: `0 %`, `0.2 %`, `<0.01 %`, `12.3 %`; only exact values read as 0 % or 100 %. */
export function formatPercent(ratio: number): string {
  if (!Number.isFinite(ratio)) return NO_FIGURE;
  if (ratio === 0) return '0 %';
  if (ratio < 0) return `−${formatPercent(-ratio)}`;
  if (ratio < 0.0001) return '<0.01 %';
  if (ratio < 1 && ratio > 0.9995) return '>99.9 %';
  const percent = ratio * 100;
  return `${PERCENT[percent < 1 ? 0 : 1]!.format(percent)} %`;
}

/** The larger distance of a bound from the value, as a share of the value. */
export function reachRatio({ value, low, high }: Interval): number {
  return Math.max(high / value - 1, 1 - low / value);
}

/** `60 s`, `1.5 s`. */
export function formatSeconds(ms: number): string {
  return `${SECONDS.format(Number((ms / 1000).toPrecision(3)))} s`;
}

/** `7.7 GiB`. */
export function formatMemory(bytes: number): string {
  return `${formatSignificant(bytes / 2 ** 30)} GiB`;
}

/** Larger changes are shown as `>999 %`, because their digits mean nothing. */
const MAX_PERCENT = 999;

/** A ratio after / before as a change: `+9.8 % (+8.1 % to +11.5 %)`. */
export function formatRelativeChange(change: Interval): string {
  return `${formatSignedChange(change.value)} (${isKnown(change) ? signedBounds(change) : BOUNDS_UNKNOWN})`;
}

function signedBounds({ low, high }: Interval): string {
  return `${formatSignedChange(low)} to ${formatSignedChange(high)}`;
}

function formatSignedChange(ratio: number): string {
  // A ratio to zero is undefined.
  if (Number.isNaN(ratio)) return NO_FIGURE;
  return isHuge(ratio) ? `>+${MAX_PERCENT} %` : `${formatSigned((ratio - 1) * 100, 1)} %`;
}

function isHuge(ratio: number): boolean {
  return ratio - 1 > MAX_PERCENT / 100;
}

/** A change as a sentence has it: what happened, and between which amounts; null for a count without an interval. */
export interface Move {
  move: string;
  bounds: string | null;
}

/** A ratio after / before: `fell by 8.5 %`, `7.6 to 9.5 %`. Bounds on both sides of no change keep their signs. */
export function describeMove(change: Interval): Move {
  const { value, low, high } = change;
  const move = `${value < 1 ? 'fell' : 'rose'} by ${formatAmount(value)}`;
  if (!isKnown(change)) return { move, bounds: BOUNDS_UNKNOWN };
  if (low < 1 && high > 1) return { move, bounds: signedBounds(change) };
  const [near, far] = value < 1 ? [high, low] : [low, high];
  if (isHuge(near)) return { move, bounds: formatAmount(near) };
  const least = isHuge(far) ? formatAmount(near) : formatAmount(near).replace(' %', '');
  return { move, bounds: `${least} to ${formatAmount(far)}` };
}

/** How far a ratio is from 1, on either side. */
function formatAmount(ratio: number): string {
  if (Number.isNaN(ratio)) return NO_FIGURE;
  return isHuge(ratio) ? `more than ${MAX_PERCENT} %` : `${formatDecimals(Math.abs(ratio - 1) * 100, 1)} %`;
}

/** A share that may be far above 1: `9.2 %`, `>999 %`. */
export function formatShare(ratio: number): string {
  return ratio > MAX_PERCENT / 100 ? `>${MAX_PERCENT} %` : formatPercent(ratio);
}

/** `+0.38`, `−9.8`. */
export function formatSigned(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${decimals(digits).format(Math.abs(value))}`;
}

/** `better: higher`, `worse: higher`, `unsure`: the verdict with its reason; `–` for a metric that does not decide. */
export function describeVerdict({ metric, verdict, ratio, isDeciding, replicateRatios }: Comparison): string {
  if (!isDeciding) return NO_FIGURE;
  if (verdict !== 'unsure')
    return `${verdict}: ${(verdict === 'better') === isHigherBetter(metric) ? 'higher' : 'lower'}`;
  if (ratio === null)
    return replicateRatios.length === 0 ? 'unsure: nothing to compare' : 'unsure: too few replicates';
  // A verdict follows the interval, unless several comparisons share the error rate.
  return excludesOne({ ratio }) ? 'unsure (multiple comparisons)' : 'unsure';
}

type Compared = Pick<Comparison, 'ratio' | 'replicateRatios'>;

/** `7.1× (6.6 to 7.7)`; without a useful interval, the replicates: `1.05×, 1.61× (1 more replicate needed)`, `0.5×, 2.1×, 9× (unknown)`. */
export function formatComparison({ ratio, replicateRatios }: Compared): string {
  return ratio !== null && isKnown(ratio) ? formatRatio(ratio) : listValues(replicateRatios, '×');
}

/** The same for an arm's own figure. */
export function formatOwnFigure(interval: Interval, values: readonly number[]): string {
  return isKnown(interval) && values.length >= MIN_REPLICATES ? formatInterval(interval) : listValues(values);
}

/** The values of replicates, and how many more an interval takes: `158, 167 (1 more replicate needed)`. */
export function listValues(values: readonly number[], unit = ''): string {
  if (values.length === 0) return NO_FIGURE;
  const missing = missingReplicates(values.length);
  return `${formatValues(values, unit)} (${missing === 0 ? 'unknown' : `${formatMissing(missing)} needed`})`;
}

/** The interval if it is narrow enough to be useful, else null. */
export function knownRatio({ ratio }: Pick<Comparison, 'ratio'>): Interval | null {
  return ratio !== null && isKnown(ratio) ? ratio : null;
}

/** Whether the interval excludes 1: a verdict that is still unsure is so because of the other comparisons beside it. */
export function excludesOne({ ratio }: Pick<Comparison, 'ratio'>): boolean {
  return ratio !== null && (ratio.low > 1 || ratio.high < 1);
}

/** The minimum number of further replicates before there is an interval. */
export function missingReplicates(count: number): number {
  return Math.max(0, MIN_REPLICATES - count);
}

/** `1 more replicate`. */
export function formatMissing(missing: number): string {
  return `${missing} more ${missing === 1 ? 'replicate' : 'replicates'}`;
}

/** The note below a table in which some figures have no interval. */
export const FEW_NOTE = `Where there is no interval, the values of the replicates are shown: fewer than ${MIN_REPLICATES} replicates are too few for one, and "unknown" means that a bound would lie more than a factor of 10 away.`;
