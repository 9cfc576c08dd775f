// In: a distribution of service times and seeded dice. Out: draws from it, and the same as whole milliseconds for timers.
import { randomExponential, randomLogNormal, randomUniform } from 'd3-random';
import type { Random } from '../results/random.ts';

/** How long an answer takes. The mean of the lognormal is meanMs itself; sigma is the spread of its logarithm. */
export type ServiceTime =
  | { distribution: 'constant'; meanMs: number }
  | { distribution: 'uniform'; minMs: number; maxMs: number }
  | { distribution: 'exponential'; meanMs: number }
  | { distribution: 'lognormal'; meanMs: number; sigma: number };

/** Expected value in ms. */
export function meanServiceTimeMs(time: ServiceTime): number {
  return time.distribution === 'uniform' ? (time.minMs + time.maxMs) / 2 : time.meanMs;
}

/**
 * A source of service times in ms, fractions included. The lognormal's mu is ln(mean) - sigma^2 / 2. A mean of 0 gives 0
 * throughout, by way of the infinities.
 */
export function createServiceTimeSampler(time: ServiceTime, random: Random): () => number {
  switch (time.distribution) {
    case 'constant':
      return () => time.meanMs;
    case 'uniform':
      return randomUniform.source(random)(time.minMs, time.maxMs);
    case 'exponential':
      return randomExponential.source(random)(1 / time.meanMs);
    case 'lognormal':
      return randomLogNormal.source(random)(Math.log(time.meanMs) - time.sigma ** 2 / 2, time.sigma);
    default:
      return time satisfies never;
  }
}

/**
 * The same draws as whole milliseconds, which is all a timer can do. What rounding leaves over is carried to the next
 * draw, so the sum of n results is within 1 ms of the sum of n draws: the mean is right even far below 1 ms (a constant
 * 0.25 ms is 0, 0, 0, 1, ...). A single result is up to 1 ms off its draw, so quantiles below a few ms are coarse.
 */
export function createWholeMsSampler(sample: () => number): () => number {
  let carriedMs = 0;
  return () => {
    const wantedMs = sample() + carriedMs;
    const wholeMs = Math.floor(wantedMs);
    carriedMs = wantedMs - wholeMs;
    return wholeMs;
  };
}
