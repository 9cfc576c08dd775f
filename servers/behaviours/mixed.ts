// A target that answers most requests soon and some after a longer service time.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { createWholeMsSampler, delayedResponder, milliseconds } from './delay.ts';
import { createBodyResponder, jsonBytes } from './fixed.ts';

const options = z
  .strictObject({
    name: z
      .literal('mixed')
      .describe('A share of slow requests among fast ones, drawn with the seed of the run'),
    bytes: jsonBytes(),
    fastMs: milliseconds()
      .default(1)
      .describe('Service time of most requests; fractions of a ms are exact on average'),
    slowMs: milliseconds().default(50).describe('Service time of the slow requests, at least fastMs'),
    slowRatio: z.number().min(0).max(1).default(0.05).describe('Share of slow requests (0.05 = 5 %)'),
  })
  .refine(({ fastMs, slowMs }) => fastMs <= slowMs, { path: ['slowMs'], error: 'must be at least fastMs' });

/**
 * With a slowRatio below a tenth, median and p90 are those of fast requests if no request waits for another. On a shared
 * connection, their excess over fastMs is the wait behind slow requests.
 */
export default {
  options,
  createResponder({ bytes, fastMs, slowMs, slowRatio }, random) {
    const nextFastMs = createWholeMsSampler(() => fastMs);
    const nextSlowMs = createWholeMsSampler(() => slowMs);
    const respond = createBodyResponder(bytes);
    return delayedResponder(respond, () => (random() < slowRatio ? nextSlowMs() : nextFastMs()));
  },
  meanServiceMs: ({ fastMs, slowMs, slowRatio }) => fastMs + slowRatio * (slowMs - fastMs),
} satisfies BehaviourModule<z.output<typeof options>>;
