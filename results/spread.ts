// How a client's requests and connections are spread over the backends of a target, and how long that takes after some are added.
import type { BackendGrowth, CompletedTrial } from './model/trial.ts';
import { sumOf } from './stats.ts';

/** What the backends had of something. */
export interface Shares {
  /** By backend, 0 to 1. */
  shares: readonly number[];
  /** The largest share over the mean; 1: all are equal. */
  busiestRatio: number;
}

export interface Spread {
  /** Where backends were added, of the last second of the window; otherwise of all requests, warm-up included. */
  requests: Shares;
  /** Connections opened, warm-up included. */
  connections: Shares;
  /** Time from which on the backends had even shares, after some were added: null: not within the window; undefined: none were. */
  evenAfterMs?: number | null;
}

/** The busiest has at most a quarter more than the mean. */
export const EVEN_RATIO = 1.25;
/** Time over which the shares of requests are taken. */
export const SHARE_MS = 1_000;

/** null without requests, or for a single backend. */
export function spreadOf({
  trial,
  measurement,
}: Pick<CompletedTrial, 'trial' | 'measurement'>): Spread | null {
  const { backends, slices } = measurement;
  if (backends === null) return null;
  const connections = sharesOf(backends.accepted);
  const { backends: setting } = trial.target;
  if (backends.growth === null || typeof setting === 'number') {
    const requests = sharesOf(backends.requests);
    return requests === null || connections === null ? null : { requests, connections };
  }
  const untilMs = sumOf(slices, ({ windowMs }) => windowMs) - setting.afterMs;
  const windows = shareWindows(backends.growth, untilMs);
  const requests = windows.at(-1)?.shares ?? null;
  if (requests === null || connections === null) return null;
  return { requests, connections, evenAfterMs: evenAfterMs(windows) };
}

/** null where there is nothing to share. */
export function sharesOf(counts: readonly number[]): Shares | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  return {
    shares: counts.map(count => count / total),
    busiestRatio: (Math.max(...counts) * counts.length) / total,
  };
}

interface ShareWindow {
  /** When it begins and ends, after the backends were added. */
  fromMs: number;
  toMs: number;
  shares: Shares | null;
}

/** The shares of each second that ends with a snapshot. */
function shareWindows({ snapshots }: BackendGrowth, untilMs: number): ShareWindow[] {
  const within = snapshots.filter(({ afterMs }) => afterMs <= untilMs);
  return within.flatMap((end, index) => {
    const start = within.slice(0, index).findLast(({ afterMs }) => end.afterMs - afterMs >= SHARE_MS);
    if (start === undefined) return [];
    const counts = end.requests.map((count, backend) => count - start.requests[backend]!);
    return [{ fromMs: start.afterMs, toMs: end.afterMs, shares: sharesOf(counts) }];
  });
}

/** The start of the first second from which on every second is even; null if the last one is not. */
function evenAfterMs(windows: readonly ShareWindow[]): number | null {
  const isEven = ({ shares }: ShareWindow): boolean => shares !== null && shares.busiestRatio <= EVEN_RATIO;
  const lastUneven = windows.findLastIndex(window => !isEven(window));
  return windows[lastUneven + 1]?.fromMs ?? null;
}
