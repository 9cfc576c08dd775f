// A complete stored run of a sweep, the same at every call.

import { Scenario, type ScenarioInput, type SweepPoint } from '../../scenarios/model/scenario.ts';
import { axesOf, combinations } from '../../scenarios/model/sweep.ts';
import { firstResult, judge } from '../expect.ts';
import type { CellResult, Run } from '../model/run.ts';
import type { TrialResult } from '../model/trial.ts';
import { sampleCell, sampleRunOf } from './sample-run.ts';

/** link: one setting; link-and-reuse: two; pool: a setting whose values are no numbers, of one arm. */
export type SampleSweep = 'link' | 'link-and-reuse' | 'pool';

const SMALL = { replicates: 3, blocks: 3 } as const;

/** A run of all cells, in an order that is not that of the values. */
export function sampleSweep(name: SampleSweep): { run: Run; trials: TrialResult[] } {
  const input = SWEEPS[name];
  const points = combinations(axesOf(Scenario.parse(input)));
  const cells = turned(points).map(sweepPoints => sweptCell(input, sweepPoints));
  return { run: sampleRunOf(cells.map(({ cell }) => cell)), trials: cells.flatMap(({ trials }) => trials) };
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
  const cells = [first!, second!, third!, failedCell(fourth!)];
  const run = sampleRunOf(cells.map(({ cell }) => cell));
  return { run: { ...run, state: 'partial' }, trials: cells.flatMap(({ trials }) => trials) };
}

interface SampleCell {
  cell: CellResult;
  trials: TrialResult[];
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
    clients: {
      short: { requestsPerConnection: 1 },
      persistent: { pool: { maxConnections: 100 } },
    },
    baseline: 'short',
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
