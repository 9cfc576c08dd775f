// In: the value of a swept setting. Out: the same as text.
import type { SweepValue } from '../../scenarios/model/scenario.ts';

/** As it was written, numbers with separators: `1,000`, `0.5`, `unlimited`. */
export function valueText(value: SweepValue): string {
  if (typeof value !== 'number') return String(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: 12 });
}
