// Complete stored runs, the same at every call, that no process had to measure: of one scenario, of a sweep, of a history, and trials from given times.

import { randomNormal } from 'd3-random';
import { Scenario, type ScenarioInput, type SweepPoint } from '../../scenarios/model/scenario.ts';
import { axesOf, cellId, combinations } from '../../scenarios/model/sweep.ts';
import { Link } from '../../scenarios/model/target.ts';
import { auditCell, auditTrial } from '../audits/index.ts';
import type { RunSummary } from '../baselines.ts';
import { compareArms, summariseArms } from '../compare.ts';
import { firstResult, judge, judgeAll } from '../expect.ts';
import { createLatencyRecorder } from '../histogram.ts';
import type { CellResult, ForeignServer, Host, Metric, Run } from '../model/run.ts';
import type { CompletedTrial, Histogram, Trial, TrialResult } from '../model/trial.ts';
import { createRandom } from '../random.ts';
import { type Interval, sumOf } from '../stats.ts';
import { SERVICE_US, sampleMeasurement } from './sample-measurement.ts';

export const sampleHost: Host = {
  hostname: 'bench-1',
  platform: 'linux x64',
  kernel: '6.18.5',
  cpuModel: 'AMD EPYC 7B13',
  cpuCount: 2,
  memoryBytes: 8_589_934_592,
  loadAverage: [0.31, 0.22, 0.18],
  node: '26.10.0',
  v8: '14.6.202.9-node.12',
  openssl: '3.5.4',
  packages: { undici: '8.12.4', fastify: '5.12.8', 'hdr-histogram-js': '3.0.1', autocannon: '9.0.0' },
  descriptorLimit: 1_048_576,
  ephemeralPorts: { low: 32_768, high: 60_999 },
  tcpTwReuse: 2,
  pinning: { targetCpu: 0, generatorCpu: 1 },
  pinningDetail: 'target on core 0, generator on core 1, by taskset',
};

export const FOUND_SERVER: ForeignServer = {
  url: 'http://127.0.0.1/',
  address: '127.0.0.1',
  proxy: null,
  isLoopback: true,
  status: 200,
  httpVersion: '1.1',
  location: null,
  software: null,
  connectionHeader: null,
  keepAliveHeader: null,
  framing: 'length',
  interimStatuses: [],
  tlsVersion: null,
  isUnverified: false,
  alpn: null,
};

export interface SampleOptions {
  /** Two arms (under a closed or an open load, with a capacity search, or behind a link with published figures), the six of an amortisation curve, or two drivers of the same mode, a third being left out. */
  scenario?:
    | 'short-vs-persistent'
    | 'requests-per-connection'
    | 'same-load'
    | 'capacity'
    | 'behind-a-link'
    | 'drivers';
  replicates?: number;
  blocks?: number;
  /** failed: one generator died; invalid: the target saw connections of which the client knows nothing. */
  trouble?: 'none' | 'failed-trial' | 'invalid-trial';
}

export const SAMPLE_RUN_ID = '2026-11-23T12-25-52Z-k3f9';
const STARTED_AT_MS = Date.parse('2026-11-23T12:25:52.000Z');
const REPLICATE_MS = 5_000;

/** A run that passes every audit unless trouble is asked for: by default 2 arms, 4 replicates, 6 blocks. */
export function sampleRun(options: SampleOptions = {}): { run: Run; trials: TrialResult[] } {
  const { scenario: name = 'short-vs-persistent', ...rest } = options;
  const { cell, trials } = sampleCell({ scenario: SCENARIOS[name], ...rest });
  return { run: sampleRunOf([cell]), trials };
}

export interface SampleCellOptions extends Omit<SampleOptions, 'scenario'> {
  scenario: Scenario;
  sweepPoints?: SweepPoint[];
}

interface SampleCell {
  cell: CellResult;
  trials: TrialResult[];
}

/** Drawing the latencies of a cell takes a tenth of a second, and most tests ask for the same few. */
const drawn = new Map<string, SampleCell>();

