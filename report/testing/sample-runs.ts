// Stored runs of every kind that a report may be built from: sound, invalid, failed, hostile, with one client, with no figures.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { auditCell, auditTrial } from '../../results/audits/index.ts';
import { compareArms, summariseArms } from '../../results/compare.ts';
import { firstResult, judge } from '../../results/expect.ts';
import { emptyHistogram } from '../../results/histogram.ts';
import { Run } from '../../results/model/run.ts';
import { TrialResult } from '../../results/model/trial.ts';
import { sampleHeld } from '../../results/testing/sample-measurement.ts';
import { phasedTrial, sampleRun, sampleSweep } from '../../results/testing/sample-run.ts';
import type { Expectation } from '../../scenarios/model/scenario.ts';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';

export interface StoredSample {
  run: Run;
  trials: readonly TrialResult[];
}

/** What a stored run from elsewhere might call its arm. */
export const HOSTILE_NAME = `</script><script>alert(1)</script><img src=x onerror=alert(2)>|"'&\`_*[a](javascript:b)\u001b[2J`;

export const sampleRuns: Record<string, StoredSample> = {
  'two arms': sampleRun(),
  'six arms': sampleRun({ scenario: 'requests-per-connection' }),
  'an invalid trial': sampleRun({ trouble: 'invalid-trial' }),
  'an invalid trial of six arms': sampleRun({
    scenario: 'requests-per-connection',
    trouble: 'invalid-trial',
  }),
  'a failed trial': sampleRun({ trouble: 'failed-trial' }),
  'a hostile name': renamed(sampleRun(), 'persistent', HOSTILE_NAME),
  'one arm': onlyArm(sampleRun(), 'short'),
  'one replicate': sampleRun({ replicates: 1 }),
  'no completed trial': allFailed(sampleRun()),
  "someone else's server": foreign(sampleRun()),
  'every phase': withTrials(sampleRun({ replicates: 1 }), [
    everyPhase('short', 10),
    everyPhase('persistent', 0),
  ]),
  'phases off': withTrials(sampleRun({ replicates: 1 }), [
    phasedTrial({
      requests: manyOf(10, { restUs: 24_000 }),
      connections: manyOf(10, { connectUs: 700 }),
      trial: { phases: false, arm: 'short' },
    }),
    phasedTrial({
      requests: manyOf(10, { restUs: 4_800 }),
      trial: { phases: false, arm: 'persistent' },
    }),
  ]),
  'an open load': sampleRun({ scenario: 'same-load' }),
  'an invalid trial of an open load': sampleRun({ scenario: 'same-load', trouble: 'invalid-trial' }),
  'a capacity search': sampleRun({ scenario: 'capacity' }),
  'an invalid trial of a capacity search': sampleRun({ scenario: 'capacity', trouble: 'invalid-trial' }),
  'a search cut short': cutShort(sampleRun({ scenario: 'capacity', replicates: 1 })),
  'a link': sampleRun({ scenario: 'behind-a-link' }),
  'an invalid trial behind a link': sampleRun({ scenario: 'behind-a-link', trouble: 'invalid-trial' }),
  'two drivers': sampleRun({ scenario: 'drivers' }),
  'scenarios not begun': interrupted(sampleRun({ replicates: 2 }), [
    'capacity',
    'sizes[bytes=1]',
    'sizes[bytes=2]',
  ]),
  'an invalid trial, held over time': heldOverTime(sampleRun({ trouble: 'invalid-trial', replicates: 1 })),
  'a bad hour': readRecorded('a-bad-hour'),
  'failed limits': withLimits(sampleRun()),
  'two scenarios': together(sampleRun(), sampleRun({ scenario: 'requests-per-connection' })),
};

