// Calls between two processes over a pair of streams: a message per line, as JSON.
import type { Readable, Writable } from 'node:stream';
import { type BirpcReturn, createBirpc } from 'birpc';
import { errorMessage } from '../../results/errors.ts';

/** Far more than the histograms of a trial: only something else than an agent writes such a line. */
const MOST_LINE_CHARS = 64 * 2 ** 20;

/** Calls back with each line of a stream, and once where one is longer than a message can be. */
export function readLines(
  input: Readable,
  onLine: (line: string) => void,
  { mostChars = MOST_LINE_CHARS, onTooLong }: { mostChars?: number; onTooLong: () => void },
): void {
  let parts: string[] = [];
  let chars = 0;
  input.setEncoding('utf8').on('data', (text: string) => {
    const [first = '', ...lines] = text.split('\n');
    parts.push(first);
    chars += first.length;
    for (const line of lines) {
      onLine(parts.join(''));
      parts = [line];
      chars = line.length;
    }
    if (chars <= mostChars) return;
    parts = [];
    chars = 0;
    input.destroy();
    onTooLong();
  });
}

export interface ChannelOptions<Calls extends object> {
  input: Readable;
  output: Writable;
  /** What the other side may call. */
  calls: Calls;
  /** A line that is no message, such as what a login shell prints. */
  onNoise(line: string): void;
}

export type Channel<Remote extends object, Calls extends object> = BirpcReturn<Remote, Calls, false>;

/** Calls have no deadline of their own: who makes one sets it. */
export function openChannel<Remote extends object, Calls extends object>({
  input,
  output,
  calls,
  onNoise,
}: ChannelOptions<Calls>): Channel<Remote, Calls> {
  return createBirpc<Remote, Calls, false>(calls, {
    proxify: false,
    timeout: -1,
    bind: 'functions',
    serialize: message =>
      JSON.stringify(message, (_, value) => (value instanceof Error ? errorMessage(value) : value)),
    deserialize: JSON.parse,
    post: (line: string) => {
      // A stream that is closed also shows as the end of the other side.
      if (output.writable) output.write(`${line}\n`);
    },
    on: listener =>
      readLines(input, line => (isMessage(line) ? listener(line) : onNoise(line)), {
        onTooLong: () => onNoise('a line that is too long for a message'),
      }),
  });
}

function isMessage(line: string): boolean {
  if (!line.startsWith('{"')) return false;
  try {
    const { t: kind } = JSON.parse(line) as { t?: unknown };
    return kind === 'q' || kind === 's';
  } catch {
    return false;
  }
}
