// Swept settings and their values in words, with units: in headlines, tables, axes and beside figures.
import { joinWords } from '../../results/figures.ts';
import type { SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import { describeSubset, type SweepAxis, shortNames } from '../../scenarios/model/sweep.ts';

/** Behind the name of a setting, and how a reader writes it. */
const UNITS: readonly [suffix: string, unit: string][] = [
  ['PerSec', 'per second'],
  ['Ms', 'ms'],
  ['Us', 'µs'],
  ['Sec', 's'],
  ['Bytes', 'bytes'],
  ['Ratio', 'ratio'],
];

/** A swept setting as it is said. */
export interface Dimension {
  /** `round trip`; where another setting ends in the same words, of what: `max connections of a.pool`. */
  words: string;
  /** `ms`; empty for plain numbers and for words. */
  unit: string;
}

/** @param name the last keys of its path that distinguish it from the other settings */
export function dimensionOf(name: string): Dimension {
  const keys = name.split('.');
  const last = keys.at(-1)!;
  const [suffix, unit] = UNITS.find(([end]) => last.endsWith(end) && last.length > end.length) ?? ['', ''];
  const words = last
    .slice(0, last.length - suffix.length)
    .replaceAll(/(?<=[a-z\d])[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
  return { words: keys.length === 1 ? words : `${words} of ${keys.slice(0, -1).join('.')}`, unit };
}

/** `round trip (ms)` of `link.roundTripMs`, `max connections` of `clients.a.pool.maxConnections`. */
export function nameWithUnit(path: string): string {
  const { words, unit } = dimensionOf(path.split('.').at(-1)!);
  return unit === '' ? words : `${words} (${unit})`;
}

/** The value of a swept setting, numbers with separators: `1,000`, `0.5`, `unlimited`. */
export function formatValue(value: SweepValue): string {
  if (typeof value !== 'number') return String(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: 12 });
}

/** `80 ms`; words have no unit, and a share needs none. */
export function formatWithUnit(value: SweepValue, { unit }: Dimension): string {
  const text = formatValue(value);
  return typeof value !== 'number' || unit === '' || unit === 'ratio' ? text : `${text} ${unit}`;
}

/** Several values of a setting, in their order: `20 and 80 ms`. */
function formatValues(values: readonly SweepValue[], { unit }: Dimension): string {
  const hasUnit = values.every(value => typeof value === 'number') && unit !== '' && unit !== 'ratio';
  const texts = values.map(value => formatValue(value));
  return `${joinWords(texts)}${hasUnit ? ` ${unit}` : ''}`;
}

/** A point as a sentence has it: `80 ms round trip`, `max connections 20`. */
export function describeAt(value: SweepValue, dimension: Dimension): string {
  const text = formatWithUnit(value, dimension);
  const isQuantity = text !== formatValue(value) && dimension.unit !== 'per second';
  return isQuantity ? `${text} ${dimension.words}` : `${dimension.words} ${text}`;
}

/** A point as a table has it: `round trip 20 ms, max connections 5`; empty without a sweep. */
export function describePlace(points: readonly SweepPoint[]): string {
  const names = shortNames(points.map(({ path }) => path));
  return points
    .map(({ value }, index) => {
      const dimension = dimensionOf(names[index]!);
      return `${dimension.words} ${formatWithUnit(value, dimension)}`;
    })
    .join(', ');
}

/**
 * Some of a sweep's points: empty for all of them, `round trip 20 and 80 ms` if every value of the other setting occurs with
 * these, otherwise the first one and the number of the others.
 */
export function describePlaces(
  axes: readonly SweepAxis[],
  subset: readonly (readonly SweepPoint[])[],
): string {
  return describeSubset(axes, subset, {
    point: describePlace,
    values(name, values) {
      const dimension = dimensionOf(name);
      return `${dimension.words} ${formatValues(values, dimension)}`;
    },
    between: ', ',
  });
}
