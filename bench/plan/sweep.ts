// Expands a scenario file into the scenarios to measure, one per combination of its sweep, or all its problems.
import type { Problem } from '../../results/errors.ts';
import { joinWords } from '../../results/figures.ts';
import { Scenario, type SweepPoint, type SweepValue } from '../../scenarios/model/scenario.ts';
import {
  appliesAt,
  combinations,
  describeSubset,
  type SweepAxis,
  sweptValue,
  type Variant,
} from '../../scenarios/model/sweep.ts';
import type { Obstacle } from '../contracts.ts';
import { targetServiceMs } from './forecast.ts';
import {
  formatPath,
  guess,
  isNode,
  isPlainObject,
  type JsonSchema,
  memberOf,
  nameHint,
  nearest,
} from './problems.ts';
import {
  behaviourOptions,
  createValidator,
  type FileModules,
  type PlanPlugins,
  scenarioJsonSchema,
} from './validate.ts';

/** Stands for every client, as the second key of a path. */
const EVERY_CLIENT = '*';

/** The parts of a scenario whose settings a sweep may vary; the question and the comparison stay the same. */
const SWEEPABLE = [
  'target',
  'link',
  'load',
  'request',
  'generators',
  'limits',
  'timing',
  'phases',
  'clients',
];
/** Settings within these parts that a sweep may not vary, with the reason. */
const OF_THE_WHOLE: Readonly<Record<string, string>> = {
  'timing.budgetMs': 'the cells of a sweep share one budget',
  'timing.precision': 'the cells of a sweep share one precision',
  'timing.until': 'the cells of a sweep share one stop condition',
};
const SHOWN_SETTINGS = 12;

/** The dotted paths of every setting of all alternatives, clients' settings under `clients.*`. */
interface KnownPaths {
  settings: ReadonlySet<string>;
  /** Objects with members outside the schema, such as the options of a user's module. */
  open: readonly string[];
  /** First keys of a scenario. */
  first: readonly string[];
}

export function knownPaths(schema: JsonSchema): KnownPaths {
  const settings = new Set<string>();
  const open: string[] = [];

  function walk(node: JsonSchema, path: string): void {
    const options = (node.anyOf ?? node.oneOf)?.filter(isNode);
    if (options !== undefined) {
      for (const option of options) walk(option, path);
    } else if (node.properties !== undefined) {
      for (const [key, child] of Object.entries(node.properties)) {
        if (isNode(child)) walk(child, `${path}.${key}`);
      }
    } else if (isNode(node.additionalProperties)) {
      if (node.additionalProperties.properties === undefined) open.push(path);
      else walk(node.additionalProperties, `${path}.${EVERY_CLIENT}`);
    } else if (node.type !== 'array') {
      settings.add(path);
    }
  }

  const members = schema.properties ?? {};
  for (const key of SWEEPABLE) if (isNode(members[key])) walk(members[key], key);
  return { settings, open, first: Object.keys(members) };
}

/** The path of the same setting for every client. */
function generic(path: string): string {
  const [first, second, ...rest] = path.split('.');
  return first !== 'clients' || second === undefined ? path : [first, EVERY_CLIENT, ...rest].join('.');
}

/**
 * Why a path cannot be swept; undefined when it can.
 *
 * @param armNames the names of the clients as written
 */
export function pathProblem(
  path: string,
  known: KnownPaths,
  armNames: readonly string[],
): Obstacle | undefined {
  const [first = '', second] = path.split('.');
  if (known.first.includes(first) && !SWEEPABLE.includes(first)) {
    return { message: `${first} cannot be swept`, hint: `a setting of ${joinWords(SWEEPABLE, 'or')}` };
  }
  const same = generic(path);
  const isSetting = known.settings.has(same) || known.open.some(holder => isBelow(same, holder));
  if (isSetting) {
    const reason = OF_THE_WHOLE[same];
    if (reason !== undefined) return { message: `cannot be swept: ${reason}`, hint: 'another setting' };
    if (first !== 'clients' || second === EVERY_CLIENT || armNames.includes(second ?? '')) return undefined;
    return {
      message: `no client "${second}"`,
      hint: nameHint(second ?? '', [EVERY_CLIENT, ...armNames]),
    };
  }
  const client = second !== undefined && armNames.includes(second) ? second : EVERY_CLIENT;
  const named = [...known.settings]
    .filter(setting => OF_THE_WHOLE[setting] === undefined)
    .map(setting => setting.replace(`.${EVERY_CLIENT}.`, `.${client}.`));
  const below = named.filter(setting => isBelow(setting, path));
  if (known.open.includes(same))
    return { message: 'is a group of settings, not a setting', hint: `${path}.NAME` };
  if (below.length > 0)
    return { message: 'is a group of settings, not a setting', hint: listSettings(below) };
  const siblings = siblingsOf(path, named);
  const meant =
    named.find(setting => setting.endsWith(`.${path}`)) ??
    nearest(path, siblings.length === 0 ? named : siblings);
  return {
    message: 'unknown setting',
    hint: meant === undefined ? listSettings(siblings) : guess(meant),
  };
}

