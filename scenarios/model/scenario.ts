// The schema of a scenario file, with every default in one place.

import { z } from 'zod';
import { Client } from './client.ts';
import { ClosedLoad, Load } from './load.ts';
import { Request, Requests } from './request.ts';
import { Link, Target, withUnknowns } from './target.ts';
import { duration, Name, positiveUpTo, text, whole, within } from './values.ts';

/** Below this, a process takes too long to start. */
const MIN_CPUS = 0.1;
/** More than the cores of most machines. */
const MAX_CPUS = 1_024;

const cpus = (who: string) =>
  within(MIN_CPUS, MAX_CPUS)
    .optional()
    .describe(
      `CPU limit, in cores, for ${who}, as in a container: when they have used up their time, they wait for the next period of 100 ms. They run in a control group (Linux, as root), and are not pinned to cores. Needs timing.slicing: 'whole'`,
    );

export const Limits = z.strictObject({
  localPorts: whole(16, 28_000)
    .optional()
    .describe(
      'Local ports for connections to the server. Client and server then run in a separate network namespace (Linux, as root or with unprivileged user namespaces), in which a port stays in use for the 60 s of TIME_WAIT, as with a server on another machine, and each client has its own server',
    ),
  openFiles: whole(64, 1_000_000)
    .optional()
    .describe(
      'Files and sockets that the process of a client may have open; Node itself uses about 30 (ulimit -n)',
    ),
  serverCpus: cpus('all processes of a server that conntax starts'),
  clientCpus: cpus('all processes of the clients together'),
});
export type Limits = z.infer<typeof Limits>;

/** Metrics that an expectation can limit. Times in microseconds, ratios from 0 to 1. */
export const ExpectedMetric = z.enum([
  'requestsPerSec',
  'meanUs',
  'p50Us',
  'p99Us',
  'p999Us',
  'cpuUsPerRequest',
  'targetCpuUsPerRequest',
  'capacityPerSec',
  'successRatio',
  'connectionsPer1kRequests',
  'unneededConnectionsPer1kRequests',
  'leftOpenPer1kRequests',
  'failureMeanUs',
  'busiestBackendRatio',
  'clientTimeWaitPer1kRequests',
  'serverTimeWaitPer1kRequests',
  'throttledRatio',
  'targetThrottledRatio',
]);
export type ExpectedMetric = z.infer<typeof ExpectedMetric>;

/** A value that a sweep gives to a setting. */
export const SweepValue = z.union([z.number(), z.string(), z.boolean()]);
export type SweepValue = z.infer<typeof SweepValue>;

/** A limit on a metric of one client, or on its ratio to another client's. */
export const Expectation = z
  .strictObject({
    metric: ExpectedMetric.describe(
      'The metric. unneededConnectionsPer1kRequests: connections beyond those that the settings require, independent of the length of the run; connectionsPer1kRequests: all connections, so with a pool it is lower in a longer or faster run; leftOpenPer1kRequests: connections still open at the end, so 1000 is a leak of one per request; failureMeanUs: mean time until a request failed, for example by a timeout; busiestBackendRatio: requests of the busiest of target.backends over the mean of all (1: evenly spread), in the last second of the window if backends are added; clientTimeWaitPer1kRequests, serverTimeWaitPer1kRequests: connections left in TIME_WAIT at that end, which closed first (Linux, without a link); throttledRatio, targetThrottledRatio: share of the periods with work to do in which a CPU limit stopped the client, or the server; unknown without a limit',
    ),
    of: z.string().describe('The client that the limit applies to'),
    over: z
      .string()
      .optional()
      .describe('Another client to divide by: the limit then applies to the ratio of the two'),
    atLeast: z.number().min(0).optional().describe('Lower limit'),
    atMost: z.number().min(0).optional().describe('Upper limit'),
    at: z
      .record(z.string(), z.array(SweepValue).min(1))
      .optional()
      .describe(
        'The points of a sweep that the limit applies to: values by swept setting, as in { "load.everyMs": [140] }; default: all',
      ),
  })
  .refine(({ atLeast, atMost }) => atLeast !== undefined || atMost !== undefined, 'needs atLeast or atMost')
  .refine(({ atLeast = 0, atMost = Infinity }) => atLeast <= atMost, {
    path: ['atMost'],
    error: 'must be at least atLeast',
  });
export type Expectation = z.infer<typeof Expectation>;

const amount = () => z.number().min(0);

/** The judgement of an expectation by measured replicates: by the interval, not by the value. */
export const Judgement = z.strictObject({
  state: z.enum(['pass', 'fail', 'unsure']),
  interval: z
    .strictObject({ value: amount(), low: amount(), high: amount() })
    .nullable()
    .describe('95 % interval; null when there are too few replicates for one'),
  replicates: z.int().min(0),
});
export type Judgement = z.infer<typeof Judgement>;

/** An expectation, as first judged, and as judged again on fresh replicates if it failed. */
export const ExpectationResult = z.strictObject({
  expectation: Expectation,
  state: z.enum(['pass', 'fail', 'unsure']).describe('A failure is final only if confirmed'),
  first: Judgement,
  confirmation: Judgement.nullable().describe(
    'By the fresh replicates alone; null: re-measuring was not needed or not requested',
  ),
  together: Judgement.nullable()
    .default(null)
    .describe('By the first and the fresh replicates together; null if nothing was re-measured'),
});
export type ExpectationResult = z.infer<typeof ExpectationResult>;

