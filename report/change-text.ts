// In: a relative change with its interval. Out: the same as text, signed, in per cent.
import type { Interval } from '../results/stats.ts';
import { BOUNDS_NOT_KNOWN, isKnown, NO_FIGURE, percentText } from './words/numbers.ts';

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