function isBelow(path: string, holder: string): boolean {
  return path.startsWith(`${holder}.`) && path.length > holder.length + 1;
}

/** The settings of the path's group; none when the group does not exist. */
function siblingsOf(path: string, named: readonly string[]): readonly string[] {
  const holder = path.split('.').slice(0, -1).join('.');
  return named.filter(setting => isBelow(setting, holder));
}

function listSettings(settings: readonly string[]): string {
  if (settings.length === 0) return `a setting of ${joinWords(SWEEPABLE, 'or')}, such as link.roundTripMs`;
  if (settings.length <= SHOWN_SETTINGS) return joinWords(settings, 'or');
  return `${settings.slice(0, SHOWN_SETTINGS).join(', ')} or another of these`;
}

/** One combination of a sweep, and the problems of its scenario. */
interface FaultyVariant {
  points: readonly SweepPoint[];
  problems: readonly Problem[];
}

/** Whether a problem's path is the swept setting or within it, for any client that the setting covers. */
function isAt(problemPath: string, sweptPath: string): boolean {
  const keys = problemPath.split('.');
  return sweptPath
    .split('.')
    .every((key, index) => key === keys[index] || (key === EVERY_CLIENT && keys[index] !== undefined));
}

/**
 * Merges equal problems. A problem at a swept setting is reported at the faulty value in the list, or at the list when
 * no single value is at fault. Any other is reported with the values that cause it, unless all of them do.
 */
function foldProblems(variants: readonly FaultyVariant[], axes: readonly SweepAxis[]): Problem[] {
  const found = variants.flatMap(({ points, problems }) =>
    problems.map(problem => ({
      points,
      problem,
      axis: axes.find(({ path }) => isAt(problem.path, path)),
    })),
  );
  const groups = Map.groupBy(found, ({ problem: { path, message, hint }, axis }) =>
    JSON.stringify([axis?.path ?? path, axis !== undefined, message, hint]),
  );
  return [...groups.values()].map(group => {
    const { problem, axis } = group[0]!;
    const subset = group.map(({ points }) => points);
    if (axis === undefined) return withSubset(problem, describeSubset(axes, subset));
    const indices = axis.values.flatMap((value, index) =>
      subset.some(points => sweptValue(points, axis.path) === value) ? [index] : [],
    );
    const isOne = indices.length === 1 && axis.values.length > 1;
    const path = formatPath(['sweep', axis.path, ...(isOne ? indices : [])]);
    const named = isOne ? axes.filter(other => other !== axis) : axes;
    return withSubset({ ...problem, path }, describeSubset(named, subset));
  });
}

function withSubset(problem: Problem, subset: string): Problem {
  return subset === '' ? problem : { ...problem, message: `${problem.message} (with ${subset})` };
}

type Raw = Readonly<Record<string, unknown>>;

/** The keys of the setting, once per client that the path covers. */
function settingKeys(path: string, raw: Raw): string[][] {
  const [first = '', second, ...rest] = path.split('.');
  if (first !== 'clients' || second !== EVERY_CLIENT) return [path.split('.')];
  const clients = raw['clients'];
  return isPlainObject(clients) ? Object.keys(clients).map(arm => [first, arm, ...rest]) : [];
}

/**
 * A copy with the values in their places. An absent section is created with its required defaults. A value that is not a
 * section is kept: the validator reports it.
 */
function withPoints(raw: Raw, points: readonly SweepPoint[], schema: JsonSchema): Raw {
  return points
    .flatMap(({ path, value }) => settingKeys(path, raw).map(keys => ({ keys, value })))
    .reduce((current, { keys, value }) => setAt(current, keys, value, schema) as Raw, raw);
}

function setAt(
  holder: unknown,
  [key, ...rest]: readonly string[],
  value: unknown,
  schema: JsonSchema | undefined,
): unknown {
  if (key === undefined) return value;
  const members = holder === undefined ? neededDefaults(schema) : holder;
  if (!isPlainObject(members)) return holder;
  return { ...members, [key]: setAt(memberOf(members, key), rest, value, childOf(schema, key)) };
}

function alternativesOf(schema: JsonSchema | undefined): JsonSchema[] {
  const options = schema?.anyOf ?? schema?.oneOf;
  if (options === undefined) return schema === undefined ? [] : [schema];
  return options.flatMap(option => (typeof option === 'object' ? alternativesOf(option) : []));
}

function childOf(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  for (const { properties = {}, additionalProperties } of alternativesOf(schema)) {
    const child = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (typeof child === 'object') return child;
  }
  return undefined;
}

/** The members of a section's default that an alternative requires, such as the name of a behaviour. */
function neededDefaults(schema: JsonSchema | undefined): Raw {
  const byDefault = schema?.default;
  if (!isPlainObject(byDefault)) return {};
  const required = new Set(alternativesOf(schema).flatMap(option => option.required ?? []));
  return Object.fromEntries(Object.entries(byDefault).filter(([key]) => required.has(key)));
}

