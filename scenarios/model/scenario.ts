// In: what a scenario author may write. Out: the same, resolved, with every default filled in at one place.
import { z } from 'zod';
import { Client } from './client.ts';
import { ClosedLoad, Load } from './load.ts';
import { Link, Target, withUnknowns } from './target.ts';

// From what a scenario author expects of a result. Out: the same as a schema and type, and how it was judged. Plain data.

/** What can be expected of an arm. Times in microseconds, ratios from 0 to 1. */
const EXPECTED_METRICS = [
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

// From what a scenario author may write of figures that others have published. Out: the same as a schema and type. Plain data.

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

const positiveMs = (about: string) => z.int().min(1).max(3_600_000).describe(about);

/** How long to measure, and how sure to be. */
export const Timing = z.strictObject({
  warmupMinMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(1_000)
    .describe('Least load an arm gets before it is measured'),
  warmupMaxMs: z
    .int()
    .min(0)
    .max(120_000)
    .default(2_000)
    .describe('Most load an arm gets while it is not steady'),
  measureMs: positiveMs('Steady time measured per arm and replicate').default(1_500),
  slicing: z
    .enum(['alternate', 'whole'])
    .default('alternate')
    .describe('alternate: arms take turns in short slices; whole: one slice an arm and replicate'),
  sliceMs: z.int().min(20).max(60_000).default(100).describe('Shortest steady window of a slice'),
  sliceResponses: z
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .describe('A steady window is at least so many mean response times long'),
  drainMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe(
      "How long a slice waits for its last answers, at least (longer where answers took longer before, or a client's timeouts are); a request still unanswered then counts as failed (noAnswer)",
    ),
  minReplicates: z.int().min(1).max(100).default(3),
  maxReplicates: z.int().min(1).max(1_000).default(30),
  budgetMs: positiveMs(
    'Time after which no further replicate is started; the cells of a sweep share it',
  ).default(60_000),
  precision: z
    .number()
    .gt(0)
    .max(1)
    .default(0.05)
    .describe(
      'Stop when the 95 % interval of every ratio is within so much (0.05 = 5 %); which ratio the load says',
    ),
  until: z
    .enum(['precise', 'decided'])
    .default('precise')
    .describe(
      'What ends the replicates: precise: the ratios are; decided: an expectation fails, or all of them pass',
    ),
});
export type Timing = z.infer<typeof Timing>;

/** A value that a sweep puts in the place of a setting. */
export const SweepValue = z.union([z.number(), z.string(), z.boolean()]);
export type SweepValue = z.infer<typeof SweepValue>;

/** Most settings that one scenario may sweep: more can't be drawn, and take too long. */
const MOST_SWEPT = 2;

/** One question: a cell (target, link, load) and the arms compared in it; with a sweep, the same for each of its values. */
export const Scenario = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes')
    .describe('Names the scenario on the command line and in reports'),
  question: z.string().min(1).describe('What a reader learns from the result'),
  tags: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]*$/)).default([]),
  target: z.preprocess(withUnknowns<z.input<typeof Target>>, Target).prefault({}),
  link: Link.optional().describe('A network between client and target; left out, they meet on loopback'),
  load: Load.default(() => ClosedLoad.parse({})).describe('When requests are sent'),
  timing: Timing.prefault({}),
  phases: z
    .boolean()
    .default(true)
    .describe(
      'Whether the phases of each request are recorded: wait, first byte, body; --no-phases turns them off',
    ),
  clients: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes'), Client)
    .describe('The arms: at least one, by name'),
  baseline: z.string().describe('The arm that all others are compared with'),
  expect: z
    .array(Expectation)
    .default([])
    .describe('Limits that the result has to keep, judged on its intervals'),
  published: Published.optional().describe('Figures from elsewhere, shown beside what is measured'),
  sweep: z
    .record(z.string(), z.array(SweepValue).min(1).max(50))
    .refine(swept => Object.keys(swept).length <= MOST_SWEPT, `at most ${MOST_SWEPT} settings`)
    .optional()
    .describe('Settings by dotted path, * for every client, each with the values to measure'),
});
export type Scenario = z.infer<typeof Scenario>;
export type ScenarioInput = z.input<typeof Scenario>;

/** The value that a sweep has put in the place of a setting. */
export const SweepPoint = z.strictObject({ path: z.string(), value: SweepValue });

export type SweepPoint = z.infer<typeof SweepPoint>;

/** An arm that a scenario allows to be left out, and that could not be measured here. */
export const LeftOutArm = z.strictObject({
  arm: z.string(),
  message: z.string().describe('Why'),
  hint: z.string().describe('What would help'),
});

export type LeftOutArm = z.infer<typeof LeftOutArm>;
