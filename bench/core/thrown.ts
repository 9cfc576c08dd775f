// In: whatever somebody else's code has thrown or answered. Out: what can be read of it: never a throw, never a text without end.

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
export function cutText(text: string, mostChars: number = MOST_TEXT_CHARS): string {
  const line = text
    .slice(0, mostChars)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .toWellFormed()
    .trim();
  return text.length > mostChars ? `${line}…` : line;
}

/** Its message, or what it is as a text. */
export function foreignText(value: unknown): string {
  const message = memberOfForeign(value, 'message');
  if (typeof message === 'string' && message.trim() !== '') return cutText(message);
  try {
    return cutText(String(value)) || 'no text';
  } catch {
    return `a value of type ${typeof value} that has no text`;
  }
}

/** The stack of an error, its lines kept, or else its text: for a reader who looks for the place. */
export function foreignStack(value: unknown, mostChars: number): string {
  const stack = memberOfForeign(value, 'stack');
  if (typeof stack !== 'string' || stack === '') return foreignText(value);
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
