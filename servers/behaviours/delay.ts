// In: a distribution of service times and a body length. Out: a target that answers after a time drawn from it.
import { randomExponential, randomLogNormal, randomUniform } from 'd3-random';
import { z } from 'zod';
import type { Random } from '../../results/random.ts';
import type { BehaviourModule, Responder } from '../behaviour.ts';
import { createBodyResponder, MAX_BODY_BYTES } from './fixed.ts';

// From a responder, and how long each answer is to take. Out: a responder that answers after that time.

/**
 * Each request waits on a timer of its own, so that requests under way together are served together, those of one
 * connection too. Whole milliseconds; 0 answers at once.
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

// From a distribution of service times and seeded dice. Out: draws from it, and the same as whole milliseconds for timers.

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

const milliseconds = () => z.number().min(0).max(60_000);
const meanMs = milliseconds().default(5).describe('Mean service time; fractions of a ms hold on average');

const shared = {
  name: z.literal('delay').describe('Every request is answered after a service time'),
  bytes: z.int().min(0).max(MAX_BODY_BYTES).default(1024).describe('Exact length of the JSON body'),
};

const options = z.discriminatedUnion('distribution', [
  z.strictObject({
    ...shared,
    // Optional within the default, so that the union also knows this option by an absent distribution.
    distribution: z.literal('constant').optional().default('constant').describe('Always the same time'),
    meanMs,
  }),
  z
    .strictObject({
      ...shared,
      distribution: z.literal('uniform').describe('Any time between two bounds is as likely'),
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
 * The draw is the time from request to answer of an unloaded target. Timers add to it: on average about 0.1 ms late on
 * an idle event loop, a little early on a busy one, and late by its queue on an overloaded one. No clock is consulted
 * to make up for that, since a target that hurried when overloaded would hide its queue.
 */
export default {
  options,
  createResponder(chosen, random) {
    const respond = createBodyResponder(chosen.bytes, 'application/json');
    const nextMs = createWholeMsSampler(createServiceTimeSampler(chosen, random));
    return delayedResponder(respond, nextMs);
  },
  meanServiceMs: meanServiceTimeMs,
} satisfies BehaviourModule<z.output<typeof options>>;
