// In: what a test wants to say of an exchange. Out: the whole record; what is not said is that of an instant good answer.
import type { Exchange } from '../../core/contracts.ts';

export function makeExchange(stated: Partial<Exchange> = {}): Exchange {
  const startedAtMs = stated.startedAtMs ?? stated.intendedAtMs ?? 0;
  return {
    intendedAtMs: startedAtMs,
    startedAtMs,
    writtenAtMs: startedAtMs,
    headersAtMs: startedAtMs,
    endedAtMs: startedAtMs,
    bodyBytes: 0,
    outcome: 'ok',
    error: undefined,
    abandon: undefined,
    transportState: undefined,
    ...stated,
  };
}
