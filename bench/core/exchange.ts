// In: nothing. Out: the empty record of an exchange, for a load model to own and a transport to fill in.
import type { Exchange } from './contracts.ts';

export function newExchange(): Exchange {
  return {
    intendedAtMs: Number.NaN,
    startedAtMs: Number.NaN,
    writtenAtMs: Number.NaN,
    headersAtMs: Number.NaN,
    endedAtMs: Number.NaN,
    bodyBytes: 0,
    outcome: 'ok',
    error: undefined,
    abandon: undefined,
    transportState: undefined,
  };
}
