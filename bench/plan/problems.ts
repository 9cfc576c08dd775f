// In: what zod found wrong with a raw scenario. Out: one Problem each, saying what is there and what would be right.
import type { z } from 'zod';
import type { Problem } from '../../results/errors.ts';
import { nameHint, nearest } from './nearest.ts';
import type { JsonSchema } from './schema.ts';
import { allowedText, knownKeys, knownWords, nodesAt, type Path, valueAt } from './schema-hints.ts';

type Issue = z.core.$ZodIssue;

const SHOWN_LENGTH = 60;

/** A dotted path; a key that is no plain word is quoted, which also takes control characters out. */
export function pathText(path: Path): string {
  return path
    .map(key => (/^[\w$-]+$/.test(String(key)) ? String(key) : JSON.stringify(String(key))))
    .join('.');
}

/** A value as a reader would name it; long text is cut, structures are named by kind. */
export function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > SHOWN_LENGTH ? `${value.slice(0, SHOWN_LENGTH)}...` : value);
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

/** Where the faulty members are: the path of each thing that has to go or change. */
export function issuePaths(issue: Issue): Path[] {
  if (issue.code !== 'unrecognized_keys') return [issue.path];
  return issue.keys.map(key => [...issue.path, key]);
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
      message: `${valueText(value)} is a Unix socket, which can't be measured yet`,
      hint: 'a TCP port of the same server, such as http://127.0.0.1:8080/health',
    };
  }
  const nodes = nodesAt(schema, path, raw);
  const allowed = allowedText(nodes);
  const meant = typeof value === 'string' ? nearest(value, knownWords(nodes)) : undefined;
  return {
    message: value === undefined ? 'is missing' : `${valueText(value)} is not allowed here`,
    hint: meant === undefined ? allowed : `did you mean "${meant}"? Allowed: ${allowed}`,
  };
}

/** What other load tools let a user say of requests, and a scenario does not. */
const REQUEST_PARTS = new Set([
  'method',
  'header',
  'headers',
  'body',
  'query',
  'path',
  'paths',
  'urls',
  'auth',
  'cookies',
]);

function unknownKey(path: Path, known: readonly string[]): Omit<Problem, 'file' | 'path'> {
  const key = String(path.at(-1));
  if (path.length === 2 && path[0] === 'target' && REQUEST_PARTS.has(key)) {
    return {
      message: 'unknown setting: each request is a GET of target.url, without headers or a body of yours',
      hint: "a client of your own, which sends any request: transport: './my-client.ts' (docs/clients.md)",
    };
  }
  return { message: 'there is no such setting', hint: nameHint(key, known) };
}

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
        message: `${valueText(String(path.at(-1)))} cannot be a name`,
        hint: issue.issues[0]?.message ?? 'another name',
      };
    case 'custom':
      return { message: issue.message };
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_union':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return valueProblem(path, raw, schema);
    default:
      return issue satisfies never;
  }
}

/**
 * Words zod's issues for an author.
 *
 * @param schema the JSON Schema of the same content: it knows ranges, words and keys where an issue does not
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
      path: pathText(path),
      ...problemOf(issue, path, raw, schema),
    })),
  );
}
