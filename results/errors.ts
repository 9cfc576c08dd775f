// Errors that conntax raises on purpose, each with an exit status, and safe reading of errors from foreign code.
// The failure of a trial is data (TrialResult), and so is that of an exchange (Outcome).

const MAX_TEXT_CHARS = 500;
/** A chain of causes may be endless, or a tree. */
const MAX_CAUSES = 30;

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** A member of a foreign value; undefined if it has none, or reading it throws. */
export function memberOfForeign(value: unknown, name: string): unknown {
  if (!isObject(value)) return undefined;
  try {
    return (value as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

/** Cuts a text to a length that can be stored and shown, on one line and without control characters. */
export function shorten(text: string, mostChars: number = MAX_TEXT_CHARS): string {
  const line = text
    .slice(0, mostChars)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .toWellFormed()
    .trim();
  return text.length > mostChars ? `${line}…` : line;
}

/** The message of an error thrown by our own code or a trusted library. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message of a foreign error, or the value as text; never throws. */
export function describeForeign(value: unknown): string {
  const message = memberOfForeign(value, 'message');
  if (typeof message === 'string' && message.trim() !== '') return shorten(message);
  try {
    return shorten(String(value)) || 'no text';
  } catch {
    return `a value of type ${typeof value} without a text`;
  }
}

/** The stack of a foreign error with its lines, or else its text. */
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
    if (Array.isArray(errors)) listed = errors.slice(0, MAX_CAUSES);
  } catch {
    // The traps of a proxy may throw.
  }
  return [memberOfForeign(value, 'cause'), ...listed].filter(isObject);
}

/** A foreign error and all its causes (`cause`, and the errors of an AggregateError), the deepest first. */
export function causesOf(value: unknown): unknown[] {
  const seen = new Set<unknown>();
  const found: unknown[] = [];
  const visit = (cause: unknown): void => {
    if (seen.has(cause) || seen.size >= MAX_CAUSES) return;
    seen.add(cause);
    for (const branch of branchesOf(cause)) visit(branch);
    found.push(cause);
  };
  visit(value);
  return found;
}

const MAX_CHARS = 20_000;
/** Node puts only file and line before the stack of a syntax error. */
const HEAD = /^(?:file:\/\/)?(\/\S[^\n]*):(\d+)\n/;
const FRAME = /^\s+at (?:.*\()?(?:file:\/\/)?(\/[^()]+):(\d+):\d+\)?$/;

/** The place of an error, to end a sentence with: ` (at /home/me/mine.ts:12)`, or nothing. */
export function describeErrorPlace(error: unknown): string {
  const place = errorPlace(error);
  return place === undefined ? '' : ` (at ${place})`;
}

/** `/home/me/mine.ts:12`; undefined if unknown. Frames below Node's module loader are not the module's. */
export function errorPlace(error: unknown): string | undefined {
  const stack = memberOfForeign(error, 'stack');
  if (typeof stack !== 'string') return undefined;
  const text = stack.slice(0, MAX_CHARS);
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

/** One problem of a scenario: where, what, and what was expected. */
export interface Problem {
  file: string;
  /** Dotted path within the scenario, '' for the whole. */
  path: string;
  message: string;
  /** What was expected, with the nearest known name if there is one. */
  hint?: string;
}

/** The user asked for something invalid, such as a bad scenario or an unknown name. Nothing was started. Exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode = EXIT.usage;
  readonly problems: readonly Problem[];
  constructor(message: string, problems: readonly Problem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.problems = problems;
  }
}

/** The user interrupted before anything was measured. Exit 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode = EXIT.interrupted;
}

/** The machine, the disk or a process prevented the measurement, or what was measured is not reliable enough for what was asked. Exit 3. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError';
  readonly exitCode = EXIT.cannotMeasure;
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