/** One cell and its trials: a copy, which the caller may change. */
export function sampleCell(options: SampleCellOptions): SampleCell {
  const key = JSON.stringify(options);
  const known = drawn.get(key) ?? drawCell(options);
  drawn.set(key, known);
  return structuredClone(known);
}

function drawCell(options: SampleCellOptions): SampleCell {
  const { scenario, sweepPoints = [], replicates = 4, blocks = 6, trouble = 'none' } = options;
  const cell = cellId(scenario.name, sweepPoints);
  const random = createRandom(20_261_123, cell);
  const trials: TrialResult[] = [];
  for (let replicate = 0; replicate < replicates; replicate++) {
    Object.entries(scenario.clients).forEach(([arm, client], position) => {
      const trial: TrialResult['trial'] = {
        id: `${cell}/r${replicate}/${arm}`,
        scenario: scenario.name,
        cell,
        replicate,
        arm,
        target: scenario.target,
        ...(scenario.link === undefined ? {} : { link: scenario.link }),
        load: scenario.load,
        phases: scenario.phases,
        client,
        seed: 1 + trials.length,
      };
      const measurement = sampleMeasurement(trial, {
        blocks,
        position,
        arms: Object.keys(scenario.clients).length,
        random,
      });
      const startedAt = new Date(STARTED_AT_MS + replicate * REPLICATE_MS).toISOString();
      trials.push({ trial, startedAt, state: 'completed', isPartial: false, measurement });
    });
  }
  spoil(trials, trouble);
  const result: CellResult = {
    cell,
    sweepPoints,
    serviceMs: scenario.link === undefined ? 0 : SERVICE_US / 1_000,
    code: {},
    targetCode: {},
    scenario,
    server: null,
    otherServers: [],
    otherAnswers: [],
    replicates,
    failedTrials: trials.filter(({ state }) => state === 'failed').length,
    stop: 'precise',
    stopDetail: `every ratio is within 5 % after ${replicates} replicates`,
    elapsedMs: replicates * REPLICATE_MS,
    arms: summariseArms(trials),
    leftOut: scenario.name === 'drivers' ? [LEFT_OUT] : [],
    comparisons: compareArms({ baseline: scenario.baseline, trials }),
    errorSharers: 1,
    expectations: judgeAll(scenario.expect, trials).map((judgement, index) =>
      firstResult(scenario.expect[index]!, judgement),
    ),
    findings: [
      ...trials.flatMap(trial => (trial.state === 'completed' ? auditTrial(trial) : [])),
      ...auditCell(trials, scenario),
    ],
  };
  return { cell: result, trials };
}

/** The run that has measured these cells, partial when a trial of one failed. */
export function sampleRunOf(cells: CellResult[]): Run {
  const elapsedMs = sumOf(cells, cell => cell.elapsedMs);
  return {
    schemaVersion: 1,
    id: SAMPLE_RUN_ID,
    state: cells.every(({ failedTrials }) => failedTrials === 0) ? 'complete' : 'partial',
    startedAt: new Date(STARTED_AT_MS).toISOString(),
    finishedAt: new Date(STARTED_AT_MS + elapsedMs).toISOString(),
    conntax: '0.1.0',
    command: ['conntax', 'run', cells[0]?.scenario.name ?? 'nothing'],
    seed: 1,
    git: { commit: '3f9c1d2a7b6e5048c1f0a9d8e7b6c5d4e3f2a1b0', isDirty: false },
    host: sampleHost,
    cells,
  };
}

/** Makes the last trial of the second arm go wrong. */
function spoil(trials: TrialResult[], trouble: NonNullable<SampleOptions['trouble']>): void {
  const index = trials.length - 1;
  const last = trials[index];
  if (last?.state !== 'completed') return;
  switch (trouble) {
    case 'none':
      return;
    case 'failed-trial':
      trials[index] = {
        trial: last.trial,
        startedAt: last.startedAt,
        state: 'failed',
        error: {
          code: 'generator-died',
          message: 'the generator ended with signal SIGKILL',
          detail: '<b>stderr</b>: Killed',
        },
      };
      return;
    case 'invalid-trial':
      last.measurement.ledger.accepted! += 7;
      return;
    default:
      trouble satisfies never;
  }
}

