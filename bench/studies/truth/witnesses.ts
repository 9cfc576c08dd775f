// What witnesses are asked for and write down, and the figures that follow from it, worked out without any of conntax's own statistics.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { Slice } from '../../../results/model/trial.ts';
import { readKernelCounts } from '../../probes/kernel.ts';
import { spawnChild } from '../../run/child.ts';

/** How the server answers; times in ms. */
export interface ServerOrder {
  /** With TLS, HTTP/2 is offered as well as HTTP/1.1. */
  isTls: boolean;
  status: number;
  meanMs: number;
  /** Of a lognormal service time; 0: always the mean. */
  sigma: number;
  /** Requests per 1,000 that take `slowMs`. */
  slowPerMille: number;
  slowMs: number;
  /** Whether slow requests come at equal distances: their share is then the same in every run. */
  isRegular: boolean;
  /** Requests per 1,000 that are never answered. */
  silentPerMille: number;
  /** Requests per 1,000 that are answered with 503. */
  badPerMille: number;
  /** Whether only requests with `odd` in their query are ever slow, silent or bad: two clients of one server then differ. */
  isOddOnly: boolean;
  /** The whole server stands still for `stopMs` once in `everyMs`; 0: never. */
  stopMs: number;
  everyMs: number;
  /** Requests above this rate are answered with 429 once `limitBurst` of them have come; 0: no limit. */
  limitPerSec: number;
  limitBurst: number;
  /** What it does to every connection after the first, which asks whether the server is there. */
  breaks: 'never' | 'reset' | 'garbage';
}

const PLAIN_SERVER: ServerOrder = {
  isTls: false,
  status: 200,
  meanMs: 50,
  sigma: 0,
  slowPerMille: 0,
  slowMs: 0,
  isRegular: false,
  silentPerMille: 0,
  badPerMille: 0,
  isOddOnly: false,
  stopMs: 0,
  everyMs: 0,
  limitPerSec: 0,
  limitBurst: 0,
  breaks: 'never',
};

/** One request as a witness saw it. */
export interface Seen {
  /** By the wall clock, ms with fractions. */
  startMs: number;
  tookMs: number;
  /** Number of its connection, by the server only. */
  connection: number;
  /** 0: no answer. */
  status: number;
  /** Query of the request, by the server only: which client sent it. */
  query: string;
}

export type ServerCommand =
  | { type: 'start'; order: ServerOrder }
  /** Answered by `log`. */
  | { type: 'read' };

export type ServerReply =
  | { type: 'listening'; protocol: number; port: number; certPem: string | undefined }
  | { type: 'log'; requests: Seen[]; accepted: number };

// Connections by the kernel's own count, in a network namespace that holds nothing but the study.

const INSIDE = 'CONNTAX_TRUTH_NAMESPACE';
const ENTER = ['--net', '--', process.execPath];

/** Whether the counters of this process's namespace are those of the study alone. */
export const isAlone = process.env[INSIDE] !== undefined;

/**
 * Runs this program again in a namespace of its own, where that is allowed (it takes root, `unshare` and `ip`).
 *
 * @returns its exit status; undefined where there is no namespace to be had, or this is the program inside of it
 */
