// In: the records of a load model, one for each request that may be under way. Out: which are overdue, and the end of those.
import { type Exchange, newExchange } from '../contracts.ts';

/** How finely the deadline of an exchange is kept: a twentieth of it, within these bounds. */
const SWEEP_MS = { least: 5, most: 100 } as const;

/** Places of the records that are under way: a transport can give up those, and only those. */
export function underWay(records: readonly Exchange[]): number[] {
  return records.flatMap((record, place) => (record.abandon === undefined ? [] : [place]));
}

/**
 * Gives the exchange at that place up, and puts a fresh record there, which it returns: a late callback may still write
 * to the old one.
 */
export function giveUp(records: Exchange[], place: number): Exchange {
  const given = records[place]!;
  given.abandon?.();
  given.abandon = undefined;
  const fresh = newExchange();
  records[place] = fresh;
  return fresh;
}

/**
 * Ends what is under way for longer than `totalMs` as a timeout, and tells each ended exchange with its place, where it
 * is to be given up.
 */
export function expire(
  records: readonly Exchange[],
  nowMs: number,
  totalMs: number,
  onExpired: (exchange: Exchange, place: number) => void,
): void {
  const overdue = underWay(records).filter(place => nowMs - records[place]!.startedAtMs >= totalMs);
  for (const place of overdue) {
    const exchange = records[place]!;
    exchange.outcome = 'timeoutTotal';
    exchange.error = `no complete answer within totalMs = ${totalMs}`;
    exchange.endedAtMs = nowMs;
    onExpired(exchange, place);
  }
}

/** Calls often enough to keep a deadline of that length; undefined without one. To be cleared by the caller. */
export function startSweeper(
  totalMs: number | undefined,
  sweep: (nowMs: number, totalMs: number) => void,
): NodeJS.Timeout | undefined {
  if (totalMs === undefined) return undefined;
  const everyMs = Math.min(SWEEP_MS.most, Math.max(SWEEP_MS.least, totalMs / 20));
  return setInterval(() => sweep(performance.now(), totalMs), everyMs);
}
