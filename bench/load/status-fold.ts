// In: whole answers as clients tell them, and which statuses are good. Out: each judged, and how many there were of each status.
import type { Exchange } from '../contracts.ts';
import { type ExpectedStatus, expectedTable, STATUS_END } from '../core/statuses.ts';

export interface StatusFold {
  /** A client tells the status of an answer; whether that is a good one, the scenario says. */
  judge(exchange: Exchange): void;
  /** Of a recorded window. */
  add(exchange: Exchange): void;
  finish(): Record<string, number>;
}

const LEAST_STATUS = 100;

export function createStatusFold(expected: readonly ExpectedStatus[]): StatusFold {
  const isExpected = expectedTable(expected);
  /** By status; at 0 those that a client does not tell. */
  const counts = new Uint32Array(STATUS_END);
  return {
    judge(exchange) {
      const { status, outcome } = exchange;
      if (status === 0) return;
      if (outcome === 'ok' && isExpected[status] !== 1) {
        exchange.outcome = 'badStatus';
        exchange.error = `status ${status}`;
      } else if (outcome === 'badStatus' && isExpected[status] === 1) {
        // It threw on a status that is expected.
        exchange.outcome = 'ok';
        exchange.error = undefined;
      }
    },
    add({ status, outcome }) {
      if (outcome === 'ok' || outcome === 'badStatus') counts[status]!++;
    },
    finish() {
      return Object.fromEntries(
        [...counts.entries()].filter(([status, count]) => status >= LEAST_STATUS && count > 0),
      );
    },
  };
}
