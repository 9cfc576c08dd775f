// Schemas and types of a stored run and what is concluded from its trials, and the order in which its clients are shown. Plain data.

import { z } from 'zod';
import {
  ExpectationResult,
  ExpectedMetric,
  LeftOutArm,
  Scenario,
  SweepPoint,
} from '../../scenarios/model/scenario.ts';
import { INTERVAL_NAME } from '../stats.ts';
import { Censored, Importer, Ledger, RequestFigures, type TrialResult } from './trial.ts';

/** What one request before the run, not part of the load, has shown. */
export const ForeignServer = z.strictObject({
  url: z.string().describe('As in the scenario'),
  address: z
    .string()
    .describe(
      'The address that all load goes to, one of those that the host stands for; or the path of a Unix socket',
    ),
  proxy: z
    .string()
    .nullable()
    .default(null)
    .describe("HTTP proxy on the way, without its password: the address is then the proxy's; null: none"),
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
  isUnverified: z
    .boolean()
    .default(false)
    .describe('Whether its certificate was not verified, because the scenario says so'),
});
export type ForeignServer = z.infer<typeof ForeignServer>;

/** What was found at each server that is not conntax's own, in their order. */
export function foundServers({
  server,
  otherServers,
}: Pick<CellResult, 'server' | 'otherServers'>): ForeignServer[] {
  return server === null ? [] : [server, ...otherServers];
}

/** Whether the server is reached by a Unix socket, whose connections the kernel does not count. */
export function isUnixSocket({ address }: Pick<ForeignServer, 'address'>): boolean {
  return address.startsWith('/');
}

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
const Interval = z.strictObject({ value: amount(), low: amount(), high: amount() });

