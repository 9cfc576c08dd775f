// A complete stored run, the same at every call, that no process had to measure; its machine, and an external server as runs find it.

import { Scenario, type SweepPoint } from '../../scenarios/model/scenario.ts';
import { cellId } from '../../scenarios/model/sweep.ts';
import { auditCell, auditTrial } from '../audits/index.ts';
import { compareArms, summariseArms } from '../compare.ts';
import { firstResult, judgeAll } from '../expect.ts';
import type { CellResult, ForeignServer, Host, Run } from '../model/run.ts';
import type { TrialResult } from '../model/trial.ts';
import { createRandom } from '../random.ts';
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

/** Drawing the latencies of a cell takes a tenth of a second, and most tests ask for the same few. */
const drawn = new Map<string, { cell: CellResult; trials: TrialResult[] }>();

/** One cell and its trials: a copy, which the caller may change. */
export function sampleCell(options: SampleCellOptions): { cell: CellResult; trials: TrialResult[] } {
  const key = JSON.stringify(options);
  const known = drawn.get(key) ?? drawCell(options);
  drawn.set(key, known);
  return structuredClone(known);
}

function drawCell(options: SampleCellOptions): { cell: CellResult; trials: TrialResult[] } {
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
  const elapsedMs = cells.reduce((sum, cell) => sum + cell.elapsedMs, 0);
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

/** As a scenario file gives it; every other setting is the default. */
const SCENARIOS: Record<NonNullable<SampleOptions['scenario']>, Scenario> = {
  'short-vs-persistent': Scenario.parse({
    name: 'short-vs-persistent',
    question: 'What does a new connection for every request cost, compared with a pool of 100?',
    tags: ['quick'],
    target: { behaviour: { name: 'fixed', bytes: 1024 } },
    clients: {
      short: { requestsPerConnection: 1 },
      persistent: { pool: { maxConnections: 100 } },
    },
    baseline: 'short',
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
    clients: {
      short: { requestsPerConnection: 1 },
      persistent: { pool: { maxConnections: 100 } },
    },
    baseline: 'short',
  }),
  capacity: Scenario.parse({
    name: 'capacity',
    question: 'What rate can each client sustain while p99 stays within 50 ms?',
    load: { model: 'capacity', objective: { p99Ms: 50 }, minRatePerSec: 500 },
    clients: {
      short: { requestsPerConnection: 1 },
      persistent: { pool: { maxConnections: 100 } },
    },
    baseline: 'short',
  }),
  drivers: Scenario.parse({
    name: 'drivers',
    question: 'Do two drivers find the same server?',
    clients: { undici: { pool: { maxConnections: 100 } }, wrk: { transport: 'wrk' } },
    baseline: 'undici',
    timing: { sliceMs: 1_000 },
  }),
};
