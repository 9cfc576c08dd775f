// In: the values of a swept setting. Out: the scale on which they lie most evenly.
import type { SweptSetting } from './view.ts';

export type AxisScale =
  | { type: 'point' }
  | { type: 'linear' }
  | { type: 'log' }
  /** Linear near 0, logarithmic beyond the constant: for rising steps that begin at 0. */
  | { type: 'symlog'; constant: number };

/** Equal steps are easier to read, so another scale has to be so much more even. */
const LEAST_GAIN = 1.5;

/** Words, a mixture, and a single value get equal places. */
export function axisScale({ values, isNumeric }: Pick<SweptSetting, 'values' | 'isNumeric'>): AxisScale {
  const numbers = values.map(Number);
  const [least] = numbers;
  const smallest = numbers.find(number => number > 0);
  if (!isNumeric || numbers.length < 2 || least === undefined) return { type: 'point' };
  if (least < 0 || smallest === undefined) return { type: 'linear' };
  const linear = narrowestGap(numbers);
  if (least > 0) {
    const log = narrowestGap(numbers.map(Math.log));
    return log > linear * LEAST_GAIN ? { type: 'log' } : { type: 'linear' };
  }
  const symlog = narrowestGap(numbers.map(number => Math.log1p(number / smallest)));
  return symlog > linear * LEAST_GAIN ? { type: 'symlog', constant: smallest } : { type: 'linear' };
}

/** Between neighbours, as a share of the whole. */
function narrowestGap(places: readonly number[]): number {
  const gaps = places.slice(1).map((place, index) => place - places[index]!);
  return Math.min(...gaps) / (places.at(-1)! - places[0]!);
}