const LEFT_OUT = { arm: 'hey', message: 'the program hey is not installed', hint: 'apt-get install hey' };

const SHORT_AND_PERSISTENT = {
  clients: { short: { requestsPerConnection: 1 }, persistent: { pool: { maxConnections: 100 } } },
  baseline: 'short',
} as const;

/** As a scenario file gives it; every other setting is the default. */
const SCENARIOS: Record<NonNullable<SampleOptions['scenario']>, Scenario> = {
  'short-vs-persistent': Scenario.parse({
    name: 'short-vs-persistent',
    question: 'What does a new connection for every request cost, compared with a pool of 100?',
    tags: ['quick'],
    target: { behaviour: { name: 'fixed', bytes: 1024 } },
    ...SHORT_AND_PERSISTENT,
  }),
  'behind-a-link': Scenario.parse({
    name: 'behind-a-link',
    question: 'What does a new connection for every request cost across a network?',
    target: { tls: '1.2' },
    link: { roundTripMs: 21 },
    clients: {
      short: { requestsPerConnection: 1, pool: { tlsSessions: 'none' } },
      persistent: { pool: { maxConnections: 100 } },
    },
    baseline: 'short',
    published: {
      source: 'an article',
      rows: [
        { arm: 'short', meanMs: 89, requestsPerSec: 1124, errorRatio: 0.002 },
        { arm: 'persistent', meanMs: 26, requestsPerSec: 3789, errorRatio: 0 },
      ],
    },
  }),
  'requests-per-connection': Scenario.parse({
    name: 'requests-per-connection',
    question: 'After how many requests has a connection paid for its handshake?',
    tags: ['quick'],
    target: { behaviour: { name: 'fixed', bytes: 1024 } },
    clients: {
      one: { requestsPerConnection: 1 },
      two: { requestsPerConnection: 2 },
      five: { requestsPerConnection: 5 },
      ten: { requestsPerConnection: 10 },
      fifty: { requestsPerConnection: 50 },
      unlimited: { pool: { maxConnections: 100 } },
    },
    baseline: 'one',
  }),
  'same-load': Scenario.parse({
    name: 'same-load',
    question: 'At the same rate, how much longer do users wait on short connections?',
    load: { model: 'open', ratePerSec: 1_500, arrivals: 'constant' },
    ...SHORT_AND_PERSISTENT,
  }),
  capacity: Scenario.parse({
    name: 'capacity',
    question: 'What rate can each client sustain while p99 stays within 50 ms?',
    load: { model: 'capacity', objective: { p99Ms: 50 }, minRatePerSec: 500 },
    ...SHORT_AND_PERSISTENT,
  }),
  drivers: Scenario.parse({
    name: 'drivers',
    question: 'Do two drivers find the same server?',
    clients: { undici: { pool: { maxConnections: 100 } }, wrk: { transport: 'wrk' } },
    baseline: 'undici',
    timing: { sliceMs: 1_000 },
  }),
};

/** link: one setting; link-and-reuse: two; pool: a setting whose values are no numbers, of one arm. */
export type SampleSweep = 'link' | 'link-and-reuse' | 'pool';

const SMALL = { replicates: 3, blocks: 3 } as const;

/** A run of all cells, in an order that is not that of the values. */
export function sampleSweep(name: SampleSweep): { run: Run; trials: TrialResult[] } {
  const input = SWEEPS[name];
  const points = combinations(axesOf(Scenario.parse(input)));
  return joined(turned(points).map(sweepPoints => sweptCell(input, sweepPoints)));
}

/**
 * The link's sweep with trouble in every other cell: one has an invalid trial, one could not be measured, and an interrupt
 * came before the last.
 */
