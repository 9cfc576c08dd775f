// In: nothing. Out: the record of an exchange, for a load model to own and a transport to fill in; and what every client does to it.
import type { Exchange } from '../contracts.ts';

export function newExchange(): Exchange {
  return {
    intendedAtMs: Number.NaN,
    startedAtMs: Number.NaN,
    writtenAtMs: Number.NaN,
    headersAtMs: Number.NaN,
    endedAtMs: Number.NaN,
    bodyBytes: 0,
    status: 0,
    outcome: 'ok',
    error: undefined,
    idleMs: Number.NaN,
    abandon: undefined,
    transportState: undefined,
  };
}

/** Clears what the exchange before it has left in the record; the times that the load model sets stay. */
export function beginExchange(exchange: Exchange): void {
  exchange.writtenAtMs = Number.NaN;
  exchange.headersAtMs = Number.NaN;
  exchange.bodyBytes = 0;
  exchange.status = 0;
  exchange.outcome = 'ok';
  exchange.error = undefined;
}

/** Why a request that is given up at the end of a drain has failed. */
export function noAnswerText(drainMs: number): string {
  return `no answer within ${drainMs} ms after the end of its slice`;
}
