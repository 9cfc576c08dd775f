// In: the settings that a scenario sweeps. Out: the combinations of their values, and short words for some of them.
import type { CellTarget, Code } from '../../bench/core/code.ts';
import type { LeftOutArm, SweepPoint } from '../../results/model/run.ts';
import type { Scenario, SweepValue } from './scenario.ts';

/** A swept setting and its values, as they are listed. */
export interface SweepAxis {
  path: string;
  values: readonly SweepValue[];
}

/** A scenario to be measured: as it is, or with the values of one combination of its sweep in their places. */
export type Variant = Scenario & {
  sweepPoints?: readonly SweepPoint[];
  /** Expected time of the target to answer, ms; 0 unless given. */
  serviceMs?: number;
  /** Arms of it that are not in it on this machine. */
  leftOut?: readonly LeftOutArm[];
  /** By arm, whose code its generator runs; ours where there is none. */
  generatorCode?: Readonly<Record<string, Code>>;
  /** Its target processes; one of our code for all arms unless given. */
  targets?: readonly CellTarget[];
};

export function axesOf({ sweep = {} }: Pick<Scenario, 'sweep'>): SweepAxis[] {
  return Object.entries(sweep).map(([path, values]) => ({ path, values }));
}

/** Every combination, one value of each axis; the last axis runs fastest. Without an axis there is one, which is empty. */
export function combinations(axes: readonly SweepAxis[]): SweepPoint[][] {
  return axes.reduce<SweepPoint[][]>(
    (points, { path, values }) => points.flatMap(point => values.map(value => [...point, { path, value }])),
    [[]],
  );
}

/** Each path by its last keys: as few as tell it from the others. `roundTripMs`, `maxConnections`. */
export function shortNames(paths: readonly string[]): string[] {
  return paths.map(path => {
    const keys = path.split('.');
    const ends = keys.map((_, index) => keys.slice(-1 - index).join('.'));
    const tells = (end: string): boolean =>
      !paths.some(other => other !== path && (other === end || other.endsWith(`.${end}`)));
    return ends.find(tells) ?? path;
  });
}

/** `roundTripMs = 20, maxConnections = 5`; empty without a sweep. */
export function placeText(points: readonly SweepPoint[]): string {
  const names = shortNames(points.map(({ path }) => path));
  return points.map(({ value }, index) => `${names[index]} = ${value}`).join(', ');
}

/**
 * Names a cell: `pool-size`, or of a sweep `pool-size[maxConnections=5]`. It goes into trial ids and into the tags of
 * histogram logs, so a value has nothing in it that could end either.
 */
export function cellId(scenario: string, points: readonly SweepPoint[]): string {
  if (points.length === 0) return scenario;
  const names = shortNames(points.map(({ path }) => path));
  const parts = points.map(
    ({ value }, index) => `${names[index]}=${encodeURIComponent(String(value).toWellFormed())}`,
  );
  return `${scenario}[${parts.join(';')}]`;
}

/**
 * Some of a sweep's combinations, in words: empty for all of them, `roundTripMs = 20, 80` where any value of the other
 * setting goes with these, else the first and how many more.
 */
export function subsetText(axes: readonly SweepAxis[], subset: readonly (readonly SweepPoint[])[]): string {
  const names = shortNames(axes.map(({ path }) => path));
  const used = axes.map(({ path, values }) =>
    values.filter(value => subset.some(points => sweptValue(points, path) === value)),
  );
  const places = new Set(subset.map(points => placeText(points)));
  if (used.reduce((product, values) => product * values.length, 1) === places.size) {
    return axes
      .flatMap(({ values }, index) =>
        used[index]!.length === values.length ? [] : [`${names[index]} = ${used[index]!.join(', ')}`],
      )
      .join(' and ');
  }
  return `${placeText(subset[0]!)} and ${places.size - 1} more`;
}

/** The value that a combination gives to a setting; undefined when it is none of its own. */
export function sweptValue(points: readonly SweepPoint[], path: string): SweepValue | undefined {
  return points.find(point => point.path === path)?.value;
}