export function troubledSweep(): { run: Run; trials: TrialResult[] } {
  const input = SWEEPS.link;
  const points = combinations(axesOf(Scenario.parse(input)));
  const [first, second, third, fourth] = points.map((sweepPoints, index) =>
    sweptCell(input, sweepPoints, index === 1 ? 'invalid-trial' : 'none'),
  );
  const { run, trials } = joined([first!, second!, third!, failedCell(fourth!)]);
  return { run: { ...run, state: 'partial' }, trials };
}

function joined(cells: readonly SampleCell[]): { run: Run; trials: TrialResult[] } {
  return { run: sampleRunOf(cells.map(({ cell }) => cell)), trials: cells.flatMap(({ trials }) => trials) };
}

function sweptCell(
  input: ScenarioInput,
  sweepPoints: SweepPoint[],
  trouble: 'none' | 'invalid-trial' = 'none',
): SampleCell {
  return sampleCell({ scenario: Scenario.parse(placed(input, sweepPoints)), sweepPoints, trouble, ...SMALL });
}

function failedCell({ cell, trials }: SampleCell): SampleCell {
  const failed = trials.map(
    ({ trial, startedAt }): TrialResult => ({
      trial,
      startedAt,
      state: 'failed',
      error: { code: 'target-died', message: 'the target ended with exit code 1' },
    }),
  );
  return {
    trials: failed,
    cell: {
      ...cell,
      stop: 'failed',
      stopDetail: '2 replicates in a row failed: the target ended with exit code 1',
      failedTrials: failed.length,
      arms: cell.arms.map(arm => ({ ...arm, trials: 0, requestsPerSec: null, meanUs: 0, requestsSent: 0 })),
      comparisons: [],
      findings: [],
      expectations: cell.scenario.expect.map(expectation =>
        firstResult(expectation, judge(expectation, failed)),
      ),
    },
  };
}

/** The values in their places, all of whose holders are written. */
function placed(input: ScenarioInput, points: readonly SweepPoint[]): ScenarioInput {
  const copy = structuredClone(input);
  for (const { path, value } of points) {
    const keys = path.split('.');
    const last = keys.pop()!;
    let holder = copy as unknown as Record<string, unknown>;
    for (const key of keys) holder = holder[key] as Record<string, unknown>;
    holder[last] = value;
  }
  return copy;
}

/** The second half before the first. */
function turned<T>(items: readonly T[]): T[] {
  const middle = Math.floor(items.length / 2);
  return [...items.slice(middle), ...items.slice(0, middle)];
}

const SWEEPS: Record<SampleSweep, ScenarioInput> = {
  link: {
    name: 'round-trip',
    question: 'How does the cost of a new connection grow with the distance?',
    link: {},
    ...SHORT_AND_PERSISTENT,
    expect: [
      { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 3 },
      { metric: 'p99Us', of: 'persistent', atMost: 1_000_000 },
    ],
    sweep: { 'link.roundTripMs': [80, 20, 5, 1, 0] },
  },
  'link-and-reuse': {
    name: 'round-trip-and-reuse',
    question: 'How many requests must share a connection, the farther the server is?',
    link: {},
    clients: {
      reused: { requestsPerConnection: 1 },
      persistent: { pool: { maxConnections: 100 } },
    },
    baseline: 'persistent',
    sweep: { 'clients.reused.requestsPerConnection': [1, 'unlimited'], 'link.roundTripMs': [0, 5, 20] },
  },
  pool: {
    name: 'pool',
    question: 'How many connections do 100 users need?',
    clients: { only: { pool: { maxConnections: 100 } } },
    baseline: 'only',
    sweep: { 'clients.only.pool.maxConnections': [20, 50, 'unlimited'] },
  },
};

const DAY_MS = 86_400_000;
/** By how much the ratios vary from night to night: a standard deviation, in logarithms. */
const NOISE = 0.01;

export interface SampleHistoryOptions {
  /** How many runs, the newest a day before the given one. */
  count: number;
  metric: Metric;
  /** The last runs, of this number, are at the level of the given one, those before at `factor` times that. */
  atLevel: number;
  factor: number;
}

