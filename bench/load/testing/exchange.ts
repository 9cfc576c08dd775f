// An exchange record for tests: an instant successful exchange, except for the stated fields.
import { type Exchange, newExchange } from '../../contracts.ts';

export function makeExchange(stated: Partial<Exchange> = {}): Exchange {
  const startedAtMs = stated.startedAtMs ?? stated.intendedAtMs ?? 0;
  return {
    ...newExchange(),
    intendedAtMs: startedAtMs,
    startedAtMs,
    writtenAtMs: startedAtMs,
    headersAtMs: startedAtMs,
    endedAtMs: startedAtMs,
    ...stated,
  };
}
