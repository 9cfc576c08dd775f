// In: a figure over many runs, oldest first. Out: since which run it has been at another level, if that can be shown.
import { type Random, shuffled } from './random.ts';
import { meanOf } from './stats.ts';

export interface ChangePoint {
  /** Index of the first value of the new level. */
  index: number;
  /** Means of the stretches before and after, up to the neighbouring change points. */
  before: number;
  after: number;
  /** Share of shuffled series in which a split as clear as this was found by chance. */
  p: number;
}

/** A level is believed after so many runs: one run may be a bad night. */
const LEAST_RUNS = 3;
const SHUFFLES = 999;
const MOST_P = 0.01;

/**
 * The change points of a series, by binary segmentation: the split that separates two stretches best is tested against shuffled
 * series (a permutation test, as in E-divisive: D. S. Matteson, N. A. James, 2014), and where it stands, each stretch is searched
 * further. Values should vary alike at any level: give the logarithms of ratios.
 */
export function findChangePoints(values: readonly number[], random: Random): ChangePoint[] {
  const starts = segment(values, 0, random).sort((a, b) => a.index - b.index);
  return starts.map(({ index, p }, i) => {
    const from = starts[i - 1]?.index ?? 0;
    const to = starts[i + 1]?.index ?? values.length;
    return { index, p, before: meanOf(values.slice(from, index)), after: meanOf(values.slice(index, to)) };
  });
}

function segment(
  values: readonly number[],
  offset: number,
  random: Random,
): Pick<ChangePoint, 'index' | 'p'>[] {
  const best = bestSplit(values);
  if (best === null) return [];
  let asClear = 0;
  for (let i = 0; i < SHUFFLES; i++) {
    if (bestSplit(shuffled(values, random))!.clearness >= best.clearness) asClear++;
  }
  const p = (asClear + 1) / (SHUFFLES + 1);
  if (p > MOST_P) return [];
  return [
    ...segment(values.slice(0, best.index), offset, random),
    { index: offset + best.index, p },
    ...segment(values.slice(best.index), offset + best.index, random),
  ];
}

/** The split with the greatest difference of means, weighted by how many runs there are on either side; null with too few. */
function bestSplit(values: readonly number[]): { index: number; clearness: number } | null {
  const n = values.length;
  if (n < 2 * LEAST_RUNS) return null;
  const total = values.reduce((sum, value) => sum + value, 0);
  let best = { index: 0, clearness: -1 };
  let left = 0;
  for (let index = 1; index <= n - LEAST_RUNS; index++) {
    left += values[index - 1]!;
    if (index < LEAST_RUNS) continue;
    const apart = Math.abs(left / index - (total - left) / (n - index));
    const clearness = apart * Math.sqrt((index * (n - index)) / n);
    if (clearness > best.clearness) best = { index, clearness };
  }
  return best;
}
