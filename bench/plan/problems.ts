// Turns zod's issues into problems for a scenario's author: what is wrong, where, and what was expected.
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { Problem } from '../../results/errors.ts';
import { joinWords } from '../../results/figures.ts';
import { own } from '../../scenarios/model/facts.ts';
import { hideCredentials } from '../../scenarios/model/request.ts';

/** A plain JSON Schema node, as zod writes it. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** All known names, most similar first; equally similar names keep their order. */
export function byLikeness(name: string, known: readonly string[]): string[] {
  const likeness = new Map(known.map(candidate => [candidate, distance(name, candidate)]));
  return [...known].sort((left, right) => likeness.get(left)! - likeness.get(right)!);
}

/** The known name that was probably meant: at most a third of its letters differ (two in a short name). */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = byLikeness(name, known);
  if (best === undefined) return undefined;
  const allowedEdits = Math.max(2, Math.floor(best.length / 3));
  const edits = distance(name, best);
  return edits <= allowedEdits && edits < best.length ? best : undefined;
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const GUESS = 'did you mean';

/** A hint that names what was probably meant. */
export function guess(meant: string): string {
  return `${GUESS} ${meant}?`;
}

/** Whether a hint begins with a guess, rather than with what was expected. */
export function isGuess(hint: string): boolean {
  return hint.startsWith(GUESS);
}

/** A hint such as `did you mean read? Known: read, dump`. */
export function nameHint(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'no names are known here';
  const meant = nearest(name, known) ?? known.find(one => one.split('-').includes(name));
  return meant === undefined ? joinWords(known, 'or') : `${guess(meant)} Known: ${known.join(', ')}`;
}

export type Path = readonly PropertyKey[];

/** An object, and not a list. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value's own member, never an inherited one; undefined if absent. */
export function memberOf(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<PropertyKey, unknown>)[key];
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce(memberOf, root);
}

export function isNode(node: unknown): node is JsonSchema {
  return typeof node === 'object' && node !== null;
}

/**
 * How well an alternative fits the value's constant members such as `name`, in schema order: one point for each that agrees,
 * half a point for a default, up to the first that differs.
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

/** Every schema node that may apply at the path; of alternatives, those that fit the raw content best. */
function nodesAt(root: JsonSchema, path: Path, raw: unknown): JsonSchema[] {
  let value = raw;
  let nodes = alternatives(root, value);
  for (const key of path) {
    value = memberOf(value, key);
    nodes = nodes.flatMap(node => childrenAt(node, key)).flatMap(node => alternatives(node, value));
  }
  return nodes;
}

/** Keys allowed in an object. */
function knownKeys(nodes: readonly JsonSchema[]): string[] {
  return [...new Set(nodes.flatMap(node => Object.keys(node.properties ?? {})))];
}

/** The strings allowed, where only certain ones are. */
function knownStrings(nodes: readonly JsonSchema[]): string[] {
  const words = nodes.flatMap(node => (node.const === undefined ? (node.enum ?? []) : [node.const]));
  return words.filter(word => typeof word === 'string');
}

function describeRange(node: JsonSchema): string {
  // zod bounds every integer by what a double holds exactly, which does not interest an author.
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

function describeString(node: JsonSchema): string {
  if (node.pattern === '^[a-z0-9][a-z0-9-]*$') return 'lower-case letters, digits and dashes';
  if (node.format === 'uri') return 'a URL such as http://127.0.0.1:8080/path, or https';
  if (node.pattern !== undefined) return `text that matches ${node.pattern}`;
  return node.minLength === undefined ? 'text' : 'non-empty text';
}

function describeList({ minItems, maxItems }: JsonSchema): string {
  if (minItems === undefined) return 'a list';
  return maxItems === undefined ? 'a list, not an empty one' : `a list of ${minItems} to ${maxItems} values`;
}

function describeNode(node: JsonSchema): string {
  const types: unknown = node.type;
  if (Array.isArray(types)) {
    return joinWords(
      types.map(type => describeNode({ ...node, type } as JsonSchema)),
      'or',
    );
  }
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined)
    return joinWords(
      node.enum.map(word => JSON.stringify(word)),
      'or',
    );
  switch (node.type) {
    case 'integer':
      return `an integer${describeRange(node)}`;
    case 'number':
      return `a number${describeRange(node)}`;
    case 'string':
      return describeString(node);
    case 'boolean':
      return 'true or false';
    case 'array':
      return describeList(node);
    case 'object':
      return 'an object';
    case 'null':
      return 'null';
    default:
      return 'another value';
  }
}

/** What is allowed, such as `an integer from 1 to 100 or "unlimited"`. */
function describeAllowed(nodes: readonly JsonSchema[]): string {
  return joinWords([...new Set(nodes.map(describeNode))], 'or');
}

