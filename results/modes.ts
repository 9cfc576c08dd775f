// In: one logarithm a process. Out: the groups they fall into, since processes run in modes.

/** Neighbours further apart than this (8 %) are in different groups; replicates of one mode lie within 2 to 5 %. */
const LEAST_GAP = 0.08;
/** A mode is only believed where the next group is at least so many times its own width away. */
const LEAST_GAP_IN_WIDTHS = 2;

export interface Modes {
  /** The values, sorted, in groups from low to high. */
  groups: number[][];
  /** The largest group. */
  main: number[];
  /** Whether the main group has more than one value and stands clear of its neighbours; false when all are one group. */
  isDistinct: boolean;
}

/**
 * Groups values (at least one) by the gaps between neighbours. With distinct modes the picture is
 *
 *     -0.25        0          the group at 0 is the main one; it is distinct, as the gap is many times its width
 *       **       *****
 *
 * and without, the gaps are those that any wide distribution shows between few values:
 *
 *     *   * ** *    *   *     not distinct: gaps no wider than the groups
 */
export function findModes(values: readonly number[]): Modes {
  const groups: number[][] = [];
  for (const value of values.toSorted((a, b) => a - b)) {
    const last = groups.at(-1);
    if (last === undefined || value - last.at(-1)! > LEAST_GAP) groups.push([value]);
    else last.push(value);
  }
  const main = groups.reduce((largest, group) => (group.length > largest.length ? group : largest), []);
  return { groups, main, isDistinct: groups.length > 1 && main.length > 1 && isClear(groups, main) };
}

function isClear(groups: readonly number[][], main: number[]): boolean {
  const low = main[0]!;
  const high = main.at(-1)!;
  const index = groups.indexOf(main);
  const below = groups[index - 1]?.at(-1) ?? Number.NEGATIVE_INFINITY;
  const above = groups[index + 1]?.[0] ?? Number.POSITIVE_INFINITY;
  return Math.min(low - below, above - high) >= LEAST_GAP_IN_WIDTHS * (high - low);
}