/** Oldest first. Each night has a commit of its own; with the new level came another undici. */
export function sampleHistory(
  now: RunSummary,
  { count, metric, atLevel, factor }: SampleHistoryOptions,
): RunSummary[] {
  const draw = randomNormal.source(createRandom(1, 'sample-history'))(0, NOISE);
  return Array.from({ length: count }, (_, index) => {
    const run = structuredClone(now);
    const at = new Date(Date.parse(now.startedAt) - (count - index) * DAY_MS).toISOString();
    run.startedAt = at;
    run.runId = `${at.slice(0, 19).replaceAll(':', '-')}Z-${String(index).padStart(4, '0')}`;
    run.git = {
      commit: String(index).padStart(4, 'c').repeat(10),
      isDirty: false,
      repositoryUrl: 'https://git.example.com/us/ours',
    };
    const isBefore = index < count - atLevel;
    if (isBefore) run.host.packages['undici'] = '8.11.0';
    for (const { ratios, arms } of run.cells) {
      for (const ratio of ratios) {
        if (ratio.interval === null) continue;
        const noise = Math.exp(draw()) * (isBefore && ratio.metric === metric ? factor : 1);
        ratio.interval = scaled(ratio.interval, noise);
        const measured = arms.find(({ arm }) => arm === ratio.candidate);
        if (ratio.metric === 'requestsPerSec' && measured?.requestsPerSec)
          measured.requestsPerSec = scaled(measured.requestsPerSec, noise);
      }
    }
    return run;
  });
}

function scaled({ value, low, high }: Interval, factor: number): Interval {
  return { value: value * factor, low: low * factor, high: high * factor };
}

/** All in µs; a time that is left out is not reported by the client. */
export interface PhasedRequest {
  lateUs?: number;
  waitUs?: number;
  firstByteUs?: number;
  bodyUs?: number;
  /** Service time beyond the phases given. */
  restUs?: number;
}

export interface PhasedTrial {
  requests: readonly PhasedRequest[];
  /** Opened in the windows. */
  connections?: readonly { connectUs: number; tlsUs?: number }[];
  failed?: number;
  link?: Partial<Link>;
  trial?: Partial<Trial>;
}

let base: TrialResult | undefined;

export function phasedTrial({
  requests,
  connections = [],
  failed = 0,
  link,
  trial,
}: PhasedTrial): CompletedTrial {
  base ??= sampleRun({ replicates: 1, blocks: 1 }).trials[0];
  if (base?.state !== 'completed') throw new Error('the first trial of a sample run has no figures');
  const serviceUs = ({ waitUs = 0, firstByteUs = 0, bodyUs = 0, restUs = 0 }: PhasedRequest) =>
    waitUs + firstByteUs + bodyUs + restUs;
  return {
    ...base,
    trial: { ...base.trial, ...(link === undefined ? {} : { link: Link.parse(link) }), ...trial },
    measurement: {
      ...base.measurement,
      completed: requests.length,
      failed,
      response: histogramOf(requests.map(request => serviceUs(request) + (request.lateUs ?? 0))),
      service: histogramOf(requests.map(serviceUs)),
      wait: histogramOf(requests.map(({ waitUs }) => waitUs)),
      firstByte: histogramOf(requests.map(({ firstByteUs }) => firstByteUs)),
      body: histogramOf(requests.map(({ bodyUs }) => bodyUs)),
      connect: histogramOf(connections.map(({ connectUs }) => connectUs)),
      tls: histogramOf(connections.map(({ tlsUs }) => tlsUs)),
      ledger: {
        ...base.measurement.ledger,
        opened: connections.length,
        accepted: connections.length,
        requestsSent: requests.length + failed,
      },
    },
  };
}

function histogramOf(timesUs: readonly (number | undefined)[]): Histogram {
  const recorder = createLatencyRecorder();
  for (const us of timesUs) if (us !== undefined) recorder.recordUs(us);
  const histogram = recorder.summary();
  recorder.close();
  return histogram;
}