/** Of what was expected, two limits failed, one is undecided and one holds. */
function withLimits({ run, trials }: StoredSample): StoredSample {
  const limits: Expectation[] = [
    { metric: 'successRatio', of: 'short', atLeast: 0.999 },
    { metric: 'cpuUsPerRequest', of: 'persistent', atMost: 28 },
    { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 6 },
    { metric: 'p99Us', of: 'persistent', atMost: 3_000 },
  ];
  const expectations = limits.map(limit => firstResult(limit, judge(limit, trials)));
  return { run: { ...run, cells: run.cells.map(cell => ({ ...cell, expectations })) }, trials };
}

/** Of one client, and of another that leaks half a connection per request. */
function heldOverTime({ run, trials }: StoredSample): StoredSample {
  return {
    run,
    trials: trials.map(result => {
      if (result.state === 'failed') return result;
      const held = sampleHeld({
        leftPerRequest: result.trial.arm === run.cells[0]!.scenario.baseline ? 0.5 : 0,
      });
      return { ...result, measurement: { ...result.measurement, held } };
    }),
  };
}

/** As it was measured on a machine with far more to do: a line of the run, and one for each trial. */
function readRecorded(name: string): StoredSample {
  const text = gunzipSync(readFileSync(new URL(`./${name}.ndjson.gz`, import.meta.url))).toString();
  const [run, ...trials] = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as unknown);
  return { run: Run.parse(run), trials: trials.map(trial => TrialResult.parse(trial)) };
}

/** Its arm and one of its values are named as a stored run from elsewhere might name them. */
export function hostileSweep(): StoredSample {
  return renamed(renamed(sampleSweep('pool'), 'only', HOSTILE_NAME), 'unlimited', HOSTILE_NAME);
}

export function sweepAndScenario(): StoredSample {
  return together(sampleSweep('pool'), sampleRun());
}

function manyOf<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

/** Ten requests over an emulated link, held back at first, and one of which the client does not tell all. */
function everyPhase(arm: string, connections: number): TrialResult {
  const request = {
    lateUs: 3_000,
    waitUs: connections === 0 ? 2_000 : 46_000,
    firstByteUs: 27_000,
    bodyUs: 1_500,
  };
  return phasedTrial({
    requests: [...manyOf(9, request), { restUs: 40_000 }],
    connections: manyOf(connections, { connectUs: 600, tlsUs: 43_000 }),
    link: { roundTripMs: 21 },
    trial: { arm },
  });
}

/** Its only replicate replaced. */
function withTrials({ run }: StoredSample, trials: readonly TrialResult[]): StoredSample {
  const cells = run.cells.map(cell => ({
    ...cell,
    arms: summariseArms(trials),
    comparisons: compareArms({ baseline: cell.scenario.baseline, trials }),
  }));
  return { run: { ...run, cells }, trials };
}

/** Every string and key that is `from` becomes `to`. */
function renamed<T>(value: T, from: string, to: string): T {
  const rename = (item: unknown): unknown => {
    if (item === from) return to;
    if (Array.isArray(item)) return item.map(rename);
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, member]) => [rename(key), rename(member)]));
  };
  return rename(value) as T;
}

function onlyArm({ run, trials }: StoredSample, name: string): StoredSample {
  const kept = trials.filter(({ trial }) => trial.arm === name);
  const cells = run.cells.map(cell => ({
    ...cell,
    scenario: { ...cell.scenario, clients: { [name]: cell.scenario.clients[name]! } },
    arms: cell.arms.filter(({ arm }) => arm === name),
    comparisons: compareArms({ baseline: name, trials: kept }),
    findings: cell.findings.filter(({ arm }) => arm === name),
  }));
  return { run: { ...run, cells }, trials: kept };
}

function allFailed({ run, trials }: StoredSample): StoredSample {
  const failed = trials.map(
    ({ trial, startedAt }): TrialResult => ({
      trial,
      startedAt,
      state: 'failed',
      error: { code: 'target-died', message: 'the target ended with exit code 1' },
    }),
  );
  const cells = run.cells.map(cell => ({
    ...cell,
    stop: 'failed' as const,
    stopDetail: '2 replicates in a row failed: the target ended with exit code 1',
    failedTrials: failed.length,
    arms: cell.arms.map(arm => ({ ...arm, trials: 0, requestsPerSec: null, meanUs: 0, requestsSent: 0 })),
    comparisons: cell.comparisons.map(comparison => ({
      ...comparison,
      ratio: null,
      replicateRatios: [],
      verdict: 'unsure' as const,
    })),
    findings: [],
  }));
  return { run: { ...run, state: 'failed', cells }, trials: failed };
}

