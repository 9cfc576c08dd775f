// In: the settings that a scenario sweeps. Out: the combinations of their values, and short words for some of them.
import type { LeftOutArm, Scenario, SweepPoint, SweepValue } from './scenario.ts';

// From nothing. Out: the nouns Code and CellTarget: which code a process of a cell runs, when it is not what is running here.

/** A checkout or installation of conntax, or this one with other versions of some packages. */
export interface Code {
  /** What it is called in reports, such as `undici 7.30.2` or a folder. */
  label: string;
  /** Folder of another checkout or installation; null: the code that is running here. */
  dir: string | null;
  /** Packages to take from elsewhere: by name, a folder whose node_modules holds it. */
  packages: Readonly<Record<string, string>>;
}

/** A target process of a cell. */
export interface CellTarget {
  /** Those that are measured against it. */
  arms: readonly string[];
  /** Whose code it runs; ours unless given. */
  code?: Code;
}

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

// From a scenario. Out: the same with the baseline's client once more, under a name of its own: what it differs by is noise.

/** The A/A arm: every deviation of it from the baseline is noise, for it is the same client. */
export const NULL_ARM = 'null';

/** Adds the null arm. A scenario whose author has named an arm so keeps it as it is. */
export function withNullArm(scenario: Variant): Variant {
  const { clients, baseline } = scenario;
  if (Object.hasOwn(clients, NULL_ARM)) return scenario;
  return { ...scenario, clients: { ...clients, [NULL_ARM]: clients[baseline]! } };
}
