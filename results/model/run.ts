// Schemas and types of a stored run and what is concluded from its trials. Plain data.
import { z } from 'zod';
import {
  ExpectationResult,
  ExpectedMetric,
  LeftOutArm,
  Scenario,
  SweepPoint,
} from '../../scenarios/model/scenario.ts';
import { Censored, Ledger } from './trial.ts';

/** What one request before the run, and nothing of the load, has told. */
export const ForeignServer = z.strictObject({
  url: z.string(),
  address: z.string().describe('The address that all load goes to, one of those that the host stands for'),
  isLoopback: z.boolean().describe('Whether that is on this machine, whose kernel then counts both ends'),
  status: z.int().describe('Of the answer to the request before the run'),
  httpVersion: z.string().describe('Of that answer, such as 1.1'),
  location: z.string().nullable().describe('Where a redirect leads; null without'),
  software: z.string().nullable().describe('Its Server header; null without'),
  connectionHeader: z.string().nullable().describe('Its Connection header; null without'),
  keepAliveHeader: z.string().nullable().describe('Its Keep-Alive header; null without'),
  framing: z
    .enum(['length', 'chunked', 'close', 'none'])
    .nullable()
    .default(null)
    .describe(
      'How the end of its body is known: Content-Length, chunks, the end of the connection, or no body; null in older runs',
    ),
  interimStatuses: z
    .array(z.int())
    .default([])
    .describe('Of answers before the final one, such as 103; each once'),
  tlsVersion: z.string().nullable().describe('Such as TLSv1.3; null on plain TCP'),
  alpn: z
    .string()
    .nullable()
    .describe('What the server chose of h2 and http/1.1; null where it did not choose, or on plain TCP'),
});
export type ForeignServer = z.infer<typeof ForeignServer>;

/** What makes every request need a new connection, by the answer before the run; undefined: nothing seen. */
export function closingReason(server: ForeignServer): string | undefined {
  const { httpVersion, connectionHeader, framing } = server;
  const has = (word: string): boolean =>
    new RegExp(`(?:^|,)\\s*${word}\\s*(?:,|$)`, 'i').test(connectionHeader ?? '');
  if (has('close')) return 'answers with Connection: close';
  if (httpVersion === '1.0' && !has('keep-alive')) {
    return 'answers over HTTP/1.0 without Connection: keep-alive';
  }
  return framing === 'close'
    ? 'names no length of its answer, which the end of the connection ends'
    : undefined;
}

const count = () => z.int().min(0);
const amount = () => z.number().min(0);

/** Arms are compared on all metrics but those: shares, counts, and what a client asks of the target, which the arms' rows show. */
export const Metric = ExpectedMetric.exclude([
  'targetCpuUsPerRequest',
  'successRatio',
  'connectionsPer1kRequests',
  'unneededConnectionsPer1kRequests',
  'busiestBackendRatio',
]);
export type Metric = z.infer<typeof Metric>;
export const METRICS: readonly Metric[] = Metric.options;

/** A candidate arm against the baseline arm, on one metric; ratio = candidate / baseline. */
export const Comparison = z.strictObject({
  metric: Metric,
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
  errorSharers: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'Runs whose expectations share one error with these, this run included: the steps of a bisection',
    ),
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
    .strictObject({
      targetCpu: z.int(),
      generatorCpu: z.int(),
      generatorCpus: z
        .array(z.int())
        .optional()
        .describe('All cores for generators, the first one included; absent in older runs'),
    })
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
