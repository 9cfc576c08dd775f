// In: a scenario as it is written, and values for some of its settings. Out: the same as if they were written into it.
import type { SweepPoint } from '../../results/model/run.ts';
import type { JsonSchema } from './schema.ts';
import { memberOf } from './schema-hints.ts';
import { EVERY_CLIENT } from './sweep-paths.ts';

export type Raw = Readonly<Record<string, unknown>>;

export function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The keys of the setting, once for each client that the path stands for. */
export function settingKeys(path: string, raw: Raw): string[][] {
  const [first = '', second, ...rest] = path.split('.');
  if (first !== 'clients' || second !== EVERY_CLIENT) return [path.split('.')];
  const clients = raw['clients'];
  return isRaw(clients) ? Object.keys(clients).map(arm => [first, arm, ...rest]) : [];
}

/**
 * A copy with the values in their places. A section that is left out is made, with those of its defaults that it can't
 * be without; where something else than a section stands in the way, it stays: the validator says so.
 */
export function withPoints(raw: Raw, points: readonly SweepPoint[], schema: JsonSchema): Raw {
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
  if (!isRaw(members)) return holder;
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

/** Of a section's default, the members that one of its alternatives requires: such as the name of a behaviour. */
function neededDefaults(schema: JsonSchema | undefined): Raw {
  const byDefault = schema?.default;
  if (!isRaw(byDefault)) return {};
  const required = new Set(alternativesOf(schema).flatMap(option => option.required ?? []));
  return Object.fromEntries(Object.entries(byDefault).filter(([key]) => required.has(key)));
}
