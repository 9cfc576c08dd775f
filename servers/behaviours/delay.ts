// A target that answers after a service time from a distribution, and what other targets that wait before they answer share with it.
import { randomExponential, randomLogNormal, randomUniform } from 'd3-random';
import { z } from 'zod';
import type { Random } from '../../results/random.ts';
import type { BehaviourModule, Responder } from '../behaviour.ts';
import { createBodyResponder, jsonBytes } from './fixed.ts';

/**
 * A responder that answers after a delay. Each request has its own timer, so concurrent requests are served concurrently, even
 * on one connection. Whole milliseconds; 0 answers at once.
 */
export function delayedResponder(respond: Responder, nextMs: () => number): Responder {
  return response => {
    const waitMs = nextMs();
    if (waitMs === 0) {
      respond(response);
      return;
    }
    const timer = setTimeout(respond, waitMs, response);
    response.once('close', () => clearTimeout(timer));
  };
}

/** Distribution of the service time. The mean of the lognormal is meanMs itself; sigma is the spread of its logarithm. */
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
 * always, through the infinities.
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
 * The same draws in whole milliseconds, the resolution of timers. The rounding error is carried to the next
 * draw, so the sum of n results is within 1 ms of the sum of n draws, and the mean is right even far below 1 ms (a constant
 * 0.25 ms becomes 0, 0, 0, 1, ...). A single result is up to 1 ms off its draw, so quantiles below a few ms are coarse.
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

/** A setting with a service time. */
export const milliseconds = () => z.number().min(0).max(60_000);
const meanMs = milliseconds()
  .default(5)
  .describe('Mean service time; fractions of a ms are exact on average');

const shared = {
  name: z.literal('delay').describe('Every request is answered after a service time'),
  bytes: jsonBytes(),
};

const options = z.discriminatedUnion('distribution', [
  z.strictObject({
    ...shared,
    // Optional within the default, so that the union also selects this option if none is given.
    distribution: z.literal('constant').optional().default('constant').describe('Constant service time'),
    meanMs,
  }),
  z
    .strictObject({
      ...shared,
      distribution: z.literal('uniform').describe('Every time between two bounds is equally likely'),
      minMs: milliseconds().describe('Shortest service time'),
      maxMs: milliseconds().describe('Longest service time, at least minMs'),
    })
    .refine(({ minMs, maxMs }) => minMs <= maxMs, { path: ['maxMs'], error: 'must be at least minMs' }),
  z.strictObject({
    ...shared,
    distribution: z.literal('exponential').describe('Memoryless: many short times, few long ones'),
    meanMs,
  }),
  z.strictObject({
    ...shared,
    distribution: z.literal('lognormal').describe('A heavy tail, as services often have'),
    meanMs,
    sigma: z
      .number()
      .gt(0)
      .max(3)
      .default(0.5)
      .describe('Standard deviation of the logarithm: 0.5 puts p99 at 2.8 x the mean, 1 at 6.2 x'),
  }),
]);

/**
 * The draw is the service time of an unloaded target. Timers add an error: about 0.1 ms late on average on
 * an idle event loop, a little early on a busy one, and late by its queue on an overloaded one. This is not
 * corrected, because a target that hurried when overloaded would hide its queue.
 */
export default {
  options,
  createResponder(chosen, random) {
    const respond = createBodyResponder(chosen.bytes);
    const nextMs = createWholeMsSampler(createServiceTimeSampler(chosen, random));
    return delayedResponder(respond, nextMs);
  },
  meanServiceMs: meanServiceTimeMs,
} satisfies BehaviourModule<z.output<typeof options>>;
