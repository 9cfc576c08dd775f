// Errors that conntax raises on purpose. Each carries a code, and by it the exit status; anything else is a bug.
// What does not belong here: the failure of a trial, which is data (TrialResult), and of an exchange (Outcome).

// From whatever somebody else's code has thrown or answered. Out: what can be read of it: never a throw, never a text without end.

const MOST_TEXT_CHARS = 500;
/** A chain of causes may be endless, or a tree. */
const MOST_CAUSES = 30;

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** A member of it; undefined where it has none, or where reading it throws. */
export function memberOfForeign(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

/** In one line without control characters, and cut to a length that can be stored and shown. */
export function shorten(text: string, mostChars: number = MOST_TEXT_CHARS): string {
  const line = text
    .slice(0, mostChars)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .toWellFormed()
    .trim();
  return text.length > mostChars ? `${line}…` : line;
}

/** The message of what code of our own, or a library that is trusted, has thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Its message, or what it is as a text. */
export function describeForeign(value: unknown): string {
  const message = memberOfForeign(value, 'message');
  if (typeof message === 'string' && message.trim() !== '') return shorten(message);
  try {
    return shorten(String(value)) || 'no text';
  } catch {
    return `a value of type ${typeof value} that has no text`;
  }
}

/** The stack of an error, its lines kept, or else its text: for a reader who looks for the place. */
export function foreignStack(value: unknown, mostChars: number): string {
  const stack = memberOfForeign(value, 'stack');
  if (typeof stack !== 'string' || stack === '') return describeForeign(value);
  return stack
    .slice(0, mostChars)
    .replaceAll(/[^\P{Cc}\n]+/gu, ' ')
    .toWellFormed();
}

function branchesOf(value: unknown): unknown[] {
  const errors = memberOfForeign(value, 'errors');
  let listed: unknown[] = [];
  try {
    if (Array.isArray(errors)) listed = errors.slice(0, MOST_CAUSES);
  } catch {
    // A proxy whose traps throw has nothing to list.
  }
  return [memberOfForeign(value, 'cause'), ...listed].filter(isObject);
}

/** It and all that it names as its causes (`cause`, and the errors of an AggregateError), the deepest first. */
export function causesOf(value: unknown): unknown[] {
  const seen = new Set<unknown>();
  const found: unknown[] = [];
  const visit = (cause: unknown): void => {
    if (seen.has(cause) || seen.size >= MOST_CAUSES) return;
    seen.add(cause);
    for (const branch of branchesOf(cause)) visit(branch);
    found.push(cause);
  };
  visit(value);
  return found;
}

// From the error of a module that was read. Out: the file and line of the module's code that it is about.

const MOST_CHARS = 20_000;
/** What Node puts before the stack of an error of syntax: the file and line alone. */
const HEAD = /^(?:file:\/\/)?(\/\S[^\n]*):(\d+)\n/;
const FRAME = /^\s+at (?:.*\()?(?:file:\/\/)?(\/[^()]+):(\d+):\d+\)?$/;

/** The same as an end of a sentence: ` (at /home/me/mine.ts:12)`, or nothing. */
export function describeErrorPlace(error: unknown): string {
  const place = errorPlace(error);
  return place === undefined ? '' : ` (at ${place})`;
}

/** `/home/me/mine.ts:12`; undefined where the error does not say. Frames below Node's own reading of modules are not the module's. */
export function errorPlace(error: unknown): string | undefined {
  const stack = memberOfForeign(error, 'stack');
  if (typeof stack !== 'string') return undefined;
  const text = stack.slice(0, MOST_CHARS);
  const head = HEAD.exec(text);
  if (head !== null) return `${head[1]}:${head[2]}`;
  for (const line of text.split('\n')) {
    if (line.includes('(node:internal/modules/')) return undefined;
    const frame = FRAME.exec(line);
    if (frame !== null && !frame[1]!.includes('/node_modules/')) return `${frame[1]}:${frame[2]}`;
  }
  return undefined;
}

/** Exit statuses of the command line. */
export const EXIT = { ok: 0, failed: 1, usage: 2, cannotMeasure: 3, interrupted: 130 } as const;

/** One thing that is wrong with a scenario: where, what, and what would be right. */
export interface Problem {
  file: string;
  /** Dotted path within the scenario, '' for the whole. */
  path: string;
  message: string;
  /** What would be right, with the nearest known name where there is one. */
  hint?: string;
}

/** The user asked for something that cannot be: a bad scenario, an unknown name. Nothing was started. Exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode = EXIT.usage;
  readonly problems: readonly Problem[];
  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

/** The user has asked to end before anything was measured. Exit 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode = EXIT.interrupted;
}

/** The machine, the disk or a process did not let us measure. Exit 3. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError';
  readonly exitCode = EXIT.cannotMeasure;
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
