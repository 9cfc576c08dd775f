// Messages between the parent and its target and relay processes. They never go over the measured port.
import type { ProcessReading } from '../results/model/process.ts';
import type { BackendGrowth } from '../results/model/trial.ts';
import type { Link, Target } from '../scenarios/model/target.ts';

/**
 * Version of these messages and their meaning. Increased with each change, so that a child from another checkout is
 * refused instead of measured by different rules.
 */
export const PROTOCOL_VERSION = 14;

export type RelayCommand =
  | { type: 'start'; upstreamPort: number; link: Link; seed: number }
  /** Answered by `reading`. */
  | { type: 'read' };

/** The relay's own counters, cumulative since its start except for openConnections and inFlight. */
export interface RelayCounters {
  /** Connections accepted. */
  connections: number;
  openConnections: number;
  /** Connections that the target refused. */
  refused: number;
  /** Chunks, ends and handshakes in flight; 0: everything sent has arrived. */
  inFlight: number;
  toTargetBytes: number;
  toClientBytes: number;
  /**
   * Lateness of written chunks, counted in bins; empty bins at the end may be omitted. Bin 0 is
   * LATENESS_FIRST_MS and below, each next one is LATENESS_BIN_MS wide, and the last one includes everything later.
   */
  latenessCounts: number[];
}

export interface RelayReading extends ProcessReading, RelayCounters {}

export type RelayReply =
  | { type: 'started'; protocol: number; port: number }
  | { type: 'reading'; reading: RelayReading }
  | { type: 'failed'; message: string };

export const LATENESS_BIN_MS = 0.1;
/** Chunks are written up to a tenth of a millisecond early, so that the mean error is zero. */
export const LATENESS_FIRST_MS = -0.5;
export const LATENESS_BIN_COUNT = 1_000;

/** The bin of a lateness. */
export function latenessBin(lateMs: number): number {
  const bin = Math.ceil((lateMs - LATENESS_FIRST_MS) / LATENESS_BIN_MS);
  return bin > 0 ? Math.min(bin, LATENESS_BIN_COUNT - 1) : 0;
}

/**
 * The lateness in ms that a share `q` (0 to 1) of the chunks did not exceed, as the upper edge of its bin; 0 without
 * chunks. The last bin has no upper edge: its value means that or more.
 */
export function latenessQuantileMs(counts: readonly number[], q: number): number {
  let left = Math.max(1, Math.ceil(q * counts.reduce((sum, count) => sum + count, 0)));
  const bin = counts.findIndex(count => {
    left -= count;
    return left <= 0;
  });
  return bin === -1 ? 0 : LATENESS_FIRST_MS + bin * LATENESS_BIN_MS;
}

/** Counts between two readings. */
export function latenessSince(before: readonly number[], after: readonly number[]): number[] {
  return after.map((count, bin) => count - (before[bin] ?? 0));
}

export type TargetCommand =
  /** address: IPv4 address that it listens on; absent: 127.0.0.1. */
  | { type: 'start'; target: Target; seed: number; address?: string }
  /** Answered by `reading`. */
  | { type: 'read' }
  /** Begins a profile; answered by `profiling`. */
  | { type: 'start-profile' }
  /** Ends it and writes its files; answered by `profiled`. */
  | { type: 'save-profile'; path: string }
  /**
   * Where something happens at a time of its own (backends are added, faults strike): a slice begins, whose measured window
   * begins after so long (null: it has none). Answered by `slice-started`.
   */
  | { type: 'start-slice'; windowAfterMs: number | null }
  | { type: 'stop' };

/** The target's own counters, cumulative since its start. */
export interface TargetReading extends ProcessReading {
  accepted: number;
  requests: number;
  openConnections: number;
  handshakesFull: number;
  handshakesResumed: number;
  /** Connections with a complete handshake that use HTTP/2. */
  acceptedHttp2: number;
  /** Closed connections by their number of requests; numbers above 64 are rounded to 2 digits. */
  requestsPerConnection: { requests: number; connections: number }[];
  /** By backend; a target without several is the only one. */
  backends: { accepted: number; requests: number }[];
  /** Since backends were added in this slice; null: none were. */
  growth: BackendGrowth | null;
  /** How often each of target.faults was injected, in their order. */
  faults: number[];
  /** Counters of each origin, in their order; absent where there is one. */
  origins?: Pick<TargetReading, 'accepted' | 'requests'>[];
}

export type TargetReply =
  /** serviceMs: mean service time by its configuration. */
  | { type: 'started'; protocol: number; endpoint: Endpoint; serviceMs: number }
  | { type: 'reading'; reading: TargetReading }
  | { type: 'profiling' }
  | { type: 'profiled' }
  | { type: 'slice-started' }
  | { type: 'failed'; message: string };

/** One address that requests go to. */
export interface Place {
  /** Origin, such as `https://127.0.0.1:40123`. */
  origin: string;
  /** Path and query of every request, such as `/`. */
  path: string;
  /** For an origin with a host name: its resolved address, which load must be sent to. Absent behind a proxy, which resolves it. */
  address?: string;
}

/** The address of a target; of one with several origins, that of the first. */
export interface Endpoint extends Place {
  /** All of several, in their order; absent where there is one. */
  origins?: Place[];
  /** Certificate authority to trust, as PEM; absent without TLS, or to trust the system's authorities. */
  caPem?: string;
  /** Unix socket that connections go to, in place of the origin's host and port. */
  socketPath?: string;
  /** HTTP proxy that connections go to, by its checked address; with its user and password, such as `http://me:pw@127.0.0.1:3128`. */
  proxyUrl?: string;
  /** What clients show to a server that asks for a certificate. */
  identity?: Identity;
  /** Whether any certificate of the server is accepted. */
  isUnverified?: boolean;
}

/** A client's certificate, with its chain, and its private key, not encrypted; both as PEM. */
export interface Identity {
  certPem: string;
  keyPem: string;
}
