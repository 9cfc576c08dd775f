// In: what a relay does. Out: its counters.
import { LATENESS_BIN_COUNT, latenessBin, type RelayCounters } from '../../bench/core/link-protocol.ts';

export interface DirectionMeter {
  /** Bytes were written, so much after they were due; NaN when they had to wait for their reader. */
  countWrite(bytes: number, lateMs: number): void;
}

export interface Meter {
  readonly toTarget: DirectionMeter;
  readonly toClient: DirectionMeter;
  countOpened(): void;
  countRefused(): void;
  countClosed(): void;
  read(): Omit<RelayCounters, 'inFlight'>;
}

export function createMeter(): Meter {
  /** Node keeps a plain array of small integers as such: counting in it costs no more than in a typed one. */
  const latenessCounts = new Array<number>(LATENESS_BIN_COUNT).fill(0);
  const bytes = { toTarget: 0, toClient: 0 };
  let connections = 0;
  let openConnections = 0;
  let refused = 0;

  function meterDirection(way: 'toTarget' | 'toClient'): DirectionMeter {
    return {
      countWrite(count, lateMs) {
        bytes[way] += count;
        if (!Number.isNaN(lateMs)) latenessCounts[latenessBin(lateMs)]!++;
      },
    };
  }

  return {
    toTarget: meterDirection('toTarget'),
    toClient: meterDirection('toClient'),
    countOpened() {
      connections++;
      openConnections++;
    },
    countRefused() {
      refused++;
    },
    countClosed() {
      openConnections--;
    },
    read: () => ({
      connections,
      openConnections,
      refused,
      toTargetBytes: bytes.toTarget,
      toClientBytes: bytes.toClient,
      latenessCounts: latenessCounts.slice(0, latenessCounts.findLastIndex(count => count > 0) + 1),
    }),
  };
}
