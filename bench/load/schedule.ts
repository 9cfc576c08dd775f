// In: a rate, or the size and pace of bursts. Out: when each request of a slice is due. Pure: numbers and dice, no clock.
import { randomExponential } from 'd3-random';
import type { Random } from '../../results/random.ts';
import type { OpenLoad } from '../../scenarios/model/load.ts';

/** Each call gives the time at which the next request is due, ms since the start of the slice. It has no end. */
export type Schedule = () => number;

/** When the n-th request (from 0) is due, ms: equally spaced from 0 on. Not summed up, so that no error grows. */
export function constantDueMs(n: number, ratePerSec: number): number {
  return (n * 1_000) / ratePerSec;
}

/** When the n-th request (from 0) is due, ms: `size` at once, the first of them at 0. */
export function burstDueMs(n: number, { size, everyMs }: { size: number; everyMs: number }): number {
  return Math.floor(n / size) * everyMs;
}

/** At a rate. Poisson: exponential gaps, as when many users come independently of each other; also before the first. */
export function rateSchedule(arrivals: OpenLoad['arrivals'], ratePerSec: number, random: Random): Schedule {
  switch (arrivals) {
    case 'constant': {
      let n = 0;
      return () => constantDueMs(n++, ratePerSec);
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
