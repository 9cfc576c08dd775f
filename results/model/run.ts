// In: nothing. Out: the nouns of a run and what is concluded from its trials, as schemas and types. Plain data.
import { z } from 'zod';
import { ExpectationResult } from '../../bench/core/expectation.ts';
import { ForeignServer } from '../../bench/core/foreign-server.ts';
import { Scenario, SweepValue } from '../../scenarios/model/scenario.ts';
import { Censored, Ledger } from './trial.ts';

const count = () => z.int().min(0);
const amount = () => z.number().min(0);

export const METRICS = [
  'requestsPerSec',
  'meanUs',
  'p50Us',
  'p99Us',
  'cpuUsPerRequest',
  'capacityPerSec',
] as const;
export type Metric = (typeof METRICS)[number];

/** A candidate arm against the baseline arm, on one metric; ratio = candidate / baseline. */
export const Comparison = z.strictObject({
  metric: z.enum(METRICS),
  baseline: z.string(),
  candidate: z.string(),
  ratio: z
    .strictObject({ value: amount(), low: amount(), high: amount() })
    .nullable()
    .describe('95 % interval; null when there are too few replicates for one'),
  replicateRatios: z.array(amount()).describe('One ratio per replicate, in order'),
  isDeciding: z
    .boolean()
    .default(false)
    .describe('Whether the scenario decides by this metric; a verdict is given on no other'),
  verdict: z
    .enum(['better', 'worse', 'unsure'])
    .describe(
      'Of the deciding metric, the error held for all candidates together; always unsure where isDeciding is false',
    ),
});
export type Comparison = z.infer<typeof Comparison>;

/** What an arm did over all its valid and invalid trials: the row of a table. */
export const ArmSummary = z.strictObject({
  arm: z.string(),
  trials: count(),
  requestsPerSec: z.strictObject({ value: amount(), low: amount(), high: amount() }).nullable(),
  capacityPerSec: z
    .strictObject({ value: amount(), low: amount(), high: amount() })
    .nullable()
    .default(null)
    .describe('Of capacity searches that came to their end'),
  meanUs: amount(),
  p50Us: amount(),
  p90Us: amount(),
  p99Us: amount(),
  p999Us: amount(),
  maxUs: amount(),
  completed: count(),
  failed: count(),
  censored: Censored.nullable()
    .default(null)
    .describe('Requests without an answer at the end of their slice; null: all came to an end'),
  errorRatio: amount(),
  opened: count(),
  accepted: count().nullable(),
  openedBy: Ledger.shape.openedBy,
  openedElsewhere: Ledger.shape.openedElsewhere,
  acceptedBy: Ledger.shape.acceptedBy,
  needed: z.strictObject({ least: count(), most: count().nullable() }),
  requestsSent: count(),
  generatorCpuUsPerRequest: amount(),
  targetCpuUsPerRequest: amount().nullable().describe('null for a server that conntax did not start'),
});
export type ArmSummary = z.infer<typeof ArmSummary>;

export const AUDITS = [
  'conservation',
  'ledger',
  'littles-law',
  'slice-length',
  'schedule',
  'bottleneck',
  'contention',
  'link',
  'listen-drops',
  'retransmits',
  'steadiness',
  'block-spread',
  'own-stalls',
  'replicate-spread',
] as const;

/** One check and its outcome. `fail` makes a trial invalid; `warn` is a caveat shown beside the figure. */
export const Finding = z.strictObject({
  rule: z.enum(AUDITS),
  state: z.enum(['pass', 'warn', 'fail']),
  arm: z.string().optional(),
  trial: z.string().optional().describe('Trial id, when the finding is about one'),
  detail: z.string().describe('A sentence with the figures behind it'),
});
export type Finding = z.infer<typeof Finding>;

/** Why no further replicate of a cell was started. */
export const StopReason = z.enum(['precise', 'decided', 'budget', 'max-replicates', 'interrupted', 'failed']);
export type StopReason = z.infer<typeof StopReason>;

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

export const CellResult = z.strictObject({
  cell: z.string(),
  sweepPoints: z
    .array(SweepPoint)
    .default([])
    .describe('Which cell of a sweep this is; empty without a sweep'),
  scenario: Scenario,
  serviceMs: amount()
    .nullable()
    .default(null)
    .describe('What the target takes to answer on average, by what it was told to do; null: not known'),
  code: z
    .record(z.string(), z.string())
    .default({})
    .describe('By arm, whose code its generator ran, where it was not that of this conntax'),
  targetCode: z
    .record(z.string(), z.string())
    .default({})
    .describe('By arm, whose code its target ran, where arms had targets of different code'),
  server: ForeignServer.nullable().default(null).describe('Of a target.url: what was found there'),
  replicates: count(),
  failedTrials: count(),
  stop: StopReason,
  stopDetail: z.string(),
  elapsedMs: amount(),
  arms: z.array(ArmSummary),
  leftOut: z.array(LeftOutArm).default([]).describe('Arms of the scenario that are not in it here'),
  comparisons: z.array(Comparison),
  findings: z.array(Finding),
  expectations: z.array(ExpectationResult).default([]),
});
export type CellResult = z.infer<typeof CellResult>;

/** The machine and its state: what a reader needs to judge a figure. */
export const Host = z.strictObject({
  hostname: z.string(),
  platform: z.string(),
  kernel: z.string(),
  cpuModel: z.string(),
  cpuCount: count(),
  memoryBytes: amount(),
  loadAverage: z.array(z.number()).length(3),
  node: z.string(),
  v8: z.string(),
  openssl: z.string(),
  packages: z
    .record(z.string(), z.string())
    .describe('Versions of the packages that are measured or measure'),
  descriptorLimit: count().nullable(),
  ephemeralPorts: z.strictObject({ low: count(), high: count() }).nullable(),
  tcpTwReuse: z.int().nullable(),
  pinning: z
    .strictObject({ targetCpu: z.int(), generatorCpu: z.int() })
    .nullable()
    .describe('Cores of the processes; null: not pinned'),
  pinningDetail: z.string(),
});
export type Host = z.infer<typeof Host>;

export const Run = z.strictObject({
  schemaVersion: z.literal(1),
  id: z.string(),
  state: z.enum(['complete', 'partial', 'failed']),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  conntax: z.string().describe('Version of conntax'),
  command: z.array(z.string()),
  seed: z.int(),
  git: z.strictObject({ commit: z.string(), isDirty: z.boolean() }).nullable(),
  host: Host,
  cells: z.array(CellResult),
});
export type Run = z.infer<typeof Run>;
