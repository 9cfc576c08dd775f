// In: the scenario's JSON Schema and the path of a swept setting. Out: what is wrong with the path, and what was meant.
import { nameHint, nearest, orList } from './nearest.ts';
import type { JsonSchema } from './schema.ts';

/** Stands for every client, as the second key of a path. */
export const EVERY_CLIENT = '*';

/** The parts of a scenario whose settings a sweep may vary: what is asked and compared stays the same. */
const SWEEPABLE = ['target', 'link', 'load', 'timing', 'phases', 'clients'];
/** Settings of these parts that a sweep may not vary, each with the reason. */
const OF_THE_WHOLE: Readonly<Record<string, string>> = {
  'timing.budgetMs': 'the cells of a sweep share one budget',
  'timing.precision': 'the cells of a sweep are measured to one precision',
  'timing.until': 'the cells of a sweep end for the same reason',
};
const SHOWN_SETTINGS = 12;

/** Every setting by its dotted path, a client's under `clients.*`, of all alternatives. */
export interface KnownPaths {
  settings: ReadonlySet<string>;
  /** Holders of members that no schema knows, such as the options of a user's own module. */
  open: readonly string[];
  /** First keys of a scenario. */
  first: readonly string[];
}

export interface PathProblem {
  message: string;
  hint: string;
}

function isNode(node: unknown): node is JsonSchema {
  return typeof node === 'object' && node !== null;
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

/** The path of the same setting for any client. */
function generic(path: string): string {
  const [first, second, ...rest] = path.split('.');
  return first !== 'clients' || second === undefined ? path : [first, EVERY_CLIENT, ...rest].join('.');
}

/**
 * What keeps a path from being swept; undefined when nothing does.
 *
 * @param armNames the arms as they are written
 */
export function pathProblem(
  path: string,
  known: KnownPaths,
  armNames: readonly string[],
): PathProblem | undefined {
  const [first = '', second] = path.split('.');
  if (known.first.includes(first) && !SWEEPABLE.includes(first)) {
    return { message: `${first} cannot be swept`, hint: `a setting of ${orList(SWEEPABLE)}` };
  }
  const same = generic(path);
  const isSetting = known.settings.has(same) || known.open.some(holder => isBelow(same, holder));
  if (isSetting) {
    const reason = OF_THE_WHOLE[same];
    if (reason !== undefined) return { message: `cannot be swept: ${reason}`, hint: 'another setting' };
    if (first !== 'clients' || second === EVERY_CLIENT || armNames.includes(second ?? '')) return undefined;
    return {
      message: `there is no client "${second}"`,
      hint: nameHint(second ?? '', [EVERY_CLIENT, ...armNames]),
    };
  }
  const client = second !== undefined && armNames.includes(second) ? second : EVERY_CLIENT;
  const named = [...known.settings]
    .filter(setting => OF_THE_WHOLE[setting] === undefined)
    .map(setting => setting.replace(`.${EVERY_CLIENT}.`, `.${client}.`));
  const below = named.filter(setting => isBelow(setting, path));
  if (known.open.includes(same)) return { message: 'is a group of settings, not one', hint: `${path}.NAME` };
  if (below.length > 0) return { message: 'is a group of settings, not one', hint: listed(below) };
  const siblings = siblingsOf(path, named);
  const meant =
    named.find(setting => setting.endsWith(`.${path}`)) ??
    nearest(path, siblings.length === 0 ? named : siblings);
  return {
    message: 'there is no such setting',
    hint: meant === undefined ? listed(siblings) : `did you mean ${meant}?`,
  };
}

function isBelow(path: string, holder: string): boolean {
  return path.startsWith(`${holder}.`) && path.length > holder.length + 1;
}

/** The settings of the group that the path would be in; none when there is no such group. */
function siblingsOf(path: string, named: readonly string[]): readonly string[] {
  const holder = path.split('.').slice(0, -1).join('.');
  return named.filter(setting => isBelow(setting, holder));
}

function listed(settings: readonly string[]): string {
  if (settings.length === 0) return `a setting of ${orList(SWEEPABLE)}, such as link.roundTripMs`;
  if (settings.length <= SHOWN_SETTINGS) return orList(settings);
  return `${settings.slice(0, SHOWN_SETTINGS).join(', ')} or another of these`;
}
