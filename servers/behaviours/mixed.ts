// In: a fast and a slow service time, and the share of the slow. Out: a target on which some requests hold up others.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { createWholeMsSampler, delayedResponder } from './delay.ts';
import { createBodyResponder, MAX_BODY_BYTES } from './fixed.ts';

const milliseconds = () => z.number().min(0).max(60_000);

const options = z
  .strictObject({
    name: z
      .literal('mixed')
      .describe('A share of slow requests among fast ones, drawn with the seed of the run'),
    bytes: z.int().min(0).max(MAX_BODY_BYTES).default(1024).describe('Exact length of the JSON body'),
    fastMs: milliseconds()
      .default(1)
      .describe('Service time of most requests; fractions of a ms hold on average'),
    slowMs: milliseconds().default(50).describe('Service time of the slow requests, at least fastMs'),
    slowRatio: z.number().min(0).max(1).default(0.05).describe('Share of slow requests (0.05 = 5 %)'),
  })
  .refine(({ fastMs, slowMs }) => fastMs <= slowMs, { path: ['slowMs'], error: 'must be at least fastMs' });

/**
 * Where slowRatio is below a tenth, the median and p90 are of fast requests as long as none waits for another: what they
 * are above fastMs, on a connection that is shared, is the wait behind slow ones.
 */
export default {
  options,
  createResponder({ bytes, fastMs, slowMs, slowRatio }, random) {
    const nextFastMs = createWholeMsSampler(() => fastMs);
    const nextSlowMs = createWholeMsSampler(() => slowMs);
    const respond = createBodyResponder(bytes, 'application/json');
    return delayedResponder(respond, () => (random() < slowRatio ? nextSlowMs() : nextFastMs()));
  },
  meanServiceMs: ({ fastMs, slowMs, slowRatio }) => fastMs + slowRatio * (slowMs - fastMs),
} satisfies BehaviourModule<z.output<typeof options>>;
