// Schemas and types of a stored trial. Plain data that survives JSON.
import { z } from 'zod';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import { Request, Requests } from '../../scenarios/model/request.ts';
import { Link, Target } from '../../scenarios/model/target.ts';
import { Held, Resources } from './process.ts';

const count = () => z.int().min(0);
const amount = () => z.number().min(0);

/** How an open load kept its schedule, over the steady windows. */
export const Arrivals = z.strictObject({
  due: count().describe('Requests that were due'),
  heldBack: count().describe('Of them, those that had to wait because maxInFlight were in flight'),
  unsent: count().describe('Of them, those that were never sent: still held back when the slice ended'),
  unfinished: count().describe(
    'Of them, those given up at the end of a drain: their times are in no histogram',
  ),
  ended: count().describe(
    'Exchanges that ended within the windows, whenever they were due: far fewer than due, and the backlog grew',
  ),
});
export type Arrivals = z.infer<typeof Arrivals>;

/** What did not hold at a rate: a part of the objective, the rate itself, or the generator that was to send at it. */
export const ProbeLimit = z.enum(['latency', 'errors', 'rate', 'generator']);
export type ProbeLimit = z.infer<typeof ProbeLimit>;

/** One rate that a capacity search tried. */
export const Probe = z.strictObject({
  ratePerSec: amount().describe('Rate that was tried'),
  isKept: z.boolean().describe('Whether the objective held at this rate'),
  p50Us: amount().describe('Median response time of the probe'),
  p99Us: amount().describe('99th percentile of the response time'),
  errorRatio: amount().describe('Share of requests that failed'),
  achievedPerSec: amount().describe('Ended per second of the window'),
  limit: ProbeLimit.nullable().describe('What did not hold first; null: all did'),
  why: z.string().describe('The same in a sentence, with the figures'),
});
export type Probe = z.infer<typeof Probe>;

/** The highest rate found at which the arm keeps the objective. */
export const Capacity = z.strictObject({
  ratePerSec: amount().describe(
    'Highest rate at which the objective held; 0: it held at none that was tried',
  ),
  notKeptPerSec: amount()
    .nullable()
    .describe('Lowest rate above it at which it did not; null: none was found'),
  isSettled: z.boolean().describe('Whether the search came to its end; false: it was interrupted'),
  probes: z.array(Probe).describe('In the order in which they were made'),
});
export type Capacity = z.infer<typeof Capacity>;

/** Load generators of others whose reports can be stored as runs. */
export const Importer = z.enum(['artillery']);
export type Importer = z.infer<typeof Importer>;

/** One arm in one replicate, fully resolved: all that a generator process gets to know about its work. */
export const Trial = z.strictObject({
  id: z.string().describe('Unique within the run'),
  scenario: z.string().describe('Name of the scenario'),
  cell: z.string().describe('Scenario, or point of its sweep'),
  replicate: count().describe('Number of the replicate, from 0'),
  arm: z.string().describe('Name of the client'),
  target: Target.describe('As in the scenario, defaults included'),
  link: Link.optional().describe('Emulated network; absent without one'),
  load: Load.describe('As in the scenario, defaults included'),
  request: Request.optional().describe('What each request is; absent: a GET without a body'),
  requests: Requests.optional().describe('Several in place of one; absent: one'),
  client: Client.describe('As in the scenario, defaults included'),
  generators: z
    .int()
    .min(2)
    .optional()
    .describe('Number of generator processes that shared the load; absent: one'),
  machines: z
    .array(z.string())
    .optional()
    .describe('Names of the machines that sent the load; absent: the machine of the run'),
  phases: z.boolean().default(true).describe('Whether the phases of each request were recorded'),
  seed: z.int().describe('Seed of the randomness of the load'),
  imported: Importer.optional().describe(
    'Load generator that sent the load, and whose report this was made of; absent: conntax measured it',
  ),
});
export type Trial = z.infer<typeof Trial>;

/**
 * How an exchange ended. A timeout names the phase that ran out; `staleSocket` is a reset on a reused connection; `breakerOpen`
 * and `bulkheadFull` were rejected by a policy of the client (`resilience`), which sent nothing; `noAnswer` is the harness's
 * own: there was still no answer when the drain of its slice was over.
 */
