// In: a distribution of service times and a body length. Out: a target that answers after a time drawn from it.
import { z } from 'zod';
import type { BehaviourModule } from '../../bench/contracts.ts';
import { createBodyResponder, MAX_BODY_BYTES } from '../body.ts';
import { delayedResponder } from '../delayed-responder.ts';
import { createServiceTimeSampler, createWholeMsSampler, meanServiceTimeMs } from '../service-time.ts';

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