type Issue = z.core.$ZodIssue;

const SHOWN_LENGTH = 60;

/** A dotted path; a key that is not a plain word is quoted, which also escapes control characters. */
export function formatPath(path: Path): string {
  return path
    .map(key => (/^[\w$-]+$/.test(String(key)) ? String(key) : JSON.stringify(String(key))))
    .join('.');
}

/** Names a value for a reader: long text is cut, structures are named by kind. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  switch (typeof value) {
    case 'string': {
      const text = value.includes('://') ? hideCredentials(value) : value;
      return JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text);
    }
    case 'object':
      return 'an object';
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    default:
      return String(value);
  }
}

/** The path of each faulty member. */
export function issuePaths(issue: z.core.$ZodRawIssue | Issue): Path[] {
  const { path = [] } = issue;
  if (issue.code !== 'unrecognized_keys') return [path];
  return issue.keys.map(key => [...path, key]);
}

function isUnixSocket(path: Path, value: unknown): boolean {
  return (
    path.join('.') === 'target.url' &&
    typeof value === 'string' && // the text of a deeply nested list would overflow the stack
    /^(?:https?\+)?unix:|\.sock(?:$|[:/])/.test(value)
  );
}

function valueProblem(path: Path, raw: unknown, schema: JsonSchema): Omit<Problem, 'file' | 'path'> {
  const value = valueAt(raw, path);
  if (isUnixSocket(path, value)) {
    return {
      message: `${describeValue(value)} is a Unix socket, which has a setting of its own`,
      hint: "url: 'http://localhost/health' and socketPath: './server.sock'",
    };
  }
  const nodes = nodesAt(schema, path, raw);
  const allowed = describeAllowed(nodes);
  const meant = typeof value === 'string' ? nearest(value, knownStrings(nodes)) : undefined;
  return {
    message: value === undefined ? 'is missing' : `${describeValue(value)} is not allowed here`,
    hint: meant === undefined ? allowed : `${guess(`"${meant}"`)} Allowed: ${allowed}`,
  };
}

/** Settings of a request, by the names under which an author may look for them in the target. */
const REQUEST_SETTINGS: Readonly<Record<string, string>> = {
  method: 'method',
  header: 'headers',
  headers: 'headers',
  auth: 'headers',
  cookies: 'headers',
  body: 'body',
  query: 'query',
  path: 'path',
  paths: 'path',
};

function unknownKey(path: Path, known: readonly string[]): Omit<Problem, 'file' | 'path'> {
  const key = String(path.at(-1));
  const setting = path.length === 2 && path[0] === 'target' ? own(REQUEST_SETTINGS, key) : undefined;
  if (setting !== undefined) {
    return {
      message: 'unknown setting: what clients send is stated in request, beside target',
      hint: `request: { ${setting}: ... }`,
    };
  }
  if (key === 'expectStatus') {
    return {
      message: 'unknown setting: which statuses are good is stated for all requests together',
      hint: 'target: { expectStatus: ... }',
    };
  }
  return { message: 'unknown setting', hint: nameHint(key, known) };
}

/** What zod says of a pattern that has no words of its own. */
const BARE_PATTERN = /^Invalid string/;

function problemOf(
  issue: Issue,
  path: Path,
  raw: unknown,
  schema: JsonSchema,
): Omit<Problem, 'file' | 'path'> {
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKey(path, knownKeys(nodesAt(schema, issue.path, raw)));
    case 'invalid_key':
      return {
        message: `${describeValue(String(path.at(-1)))} cannot be a name`,
        hint: issue.issues[0]?.message ?? 'another name',
      };
    case 'custom': {
      const hint: unknown = issue.params?.['hint'];
      return typeof hint === 'string' ? { message: issue.message, hint } : { message: issue.message };
    }
    case 'invalid_format': {
      const problem = valueProblem(path, raw, schema);
      return issue.format !== 'regex' || BARE_PATTERN.test(issue.message)
        ? problem
        : { ...problem, hint: issue.message };
    }
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return valueProblem(path, raw, schema);
    default:
      return issue satisfies never;
  }
}

/**
 * Turns zod's issues into problems.
 *
 * @param schema the JSON Schema of the same content, for ranges, allowed words and keys that an issue lacks
 */
export function problemsOf(
  issues: readonly Issue[],
  raw: unknown,
  file: string,
  schema: JsonSchema,
): Problem[] {
  return issues.flatMap(issue =>
    issuePaths(issue).map(path => ({
      file,
      path: formatPath(path),
      ...problemOf(issue, path, raw, schema),
    })),
  );
}
