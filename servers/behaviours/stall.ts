// A target that answers at once, except during regular stalls.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { createBodyResponder, MAX_BODY_BYTES } from './fixed.ts';

const options = z
  .strictObject({
    name: z.literal('stall').describe('Requests are answered at once, except during regular stalls'),
    bytes: z.int().min(0).max(MAX_BODY_BYTES).default(1024).describe('Exact length of the JSON body'),
    everyMs: z
      .int()
      .min(1)
      .max(60_000)
      .default(1_000)
      .describe('Time from the start of one stall to the start of the next'),
    stallMs: z.int().min(0).max(60_000).default(100).describe('Duration of each stall, at most everyMs'),
  })
  .refine(({ stallMs, everyMs }) => stallMs <= everyMs, {
    path: ['stallMs'],
    error: 'must be at most everyMs',
  });

/**
 * The stall is the last part of each cycle, and the first cycle begins when the target starts. Requests that arrive during a stall
 * are all answered at its end. Connections are still accepted: the service stalls, not the machine.
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
  /** For a request at a random time: the share of stalled time, times half a stall. */
  meanServiceMs: ({ everyMs, stallMs }) => stallMs ** 2 / (2 * everyMs),
} satisfies BehaviourModule<z.output<typeof options>>;
