// In: the requests of one window, as each comes to its end. Out: their counts, mean and longest time, and the users' time.
import type { Exchange } from '../contracts.ts';

export interface WindowFoldCounts {
  completed: number;
  failed: number;
  censored: number;
  ended: number;
  userMs: number | null;
  meanUs: number;
  /** Of those that ended. */
  longestMs: number;
}

type Paused = Pick<Exchange, 'idleMs'>;

/**
 * A user of a closed load is either waiting for an answer or pausing before the next request. The pause before each request
 * is measured, not taken from the scenario: timers are late, and a client may call back late. Of the first request of a
 * user there is no pause to measure, so it is given the mean of the others.
 */
export function createWindowFold() {
  let completed = 0;
  let failed = 0;
  let censored = 0;
  let ended = 0;
  let sumMs = 0;
  let longestMs = 0;
  let spentMs = 0;
  let idleMs = 0;
  let idleCount = 0;
  let began = 0;

  function addUserTime(spent: number, { idleMs: idle }: Paused): void {
    began++;
    spentMs += spent;
    if (Number.isNaN(idle)) return;
    idleMs += idle;
    idleCount++;
  }

  return {
    clear(): void {
      completed = failed = censored = ended = began = idleCount = 0;
      sumMs = longestMs = spentMs = idleMs = 0;
    },
    /** An exchange has ended within the window, whenever it began. */
    addEnded(): void {
      ended++;
    },
    addCompleted(responseMs: number, exchange: Exchange): void {
      completed++;
      sumMs += responseMs;
      if (responseMs > longestMs) longestMs = responseMs;
      addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
    },
    addFailed(responseMs: number, exchange: Exchange): void {
      failed++;
      if (responseMs > longestMs) longestMs = responseMs;
      addUserTime(exchange.endedAtMs - exchange.startedAtMs, exchange);
    },
    /** @param isFailure whether it counts as a request without an answer, not as one that was only cut short */
    addCensored(waitedMs: number, spent: number, exchange: Paused, isFailure: boolean): void {
      censored++;
      if (isFailure) failed++;
      sumMs += waitedMs;
      addUserTime(spent, exchange);
    },
    counts(): WindowFoldCounts {
      const timed = completed + censored;
      return {
        completed,
        failed,
        censored,
        ended,
        userMs: idleCount === 0 ? null : spentMs + (idleMs / idleCount) * began,
        meanUs: timed === 0 ? 0 : (sumMs / timed) * 1_000,
        longestMs,
      };
    },
  };
}
