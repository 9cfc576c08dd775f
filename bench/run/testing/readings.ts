// Out: what processes say of themselves that have done nothing yet, for tests to add to.
import type { RelayReading } from '../../core/link-protocol.ts';
import type { ProcessReading } from '../../core/protocol.ts';

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