export function runAlone(): number | undefined {
  if (isAlone) {
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    return undefined;
  }
  const isAllowed =
    spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' }).status === 0;
  if (!isAllowed) return undefined;
  const { status } = spawnSync('unshare', [...ENTER, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  return status ?? 1;
}

/** Connections that the kernel has accepted while `use` ran; undefined where other programs may have been among them. */
export async function countAccepted<T>(
  use: () => Promise<T>,
): Promise<{ result: T; accepted: number | undefined }> {
  const before = readKernelCounts().passiveOpens;
  const result = await use();
  return { result, accepted: isAlone ? readKernelCounts().passiveOpens - before : undefined };
}

const exec = promisify(execFile);

export interface Server {
  url: string;
  /** Of a server with TLS. */
  caPem: string | undefined;
  read(): Promise<Seen[]>;
  /** Connections, those included on which nothing was asked. */
  accepted(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

const READ_TIMEOUT_MS = 20_000;

export async function startServer(order: Partial<ServerOrder>): Promise<Server> {
  const child = spawnChild<ServerCommand, ServerReply>({
    title: 'the logging server',
    entry: '../studies/truth/logging-server',
    cpu: null,
  });
  const complete = { ...PLAIN_SERVER, ...order };
  const { port, certPem } = await child.start({ type: 'start', order: complete }, 'listening');
  const read = () => child.ask({ type: 'read' }, 'log', READ_TIMEOUT_MS);
  return {
    url: `${certPem === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`,
    caPem: certPem,
    read: async () => (await read()).requests,
    accepted: async () => (await read()).accepted,
    [Symbol.asyncDispose]: () => child.kill(),
  };
}

export interface Figures {
  count: number;
  meanMs: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
}

/** By sorting: the value that the share of all, rounded up, does not exceed. */
export function figuresOf(requests: readonly Seen[]): Figures {
  const times = requests.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const at = (share: number): number => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? Number.NaN;
  const meanMs = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  return { count: times.length, meanMs, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
}

/**
 * From one request to the next on the same connection, as the server saw it: what a user of a closed load waits who keeps its
 * connection. The last request before a rest of the load (no request was in flight) has no next one; left out, the slow ones
 * would be missing, so it has what the server took, and the median of what the others took beyond that.
 */
export function cyclesOf(log: readonly Seen[]): Seen[] {
  const cycles: Seen[] = [];
  const last = new Map<number, Seen>();
  const ends: Seen[] = [];
  let busyUntilMs = -Infinity;
  for (const seen of log.toSorted((a, b) => a.startMs - b.startMs)) {
    if (seen.startMs > busyUntilMs) {
      ends.push(...last.values());
      last.clear();
    }
    busyUntilMs = Math.max(busyUntilMs, seen.startMs + seen.tookMs);
    const before = last.get(seen.connection);
    if (before !== undefined) cycles.push({ ...before, tookMs: seen.startMs - before.startMs });
    last.set(seen.connection, seen);
  }
  ends.push(...last.values());
  if (cycles.length === 0) return [];
  const servedMs = new Map(log.map(seen => [seen.startMs, seen.tookMs]));
  const beyond = cycles
    .map(({ startMs, tookMs }) => tookMs - servedMs.get(startMs)!)
    .toSorted((a, b) => a - b);
  const beyondMs = beyond[Math.floor(beyond.length / 2)]!;
  return [...cycles, ...ends.map(seen => ({ ...seen, tookMs: seen.tookMs + beyondMs }))];
}

/**
 * Response times of requests that were due at equal distances: from when each was due, or went where that was a little earlier,
 * to its end. The schedule's start is where most requests were on time.
 */
export function fromSchedule(requests: readonly Seen[], ratePerSec: number): Seen[] {
  const gapMs = 1_000 / ratePerSec;
  const sorted = requests.toSorted((a, b) => a.startMs - b.startMs);
  const offsets = sorted.map(({ startMs }, index) => startMs - index * gapMs).toSorted((a, b) => a - b);
  const firstDueMs = offsets[Math.floor(offsets.length / 2)]!;
  return sorted.map((seen, index) => {
    const dueMs = Math.min(seen.startMs, firstDueMs + index * gapMs);
    return { ...seen, startMs: dueMs, tookMs: seen.startMs + seen.tookMs - dueMs };
  });
}

/**
 * Those that began in the windows of a trial. When its clock began is not known to a client's log: it is where the numbers of
 * requests in the windows agree best.
 *
 * @param picked what is wanted of the windows, where that is not the log itself
 */
export function inWindows(
  log: readonly Seen[],
  slices: readonly Slice[],
  picked = log,
): { found: Seen[]; offBy: number } {
  const sorted = log.toSorted((a, b) => a.startMs - b.startMs);
  const before = (ms: number): number => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.startMs < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const spanOf = ({ atMs, windowMs }: Slice, originMs: number): [number, number] => [
    before(originMs + atMs),
    before(originMs + atMs + windowMs),
  ];
  const offAt = (originMs: number): number =>
    slices.reduce((sum, slice) => {
      const [from, to] = spanOf(slice, originMs);
      return sum + Math.abs(to - from - slice.completed - slice.failed);
    }, 0);
  const startMs = sorted[0]?.startMs ?? 0;
  const firstMs = startMs - 5_000;
  let best = { originMs: firstMs, off: Infinity };
  for (let originMs = firstMs; originMs < firstMs + 10_000; originMs += 0.5) {
    const off = offAt(originMs);
    // Bursts look the same one later: of the like, the clock began about when the first request was sent.
    const isNearer = Math.abs(originMs - startMs) < Math.abs(best.originMs - startMs);
    if (off < best.off || (off === best.off && isNearer)) best = { originMs, off };
  }
  const isIn = ({ startMs }: Seen, { atMs, windowMs }: Slice): boolean =>
    startMs >= best.originMs + atMs && startMs < best.originMs + atMs + windowMs;
  return { found: picked.filter(seen => slices.some(slice => isIn(seen, slice))), offBy: best.off };
}

/** What hey and wrk print that are run by hand for a number of seconds. */
export async function byHand(
  tool: 'hey' | 'wrk',
  url: string,
  users: number,
  sec: number,
): Promise<Partial<Figures>> {
  const args =
    tool === 'hey'
      ? ['-z', `${sec}s`, '-c', `${users}`, url]
      : ['--latency', '-t', '1', '-c', `${users}`, '-d', `${sec}s`, url];
  const { stdout } = await exec(tool, args, { timeout: (sec + 20) * 1_000 });
  const read = (pattern: RegExp): number => {
    const [, value = 'NaN', unit] = pattern.exec(stdout) ?? [];
    return Number(value) * (unit === 'us' ? 0.001 : unit === 'ms' ? 1 : 1_000);
  };
  return tool === 'hey'
    ? {
        meanMs: read(/Average:\s+([\d.]+) secs/),
        p50Ms: read(/50% in ([\d.]+) secs/),
        p99Ms: read(/99% in ([\d.]+) secs/),
      }
    : {
        p50Ms: read(/50%\s+([\d.]+)(us|ms|s)/),
        p99Ms: read(/99%\s+([\d.]+)(us|ms|s)/),
      };
}
