// In: the error of a module that was read. Out: the file and line of the module's code that it is about.
import { memberOfForeign } from './thrown.ts';

const MOST_CHARS = 20_000;
/** What Node puts before the stack of an error of syntax: the file and line alone. */
const HEAD = /^(?:file:\/\/)?(\/\S[^\n]*):(\d+)\n/;
const FRAME = /^\s+at (?:.*\()?(?:file:\/\/)?(\/[^()]+):(\d+):\d+\)?$/;

/** The same as an end of a sentence: ` (at /home/me/mine.ts:12)`, or nothing. */
export function placeText(error: unknown): string {
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
