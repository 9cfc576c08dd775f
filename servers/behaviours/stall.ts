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
    stops: z
      .enum(['answers', 'process'])
      .default('answers')
      .describe(
        'What stalls. answers: no answers, but connections are still accepted; process: the event loop, from the first request in a stall, so that connections wait in the accept queue (target.backlog)',
      ),
  })
  .refine(({ stallMs, everyMs }) => stallMs <= everyMs, {
    path: ['stallMs'],
    error: 'must be at most everyMs',
  });

/** Stops the event loop. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}

/**
 * The stall is the last part of each cycle, and the first cycle begins when the target starts. Requests that arrive during a stall
 * are all answered at its end.
 */
export default {
  options,
  createResponder({ bytes, everyMs, stallMs, stops }) {
    const respond = createBodyResponder(bytes, 'application/json');
    const startedAtMs = performance.now();
    return response => {
      const intoCycleMs = (performance.now() - startedAtMs) % everyMs;
      if (intoCycleMs < everyMs - stallMs) {
        respond(response);
        return;
      }
      const leftMs = Math.ceil(everyMs - intoCycleMs);
      if (stops === 'process') {
        block(leftMs);
        respond(response);
        return;
      }
      const timer = setTimeout(respond, leftMs, response);
      response.once('close', () => clearTimeout(timer));
    };
  },
  /** For a request at a random time: the share of stalled time, times half a stall. */
  meanServiceMs: ({ everyMs, stallMs }) => stallMs ** 2 / (2 * everyMs),
} satisfies BehaviourModule<z.output<typeof options>>;