/** The same, measured on a server that conntax did not start: what it does not tell is taken out. */
function foreign({ run, trials }: StoredSample): StoredSample {
  const url = 'https://localhost:8443/path?a=b';
  const target = Target.parse(withUnknowns({ url, maxRequestsPerSocket: 100 }));
  const unknown = trials.map((result): TrialResult => {
    const trial = { ...result.trial, target };
    if (result.state === 'failed') return { ...result, trial };
    const { measurement } = result;
    return {
      ...result,
      trial,
      measurement: {
        ...measurement,
        slices: measurement.slices.map(slice => ({ ...slice, targetCpuUs: null })),
        target: null,
        ledger: {
          ...measurement.ledger,
          acceptedBy: 'kernel',
          requestsSeen: null,
          handshakesFull: null,
          handshakesResumed: null,
          requestsPerConnection: null,
        },
      },
    };
  });
  const cells = run.cells.map(cell => ({
    ...cell,
    scenario: { ...cell.scenario, target },
    server: {
      url,
      address: '127.0.0.1',
      proxy: null,
      isLoopback: true,
      status: 404,
      httpVersion: '1.1',
      location: null,
      software: 'nginx/1.26.3',
      connectionHeader: 'keep-alive',
      keepAliveHeader: null,
      framing: 'length' as const,
      interimStatuses: [],
      tlsVersion: 'TLSv1.3',
      isUnverified: false,
      alpn: 'h2',
    },
    arms: summariseArms(unknown),
    findings: [
      ...unknown.flatMap(result => (result.state === 'completed' ? auditTrial(result) : [])),
      ...auditCell(unknown, cell.scenario),
    ],
  }));
  return { run: { ...run, cells }, trials: unknown };
}

/** Interrupted in the search of its only replicate: probes, and nothing else. */
function cutShort({ run, trials }: StoredSample): StoredSample {
  const cut = structuredClone(trials) as TrialResult[];
  for (const result of cut) {
    if (result.state !== 'completed') continue;
    const { measurement } = result;
    const empty = emptyHistogram();
    const { capacity } = measurement;
    result.isPartial = true;
    Object.assign(measurement, {
      steadyMs: 0,
      completed: 0,
      bytes: 0,
      outcomes: {},
      slices: [],
      timeline: { ...measurement.timeline, buckets: [] },
      arrivals: { due: 0, heldBack: 0, unsent: 0, unfinished: 0, ended: 0 },
      capacity: { ...capacity, isSettled: false, notKeptPerSec: null, probes: capacity!.probes.slice(0, 3) },
      ...{ response: empty, service: empty, wait: empty, firstByte: empty, body: empty, lateness: empty },
    });
  }
  const cells = run.cells.map(cell => ({
    ...cell,
    stop: 'interrupted' as const,
    stopDetail: 'interrupted after 1 replicate',
    arms: summariseArms(cut),
    comparisons: compareArms({ baseline: cell.scenario.baseline, trials: cut }),
  }));
  return { run: { ...run, state: 'partial', cells }, trials: cut };
}

/** After its second replicate, before other cells began. */
function interrupted({ run, trials }: StoredSample, notBegun: string[]): StoredSample {
  const cells = run.cells.map(cell => ({
    ...cell,
    stop: 'interrupted' as const,
    stopDetail: 'interrupted after 2 replicates',
  }));
  return { run: { ...run, state: 'partial', cells, notBegun }, trials };
}

function together(first: StoredSample, second: StoredSample): StoredSample {
  return {
    run: { ...first.run, cells: [...first.run.cells, ...second.run.cells] },
    trials: [...first.trials, ...second.trials],
  };
}
