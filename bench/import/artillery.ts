// Makes a stored run of a report of Artillery: one replicate for each block of turns.
import { z } from 'zod';
import { auditCell, auditTrial } from '../../results/audits/index.ts';
import { compareArms, summariseArms } from '../../results/compare.ts';
import { neededConnections } from '../../results/connections.ts';
import { UsageError } from '../../results/errors.ts';
import { describeIssue, newerWriter, readVersion } from '../../results/files.ts';
import type { Resources } from '../../results/model/process.ts';
import { type CellResult, ForeignServer, Host, type Run } from '../../results/model/run.ts';
import {
  type Histogram,
  type Ledger,
  type Measurement,
  OUTCOMES,
  type Outcome,
  type Slice,
  type Trial,
  TrialResult,
} from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { MAX_AT_ONCE } from '../../scenarios/model/load.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { resultOf } from '../run/trial-result.ts';
import {
  drawnFrom,
  type Figures,
  type ReadReport,
  type ReportedTurn,
  readArtilleryReport,
} from './artillery-report.ts';

interface ImportOptions {
  /** Names the report in messages. */
  file: string;
  command: readonly string[];
  /** Names the run, by when it began. */
  idOf(startedAt: Date): string;
}

const MAX_GENERATORS = 64;
/** Of Artillery's metrics. Of those that a turn does not fill, no rate is known. */
const PERIOD_MS = 10_000;
const MIN_RATE = 0.1;
/** Users whose turn is over leave the rest of their requests out. */
const MIN_SENT = 0.95;
const CAVEATS = [
  "Sent by Artillery: response times begin when a request is sent, so what Artillery's timers were late by is in none of them.",
  "What the client costs in CPU time is not known: Artillery's timers use up the workers' cores between requests.",
];

/** @throws UsageError that says what is wrong with the report, where, and what was expected */
export function importArtilleryReport(
  text: string,
  { file, command, idOf }: ImportOptions,
): { run: Run; trials: TrialResult[] } {
  const report = readArtilleryReport(text, file);
  const facts = new Facts(report.facts, file);
  const scenario = readScenario(report, facts);
  const server = facts.read('server', ForeignServer);
  const startedAt = new Date(report.startedAtMs);
  const trials = report.turns
    .toSorted((a, b) => a.block - b.block || armOrder(scenario, a.arm) - armOrder(scenario, b.arm))
    .map(turn => trialOf(turn, { scenario, server, report }));
  for (const turn of report.turns) requireCounts(turn, file);
  for (const trial of trials) requirePossible(trial, file);
  const cell = cellOf(trials, { scenario, server, elapsedMs: report.finishedAtMs - report.startedAtMs });
  return {
    run: {
      schemaVersion: 1,
      id: idOf(startedAt),
      state: cell.arms.some(arm => arm.trials === 0) ? 'failed' : 'complete',
      startedAt: startedAt.toISOString(),
      finishedAt: new Date(report.finishedAtMs).toISOString(),
      conntax: facts.read('versions', z.looseObject({ conntax: z.string() })).conntax,
      command: [...command],
      seed: 0,
      git: null,
      host: readHost(report, facts),
      cells: [cell],
    },
    trials,
  };
}

/** More than any fleet has; their pools are added up one by one. */
const MAX_WORKERS = 100_000;

/** @throws UsageError for counts that contradict each other, as in a file that was changed */
function requireCounts(turn: ReportedTurn, file: string): void {
  const { arm, block, figures } = turn;
  const times = figures.summary('responseUs')?.count ?? 0;
  const sent = figures.count('sent');
  const why =
    workersOf(turn) > MAX_WORKERS
      ? `workers: ${workersOf(turn)} of them`
      : times > sent
        ? `responseUs: times of ${times} requests, of ${sent} that were sent`
        : times > 0 && windowMsOf(turn) <= 0
          ? `windowMs: times of ${times} requests in a window without length`
          : undefined;
  if (why !== undefined) throw impossible(`${arm} in block ${block}`, why, file);
}

