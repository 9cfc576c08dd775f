// A target that stops at regular times, and answers at once between them.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { delayedResponder } from './delay.ts';
import { createBodyResponder, jsonBytes } from './fixed.ts';

const options = z
  .strictObject({
    name: z.literal('stall').describe('Requests are answered at once, except during regular stalls'),
    bytes: jsonBytes(),
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
    const startedAtMs = performance.now();
    return delayedResponder(createBodyResponder(bytes), () => {
      const intoCycleMs = (performance.now() - startedAtMs) % everyMs;
      if (intoCycleMs < everyMs - stallMs) return 0;
      const leftMs = Math.ceil(everyMs - intoCycleMs);
      if (stops === 'answers') return leftMs;
      block(leftMs);
      return 0;
    });
  },
  /** For a request at a random time: the share of stalled time, times half a stall. */
  meanServiceMs: ({ everyMs, stallMs }) => stallMs ** 2 / (2 * everyMs),
} satisfies BehaviourModule<z.output<typeof options>>;
