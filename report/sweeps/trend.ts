// In: one figure with its interval for each value of a swept setting, in order. Out: what the intervals show of its course.
import type { Interval } from '../../results/stats.ts';

export type Trend =
  /** Fewer than two figures. */
  | { kind: 'alone' }
  /** No two figures are apart. */
  | { kind: 'unshown' }
  /** Figures that are apart are so in one direction only. */
  | {
      kind: 'rises' | 'falls';
      /** Whether every figure is apart from the one before. */
      isEveryStep: boolean;
      /** From which index on no two figures are apart; null where that is only the last. */
      level: Level | null;
    }
  /** It rises somewhere and falls elsewhere. */
  | { kind: 'mixed' };

export interface Level {
  from: number;
  /** How far any two of its figures may still differ, as a share: 0.08 is 8 %; null where that of one is not known. */
  most: number | null;
}

/**
 * Two figures are apart when their 95 % intervals do not touch: for independent ones that is far stricter than 95 %, which
 * a sweep needs, because it looks at many pairs. A figure without an interval is apart from none.
 *
 *     rises at every step       rises, level from the 2nd       mixed
 *                 |*|                  |--*--|                   |*|
 *           |*|                    |--*--|                 |*|         |*|
 *     |*|                      |*|
 */
export function trendOf(figures: readonly Interval[]): Trend {
  if (figures.length < 2) return { kind: 'alone' };
  const pairs = figures.flatMap((earlier, from) =>
    figures.slice(from + 1).map((later, gap) => ({ earlier, later, from, gap })),
  );
  const rises = pairs.filter(({ earlier, later }) => isBelow(earlier, later));
  const falls = pairs.filter(({ earlier, later }) => isBelow(later, earlier));
  if (rises.length > 0 && falls.length > 0) return { kind: 'mixed' };
  const shown = rises.length > 0 ? rises : falls;
  if (shown.length === 0) return { kind: 'unshown' };
  const levelFrom = Math.max(...shown.map(({ from }) => from)) + 1;
  return {
    kind: rises.length > 0 ? 'rises' : 'falls',
    isEveryStep: shown.filter(({ gap }) => gap === 0).length === figures.length - 1,
    level: levelFrom < figures.length - 1 ? levelOf(figures, levelFrom) : null,
  };
}

function levelOf(figures: readonly Interval[], from: number): Level {
  const level = figures.slice(from);
  if (!level.every(({ low, high }) => high > low && low > 0)) return { from, most: null };
  const most = level.flatMap((one, index) =>
    level.filter((_, other) => other !== index).map(other => one.high / other.low - 1),
  );
  return { from, most: Math.max(...most) };
}

/** Whether one figure could be shown to be below the other. */
export function isBelow(lower: Interval, higher: Interval): boolean {
  return lower.high > lower.low && higher.high > higher.low && lower.high < higher.low;
}