type VariantsValidation = { isValid: true; variants: Variant[] } | { isValid: false; problems: Problem[] };

/** Checks the raw content of one file; `file` only names it in problems. Never throws. */
export type ValidateVariants = (raw: unknown, file: string, modules?: FileModules) => VariantsValidation;

/** More cells would take hours and make the report unreadable. */
const MAX_CELLS = 100;

/** The axes as written; undefined without a sweep, or with an invalid one. */
function axesIn(raw: unknown): SweepAxis[] | undefined {
  if (!isPlainObject(raw) || raw['sweep'] === undefined) return undefined;
  const parsed = Scenario.shape.sweep.safeParse(raw['sweep']);
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data ?? {}).map(([path, values]) => ({ path, values }));
}

/**
 * A validator that also accepts sweeps: each value is put where an author would write it, and each variant is checked as
 * a scenario.
 */
export function createVariantsValidator(plugins: PlanPlugins): ValidateVariants {
  const validate = createValidator(plugins);
  const schema = scenarioJsonSchema(behaviourOptions(plugins.behaviours));
  const known = knownPaths(schema);

  function variantOf(scenario: Scenario, sweepPoints: readonly SweepPoint[] = []): Variant {
    const serviceMs = targetServiceMs(scenario.target, plugins.behaviours);
    const expect = scenario.expect.filter(expectation => appliesAt(expectation, sweepPoints));
    return { ...scenario, expect, sweepPoints, serviceMs };
  }

  return (content, file, modules) => {
    const axes = axesIn(content);
    if (axes === undefined || !isPlainObject(content)) {
      const validation = validate(content, file, modules);
      return validation.isValid ? { isValid: true, variants: [variantOf(validation.scenario)] } : validation;
    }
    const armNames = isPlainObject(content['clients']) ? Object.keys(content['clients']) : [];
    const paths = axes.flatMap(({ path }) => {
      const wrong = pathProblem(path, known, armNames);
      return wrong === undefined ? [] : [{ file, path: formatPath(['sweep', path]), ...wrong }];
    });
    const sound = axes.filter(({ path }) => pathProblem(path, known, armNames) === undefined);
    const excess = tooMany(sound, file);
    const shown = excess.length === 0 ? sound : sound.map(firstOnly);
    const checked = combinations(shown.map(distinct)).map(points => ({
      points,
      validation: validate(withPoints(content, points, schema), file, modules),
    }));
    const faulty = checked.flatMap(({ points, validation }) =>
      validation.isValid ? [] : [{ points, problems: validation.problems }],
    );
    const problems = [
      ...paths,
      ...sound.flatMap(axis => repeated(axis, file)),
      ...clashes(sound, content, file),
      ...excess,
      ...foldProblems(faulty, shown),
    ];
    if (problems.length > 0) return { isValid: false, problems };
    const variants = checked.flatMap(({ points, validation }) =>
      validation.isValid ? [variantOf(validation.scenario, points)] : [],
    );
    return { isValid: true, variants };
  };
}

/** The first value only, as an example, where there are too many combinations to check. */
function firstOnly({ path, values }: SweepAxis): SweepAxis {
  return { path, values: values.slice(0, 1) };
}

/** Compared as text, because cells are named by it. */
function isFirst(value: SweepValue, index: number, values: readonly SweepValue[]): boolean {
  return values.findIndex(other => String(other) === String(value)) === index;
}

function distinct({ path, values }: SweepAxis): SweepAxis {
  return { path, values: values.filter(isFirst) };
}

function repeated({ path, values }: SweepAxis, file: string): Problem[] {
  return values.flatMap((value, index) => {
    if (isFirst(value, index, values)) return [];
    const at = formatPath(['sweep', path, index]);
    return [{ file, path: at, message: `${value} is listed twice`, hint: 'each value once' }];
  });
}

/** Two axes may not set the same setting. */
function clashes([first, second]: readonly SweepAxis[], raw: Raw, file: string): Problem[] {
  if (first === undefined || second === undefined) return [];
  const taken = new Set(settingKeys(first.path, raw).map(formatPath));
  const twice = settingKeys(second.path, raw)
    .map(formatPath)
    .find(path => taken.has(path));
  if (twice === undefined) return [];
  const message = `${twice} is also swept by ${first.path}`;
  return [{ file, path: formatPath(['sweep', second.path]), message, hint: 'each setting in one list only' }];
}

function tooMany(axes: readonly SweepAxis[], file: string): Problem[] {
  const counts = axes.map(({ values }) => values.length);
  const cells = counts.reduce((product, count) => product * count, 1);
  if (cells <= MAX_CELLS) return [];
  const message = `${counts.join(' × ')} combinations make ${cells} cells`;
  return [{ file, path: 'sweep', message, hint: `at most ${MAX_CELLS} cells: use fewer values` }];
}
