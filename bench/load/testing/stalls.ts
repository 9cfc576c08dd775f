// A target that stalls at known times, behind a fake transport, and the times that a schedule must see there.
import type { FakeTransport } from './fake-transport.ts';

export interface Stalls {
  serviceMs: number;
  everyMs: number;
  stallMs: number;
}

function isStalled({ everyMs, stallMs }: Stalls, atMs: number): boolean {
  return atMs % everyMs >= everyMs - stallMs;
}

/** Answers, at this moment, whatever was begun long enough ago; nothing in a stall. To be called at every millisecond. */
export function answerDone(transport: FakeTransport, stalls: Stalls, nowMs: number): void {
  if (isStalled(stalls, nowMs)) return;
  for (const exchange of transport.inFlight) {
    if (nowMs - exchange.startedAtMs >= stalls.serviceMs) transport.answer(exchange);
  }
}

/** When what began then is answered. */
export function endOf(stalls: Stalls, startedAtMs: number): number {
  const readyAtMs = startedAtMs + stalls.serviceMs;
  return isStalled(stalls, readyAtMs)
    ? Math.ceil((readyAtMs + 1) / stalls.everyMs) * stalls.everyMs
    : readyAtMs;
}

/**
 * What the requests of a schedule meet, worked out request by request: each begins when it is due or when the first of
 * `places` is free, whichever is later. Times in ms from the same zero as the stalls.
 */
export function expectedTimes(dueMs: readonly number[], places: number, stalls: Stalls) {
  const freeAtMs: number[] = Array.from({ length: places }, () => 0);
  return dueMs.map(due => {
    const place = freeAtMs.indexOf(Math.min(...freeAtMs));
    const startedAtMs = Math.max(due, freeAtMs[place]!);
    const endedAtMs = endOf(stalls, startedAtMs);
    freeAtMs[place] = endedAtMs;
    return { responseMs: endedAtMs - due, serviceMs: endedAtMs - startedAtMs };
  });
}
