// In: what an arm was asked and what it answered in its warm-up so far. Out: the rate to warm it up at next. Pure.
import type { CapacityLoad } from '../../scenarios/model/load.ts';

/** One warm-up window of a capacity search. */
export interface WarmUpWindow {
  askedPerSec: number;
  endedPerSec: number;
}

/** Of what was asked: an arm that answers as much has kept up. */
const KEPT_UP = 0.9;
const GROWTH = { unlimited: 2, limited: 1.25 } as const;
const RETREAT = 0.8;

/**
 * An arm whose capacity is not known yet can't be warmed up at a given rate: too low a one leaves it cold, too high a one
 * is an overload. So the rate doubles while the arm keeps up. Once it has not, the rate stays near what it answers, and
 * goes on in small steps: a cold process answers more after every window.
 */
export function warmUpPerSec(
  { minRatePerSec, maxRatePerSec }: Pick<CapacityLoad, 'minRatePerSec' | 'maxRatePerSec'>,
  windows: readonly WarmUpWindow[],
): number {
  const last = windows.at(-1);
  if (last === undefined) return minRatePerSec;
  const keptUp = ({ askedPerSec, endedPerSec }: WarmUpWindow) => endedPerSec >= KEPT_UP * askedPerSec;
  const growth = windows.every(keptUp) ? GROWTH.unlimited : GROWTH.limited;
  const wantedPerSec = keptUp(last) ? growth * last.askedPerSec : RETREAT * last.endedPerSec;
  return Math.min(maxRatePerSec, Math.max(minRatePerSec, wantedPerSec));
}
