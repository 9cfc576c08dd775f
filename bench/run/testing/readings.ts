// Readings of processes that have done nothing yet, for tests to add to, and a target that is never sent anything.
import type { ProcessReading } from '../../../results/model/process.ts';
import type { RelayReading } from '../../../servers/protocol.ts';
import type { SliceReading } from '../../protocol.ts';
import type { MeasuredTarget } from '../targets.ts';

export const STILL: ProcessReading = {
  atMs: 0,
  cpuUs: 0,
  loopActiveMs: 0,
  loopIdleMs: 0,
  runDelayMs: 0,
  rssBytes: 0,
};

export const STILL_RELAY: RelayReading = {
  ...STILL,
  connections: 0,
  openConnections: 0,
  refused: 0,
  inFlight: 0,
  toTargetBytes: 0,
  toClientBytes: 0,
  latenessCounts: [],
};

/** A slice of 100 ms in which nothing was asked. */
export const IDLE_SLICE: SliceReading = {
  atMs: 0,
  windowMs: 100,
  completed: 0,
  failed: 0,
  censored: 0,
  ended: 0,
  userMs: null,
  meanUs: 0,
  longestMs: 0,
  exchanges: 0,
  opened: 0,
  p50Us: null,
  p99Us: null,
  connectUs: null,
  tlsUs: null,
  before: STILL,
  after: STILL,
};

export const noTarget: MeasuredTarget = {
  endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
  isLoopback: true,
  isAlive: true,
  read: () => Promise.reject(new Error('there is no target in this test')),
  kill: async () => {},
};
