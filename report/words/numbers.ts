// In: raw numbers. Out: the same as text, rounded to what is known of them.
import { isHigherBetter } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { type Interval, LEAST_REPLICATES } from '../../results/stats.ts';

const LOCALE = 'en-US';

/** Beyond this many decimals no ratio is told from 1. */
const FINEST_EXPONENT = -5;

/** What stands where there is no figure. */
export const NO_FIGURE = '–';

/** Exact, with separators: `28,232`. */
export function countText(count: number): string {
  return count.toLocaleString(LOCALE, { maximumFractionDigits: 0 });
}

/** To 3 significant digits: `4,120`, `24.1`, `0.344`; `0` for nothing. */
export function significantText(value: number): string {
  if (!Number.isFinite(value)) return NO_FIGURE;
  if (value === 0) return '0';
  return value.toLocaleString(LOCALE, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** Microseconds as milliseconds to 3 significant digits, without the unit. */
export function msText(us: number): string {
  return significantText(us / 1000);
}

/** Microseconds with the unit that reads best: `0.34 ms` never, `344 µs` and `24.1 ms` instead. */
export function latencyText(us: number): string {
  return us < 1000 ? `${significantText(us)} µs` : `${msText(us)} ms`;
}

/** Beyond this ratio of its bounds an interval is so wide that each bound has an order of magnitude of its own. */
const WIDE_RATIO = 3;
/** An interval with a bound further than this factor from its value says nothing that could be used. */
const KNOWN_FACTOR = 10;

/** Whether the bounds of a ratio or a rate are near enough to say something. */
export function isKnown({ value, low, high }: Interval): boolean {
  return low * KNOWN_FACTOR >= value && high <= value * KNOWN_FACTOR;
}

/**
 * Value and bounds to the digit that the interval allows: the last one shown is worth a twentieth to a half of the
 * interval's half-width, and there are at most 3. Bounds on different sides of `divide` stay apart from it in the text,
 * so that the words never contradict a verdict. A wide interval has 2 digits for each of the three; one without width (one
 * trial) 3.
 */
export function intervalTexts(
  interval: Interval,
  divide?: number,
): { value: string; low: string; high: string } {
  const { value, low, high } = interval;
  const half = (high - low) / 2;
  if (!(half > 0) || !(value > 0)) {
    const text = significantText(value);
    return { value: text, low: text, high: text };
  }
  if (high > low * WIDE_RATIO) return wideTexts(interval, divide);
  const finest = Math.floor(Math.log10(value)) - 2;
  return roundedApart(interval, Math.max(Math.floor(Math.log10(half / 2)), finest), divide);
}

function wideTexts({ value, low, high }: Interval, divide: number | undefined) {
  const text = (number: number, digits = 2): string => {
    const rounded = number.toLocaleString(LOCALE, {
      minimumSignificantDigits: digits,
      maximumSignificantDigits: digits,
    });
    const touches = number !== divide && divide !== undefined && Number(rounded) === divide;
    return touches && digits < 6 ? text(number, digits + 1) : rounded;
  };
  return { value: text(value), low: text(low), high: text(high) };
}

function roundedApart(interval: Interval, exponent: number, divide: number | undefined) {
  const { value, low, high } = interval;
  const touches = (bound: number) =>
    bound !== divide && divide !== undefined && placeText(bound, exponent) === placeText(divide, exponent);
  if (exponent > FINEST_EXPONENT && (touches(low) || touches(high))) {
    return roundedApart(interval, exponent - 1, divide);
  }
  return {
    value: placeText(value, exponent),
    low: placeText(low, exponent),
    high: placeText(high, exponent),
  };
}

function placeText(value: number, exponent: number): string {
  const digits = Math.max(0, -exponent);
  const rounded = exponent > 0 ? Math.round(value / 10 ** exponent) * 10 ** exponent : value;
  return rounded.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `4,120 (3,980 to 4,260)`; the value alone when there is no width to speak of; `4,120 (bounds not known)`. */
export function intervalText(interval: Interval): string {
  return boundedText(interval, '');
}

/** `7.1× (6.6 to 7.7)`. @param divide what bounds on different sides of it stay apart from */
export function ratioText(ratio: Interval, divide = 1): string {
  return boundedText(ratio, '×', divide);
}

function boundedText(interval: Interval, unit: string, divide?: number): string {
  const { value, low, high } = intervalTexts(interval, divide);
  if (!(interval.high > interval.low)) return `${value}${unit}`;
  return `${value}${unit} (${isKnown(interval) ? `${low} to ${high}` : BOUNDS_NOT_KNOWN})`;
}

export const BOUNDS_NOT_KNOWN = 'bounds not known';

/** More than so many are not listed one by one. */
const MOST_LISTED = 4;

/** What replicates gave: `1.05×, 1.61×`; of many the lowest and the highest: `0.41× to 9.20×`. */
export function valuesText(values: readonly number[], unit = ''): string {
  const text = (value: number): string => `${significantText(value)}${unit}`;
  if (values.length <= MOST_LISTED) return values.map(text).join(', ');
  return `${text(Math.min(...values))} to ${text(Math.max(...values))}`;
}

/** A share of 0 to 1: `0 %`, `0.2 %`, `<0.01 %`, `12.3 %`; below all and above none never reads as all or none. */
export function percentText(ratio: number): string {
  if (!Number.isFinite(ratio)) return NO_FIGURE;
  if (ratio === 0) return '0 %';
  if (ratio < 0.0001) return '<0.01 %';
  if (ratio < 1 && ratio > 0.9995) return '>99.9 %';
  const percent = ratio * 100;
  return `${percent.toLocaleString(LOCALE, { maximumSignificantDigits: percent < 1 ? 2 : 3 })} %`;
}

/** How far an interval reaches from its value, as a share of the value: the larger side. */
export function reachRatio({ value, low, high }: Interval): number {
  return Math.max(high / value - 1, 1 - low / value);
}

/** `7.7 GiB`. */
export function memoryText(bytes: number): string {
  return `${significantText(bytes / 2 ** 30)} GiB`;
}

// From a relative change with its interval. Out: the same as text, signed, in per cent.

/** Beyond this the digits mean nothing. */
const MOST_PERCENT = 999;

/** Of after / before: `+9.8 % (+8.1 % to +11.5 %)`. */
export function relativeChangeText(change: Interval): string {
  const { value, low, high } = change;
  // A ratio to nothing is none.
  const text = (ratio: number) =>
    Number.isNaN(ratio)
      ? NO_FIGURE
      : ratio - 1 > MOST_PERCENT / 100
        ? `>+${MOST_PERCENT} %`
        : `${signedText((ratio - 1) * 100, 1)} %`;
  return `${text(value)} (${isKnown(change) ? `${text(low)} to ${text(high)}` : BOUNDS_NOT_KNOWN})`;
}

/** Of a share that may be far above 1: `9.2 %`, `>999 %`. */
export function shareText(ratio: number): string {
  return ratio > MOST_PERCENT / 100 ? `>${MOST_PERCENT} %` : percentText(ratio);
}

/** `+0.38`, `−9.8`. */
export function signedText(value: number, digits: number): string {
  const text = Math.abs(value).toLocaleString('en-US', {
    maximumFractionDigits: digits,
    minimumFractionDigits: digits,
  });
  return `${value < 0 ? '−' : '+'}${text}`;
}

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

// From the ratios of replicates, and the interval from them. Out: what is known of the ratio, in words: never an interval that says nothing.

type Compared = Pick<Comparison, 'ratio' | 'replicateRatios'>;

/** `7.1× (6.6 to 7.7)`; else what the replicates gave: `1.05×, 1.61× (1 more replicate needed)`, `0.5×, 2.1×, 9× (not known)`. */
export function comparisonText({ ratio, replicateRatios }: Compared): string {
  return ratio !== null && isKnown(ratio) ? ratioText(ratio) : listedText(replicateRatios, '×');
}

/** The same of what an arm did. */
export function replicatesText(interval: Interval, values: readonly number[]): string {
  return isKnown(interval) && values.length >= LEAST_REPLICATES
    ? intervalText(interval)
    : listedText(values, '');
}

function listedText(values: readonly number[], unit: string): string {
  if (values.length === 0) return NO_FIGURE;
  const missing = missingReplicates(values.length);
  return `${valuesText(values, unit)} (${missing === 0 ? 'not known' : `${neededText(missing)} needed`})`;
}

/** The interval where it says something; else null. */
export function knownRatio({ ratio }: Pick<Comparison, 'ratio'>): Interval | null {
  return ratio !== null && isKnown(ratio) ? ratio : null;
}

/** How many more replicates an interval takes at least. */
export function missingReplicates(count: number): number {
  return Math.max(0, LEAST_REPLICATES - count);
}

/** `1 more replicate`. */
export function neededText(missing: number): string {
  return `${missing} more ${missing === 1 ? 'replicate' : 'replicates'}`;
}

/** What stands below a table in which figures are without an interval. */
export const FEW_NOTE = `Fewer than ${LEAST_REPLICATES} replicates are too few for an interval. Not known: a bound would lie more than a factor of 10 away. What the replicates gave stands there in its place.`;
