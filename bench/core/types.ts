// In: nothing. Out: every noun that is stored, as a schema (for parsing files) and a type. Plain data that survives JSON.
import { z } from 'zod';
import { Client, Load, Scenario, Target } from './scenario.ts';

const count = () => z.int().min(0);
const amount = () => z.number().min(0);

/** One arm in one replicate, fully resolved: all that a generator process is told about its work. */
export const Trial = z.strictObject({
  id: z.string(),
  scenario: z.string(),
  cell: z.string(),
  replicate: count(),
  arm: z.string(),
  target: Target,
  load: Load,
  client: Client,
  seed: z.int(),
});
export type Trial = z.infer<typeof Trial>;

/** How an exchange ended. A timeout names the phase that ran out; `staleSocket` is a reset on a reused connection. */
export const OUTCOMES = [
  'ok',
  'badStatus',
  'timeoutConnect',
  'timeoutHeaders',
  'timeoutBody',
  'timeoutTotal',
  'refused',
  'reset',
  'staleSocket',
  'portExhausted',
  'descriptorLimit',
  'other',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A latency distribution in microseconds: its summary in clear, and the whole as HDR V2 compressed base64. */
export const Histogram = z.strictObject({
  count: count(),
  minUs: amount(),
  meanUs: amount(),
  maxUs: amount(),
  p50Us: amount(),
  p90Us: amount(),
  p99Us: amount(),
  p999Us: amount(),
  v2: z.string(),
});
export type Histogram = z.infer<typeof Histogram>;

/** One turn of an arm under load. Counts and times cover its steady window only, CPU the whole slice. */
export const Slice = z.strictObject({
  block: count().describe('Slices of the same block are a pair'),
  position: count().describe('Place within the block'),
  atMs: amount().describe('Window start, since the start of the replicate'),
  windowMs: amount(),
  completed: count().describe('Answered with a good status within the window'),
  failed: count(),
  meanUs: amount().describe('Mean response time of the window'),
  exchanges: count().describe('All exchanges ended in the slice, ramp and drain included'),
  generatorCpuUs: amount(),
  targetCpuUs: amount(),
});
export type Slice = z.infer<typeof Slice>;

/** Steady time folded into equal buckets; widthMs doubles when a trial outgrows the number of buckets. */
export const Timeline = z.strictObject({
  widthMs: amount(),
  buckets: z.array(
    z.strictObject({
      atMs: amount().describe('Since the start of the replicate'),
      completed: count(),
      failed: count(),
      meanUs: amount(),
      maxUs: amount(),
    }),
  ),
});
export type Timeline = z.infer<typeof Timeline>;

/** The same connections, counted at both ends, beside what the mode needs. Covers the whole trial, warm-up included. */
export const Ledger = z.strictObject({
  opened: count().describe("By the client's count"),
  accepted: count().describe("By the target's count"),
  needed: z.strictObject({ least: count(), most: count().nullable() }).describe('By the mode; null: no bound'),
  requestsSent: count().describe('Exchanges the generator began'),
  requestsSeen: count().describe('Requests the target received'),
  answered: count(),
  failed: count(),
  unfinished: count().describe('Still in flight when the trial ended'),
  handshakesFull: count(),
  handshakesResumed: count(),
  clientHandshakesFull: count(),
  clientHandshakesResumed: count(),
  requestsPerConnection: z
    .array(z.strictObject({ requests: count(), connections: count() }))
    .describe('Of closed connections, by the target; requests above 64 rounded to 2 digits'),
});
export type Ledger = z.infer<typeof Ledger>;

/** What a process used while its arm was measured (steady slices, ramp and drain included; no warm-up). */
export const Resources = z.strictObject({
  cpuUs: amount(),
  cpuUsPerRequest: amount(),
  cpuRatio: amount().describe('CPU time / wall time; above 0.9 the process is the bottleneck'),
  eventLoopRatio: amount().describe('Event-loop utilisation, 0 to 1'),
  rssBytes: amount(),
});
export type Resources = z.infer<typeof Resources>;

/** Kernel counters of the whole machine, as differences over the arm's slices. */
export const KernelCounts = z.strictObject({
  activeOpens: count(),
  passiveOpens: count(),
  retransmits: count(),
  synRetransmits: count(),
  listenDrops: count(),
  timeWaitCreated: count(),
});
export type KernelCounts = z.infer<typeof KernelCounts>;

export const Measurement = z.strictObject({
  warmupMs: amount().describe('Load before the first measured slice'),
  isSteady: z.boolean().describe('Whether warm-up ended because the rate was steady'),
  steadyMs: amount().describe('Sum of the steady windows'),
  completed: count(),
  failed: count(),
  bytes: count().describe('Body bytes received in the steady windows'),
  outcomes: z.partialRecord(z.enum(OUTCOMES), z.strictObject({ count: count(), sample: z.string().optional() })),
  response: Histogram.describe('From the intended start to the last byte'),
  service: Histogram.describe('From the actual start to the last byte'),
  wait: Histogram.describe('From the actual start until the request is written, a dial included'),
  firstByte: Histogram.describe('From the request written to the response header'),
  connect: Histogram.describe('TCP connect, per connection'),
  tls: Histogram.describe('TLS handshake, per connection'),
  timeline: Timeline,
  slices: z.array(Slice),
  ledger: Ledger,
  generator: Resources,
  target: Resources,
  kernel: KernelCounts,
});
export type Measurement = z.infer<typeof Measurement>;

export const FailureCode = z.enum([
  'target-start',
  'target-died',
  'generator-start',
  'generator-died',
  'trial-hung',
  'ports-exhausted',
  'descriptor-limit',
  'interrupted',
  'internal',
]);
export type FailureCode = z.infer<typeof FailureCode>;

const trialHead = {
  trial: Trial,
  startedAt: z.iso.datetime(),
};

/** A failed trial is data: it has a cause, and no numbers that could be read by mistake. */
export const TrialResult = z.discriminatedUnion('state', [
  z.strictObject({
    ...trialHead,
    state: z.literal('completed'),
    isPartial: z.boolean().describe('Cut short by an interrupt'),
    measurement: Measurement,
  }),
  z.strictObject({
    ...trialHead,
    state: z.literal('failed'),
    error: z.strictObject({ code: FailureCode, message: z.string(), detail: z.string().optional() }),
  }),
]);
export type TrialResult = z.infer<typeof TrialResult>;
export type CompletedTrial = Extract<TrialResult, { state: 'completed' }>;

export const METRICS = ['requestsPerSec', 'meanUs', 'p50Us', 'p99Us', 'cpuUsPerRequest'] as const;
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
  replicateRatios: z.array(amount()).describe('One robust ratio a replicate, in order'),
  verdict: z.enum(['better', 'worse', 'unsure']),
});
export type Comparison = z.infer<typeof Comparison>;

