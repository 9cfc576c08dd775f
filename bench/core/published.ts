// In: what a scenario author may write of figures that others have published. Out: the same as a schema and type. Plain data.
import { z } from 'zod';

/** Figures from elsewhere, set beside those that are measured. */
export const Published = z.strictObject({
  source: z.string().min(1).describe('Where they are from'),
  rows: z
    .array(
      z
        .strictObject({
          arm: z.string().describe('The arm that stands for the row'),
          meanMs: z.number().gt(0).optional().describe('Mean latency'),
          requestsPerSec: z.number().gt(0).optional(),
          errorRatio: z.number().min(0).max(1).optional().describe('Share of requests that failed'),
        })
        .refine(
          ({ meanMs, requestsPerSec, errorRatio }) => (meanMs ?? requestsPerSec ?? errorRatio) !== undefined,
          'needs a figure: meanMs, requestsPerSec or errorRatio',
        ),
    )
    .min(1)
    .describe('One an arm'),
});
export type Published = z.infer<typeof Published>;