/** Published figures, shown beside the measured ones. */
export const Published = z.strictObject({
  source: text().describe('Source of the figures'),
  rows: z
    .array(
      z
        .strictObject({
          arm: z.string().describe('The client that corresponds to the row'),
          meanMs: z.number().gt(0).optional().describe('Mean latency'),
          requestsPerSec: z.number().gt(0).optional().describe('Rate of successful responses'),
          errorRatio: within(0, 1).optional().describe('Share of requests that failed'),
        })
        .refine(
          ({ meanMs, requestsPerSec, errorRatio }) => (meanMs ?? requestsPerSec ?? errorRatio) !== undefined,
          'needs a figure: meanMs, requestsPerSec or errorRatio',
        ),
    )
    .min(1)
    .describe('One row per client'),
});
export type Published = z.infer<typeof Published>;

/** How long to measure, and how precisely. */
export const Timing = z.strictObject({
  warmupMinMs: whole(0, 60_000).default(1_000).describe('Minimum warm-up of a client under load'),
  warmupMaxMs: whole(0, 120_000)
    .default(2_000)
    .describe(
      'Maximum warm-up of a client that still gets faster (in a closed load: whose CPU time per request still falls)',
    ),
  measureMs: duration().describe('Measured steady time per client and replicate').default(1_500),
  slicing: z
    .enum(['alternate', 'whole'])
    .default('alternate')
    .describe(
      'alternate: clients alternate in short slices; whole: one slice per client and replicate, sampled during the slice (Linux)',
    ),
  sliceMs: whole(20, 60_000).default(100).describe('Minimum steady window of a slice'),
  sliceResponses: whole(1, 1_000)
    .default(20)
    .describe('Minimum steady window of a slice, in mean response times'),
  drainMs: whole(100, 600_000)
    .default(10_000)
    .describe(
      "Minimum wait for a slice's last responses (longer if earlier responses or a client's timeouts were longer); a request still unanswered then counts as failed (noAnswer)",
    ),
  minReplicates: whole(1, 100)
    .default(3)
    .describe('Minimum number of replicates, before measuring may stop early'),
  maxReplicates: whole(1, 1_000).default(30).describe('Maximum number of replicates'),
  budgetMs: duration()
    .describe('Time budget; no replicate starts after it; the cells of a sweep share it')
    .default(60_000),
  precision: positiveUpTo(1)
    .default(0.05)
    .describe(
      "Stop when the 95 % interval of every ratio of the load's headline metric is this narrow (0.05 = ±5 %)",
    ),
  until: z
    .enum(['precise', 'decided'])
    .default('precise')
    .describe(
      'Stop condition: precise, when the intervals of all ratios are narrow enough; decided, when an expectation fails or all pass',
    ),
});
export type Timing = z.infer<typeof Timing>;

/** Most settings that one scenario may sweep: more cannot be drawn, and would take too long. */
const MAX_SWEPT = 2;

/** More than the cores of most machines; a client has this many processes in every replicate. */
const MAX_GENERATORS = 64;

/** One question: a cell (target, link, load) and the clients compared in it; with a sweep, one cell per combination of values. */
export const Scenario = z.strictObject({
  name: Name.describe('Names the scenario on the command line and in reports'),
  question: text().describe('The question that the result answers'),
  tags: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9-]*$/))
    .default([])
    .describe('Words that select the scenario, as in `run quick`'),
  target: z.preprocess(withUnknowns<z.input<typeof Target>>, Target).prefault({}),
  link: Link.optional().describe('Emulated network between client and target; default: plain loopback'),
  request: Request.optional().describe(
    'What every client sends; default: a GET of the path of target.url, or of each of target.urls, or of /',
  ),
  requests: Requests.optional().describe(
    'Several requests instead of one, drawn by weight with the seed of the run: every client sends the same sequence',
  ),
  load: Load.default(() => ClosedLoad.parse({})).describe('When requests are sent'),
  generators: z
    .union([whole(1, MAX_GENERATORS), z.literal('auto')])
    .optional()
    .describe(
      'Processes that send the load of a client together, for servers that one process cannot saturate: each has its share of users, rate and connections; auto: one per core that the target leaves. Default: 1',
    ),
  limits: Limits.optional().describe(
    'Limits on ports, files and CPU for the processes of this scenario; if one cannot be set, the scenario is skipped. Default: those of the machine',
  ),
  timing: Timing.prefault({}),
  phases: z
    .boolean()
    .default(true)
    .describe(
      'Whether to record the phases of each request: wait, first byte, body; --no-phases turns this off',
    ),
  clients: z.record(Name, Client).describe('The compared clients by name; at least one'),
  baseline: z.string().describe('The client that all others are compared with'),
  expect: z
    .array(Expectation)
    .default([])
    .describe('Limits that the result must meet, judged by its intervals'),
  published: Published.optional().describe('Published figures, shown beside the measured ones'),
  sweep: z
    .record(z.string(), z.array(SweepValue).min(1).max(50))
    .refine(swept => Object.keys(swept).length <= MAX_SWEPT, `at most ${MAX_SWEPT} settings`)
    .optional()
    .describe('Settings by dotted path (* for every client), each with the values to measure'),
});
export type Scenario = z.infer<typeof Scenario>;
export type ScenarioInput = z.input<typeof Scenario>;

/** The value of a swept setting in one cell. */
export const SweepPoint = z.strictObject({ path: z.string(), value: SweepValue });

export type SweepPoint = z.infer<typeof SweepPoint>;

/** An optional client that could not be measured here. */
export const LeftOutArm = z.strictObject({
  arm: z.string(),
  message: z.string().describe('Why'),
  hint: z.string().describe('What would help'),
});

export type LeftOutArm = z.infer<typeof LeftOutArm>;
