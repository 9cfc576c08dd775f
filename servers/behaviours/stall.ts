// In: how often a target stalls, and for how long. Out: a target that answers at once, except while it stalls.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { createBodyResponder, MAX_BODY_BYTES } from './fixed.ts';

const options = z
  .strictObject({
    name: z.literal('stall').describe('Requests are answered at once, but again and again not for a while'),
    bytes: z.int().min(0).max(MAX_BODY_BYTES).default(1024).describe('Exact length of the JSON body'),
    everyMs: z
      .int()
      .min(1)
      .max(60_000)
      .default(1_000)
      .describe('From the beginning of a stall to that of the next'),
    stallMs: z.int().min(0).max(60_000).default(100).describe('How long each lasts, at most everyMs'),
  })
  .refine(({ stallMs, everyMs }) => stallMs <= everyMs, {
    path: ['stallMs'],
    error: 'must be at most everyMs',
  });

/**
 * The stall is the last part of each cycle, and the first cycle begins with the target. What arrives in a stall is answered
 * at its end, all at once. Connections are accepted all the while: it is the service that stalls, not its machine.
 */
export default {
  options,
  createResponder({ bytes, everyMs, stallMs }) {
    const respond = createBodyResponder(bytes, 'application/json');
    const startedAtMs = performance.now();
    return response => {
      const intoCycleMs = (performance.now() - startedAtMs) % everyMs;
      if (intoCycleMs < everyMs - stallMs) {
        respond(response);
        return;
      }
      const timer = setTimeout(respond, Math.ceil(everyMs - intoCycleMs), response);
      response.once('close', () => clearTimeout(timer));
    };
  },
  /** Of one that arrives at any time: the share of stalled time, times half a stall. */
  meanServiceMs: ({ everyMs, stallMs }) => stallMs ** 2 / (2 * everyMs),
} satisfies BehaviourModule<z.output<typeof options>>;
