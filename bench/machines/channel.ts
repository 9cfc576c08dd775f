// What the run and the agent on another machine say to each other, over the standard streams of the command that reaches it: a message
// per line, as JSON.

import type { Readable, Writable } from 'node:stream';
import { type BirpcReturn, createBirpc } from 'birpc';
import { errorMessage } from '../../results/errors.ts';
import type { ProcessReading } from '../../results/model/process.ts';
import type { Host, Run } from '../../results/model/run.ts';
import type { KernelCounts } from '../../results/model/trial.ts';

/** What a machine is, and whose code it runs. */
export interface Identity {
  /** Version of the messages between processes. */
  protocol: number;
  /** Version of conntax. */
  conntax: string;
  /** Digest of conntax's code. */
  codeDigest: string;
  git: Run['git'];
  /** Versions of what sends the load. */
  libraries: Record<string, string>;
  host: Host;
  /** The same on machines that are one: of the boot, and of the network namespace; null where the system does not show it. */
  bootId: string | null;
  network: string | null;
}

/** Processes of conntax that an agent starts. */
export const ENTRIES = {
  generator: './generator-child',
  target: '../../servers/target-child',
} as const;

export interface SpawnRequest {
  /** Chosen by the run. */
  id: number;
  entry: keyof typeof ENTRIES;
  /** Its name in messages. */
  title: string;
  cpu: number | null;
  niceness: number;
  /** Secrets of the scenario's requests: they pass in messages only, never in a command line. */
  env: Record<string, string>;
}

/** What the agent does for the run. */
export interface AgentCalls {
  hello(): Promise<Identity>;
  /** Its monotonic clock (`monotonicMs`). */
  clockMs(): number;
  /** SHA-256 of each file; null: it cannot be read. */
  digests(paths: readonly string[]): (string | null)[];
  /** Its IPv4 addresses, if a server cannot listen on this one; null: it can. */
  addressesInstead(address: string): Promise<string[] | null>;
  /** Counters of its network namespace. */
  kernelCounts(): KernelCounts;
  /** The same, and what the processes that listen on a port have used; null where they cannot be seen. */
  readServer(port: number): ServerCounts;
  spawn(request: SpawnRequest): void;
  tell(id: number, command: unknown): void;
  kill(id: number): void;
}

export interface ServerCounts {
  kernel: KernelCounts;
  usage: ProcessReading | null;
}

/** What the run hears of the agent's processes. */
export interface RunCalls {
  said(id: number, reply: unknown): void;
  wrote(id: number, text: string): void;
  died(id: number, message: string): void;
  gone(id: number): void;
}

/** Calls without an answer. */
export type AgentEvent = 'spawn' | 'tell' | 'kill';

/** Far more than the histograms of a trial: only something else than an agent writes such a line. */
const MAX_LINE_CHARS = 64 * 2 ** 20;

/** Calls back with each line of a stream, and once where one is longer than a message can be. */
export function readLines(
  input: Readable,
  onLine: (line: string) => void,
  { mostChars = MAX_LINE_CHARS, onTooLong }: { mostChars?: number; onTooLong: () => void },
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

interface ChannelOptions<Calls extends object> {
  input: Readable;
  output: Writable;
  /** What the other side may call. */
  calls: Calls;
  /** A line that is not a message, such as what a login shell prints. */
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
