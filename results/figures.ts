// How figures are written where the report does not write them: in findings of audits, in the progress of a run and in its plan.

const WHOLE = new Intl.NumberFormat('en-US');

/** A whole number with thousands separated: 12,345. */
export function whole(value: number): string {
  return WHOLE.format(Math.round(value));
}

/** `12`, `12 to 14`, `at least 12`. */
export function range({ least, most }: { least: number; most: number | null }): string {
  if (most === null) return `at least ${whole(least)}`;
  return least === most ? whole(least) : `${whole(least)} to ${whole(most)}`;
}

/** `0.56 ms`, to this many digits. */
export function milliseconds(us: number, digits = 3): string {
  return `${Number((us / 1_000).toPrecision(digits))} ms`;
}

/** `a, b and c`. */
export function joinWords(items: readonly string[], word: 'and' | 'or' = 'and'): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)}`;
}

/** How far a figure lies from what it is compared with, and on which side: `12.5 % above`, `0.2 % below`, `equal to`. */
export function apart(ratio: number): string {
  const text = percent(Math.abs(ratio));
  if (text === percent(0)) return 'equal to';
  return `${text} ${ratio < 0 ? 'below' : 'above'}`;
}

/** A share as a percentage to one digit: 0.913 is 91.3 %. */
export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

/** A share as a percentage to so many significant digits, without zeros at its end: 0.0312 to two is 3.1 %, 0.03 is 3 %. */
export function roundPercent(ratio: number, digits: number): string {
  return `${Number((ratio * 100).toPrecision(digits))} %`;
}
