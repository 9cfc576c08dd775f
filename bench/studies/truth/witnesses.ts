// In: what witnesses wrote down. Out: the figures of it, worked out without any code of conntax's own statistics.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Slice } from '../../core/types.ts';
import { PLAIN_SERVER, type Seen, type ServerMessage, type ServerOrder } from './protocol.ts';

const exec = promisify(execFile);

export interface Server {
  url: string;
  read(): Promise<Seen[]>;
  /** Connections, those included on which nothing was asked. */
  accepted(): Promise<number>;
  close(): void;
}

async function message<T extends ServerMessage['type']>(
  child: ChildProcess,
  type: T,
): Promise<Extract<ServerMessage, { type: T }>> {
  const [told] = (await once(child, 'message')) as [ServerMessage];
  if (told.type !== type) throw new Error(`expected: ${type}, the server said ${told.type}`);
  return told as Extract<ServerMessage, { type: T }>;
}

export async function startServer(order: Partial<ServerOrder>): Promise<Server> {
  const file = new URL('./logging-server.ts', import.meta.url);
  const child = fork(file, [JSON.stringify({ ...PLAIN_SERVER, ...order })]);
  const { port } = await message(child, 'listening');
  return {
    url: `http://127.0.0.1:${port}/`,
    async read() {
      child.send('read');
      return (await message(child, 'log')).requests;
    },
    async accepted() {
      child.send('read');
      return (await message(child, 'log')).accepted;
    },
    close: () => void child.kill('SIGKILL'),
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
 * connection. Where no request was in flight, the load was resting.
 */
export function cyclesOf(log: readonly Seen[]): Seen[] {
  const cycles: Seen[] = [];
  const last = new Map<number, { seen: Seen; turn: number }>();
  let turn = 0;
  let busyUntilMs = -Infinity;
  for (const seen of log.toSorted((a, b) => a.startMs - b.startMs)) {
    if (seen.startMs > busyUntilMs) turn++;
    busyUntilMs = Math.max(busyUntilMs, seen.startMs + seen.tookMs);
    const before = last.get(seen.connection);
    if (before?.turn === turn) {
      cycles.push({ ...before.seen, tookMs: seen.startMs - before.seen.startMs });
    }
    last.set(seen.connection, { seen, turn });
  }
  return cycles;
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

/** hey and wrk, run by hand for so many seconds: what they print. */
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
        meanMs: read(/Latency\s+([\d.]+)(us|ms|s)/),
        p50Ms: read(/50%\s+([\d.]+)(us|ms|s)/),
        p99Ms: read(/99%\s+([\d.]+)(us|ms|s)/),
      };
}
