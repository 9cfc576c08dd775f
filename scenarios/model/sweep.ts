// The combinations of a sweep's values, the names of its cells, and the scenario to be measured in each.
import { isDeepStrictEqual } from 'node:util';
import type { Expectation, LeftOutArm, Scenario, SweepPoint, SweepValue } from './scenario.ts';

/** A checkout or installation of conntax, or this one with other versions of some packages or of Node. */
export interface Code {
  /** Its name in reports, such as `undici 7.30.2` or a folder. */
  label: string;
  /** Folder of another checkout or installation; null: the running code. */
  dir: string | null;
  /** Replaced packages: by name, a folder whose node_modules contains it. */
  packages: Readonly<Record<string, string>>;
  /** The program that runs it; default: the Node that runs conntax. */
  node?: string;
}

/** A target process of a cell. */
export interface CellTarget {
  /** The arms measured against it. */
  arms: readonly string[];
  /** Code version to run; defaults to this checkout. */
  code?: Code;
}

/** A swept setting and its values, as listed. */
export interface SweepAxis {
  path: string;
  values: readonly SweepValue[];
}

/** A scenario to be measured: as written, or with the values of one combination of its sweep. */
export type Variant = Scenario & {
  sweepPoints?: readonly SweepPoint[];
  /** Expected service time of the target, ms; default: 0. */
  serviceMs?: number;
  /** Optional clients that cannot run on this machine. */
  leftOut?: readonly LeftOutArm[];
  /** By arm, the version that its generator runs; this checkout where absent. */
  generatorCode?: Readonly<Record<string, Code>>;
  /** Its target processes; default: one of this checkout for all arms. */
  targets?: readonly CellTarget[];
  /** Runs whose expectations share one error with this one's, itself included: the steps of a bisection; default: 1. */
  errorSharers?: number;
};

export function axesOf({ sweep = {} }: Pick<Scenario, 'sweep'>): SweepAxis[] {
  return Object.entries(sweep).map(([path, values]) => ({ path, values }));
}

/** Every combination, one value of each axis; the last axis varies fastest. Without axes there is one empty combination. */
export function combinations(axes: readonly SweepAxis[]): SweepPoint[][] {
  return axes.reduce<SweepPoint[][]>(
    (points, { path, values }) => points.flatMap(point => values.map(value => [...point, { path, value }])),
    [[]],
  );
}

/** Shortens each path to the last keys that distinguish it from the others: `roundTripMs`, `maxConnections`. */
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
export function describePoints(points: readonly SweepPoint[]): string {
  const names = shortNames(points.map(({ path }) => path));
  return points.map(({ value }, index) => `${names[index]} = ${value}`).join(', ');
}

/**
 * Names a cell: `pool-size`, or in a sweep `pool-size[maxConnections=5]`. The name is part of trial ids and of tags in
 * histogram logs, so values are escaped.
 */
export function cellId(scenario: string, points: readonly SweepPoint[]): string {
  if (points.length === 0) return scenario;
  const names = shortNames(points.map(({ path }) => path));
  const parts = points.map(
    ({ value }, index) => `${names[index]}=${encodeURIComponent(String(value).toWellFormed())}`,
  );
  return `${scenario}[${parts.join(';')}]`;
}

/** How combinations are written. */
export interface PlaceWords {
  point(points: readonly SweepPoint[]): string;
  /** Some values of a setting. */
  values(name: string, values: readonly SweepValue[]): string;
  /** Between two settings. */
  between: string;
}

const AS_IN_FILES: PlaceWords = {
  point: describePoints,
  values: (name, values) => `${name} = ${values.join(', ')}`,
  between: ' and ',
};

/**
 * Describes some of a sweep's combinations: empty for all of them, `roundTripMs = 20, 80` if every value of the other
 * setting occurs with these, otherwise the first one and the number of the others.
 */
export function describeSubset(
  axes: readonly SweepAxis[],
  subset: readonly (readonly SweepPoint[])[],
  words: PlaceWords = AS_IN_FILES,
): string {
  const names = shortNames(axes.map(({ path }) => path));
  const used = axes.map(({ path, values }) =>
    values.filter(value => subset.some(points => sweptValue(points, path) === value)),
  );
  const places = new Set(subset.map(points => describePoints(points)));
  if (used.reduce((product, values) => product * values.length, 1) === places.size) {
    return axes
      .flatMap(({ values }, index) =>
        used[index]!.length === values.length ? [] : [words.values(names[index]!, used[index]!)],
      )
      .join(words.between);
  }
  return `${words.point(subset[0]!)} and ${places.size - 1} more`;
}

/** The value that a combination gives to a setting; undefined if the setting is not swept. */
export function sweptValue(points: readonly SweepPoint[], path: string): SweepValue | undefined {
  return points.find(point => point.path === path)?.value;
}

/** Whether an expectation applies to this point of a sweep. */
export function appliesAt({ at = {} }: Expectation, points: readonly SweepPoint[]): boolean {
  return Object.entries(at).every(([path, values]) =>
    values.some(value => value === sweptValue(points, path)),
  );
}

/** The scenario of a cell; one of a sweep is called `scenario[setting=value]`. */
export function scenarioOf(cell: string): string {
  return cell.replace(/\[.*$/s, '');
}

/** The A/A arm: it is the same client as the baseline, so every difference between them is noise. */
export const NULL_ARM = 'null';

/** Whether it is the null arm, and not a client of the author's that has the name. */
export function isNullArm(
  arm: string,
  { clients, baseline }: Pick<Variant, 'clients' | 'baseline'>,
): boolean {
  return arm === NULL_ARM && isDeepStrictEqual(clients[NULL_ARM], clients[baseline]);
}

/** Adds the null arm, unless the author has already given a client this name. */
export function withNullArm(scenario: Variant): Variant {
  const { clients, baseline } = scenario;
  if (Object.hasOwn(clients, NULL_ARM)) return scenario;
  return { ...scenario, clients: { ...clients, [NULL_ARM]: clients[baseline]! } };
}