export const OUTCOMES = [
  'ok',
  'badStatus',
  'timeoutConnect',
  'timeoutHeaders',
  'timeoutBody',
  'timeoutTotal',
  'timeoutAttempt',
  'refused',
  'reset',
  'staleSocket',
  'portExhausted',
  'descriptorLimit',
  'breakerOpen',
  'bulkheadFull',
  'other',
  'noAnswer',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A latency distribution in microseconds: its summary in clear, and the whole as HDR V2 compressed base64. */
export const Histogram = z.strictObject({
  count: count().describe('Number of values'),
  minUs: amount().describe('Smallest value'),
  meanUs: amount().describe('Mean of the values, to a sixteenth of a µs each'),
  maxUs: amount().describe('Largest value'),
  p50Us: amount().describe('Median'),
  p90Us: amount().describe('90th percentile'),
  p99Us: amount().describe('99th percentile'),
  p999Us: amount().describe('99.9th percentile'),
  v2: z.string().describe('HdrHistogram, V2 compressed, base64'),
});
export type Histogram = z.infer<typeof Histogram>;

/**
 * One turn of an arm under load. Counts and times are of the requests that belong to its steady window: that began in it, or
 * were due in it under an open load. CPU is that of the whole slice.
 */
export const Slice = z.strictObject({
  block: count().describe('Slices of the same block are a pair'),
  position: count().describe('Place within the block'),
  atMs: amount().describe('Window start, since the start of the replicate'),
  windowMs: amount().describe('Length of the steady window'),
  completed: count().describe('Requests of the window that were answered with a good status'),
  failed: count().describe('Requests of the window that failed'),
  censored: count()
    .default(0)
    .describe(
      'Requests of the window that had no answer when the drain was over: their times are lower bounds',
    ),
  ended: count()
    .nullable()
    .default(null)
    .describe('Exchanges that ended within the window, whenever they began; null where that is not known'),
  userMs: amount()
    .nullable()
    .default(null)
    .describe(
      'Closed loads: time that users spent on the requests of the window, good or not, pauses before them included; null where that is not known',
    ),
  meanUs: amount().describe('Mean response time of the window, censored ones by their lower bounds'),
  exchanges: count().describe('All exchanges ended in the slice, ramp and drain included'),
  opened: count()
    .nullable()
    .optional()
    .describe(
      'Connections opened in the slice, ramp and drain included; null: the client does not count them; absent in runs of older versions',
    ),
  generatorCpuUs: amount().describe('CPU time of the generator in the whole slice'),
  targetCpuUs: amount().nullable().describe('null for a server that conntax did not start'),
});
export type Slice = z.infer<typeof Slice>;

/** Steady time folded into equal buckets; widthMs doubles when a trial outgrows the number of buckets. */
export const Timeline = z.strictObject({
  widthMs: amount().describe('Width of a bucket'),
  buckets: z.array(
    z.strictObject({
      atMs: amount().describe('Since the start of the replicate'),
      completed: count().describe('Requests that ended in the bucket with a good status'),
      failed: count().describe('Requests that ended in the bucket with a failure'),
      meanUs: amount().describe('Mean response time'),
      maxUs: amount().describe('Longest response time'),
    }),
  ),
});
export type Timeline = z.infer<typeof Timeline>;

/**
 * What a client sent for its requests, where the two can differ: a retry sends one of them several times, a cache or an open
 * breaker none. Covers the whole trial, warm-up included.
 */
export const Attempts = z.strictObject({
  sent: count().describe('Attempts that the client library was given to send'),
  answered: count().describe('Of them, those with a good status'),
  failures: z
    .partialRecord(z.enum(OUTCOMES), count())
    .describe('Of them, those that failed, by kind; the others were given up with their request'),
});
export type Attempts = z.infer<typeof Attempts>;

/** The same connections, counted at both ends, beside what the mode needs. Covers the whole trial, warm-up included. */
export const Ledger = z.strictObject({
  opened: count().describe("By the client's count, or by that of openedBy"),
  accepted: count()
    .nullable()
    .describe("By the target's count, or by that of acceptedBy; null where it is not counted"),
  openedBy: z
    .enum(['client', 'kernel', 'unknown'])
    .default('client')
    .describe(
      'kernel: all that this machine opened, by any program; unknown: the connections of the client cannot be seen',
    ),
  openedElsewhere: count()
    .default(0)
    .describe(
      'By the client, to anything else than the target: another port or host, a proxy, a Unix socket',
    ),
  closedInPauses: count()
    .default(0)
    .describe('Connections that ended while the client waited for its turn, between two of its slices'),
  longestPauseMs: amount().default(0).describe('The longest of these pauses'),
  leftOpen: count()
    .nullable()
    .default(null)
    .describe(
      "Connections still open after the last slice, by the client's count, those of its pool included; null where the client does not count them, and in runs of older versions",
    ),
  acceptedBy: z
    .enum(['target', 'kernel', 'serverKernel', 'kernelOpens'])
    .default('target')
    .describe(
      "kernel: all that this machine accepted, by any program; serverKernel: all that the server's machine accepted; kernelOpens: all that the clients' machines opened, where the server is elsewhere",
    ),
  acceptedHttp2: count()
    .nullable()
    .default(null)
    .describe('Of those accepted, how many spoke HTTP/2; null where the target does not say'),
  needed: z
    .strictObject({ least: count(), most: count().nullable() })
    .describe('By the mode; null: no bound'),
  requestsSent: count().describe('Exchanges the generator began'),
  requestsSeen: count().nullable().describe('Requests the target received; null where it does not say'),
  answered: count().describe('Exchanges with a good status'),
  failed: count().describe('Exchanges that failed'),
  unfinished: count().describe('Still in flight when the trial ended'),
  attempts: Attempts.nullable()
    .default(null)
    .describe('null: each exchange was one attempt, as it always was in runs of older versions'),
  failures: z
    .partialRecord(z.enum(OUTCOMES), count())
    .nullable()
    .default(null)
    .describe('Exchanges that failed, by kind; null in runs of older versions'),
  faults: z
    .array(count())
    .default([])
    .describe("By the target's count: how often each of target.faults was injected, in their order"),
  origins: z
    .array(
      z.strictObject({
        requestsSent: count().describe('Exchanges that the generator began with it'),
        requestsSeen: count().nullable().describe('Requests that it received; null: it does not say'),
        opened: count()
          .nullable()
          .describe(
            "Connections to it, by the client's count; null: the connections of the client cannot be seen",
          ),
        accepted: count().nullable().describe('Connections to it, by its own count; null: it does not say'),
      }),
    )
    .default([])
    .describe('Of each origin of a target that has several, in their order; empty where it has one'),
  handshakesFull: count().nullable().describe('By the target; null where it does not say'),
  handshakesResumed: count()
    .nullable()
    .describe('TLS handshakes that continued a session, by the target; null where it does not say'),
  clientHandshakesFull: count().describe('Full TLS handshakes by the client'),
  clientHandshakesResumed: count().describe('TLS handshakes that continued a session, by the client'),
  requestsPerConnection: z
    .array(z.strictObject({ requests: count(), connections: count() }))
    .nullable()
    .describe('Of closed connections, by the target (null: it does not say); requests above 64 to 2 digits'),
});
export type Ledger = z.infer<typeof Ledger>;

/**
 * Kernel counters of the whole machine, as differences over the arm's slices. Of opens, those of the relay of a link are
 * taken out.
 */
export const KernelCounts = z.strictObject({
  activeOpens: count().describe('TCP connections that this machine opened'),
  passiveOpens: count().describe('TCP connections that this machine accepted'),
  retransmits: count().describe('TCP segments sent again'),
  needlessRetransmits: count()
    .default(0)
    .describe('Of these, segments that had arrived, as their receiver has said'),
  synRetransmits: count().describe('SYN segments sent again'),
  listenDrops: count().describe('Connections dropped because an accept queue was full'),
  timeWaitCreated: count().describe('With a link: on both of its sides'),
});
export type KernelCounts = z.infer<typeof KernelCounts>;

/** Connections that an arm's slices left in TIME_WAIT: at the end that closed first. */
export const TimeWait = z.strictObject({
  client: count().describe("At the clients' end"),
  server: count().describe("At the server's end"),
});
export type TimeWait = z.infer<typeof TimeWait>;

/** What one of several machines had of a trial, and how it kept step with the others. */
export const MachineShare = z.strictObject({
  name: z.string().describe('Name of the machine'),
  generators: count().describe('Its generator processes'),
  shareRatio: amount().describe('Its part of the load, 0 to 1'),
  requestsSent: count().describe('Exchanges that it began, warm-up included'),
  opened: count().nullable().describe('Connections that it opened, warm-up included; null: not counted'),
  completed: count().describe('Requests of the steady windows with a good status'),
  response: Histogram.describe('Response times of its requests, like those of all machines together'),
  cpuRatio: amount().describe('CPU time of its generators in the slices, of the time of one core for each'),
  offsetMs: z.number().describe('Its clock less that of the run, where nobody sets either'),
  errorMs: amount().describe('How wrong that may be: half of the quickest round trip, and drift since'),
  worst: z
    .strictObject({
      skewMs: z.number().describe('How long after its time its window opened'),
      errorMs: amount().describe('How wrong the time of its clock may be in this slice'),
      rampMs: amount().describe('Ramp of this slice'),
    })
    .nullable()
    .describe('The measured slice in which it kept step least, by the length of the ramp; null: none'),
  slices: count().describe('Measured slices'),
  lateSlices: count().describe(
    'Of them, those whose window may have opened more than a tenth of the ramp from its time',
  ),
});
export type MachineShare = z.infer<typeof MachineShare>;

/** The end of the scale of a relay's lateness: this value means that or more. */
export const MAX_LATENESS_US = 99_400;

/** What the relay of an emulated link did while the arm was measured (its slices, no warm-up). */
export const LinkReading = z.strictObject({
  connections: count().describe('Connections through the relay'),
  bytes: count().describe('Passed on, in both directions'),
  latenessP50Us: amount().describe('How much after its due time a piece was passed on'),
  latenessP99Us: amount().describe('99th percentile of the same'),
  latenessMaxUs: amount().describe(
    'Largest value of the same; at 99,400, the end of the scale, that or more',
  ),
  latenessCount: count()
    .nullable()
    .default(null)
    .describe('Pieces whose lateness was noted; null in runs of older versions'),
  relay: Resources.describe('Its naps between due times count as active in eventLoopRatio: see cpuRatio'),
  loadNiceness: z.int().describe('How far target and generators stood back behind the relay'),
});
export type LinkReading = z.infer<typeof LinkReading>;

/** Requests that had no answer when the drain of their slice was over: how long they would have taken is not known. */
export const Censored = z.strictObject({
  count: count().describe('Number of such requests'),
  leastUs: amount().describe(
    'Shortest wait after which one was given up; quantiles from here on are lower bounds',
  ),
});
export type Censored = z.infer<typeof Censored>;

/** Slices made longer than the scenario asks, because of slow or unanswered requests that were seen before. */
export const Lengthening = z.strictObject({
  fromMs: amount().describe('Window by the scenario and the mean response time'),
  toMs: amount().describe('Window as it was measured'),
  longestMs: amount().describe('Longest request seen to end before'),
});
export type Lengthening = z.infer<typeof Lengthening>;

/** What a single user saw, without any queue: medians of a short slice after the measured ones. */
export const Alone = z.strictObject({
  requests: count().describe('Requests of this slice'),
  responseUs: amount().describe('Response time'),
  connectUs: amount().nullable().describe('TCP connect; null where no connection was opened'),
  tlsUs: amount().nullable().describe('TLS handshake; null where there was none'),
});
export type Alone = z.infer<typeof Alone>;

/** What the backends of a target counted after some of them were added, cumulative, by backend. */
export const BackendGrowth = z.strictObject({
  snapshots: z
    .array(
      z.strictObject({ afterMs: amount().describe('Since they were added'), requests: z.array(count()) }),
    )
    .describe('About ten a second; the first is of that moment'),
});
export type BackendGrowth = z.infer<typeof BackendGrowth>;

/** What each backend of a target counted of a client, by backend. */
export const Backends = z.strictObject({
  accepted: z.array(count()).describe('Connections, warm-up included'),
  requests: z.array(count()).describe('Requests, warm-up included'),
  growth: BackendGrowth.nullable().describe('null where no backends were added'),
});
export type Backends = z.infer<typeof Backends>;

/** Classes of the statuses of final responses. */
export const StatusClass = z.enum(['2xx', '3xx', '4xx', '5xx']);
export type StatusClass = z.infer<typeof StatusClass>;

/** One of several requests that a scenario's clients send. */
export const RequestFigures = z.strictObject({
  name: z.string().describe('As in the scenario; by default method and path'),
  sent: count().describe('Of the whole trial, warm-up included, like requestsSent of the ledger'),
  completed: count()
    .nullable()
    .describe(
      'In the steady windows, like the rest; null where a load tool does not report which request an answer belongs to',
    ),
  failed: count().nullable().describe('Those without an answer included; null likewise'),
  censored: Censored.nullable().describe('null: every request came to an end, or it is not known'),
  response: Histogram.nullable().describe('Like response of all requests; null likewise'),
});
export type RequestFigures = z.infer<typeof RequestFigures>;

export const Measurement = z.strictObject({
  warmupMs: amount().describe('Load before the first measured slice'),
  isSteady: z
    .boolean()
    .describe(
      'Whether warm-up ended because the client was steady: in a closed load its CPU time per request',
    ),
  steadyMs: amount().describe('Sum of the steady windows'),
  completed: count().describe('Requests of the steady windows with a good status'),
  failed: count().describe('Requests of the steady windows that failed'),
  bytes: count().describe('Body bytes received in the steady windows'),
  outcomes: z.partialRecord(
    z.enum(OUTCOMES),
    z.strictObject({
      count: count(),
      sample: z.string().optional(),
      meanUs: amount().optional().describe('Mean time from the intended start to the failure'),
      maxUs: amount().optional(),
    }),
  ),
  statuses: z
    .record(z.string().regex(/^\d{3}$/), count())
    .default({})
    .describe(
      'Whole answers of the steady windows by their status; empty where the client does not tell them, and in older runs',
    ),
  censored: Censored.nullable().default(null).describe('null: every request came to an end'),
  lengthening: Lengthening.nullable().default(null).describe('null: slices are as long as the scenario asks'),
  response: Histogram.describe(
    'From the intended start to the last byte; censored ones by their lower bounds',
  ),
  responseByClass: z
    .partialRecord(StatusClass, Histogram)
    .default({})
    .describe(
      'Response times of whole answers, good or not, by the class of their status; empty where the client does not tell it, and in older runs',
    ),
  requests: z
    .array(RequestFigures)
    .default([])
    .describe("In the order of the scenario's requests; empty where it has one request"),
  service: Histogram.describe('From the actual start to the last byte'),
  wait: Histogram.describe(
    'From the actual start until the request is written, a dial included; empty when phases are off',
  ),
  firstByte: Histogram.describe('From the request written to the response header'),
  body: Histogram.nullable()
    .default(null)
    .describe('From the response header to the last byte; null in runs of older versions'),
  connect: Histogram.describe('TCP connect, per connection opened in the steady windows'),
  tls: Histogram.describe('TLS handshake, per connection opened in the steady windows'),
  lateness: Histogram.nullable()
    .default(null)
    .describe('Open loads: how much the generator itself was late, once a request could have been sent'),
  arrivals: Arrivals.nullable().default(null).describe('Open loads only'),
  capacity: Capacity.nullable().default(null).describe('Capacity searches only'),
  timeWait: TimeWait.nullable()
    .default(null)
    .describe('null: no expectation asks for it, or it cannot be counted'),
  timeline: Timeline.describe('The steady time in equal parts'),
  held: Held.optional().describe(
    'Absent where clients take turns, of groups of generators and load tools, on systems other than Linux, and in older runs',
  ),
  slices: z.array(Slice).describe('In the order in which they were measured'),
  ledger: Ledger.describe('Connections and requests, counted at both ends'),
  backends: Backends.nullable().default(null).describe('null: the target is a single server'),
  generator: Resources.describe('The process that sent the load, or all of a group'),
  target: Resources.nullable().describe(
    'Of a server that a command started: of all its processes; null for a server that conntax did not start',
  ),
  link: LinkReading.nullable().default(null).describe('null without an emulated link'),
  kernel: KernelCounts.describe('Counters of the whole machine'),
  alone: Alone.nullable()
    .default(null)
    .describe('One user alone; null where that was not measured, and in runs of older versions'),
  closing: z
    .string()
    .nullable()
    .default(null)
    .describe('What went wrong when the client was closed; null: nothing'),
  caveats: z
    .array(z.string())
    .default([])
    .describe("What a reader of this arm's figures has to know of its client"),
  machines: z
    .array(MachineShare)
    .optional()
    .describe('Of each machine that sent the load; absent: it was sent from the machine of the run'),
});
export type Measurement = z.infer<typeof Measurement>;

export const FailureCode = z.enum([
  'target-start',
  'target-died',
  'link-start',
  'link-died',
  'generator-start',
  'generator-died',
  'trial-hung',
  'ports-exhausted',
  'descriptor-limit',
  'package-unused',
  'machine-lost',
  'no-answer',
  'no-good-answer',
  'internal',
]);
export type FailureCode = z.infer<typeof FailureCode>;

const trialHead = {
  trial: Trial,
  startedAt: z.iso
    .datetime()
    .describe('Start of the replicate: its processes are ready, and times since then count from here'),
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

export const OUTCOME_NAMES: Record<Outcome, string> = {
  ok: 'answered',
  badStatus: 'bad status',
  timeoutConnect: 'timeout while connecting',
  timeoutHeaders: 'timeout before the response header',
  timeoutBody: 'timeout within the body',
  timeoutTotal: 'timeout of the whole exchange',
  timeoutAttempt: 'timeout of an attempt',
  refused: 'connection refused',
  reset: 'connection reset',
  staleSocket: 'reset on a reused connection',
  portExhausted: 'no local port left',
  descriptorLimit: 'descriptor limit hit',
  breakerOpen: 'rejected by the open breaker',
  bulkheadFull: 'rejected by the full bulkhead',
  noAnswer: 'no answer',
  other: 'other',
};
