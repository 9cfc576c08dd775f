// Messages between the parent and its target and relay processes. They never go over the measured port.
import type { ProcessReading } from '../results/model/trial.ts';
import type { Link, Target } from '../scenarios/model/target.ts';

// What the parent and the link's relay say to each other over the process channel, and how the relay tells its lateness.

export type RelayCommand =
  | { type: 'start'; upstreamPort: number; link: Link; seed: number }
  /** Answered by `reading`. */
  | { type: 'read' };

/** The relay's own counters, cumulative since its start but for openConnections and inFlight. */
export interface RelayCounters {
  /** Connections accepted. */
  connections: number;
  openConnections: number;
  /** Connections that the target did not take. */
  refused: number;
  /** Things under way: bytes, ends and handshakes whose time has not come yet. 0: all has arrived that was sent. */
  inFlight: number;
  toTargetBytes: number;
  toClientBytes: number;
  /**
   * How late chunks were written, counted in bins; it may be cut short behind the last bin that holds anything. Bin 0 is
   * LATENESS_FIRST_MS and below, each next one LATENESS_BIN_MS wide, the last holds all that is later.
   */
  latenessCounts: number[];
}

export interface RelayReading extends ProcessReading, RelayCounters {}

export type RelayReply =
  | { type: 'started'; port: number }
  | { type: 'reading'; reading: RelayReading }
  | { type: 'failed'; message: string };

export const LATENESS_BIN_MS = 0.1;
/** Chunks are written up to a tenth of a millisecond before they are due, to be right on average. */
export const LATENESS_FIRST_MS = -0.5;
export const LATENESS_BIN_COUNT = 1_000;

/** Which bin a lateness belongs to. */
export function latenessBin(lateMs: number): number {
  const bin = Math.ceil((lateMs - LATENESS_FIRST_MS) / LATENESS_BIN_MS);
  return bin > 0 ? Math.min(bin, LATENESS_BIN_COUNT - 1) : 0;
}

/**
 * The lateness in ms that a share `q` (0 to 1) of the chunks did not exceed, to the upper edge of its bin; 0 when there
 * were none. The last bin has no upper edge: its value means that or more.
 */
export function latenessQuantileMs(counts: readonly number[], q: number): number {
  let left = Math.max(1, Math.ceil(q * counts.reduce((sum, count) => sum + count, 0)));
  const bin = counts.findIndex(count => {
    left -= count;
    return left <= 0;
  });
  return bin === -1 ? 0 : LATENESS_FIRST_MS + bin * LATENESS_BIN_MS;
}

/** What was counted between two readings. */
export function latenessSince(before: readonly number[], after: readonly number[]): number[] {
  return after.map((count, bin) => count - (before[bin] ?? 0));
}

/**
 * Of these messages and of what they mean: raised with each change, so that a child that runs the code of another checkout is
 * refused instead of measured by other rules.
 */
export const PROTOCOL_VERSION = 3;

export type TargetCommand =
  | { type: 'start'; target: Target; seed: number }
  /** Answered by `reading`. */
  | { type: 'read' }
  | { type: 'stop' };

/** The target's own counters, cumulative since its start. */
export interface TargetReading extends ProcessReading {
  accepted: number;
  requests: number;
  openConnections: number;
  handshakesFull: number;
  handshakesResumed: number;
  /** Of the connections whose handshake is complete, those that speak HTTP/2. */
  acceptedHttp2: number;
  /** Closed connections by how many requests they carried; counts above 64 rounded to 2 digits. */
  requestsPerConnection: { requests: number; connections: number }[];
}

export type TargetReply =
  /** serviceMs: what it takes to answer on average, by what it was told to do. */
  | { type: 'started'; protocol: number; endpoint: Endpoint; serviceMs: number }
  | { type: 'reading'; reading: TargetReading }
  | { type: 'failed'; message: string };

/** Where a target listens. */
export interface Endpoint {
  /** Origin, such as `https://127.0.0.1:40123`. */
  origin: string;
  /** Path and query of every request, such as `/`. */
  path: string;
  /** Certificate authority to trust, PEM; absent without TLS, and where those of the system are to be trusted. */
  caPem?: string;
  /** Of an origin with a name: the address that the name was found to stand for, and that load has to go to. */
  address?: string;
}
