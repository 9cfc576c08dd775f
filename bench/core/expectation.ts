// In: what a scenario author expects of a result. Out: the same as a schema and type, and how it was judged. Plain data.
import { z } from 'zod';

/** What can be expected of an arm. Times in microseconds, ratios from 0 to 1. */
export const EXPECTED_METRICS = [
  'requestsPerSec',
  'meanUs',
  'p50Us',
  'p99Us',
  'cpuUsPerRequest',
  'targetCpuUsPerRequest',
  'capacityPerSec',
  'successRatio',
  'connectionsPer1kRequests',
  'unneededConnectionsPer1kRequests',
] as const;
export type ExpectedMetric = (typeof EXPECTED_METRICS)[number];

/** A limit on a metric of one arm, or on its ratio to another arm's. */
export const Expectation = z
  .strictObject({
    metric: z
      .enum(EXPECTED_METRICS)
      .describe(
        'What is measured. unneededConnectionsPer1kRequests: connections beyond those that the settings need, whatever the length of the run; connectionsPer1kRequests: all of them, so that of a pool it falls as the run gets longer or faster',
      ),
    of: z.string().describe('The arm it is expected of'),
    over: z.string().optional().describe('An arm to divide by: the limit is then on the ratio of the two'),
    atLeast: z.number().min(0).optional().describe('Lower limit'),
    atMost: z.number().min(0).optional().describe('Upper limit'),
  })
  .refine(({ atLeast, atMost }) => atLeast !== undefined || atMost !== undefined, 'needs atLeast or atMost')
  .refine(({ atLeast = 0, atMost = Infinity }) => atLeast <= atMost, {
    path: ['atMost'],
    error: 'must be at least atLeast',
  });
export type Expectation = z.infer<typeof Expectation>;

const amount = () => z.number().min(0);

/** What measured replicates say of an expectation: by the interval, not by the value. */
export const Judgement = z.strictObject({
  state: z.enum(['pass', 'fail', 'unsure']),
  interval: z
    .strictObject({ value: amount(), low: amount(), high: amount() })
    .nullable()
    .describe('95 % interval; null when there is too little to have one'),
  replicates: z.int().min(0),
});
export type Judgement = z.infer<typeof Judgement>;

/** An expectation, as first judged, and as judged again on fresh replicates where it had failed. */
export const ExpectationResult = z.strictObject({
  expectation: Expectation,
  state: z.enum(['pass', 'fail', 'unsure']).describe('A failure is final only if it was confirmed'),
  first: Judgement,
  confirmation: Judgement.nullable().describe(
    'On fresh replicates alone; null: there was no reason to measure again, or it was not asked for',
  ),
  together: Judgement.nullable()
    .default(null)
    .describe('On the first and the fresh replicates; null where nothing was measured again'),
});
export type ExpectationResult = z.infer<typeof ExpectationResult>;
