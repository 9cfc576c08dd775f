// The warm-up of an arm: how long its windows are, at which rate it is loaded, and when it is warm.
import { meanOf } from '../../results/stats.ts';
import { type CapacityLoad, type Load, WARM_UP_FIGURES } from '../../scenarios/model/load.ts';
import type { SliceReading } from '../protocol.ts';
import { endedPerSec } from './capacity-search.ts';
import { DRAIN_RESPONSES } from './slice-shape.ts';

/** Length of the window of a warm-up slice. */
export const WARMUP_WINDOW_MS = 250;
/** A longer request of the warm-up is abandoned: nothing of the warm-up is recorded. */
const WARMUP_DRAIN_MS = 1_000;

/** The drain of a warm-up window. */
export function warmUpDrainMs(meanMs: number): number {
  return Math.ceil(Math.max(WARMUP_DRAIN_MS, DRAIN_RESPONSES * meanMs));
}

/**
 * The speed that rises while an arm warms up. In a closed load it is requests per CPU time of the generator: that rises until its
 * code is compiled, and a neighbour on the machine disturbs it less than the rate. If the load sets the rate, only response
 * times can show it: a process that is mostly idle uses CPU time for other things.
 */
export function speedOf(reading: SliceReading, { model }: Load): number {
  const figure = WARM_UP_FIGURES[model];
  switch (figure) {
    case 'CPU time per request': {
      const cpuUs = reading.after.cpuUs - reading.before.cpuUs;
      if (cpuUs > 0) return reading.completed === 0 ? 0 : reading.exchanges / cpuUs;
      return reading.windowMs === 0 ? 0 : reading.completed / reading.windowMs;
    }
    case 'rate':
      return endedPerSec(reading);
    case 'response time':
      return reading.meanUs === 0 ? 0 : 1 / reading.meanUs;
    default:
      return figure satisfies never;
  }
}

const STEADY_RISE_RATIO = 1.03;

/**
 * Whether an arm has stopped getting faster: the mean speed of the last two warm-up windows is at most 3 % above that of
 * the two before. A falling speed counts as steady: the machine slows down, but the arm no longer warms up.
 *
 * @param speeds of successive windows, oldest first; fewer than four, or a last one of 0, is not steady
 */
export function isSteady(speeds: readonly number[]): boolean {
  if (speeds.length < 4 || speeds.at(-1) === 0) return false;
  const before = meanOf(speeds.slice(-4, -2));
  const last = meanOf(speeds.slice(-2));
  return last <= before * STEADY_RISE_RATIO;
}

/** One warm-up window of a capacity search. */
export interface WarmUpWindow {
  askedPerSec: number;
  endedPerSec: number;
}

/** An arm that completes this share of the requested rate has kept up. */
const KEPT_UP = 0.9;
const GROWTH = { unlimited: 2, limited: 1.25 } as const;
const RETREAT = 0.8;

/**
 * The next rate to warm an arm up at. Its capacity is still unknown: too low a rate leaves it cold, too high a rate
 * overloads it. So the rate doubles while the arm keeps up. After that it stays near the completed rate and
 * grows in small steps, because a cold process completes more in every window.
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
