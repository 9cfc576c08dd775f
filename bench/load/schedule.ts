// Schedules of open loads: when each request of a slice is due, from a rate or bursts. Pure: numbers and randomness, no clock.
import { randomExponential } from 'd3-random';
import type { Random } from '../../results/random.ts';
import type { OpenLoad } from '../../scenarios/model/load.ts';

/** Each call returns when the next request is due, ms since the start of the slice. Endless. */
export type Schedule = () => number;

/** When the n-th request (from 0) is due, ms: equally spaced, starting at 0. Not accumulated, so rounding errors do not grow. */
export function constantDueMs(n: number, ratePerSec: number): number {
  return (n * 1_000) / ratePerSec;
}

/** When the n-th request (from 0) is due, ms: `size` requests at once, the first burst at 0. */
export function burstDueMs(n: number, { size, everyMs }: { size: number; everyMs: number }): number {
  return Math.floor(n / size) * everyMs;
}

/**
 * A schedule at a rate. Constant: from `offsetMs` on. Poisson: exponential gaps, also before the first request, as if many independent
 * users sent them.
 */
export function rateSchedule(
  arrivals: OpenLoad['arrivals'],
  ratePerSec: number,
  random: Random,
  offsetMs = 0,
): Schedule {
  switch (arrivals) {
    case 'constant': {
      let n = 0;
      return () => offsetMs + constantDueMs(n++, ratePerSec);
    }
    case 'poisson': {
      const gapMs = randomExponential.source(random)(ratePerSec / 1_000);
      let dueMs = 0;
      return () => {
        dueMs += gapMs();
        return dueMs;
      };
    }
    default:
      return arrivals satisfies never;
  }
}

export function burstSchedule(bursts: { size: number; everyMs: number }): Schedule {
  let n = 0;
  return () => burstDueMs(n++, bursts);
}
