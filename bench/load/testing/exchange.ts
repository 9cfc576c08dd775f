// In: what a test wants to say of an exchange. Out: the whole record; what is not said is that of an instant good answer.
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