/** @throws UsageError for counts that are none, as in a file that was changed */
function requirePossible(trial: TrialResult, file: string): void {
  const [issue] = TrialResult.safeParse(trial).error?.issues ?? [];
  if (issue === undefined) return;
  const { path, message } = describeIssue(issue);
  throw impossible(`${trial.trial.arm} in block ${trial.trial.replicate + 1}`, `${path}: ${message}`, file);
}

function impossible(turn: string, why: string, file: string): UsageError {
  return new UsageError(
    `${file}: the figures of ${turn} cannot be right: ${why}; expected: the file as Artillery has written it`,
  );
}

/** What workers and machines have stated. */
class Facts {
  readonly #facts: ReadReport['facts'];
  readonly #file: string;

  constructor(facts: ReadReport['facts'], file: string) {
    this.#facts = facts;
    this.#file = file;
  }

  subjects(): string[] {
    return [...this.#facts.keys()];
  }

  /** @throws UsageError for what should be stated, and is not */
  refuse(subject: string): never {
    throw new UsageError(
      `${this.#file} does not state the ${subject} (a counter conntax.about.${subject}); expected: the report of a script with config.engines.conntax, unchanged`,
    );
  }

  /** What most have stated. @throws UsageError if none did, or it is not what conntax would have stated */
  read<Schema extends z.ZodType>(
    subject: string,
    schema: Schema,
    complete: (fact: unknown) => unknown = fact => fact,
  ): z.output<Schema> {
    const [first] = this.#facts.get(subject) ?? [];
    if (first === undefined) return this.refuse(subject);
    const parsed = schema.safeParse(complete(first.fact));
    if (parsed.success) return parsed.data;
    const { path, message } = describeIssue(parsed.error.issues[0]!);
    throw new UsageError(
      `${this.#file}: the counter conntax.about.${subject} has an unknown form: ${path}: ${message}; expected: what conntax ${readVersion()} writes${this.#writerHint()}`,
    );
  }

  #writerHint(): string {
    const writer = newerWriter(this.#facts.get('versions')?.[0]?.fact);
    return writer === undefined
      ? ''
      : `; conntax ${writer} wrote it, so import it with that version or a newer one`;
  }
}

/** The most that the settings take. */
const MOST = {
  maxConnections: MAX_AT_ONCE,
  maxTotalConnections: MAX_AT_ONCE,
  maxIdleConnections: 10_000,
} as const;

/** Limits of a pool hold in each worker: those of the client as a whole are their sum. */
function scaled(client: Client, workers: number): Client {
  const pool = { ...client.pool };
  for (const name of Object.keys(MOST) as (keyof typeof MOST)[]) {
    const limit = pool[name];
    if (typeof limit === 'number') pool[name] = Math.min(limit * workers, MOST[name]);
  }
  return { ...client, pool };
}

function workersOf({ figures }: ReportedTurn): number {
  return Math.max(1, figures.count('workers'));
}

/** What the engine has checked, with the load and the shares of requests that Artillery has made of it. */
function readScenario({ turns }: ReadReport, facts: Facts): Scenario {
  const arms = facts.subjects().flatMap(subject => /^client\.(.+)$/.exec(subject)?.[1] ?? []);
  const clients = Object.fromEntries(
    arms.map(arm => [arm, facts.read(`client.${arm}`, z.record(z.string(), z.unknown()))]),
  );
  const stated = facts.read('scenario', Scenario, shared => ({ ...(shared as object), clients }));
  for (const arm of [stated.baseline, ...turns.map(turn => turn.arm)])
    if (!arms.includes(arm)) facts.refuse(`client.${arm}`);
  const workers = Math.max(...turns.map(workersOf));
  return {
    ...stated,
    ...(workers > 1 && workers <= MAX_GENERATORS ? { generators: workers } : {}),
    load: {
      model: 'open',
      ratePerSec: Math.max(MIN_RATE, Number(duePerSec(turns).toPrecision(6))),
      arrivals: 'constant',
      maxInFlight: MAX_AT_ONCE, // Artillery has no limit of its own
    },
    clients: Object.fromEntries(
      Object.entries(stated.clients).map(([arm, client]) => [arm, scaled(client, workers)]),
    ),
  };
}

/** Requests per second that Artillery was asked for, in all turns together: what was sent differs from run to run, and is not a condition. */
function duePerSec(turns: readonly ReportedTurn[]): number {
  const dueMs = sumOf(
    turns,
    ({ figures }) => figures.count('due.ms') / Math.max(1, figures.count('due.workers')),
  );
  const requests = sumOf(turns, ({ figures }) => figures.count('due.requests'));
  return dueMs === 0 ? 0 : (requests / dueMs) * 1_000;
}

/** Of a worker, on average. */
function windowMsOf(turn: ReportedTurn): number {
  return turn.figures.count('windowMs') / workersOf(turn);
}

function armOrder({ clients }: Scenario, arm: string): number {
  return Object.keys(clients).indexOf(arm);
}

interface Within {
  scenario: Scenario;
  server: ForeignServer;
  report: ReadReport;
}

/** When the first worker began it, in ms since the Unix epoch. */
function startOf({ figures, periods }: ReportedTurn, report: ReadReport): number {
  return figures.summary('startedAtEpochMs')?.min ?? periods[0]?.atMs ?? report.startedAtMs;
}

function trialOf(turn: ReportedTurn, within: Within): TrialResult {
  const { arm, block, figures } = turn;
  const { scenario, report } = within;
  const workers = workersOf(turn);
  const blocks = [...new Set(report.turns.map(other => other.block))].toSorted((a, b) => a - b);
  const replicate = blocks.indexOf(block);
  const trial: Trial = {
    id: `${scenario.name}/r${replicate}/${arm}`,
    scenario: scenario.name,
    cell: scenario.name,
    replicate,
    arm,
    target: scenario.target,
    load: scenario.load,
    ...(scenario.request === undefined ? {} : { request: scenario.request }),
    ...(scenario.requests === undefined ? {} : { requests: scenario.requests }),
    client: scenario.clients[arm]!,
    ...(workers > 1 ? { generators: workers } : {}),
    phases: scenario.phases,
    seed: 0,
    imported: 'artillery',
  };
  const startedAt = new Date(startOf(turn, report)).toISOString();
  return resultOf(trial, startedAt, measurementOf(turn, trial, within), {
    // No worker has come to the end of this turn: Artillery was stopped before.
    isInterrupted: figures.count('workers') === 0,
    scenario,
  });
}

/** What a report of Artillery does not tell. */
const UNKNOWN = {
  isSteady: false,
  lengthening: null,
  responseByClass: {},
  requests: [],
  lateness: null,
  arrivals: null,
  capacity: null,
  timeWait: null,
  backends: null,
  target: null,
  link: null,
  alone: null,
  closing: null,
} satisfies Partial<Measurement>;

function measurementOf(turn: ReportedTurn, trial: Trial, { server, report }: Within): Measurement {
  const { figures, periods } = turn;
  const windowMs = windowMsOf(turn);
  const completed = figures.count('recorded.answered');
  const failed = figures.countAll('recorded.failed.');
  const unanswered = figures.summary('unansweredUs');
  const response = drawnFrom([figures.summary('responseUs'), unanswered]);
  const exchanges = figures.count('answered') + figures.countAll('failed.');
  const warmUpMs = figures.count('warmUpMs') / workersOf(turn);
  return {
    ...UNKNOWN,
    warmupMs: warmUpMs,
    steadyMs: windowMs,
    completed,
    failed,
    bytes: figures.count('recorded.bytes'),
    outcomes: {
      ...(completed === 0 ? {} : { ok: { count: completed } }),
      ...Object.fromEntries(
        outcomesIn(figures, 'recorded.failed.').map(([outcome, count]) => [outcome, { count }]),
      ),
    },
    statuses: Object.fromEntries(figures.counts('recorded.status.')),
    censored: unanswered === undefined ? null : { count: unanswered.count, leastUs: unanswered.min },
    response,
    service: response,
    ...phasesOf(figures, response),
    connect: drawn(figures, 'connectUs'),
    tls: drawn(figures, 'tlsUs'),
    timeline: {
      widthMs: PERIOD_MS,
      buckets: periods.flatMap(({ atMs, figures: part }) => {
        const sinceMs = atMs - startOf(turn, report);
        const isWithin = sinceMs >= warmUpMs && sinceMs + PERIOD_MS <= warmUpMs + windowMs;
        return isWithin ? bucketOf(part, sinceMs) : [];
      }),
    },
    slices: [sliceOf(figures, { atMs: warmUpMs, windowMs, completed, failed, exchanges, response })],
    ledger: ledgerOf(figures, trial, server),
    generator: resourcesOf(turn),
    kernel: kernelOf(figures),
    caveats: caveatsOf(turn),
  };
}

/** A turn is one slice. */
function sliceOf(
  figures: Figures,
  {
    response,
    ...counts
  }: Pick<Slice, 'atMs' | 'windowMs' | 'completed' | 'failed' | 'exchanges'> & Pick<Measurement, 'response'>,
): Slice {
  return {
    ...counts,
    block: 0,
    position: 0,
    censored: figures.summary('unansweredUs')?.count ?? 0,
    ended: null,
    userMs: null,
    meanUs: response.meanUs,
    opened: figures.count('opened'),
    generatorCpuUs: 0,
    targetCpuUs: null,
  };
}

/** Artillery rounds each of four means to a tenth of a µs. */
const MAX_ROUNDING_US = 0.2;

/** Phases that were noted of every request are the whole of its time: what they lack, or have too much, is rounding. */
function phasesOf(
  figures: Figures,
  response: Histogram,
): Pick<Measurement, 'wait' | 'firstByte'> & { body: Histogram } {
  const [wait, firstByte, body] = ['waitUs', 'firstByteUs', 'bodyUs'].map(name => drawn(figures, name)) as [
    Histogram,
    Histogram,
    Histogram,
  ];
  const all = [wait, firstByte, body];
  const lackUs = response.meanUs - sumOf(all, ({ meanUs }) => meanUs);
  const isRounding =
    all.every(({ count }) => count === response.count) && Math.abs(lackUs) <= MAX_ROUNDING_US + 1e-9;
  return {
    wait,
    firstByte,
    body: isRounding ? { ...body, meanUs: Math.max(0, body.meanUs + lackUs) } : body,
  };
}

function drawn(figures: Figures, name: string): Histogram {
  return drawnFrom([figures.summary(name)]);
}

function outcomesIn(figures: Figures, prefix: string): [Outcome, number][] {
  const known = new Set<string>(OUTCOMES);
  return figures.counts(prefix).filter((pair): pair is [Outcome, number] => known.has(pair[0]));
}

/** Times are noted as they end, counts once a second: the number of times is the one that belongs to the period. */
function bucketOf(figures: Figures, atMs: number): Measurement['timeline']['buckets'] {
  const failed = figures.countAll('recorded.failed.');
  const { count = 0, mean = 0, max = 0 } = figures.summary('responseUs') ?? {};
  return count + failed === 0 ? [] : [{ atMs, completed: count, failed, meanUs: mean, maxUs: max }];
}

function ledgerOf(figures: Figures, { client, target, load }: Trial, server: ForeignServer): Ledger {
  const requestsSent = figures.count('sent');
  const failures = outcomesIn(figures, 'failed.');
  return {
    opened: figures.count('opened'),
    accepted: null,
    openedBy: 'client',
    openedElsewhere: figures.count('openedElsewhere'),
    closedInPauses: 0,
    longestPauseMs: 0,
    leftOpen: figures.count('leftOpen'),
    acceptedBy: server.isLoopback ? 'target' : 'kernelOpens',
    acceptedHttp2: null,
    needed: neededConnections({ client, target, load, requests: requestsSent }),
    requestsSent,
    requestsSeen: null,
    answered: figures.count('answered'),
    failed: sumOf(failures, ([, count]) => count),
    unfinished: figures.count('unfinished'),
    attempts: null,
    failures: Object.fromEntries(failures),
    faults: [],
    origins: [],
    handshakesFull: null,
    handshakesResumed: null,
    clientHandshakesFull: figures.count('handshakesFull'),
    clientHandshakesResumed: figures.count('handshakesResumed'),
    requestsPerConnection: null,
  };
}

/** Artillery's timers poll, so CPU time and event loop of its workers tell nothing of the clients: they are not known. */
function resourcesOf({ figures }: ReportedTurn): Resources {
  const wholeMs = figures.count('wholeMs');
  return {
    cpuUs: 0,
    cpuUsPerRequest: 0,
    cpuRatio: 0,
    eventLoopRatio: null,
    runDelayRatio: wholeMs > 0 ? figures.count('runDelayMs') / wholeMs : 0,
    rssBytes: figures.summary('rssBytes')?.max ?? 0,
    stops: 0,
  };
}

function kernelOf(figures: Figures): Measurement['kernel'] {
  const read = (name: string): number => Math.max(0, figures.count(`kernel.${name}`));
  return {
    activeOpens: read('activeOpens'),
    passiveOpens: read('passiveOpens'),
    retransmits: read('retransmits'),
    needlessRetransmits: read('needlessRetransmits'),
    synRetransmits: read('synRetransmits'),
    listenDrops: read('listenDrops'),
    timeWaitCreated: read('timeWaitCreated'),
  };
}

function caveatsOf({ figures, periods }: ReportedTurn): string[] {
  const due = figures.count('due.requests');
  const sent = figures.count('sent');
  const overlapping = figures.count('overlapping');
  const caveats = [...CAVEATS];
  if (sent < MIN_SENT * due)
    caveats.push(
      `Artillery sent ${sent} of the ${Math.round(due)} requests that its phase asked for: its workers were too slow, users were not done when the phase ended, or maxVusers kept some from arriving.`,
    );
  if (overlapping > 0)
    caveats.push(
      `${overlapping} requests were still in flight when the next turn began, and disturbed it: a longer pause between the phases avoids that.`,
    );
  // Artillery drops what a worker reports of a period late.
  const inPeriods = sumOf(periods, period => period.figures.count('sent'));
  if (inPeriods !== sent)
    caveats.push(
      `Artillery's periods hold ${inPeriods} of ${sent} requests: the course over time is incomplete.`,
    );
  return caveats;
}

function readHost({ turns }: ReadReport, facts: Facts): Host {
  const machines = Math.max(1, ...turns.map(({ figures }) => figures.count('machines')));
  const hostname = machines === 1 ? 'the machine of the workers' : `one of ${machines} machines`;
  return facts.read('machine', Host, machine => ({ ...(machine as object), hostname }));
}

function cellOf(
  trials: readonly TrialResult[],
  { scenario, server, elapsedMs }: { scenario: Scenario; server: ForeignServer; elapsedMs: number },
): CellResult {
  const replicates = new Set(trials.map(({ trial }) => trial.replicate)).size;
  return {
    cell: scenario.name,
    sweepPoints: [],
    scenario,
    serviceMs: null,
    code: {},
    targetCode: {},
    server,
    otherServers: [],
    otherAnswers: [],
    replicates,
    failedTrials: trials.filter(({ state }) => state === 'failed').length,
    stop: 'max-replicates',
    stopDetail: 'as many turns as Artillery was given phases',
    elapsedMs,
    arms: summariseArms(trials),
    leftOut: [],
    comparisons: compareArms({ baseline: scenario.baseline, trials }),
    findings: [
      ...trials.flatMap(trial => (trial.state === 'completed' ? auditTrial(trial) : [])),
      ...auditCell(trials, scenario),
    ],
    expectations: [],
    errorSharers: 1,
    imported: 'artillery',
  };
}