/** What an arm did over all its valid and invalid trials: the row of a table. */
export const ArmSummary = z.strictObject({
  arm: z.string(),
  trials: count(),
  requestsPerSec: z.strictObject({ value: amount(), low: amount(), high: amount() }).nullable(),
  meanUs: amount(),
  p50Us: amount(),
  p90Us: amount(),
  p99Us: amount(),
  p999Us: amount(),
  maxUs: amount(),
  completed: count(),
  failed: count(),
  errorRatio: amount(),
  opened: count(),
  accepted: count(),
  needed: z.strictObject({ least: count(), most: count().nullable() }),
  requestsSent: count(),
  generatorCpuUsPerRequest: amount(),
  targetCpuUsPerRequest: amount(),
});
export type ArmSummary = z.infer<typeof ArmSummary>;

export const AUDITS = [
  'conservation',
  'ledger',
  'littles-law',
  'bottleneck',
  'listen-drops',
  'retransmits',
  'steadiness',
  'block-spread',
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
export const StopReason = z.enum(['precise', 'budget', 'max-replicates', 'interrupted', 'failed']);
export type StopReason = z.infer<typeof StopReason>;

export const CellResult = z.strictObject({
  cell: z.string(),
  scenario: Scenario,
  replicates: count(),
  stop: StopReason,
  stopDetail: z.string(),
  elapsedMs: amount(),
  arms: z.array(ArmSummary),
  comparisons: z.array(Comparison),
  findings: z.array(Finding),
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
  packages: z.record(z.string(), z.string()).describe('Versions of the packages that are measured or measure'),
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