/** Arms are compared on all metrics but those: shares, counts, and what a client asks of the target, which the arms' rows show. */
export const Metric = ExpectedMetric.exclude([
  'p999Us',
  'targetCpuUsPerRequest',
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
export type Metric = z.infer<typeof Metric>;
export const METRICS: readonly Metric[] = Metric.options;

/** A candidate arm against the baseline arm, on one metric; ratio = candidate / baseline. */
export const Comparison = z.strictObject({
  metric: Metric.describe('What is compared'),
  baseline: z.string().describe('Client that the other is compared with'),
  candidate: z.string().describe('Client that is compared'),
  ratio: Interval.nullable().describe(`${INTERVAL_NAME}; null when there are too few replicates for one`),
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

/** One of several requests, over all trials of an arm. */
export const RequestSummary = z.strictObject({
  name: RequestFigures.shape.name,
  sent: count().describe('In all, warm-up included'),
  completed: RequestFigures.shape.completed,
  failed: RequestFigures.shape.failed,
  requestsPerSec: amount().nullable().describe('Completed per second of the steady windows'),
  meanUs: amount().nullable().describe('Mean response time; null without any'),
  p50Us: amount().nullable().describe('Median response time; null without any'),
  p99Us: amount().nullable().describe('99th percentile of response times; null without any'),
  censored: Censored.nullable().describe('null: all came to an end, or it is not known'),
});
export type RequestSummary = z.infer<typeof RequestSummary>;

/** What an arm did over all its valid and invalid trials: the row of a table. */
export const ArmSummary = z.strictObject({
  arm: z.string().describe('Name of the client'),
  trials: count().describe('Completed trials'),
  requestsPerSec: Interval.nullable().describe(
    `Centre over replicates with its ${INTERVAL_NAME}; null: not known`,
  ),
  capacityPerSec: Interval.nullable().default(null).describe('Of capacity searches that came to their end'),
  meanUs: amount().describe('Mean response time'),
  p50Us: amount().describe('Median response time'),
  p90Us: amount().describe('90th percentile of the response time'),
  p99Us: amount().describe('99th percentile of the response time'),
  p999Us: amount().describe('99.9th percentile of the response time'),
  maxUs: amount().describe('Longest response time'),
  completed: count().describe('Requests of the steady windows with a good status'),
  failed: count().describe('Requests of the steady windows that failed'),
  censored: Censored.nullable()
    .default(null)
    .describe('Requests without an answer at the end of their slice; null: all came to an end'),
  errorRatio: amount().describe('Share of failed requests'),
  opened: count().describe('Connections opened, warm-up included'),
  accepted: count().nullable().describe('Connections accepted; null where it is not counted'),
  openedBy: Ledger.shape.openedBy,
  openedElsewhere: Ledger.shape.openedElsewhere,
  acceptedBy: Ledger.shape.acceptedBy,
  needed: z
    .strictObject({ least: count(), most: count().nullable() })
    .describe('Connections that the settings require; most is null without a bound'),
  requestsSent: count().describe('Requests sent, warm-up included'),
  attemptsSent: count()
    .nullable()
    .default(null)
    .describe(
      'What the client library sent for them, where that may be several times as much, or nothing; null: the same, as always in runs of older versions',
    ),
  generatorCpuUsPerRequest: amount()
    .nullable()
    .describe('CPU time of the generator per request; null where another load generator sent'),
  targetCpuUsPerRequest: amount()
    .nullable()
    .describe('null where it is not known, as of a server that conntax did not start'),
  requests: z
    .array(RequestSummary)
    .default([])
    .describe("In the order of the scenario's requests; empty where it has one request"),
});
export type ArmSummary = z.infer<typeof ArmSummary>;

export const AUDITS = [
  'conservation',
  'ledger',
  'faults',
  'littles-law',
  'slice-length',
  'schedule',
  'bottleneck',
  'contention',
  'throttling',
  'stopped',
  'link',
  'listen-drops',
  'retransmits',
  'steadiness',
  'block-spread',
  'answers',
  'changes',
  'own-stalls',
  'replicate-spread',
  'closing',
  'machines',
  'imported',
] as const;

/** One check and its outcome. `fail` makes a trial invalid; `warn` is a caveat shown beside the figure. */
export const Finding = z.strictObject({
  rule: z.enum(AUDITS).describe('Name of the audit'),
  state: z.enum(['pass', 'warn', 'fail']).describe('fail makes a trial invalid, warn is a caveat'),
  arm: z.string().optional().describe('Client, when the finding is about one'),
  trial: z.string().optional().describe('Trial id, when the finding is about one'),
  detail: z.string().describe('A sentence with the figures behind it'),
});
export type Finding = z.infer<typeof Finding>;

/** Why no further replicate of a cell was started; `measuring`: others follow, so it is shown only while a run is going on. */
export const StopReason = z.enum([
  'precise',
  'decided',
  'budget',
  'max-replicates',
  'cut',
  'interrupted',
  'failed',
  'measuring',
]);
export type StopReason = z.infer<typeof StopReason>;

export const CellResult = z.strictObject({
  cell: z.string().describe('Scenario, or point of its sweep'),
  sweepPoints: z
    .array(SweepPoint)
    .default([])
    .describe('Which cell of a sweep this is; empty without a sweep'),
  scenario: Scenario.describe('As planned, defaults included'),
  serviceMs: amount()
    .nullable()
    .default(null)
    .describe('Mean time that the target takes to answer, by its settings; null: unknown'),
  code: z
    .record(z.string(), z.string())
    .default({})
    .describe('By arm, whose code its generator ran, where it was not that of this conntax'),
  targetCode: z
    .record(z.string(), z.string())
    .default({})
    .describe('By arm, whose code its target ran, where arms had targets of different code'),
  server: ForeignServer.nullable()
    .default(null)
    .describe("What was found at a server that is not conntax's own; of target.urls, at the first"),
  otherServers: z.array(ForeignServer).default([]).describe('Of target.urls: at the others, in their order'),
  otherAnswers: z
    .array(
      z.strictObject({
        asked: z.string().describe('Such as POST http://127.0.0.1:3000/orders, without secrets'),
        found: ForeignServer,
      }),
    )
    .default([])
    .describe('Of several requests: what was found by the others than the first, server by server'),
  replicates: count().describe('Replicates measured'),
  failedTrials: count().describe('Trials that could not be measured'),
  stop: StopReason.describe('Why no further replicate was started'),
  stopDetail: z.string().describe('The same in a sentence'),
  elapsedMs: amount().describe('Time that the cell took'),
  arms: z.array(ArmSummary).describe("Per client, in the scenario's order"),
  leftOut: z.array(LeftOutArm).default([]).describe('Arms of the scenario that are not in it here'),
  comparisons: z.array(Comparison).describe('Each client against the baseline, per metric'),
  findings: z.array(Finding).describe('Outcome of each audit'),
  expectations: z.array(ExpectationResult).default([]).describe('Outcome of each limit of expect'),
  errorSharers: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'Runs whose expectations share one error with these, this run included: the steps of a bisection',
    ),
  imported: Importer.optional().describe(
    'Load generator whose report it was made of; absent: conntax measured it',
  ),
});
export type CellResult = z.infer<typeof CellResult>;

/** A cell that this machine cannot measure. */
export const SkippedCell = z.strictObject({
  cell: z.string().describe('Scenario, or point of its sweep'),
  message: z.string().describe('Why'),
  hint: z.string().describe('What would help'),
});
export type SkippedCell = z.infer<typeof SkippedCell>;

/** The machine and its state: what a reader needs to judge a figure. */
export const Host = z.strictObject({
  hostname: z.string().describe('Name of the machine'),
  platform: z.string().describe('Operating system and architecture'),
  kernel: z.string().describe('Release of the kernel'),
  cpuModel: z.string().describe('As the system names it'),
  cpuCount: count().describe('Logical cores'),
  memoryBytes: amount().describe('Installed memory'),
  loadAverage: z.array(z.number()).length(3).describe('Over 1, 5 and 15 minutes, before the run'),
  node: z.string().describe('Version of Node'),
  v8: z.string().describe('Version of V8'),
  openssl: z.string().describe('Version of OpenSSL'),
  packages: z
    .record(z.string(), z.string())
    .describe('Versions of the packages that are measured or measure'),
  descriptorLimit: count()
    .nullable()
    .describe('Files and sockets that a process may have open; null: unknown'),
  ephemeralPorts: z
    .strictObject({ low: count(), high: count() })
    .nullable()
    .describe('Range of local ports; null: unknown'),
  tcpTwReuse: z.int().nullable().describe('net.ipv4.tcp_tw_reuse; null: unknown'),
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
  pinningDetail: z.string().describe('How processes were pinned, or why not'),
});
export type Host = z.infer<typeof Host>;

export const Git = z.strictObject({
  commit: z.string().describe('Full name of the commit'),
  isDirty: z.boolean().describe('Whether files differed from it'),
  repositoryUrl: z
    .string()
    .optional()
    .describe(
      'Page of the repository on the web, from its remote named origin, without user and password; absent where there is none',
    ),
});

/** One of the machines that sent the load of a run. */
export const RunMachine = z.strictObject({
  name: z.string().describe('Name of the machine'),
  conntax: z.string().describe('Version of conntax there'),
  git: Git.nullable().describe('Commit of conntax there; null outside a repository'),
  host: Host.describe('The machine and its state before the run'),
  isHere: z.boolean().describe('Whether it is the machine of the run, with the same network'),
  cores: count()
    .nullable()
    .describe('Generators of a client that were asked for there; null: as many as the scenario has'),
  weight: amount()
    .nullable()
    .describe(
      'Its part of the load, relative to that of the others; null: a part for each of its generators',
    ),
  loss: z.string().nullable().describe('Why it was lost during the run; null: it was not'),
});
export type RunMachine = z.infer<typeof RunMachine>;

export const Run = z.strictObject({
  schemaVersion: z.literal(1).describe('Version of this format'),
  id: z.string().describe('Start time and a random suffix'),
  state: z
    .enum(['complete', 'partial', 'failed'])
    .describe('partial: interrupted; failed: something could not be measured'),
  startedAt: z.iso.datetime().describe('Start of the run'),
  finishedAt: z.iso.datetime().describe('End of the run'),
  elapsedMs: amount()
    .optional()
    .describe('Duration by a clock that nobody sets, ms; absent in runs of older versions'),
  conntax: z.string().describe('Version of conntax'),
  command: z.array(z.string()).describe('Command line'),
  seed: z.int().describe('Seed of all randomness of the run'),
  git: Git.nullable().describe('Commit of the folder it ran in; null outside a repository'),
  host: Host.describe('Machine and its state'),
  machines: z
    .array(RunMachine)
    .optional()
    .describe('Those that sent the load; absent: the machine of the run did'),
  serverMachine: RunMachine.optional().describe(
    'That of the server, where an agent read it; absent: there was none',
  ),
  targetAddress: z
    .string()
    .optional()
    .describe("Address on that machine of conntax's own target; absent: it ran on the machine of the run"),
  cells: z.array(CellResult).describe('Results per scenario, or per point of a sweep'),
  asked: z
    .strictObject({
      beforeRun: count().describe('Before the run'),
      betweenReplicates: count().describe('Between replicates, to see whether they still answer'),
    })
    .optional()
    .describe(
      'Requests that external servers answered beside the load, which are in no other count; absent without external servers, and in runs of older versions',
    ),
  notBegun: z
    .array(z.string())
    .optional()
    .describe('Cells that were asked for and not begun before it ended; absent where there is none'),
  skipped: z
    .array(SkippedCell)
    .optional()
    .describe('Cells that were asked for and cannot be measured on this machine; absent where there is none'),
});
export type Run = z.infer<typeof Run>;

/** In the order of the scenario, then any that appear only in the results. */
export function listArms({ scenario, arms }: Pick<CellResult, 'scenario' | 'arms'>): string[] {
  return [...new Set([...Object.keys(scenario.clients), ...arms.map(({ arm }) => arm)])];
}

/** The same trials, replicate by replicate, the clients of each in the order of `arms`. */
export function orderTrials<Result extends TrialResult>(
  trials: readonly Result[],
  arms: readonly string[],
): Result[] {
  return trials.toSorted(
    (a, b) => a.trial.replicate - b.trial.replicate || arms.indexOf(a.trial.arm) - arms.indexOf(b.trial.arm),
  );
}

/** The same cell, its clients, comparisons and findings in the order of the scenario. @param trials of the cell */
export function orderCell(cell: CellResult, trials: readonly TrialResult[] = []): CellResult {
  const arms = listArms(cell);
  const rank = (arm: string | undefined): number => (arm === undefined ? arms.length : arms.indexOf(arm));
  const places = new Map(orderTrials(trials, arms).map(({ trial }, place) => [trial.id, place]));
  const placeOf = (trial: string | undefined): number => places.get(trial ?? '') ?? trials.length;
  return {
    ...cell,
    arms: cell.arms.toSorted((a, b) => rank(a.arm) - rank(b.arm)),
    comparisons: cell.comparisons.toSorted((a, b) => rank(a.candidate) - rank(b.candidate)),
    findings: cell.findings.toSorted(
      (a, b) => placeOf(a.trial) - placeOf(b.trial) || rank(a.arm) - rank(b.arm),
    ),
  };
}
