// In: a JSON Schema and a path in it. Out: what may stand there, in words, and which keys are known.
import { orList } from './nearest.ts';
import type { JsonSchema } from './schema.ts';

export type Path = readonly PropertyKey[];

/** The value's own member, or undefined: never something that is inherited. */
export function memberOf(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<PropertyKey, unknown>)[key];
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce(memberOf, root);
}

function isNode(node: unknown): node is JsonSchema {
  return typeof node === 'object' && node !== null;
}

/**
 * How well an alternative fits what the value says of itself in constant members such as `name`, most telling first:
 * one point for each that agrees, up to the first that does not, half a point for a default.
 */
function likeness(node: JsonSchema, value: unknown): number {
  const nested = (node.anyOf ?? node.oneOf)?.filter(isNode);
  if (nested !== undefined) return Math.max(...nested.map(option => likeness(option, value)));
  let points = 0;
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    if (!isNode(child) || child.const === undefined) continue;
    const member = memberOf(value, key);
    if (member === child.const) points += 1;
    else if (member === undefined && child.default === child.const) points += 0.5;
    else break;
  }
  return points;
}

function alternatives(node: JsonSchema, value: unknown): JsonSchema[] {
  const options = (node.anyOf ?? node.oneOf)?.filter(isNode);
  if (options === undefined) return [node];
  const best = Math.max(...options.map(option => likeness(option, value)));
  return options
    .filter(option => likeness(option, value) === best)
    .flatMap(option => alternatives(option, value));
}

function childrenAt(node: JsonSchema, key: PropertyKey): JsonSchema[] {
  const properties = node.properties ?? {};
  const name = String(key);
  if (Object.hasOwn(properties, name)) return [properties[name]].filter(isNode);
  if (typeof key === 'number') return [node.items].filter(isNode);
  return [node.additionalProperties].filter(isNode);
}

/** Every schema node that may apply at the path; where there are alternatives, those that the raw content means. */
export function nodesAt(root: JsonSchema, path: Path, raw: unknown): JsonSchema[] {
  let value = raw;
  let nodes = alternatives(root, value);
  for (const key of path) {
    value = memberOf(value, key);
    nodes = nodes.flatMap(node => childrenAt(node, key)).flatMap(node => alternatives(node, value));
  }
  return nodes;
}

/** Keys that may stand in an object at the path. */
export function knownKeys(nodes: readonly JsonSchema[]): string[] {
  return [...new Set(nodes.flatMap(node => Object.keys(node.properties ?? {})))];
}

/** The words that may stand at the path, where only certain ones may. */
export function knownWords(nodes: readonly JsonSchema[]): string[] {
  const words = nodes.flatMap(node => (node.const === undefined ? (node.enum ?? []) : [node.const]));
  return words.filter(word => typeof word === 'string');
}

function rangeText(node: JsonSchema): string {
  // zod bounds every integer by what a double holds exactly: of no interest to an author.
  const isBound = (limit: number | undefined) =>
    limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  const low = isBound(node.minimum) ? node.minimum : undefined;
  const high = isBound(node.maximum) ? node.maximum : undefined;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  return [
    low === undefined ? '' : `, at least ${low}`,
    node.exclusiveMinimum === undefined ? '' : ` above ${node.exclusiveMinimum}`,
    high === undefined ? '' : `, at most ${high}`,
    node.exclusiveMaximum === undefined ? '' : ` below ${node.exclusiveMaximum}`,
  ].join('');
}

function stringText(node: JsonSchema): string {
  if (node.pattern === '^[a-z0-9][a-z0-9-]*$') return 'lower-case letters, digits and dashes';
  if (node.format === 'uri') return 'a URL such as http://127.0.0.1:8080/path, or https';
  if (node.pattern !== undefined) return `text that matches ${node.pattern}`;
  return node.minLength === undefined ? 'text' : 'text that is not empty';
}

function listText({ minItems, maxItems }: JsonSchema): string {
  if (minItems === undefined || maxItems === undefined) return 'a list';
  return `a list of ${minItems} to ${maxItems} values`;
}

function nodeText(node: JsonSchema): string {
  const types: unknown = node.type;
  if (Array.isArray(types)) {
    return orList(types.map(type => nodeText({ ...node, type } as JsonSchema)));
  }
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return orList(node.enum.map(word => JSON.stringify(word)));
  switch (node.type) {
    case 'integer':
      return `a whole number${rangeText(node)}`;
    case 'number':
      return `a number${rangeText(node)}`;
    case 'string':
      return stringText(node);
    case 'boolean':
      return 'true or false';
    case 'array':
      return listText(node);
    case 'object':
      return 'an object';
    case 'null':
      return 'null';
    default:
      return 'another value';
  }
}

/** What may stand at the path, such as `a whole number from 1 to 100 or "unlimited"`. */
export function allowedText(nodes: readonly JsonSchema[]): string {
  return orList([...new Set(nodes.map(nodeText))]);
}
