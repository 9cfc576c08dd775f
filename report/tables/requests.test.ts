// The table of requests by name: figures of each request and client over all trials, and nothing where there is one request.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { summariseArms } from '../../results/compare.ts';
import { createLatencyRecorder, emptyHistogram } from '../../results/histogram.ts';
import type { Histogram, RequestFigures } from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { armNames, viewCell } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { requestTable } from './requests.ts';

function histogramOf(...ms: number[]): Histogram {
  const recorder = createLatencyRecorder();
  for (const one of ms) recorder.recordUs(one * 1_000);
  const summary = recorder.summary();
  recorder.close();
  return summary;
}

const STEADY_MS = 500;

/** Two replicates of two clients, whose trials have these figures. */
function tableOf(
  of: (arm: string, replicate: number) => RequestFigures[],
  trouble?: 'invalid-trial',
): Table | null {
  const { run, trials } = structuredClone(sampleRun({ replicates: 2, ...(trouble && { trouble }) }));
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.measurement.requests = of(result.trial.arm, result.trial.replicate);
    result.measurement.steadyMs = STEADY_MS;
  }
  const [cell] = run.cells;
  cell!.arms = summariseArms(trials);
  return requestTable(viewCell(cell!, trials, armNames(run)));
}

function valuesOf(table: Table): unknown[][] {
  return table.rows.map(row => row.map(({ value }) => value));
}

const READ: RequestFigures = {
  name: 'read',
  sent: 9,
  completed: 3,
  failed: 1,
  censored: null,
  response: histogramOf(1, 2, 3),
};
const WRITE: RequestFigures = {
  ...READ,
  name: 'write',
  sent: 2,
  completed: 0,
  failed: 0,
  response: emptyHistogram(),
};

suite('requests by name', () => {
  test('without several requests there is no table', () => {
    assert.equal(
      tableOf(() => []),
      null,
    );
  });

  test('counts are sums, rates are over all steady time, times are of all trials together, per client and in order', () => {
    const table = tableOf((arm, replicate) => [
      replicate === 0 ? READ : { ...READ, completed: 1, failed: 0, response: histogramOf(10) },
      { ...WRITE, sent: arm === 'short' ? 2 : 5 },
    ])!;
    const read = ['read', 18, 4, 4, 0.2, 4];
    assert.deepEqual(
      valuesOf(table).map(row => row.slice(0, 7)),
      [
        ['short', ...read],
        ['short', 'write', 4, 0, 0, null, null],
        ['persistent', ...read],
        ['persistent', 'write', 10, 0, 0, null, null],
      ],
    );
    const [p50, p99] = valuesOf(table)[0]!.slice(7) as number[];
    assert.ok(Math.abs(p50! - 2) < 0.01 && Math.abs(p99! - 10) < 0.01, `${p50}, ${p99}`);
  });

  test('what a load tool does not report is unknown, and the table says so', () => {
    const unknown = { ...READ, completed: null, failed: null, response: null };
    const table = tableOf(arm => [arm === 'short' ? unknown : READ])!;
    assert.deepEqual(valuesOf(table)[0], ['short', 'read', 18, null, null, null, null, null, null]);
    assert.equal(valuesOf(table)[1]![3], 6);
    assert.match(table.notes.join('\n'), /does not report which of its requests/);
  });

  test('what is a lower bound because of requests without an answer is marked, and nothing else', () => {
    const unanswered = { ...READ, censored: { count: 1, leastUs: 2_500 }, response: histogramOf(1, 2, 2.5) };
    const table = tableOf(arm => [arm === 'short' ? unanswered : READ])!;
    const marked = table.rows.map(row =>
      row.flatMap(({ marks }, index) => (marks.includes('censored') ? table.columns[index]!.key : [])),
    );
    // The arms of this sample have none by their own count, so no row may be marked that the request does not mark itself.
    assert.deepEqual(marked, [['requestsPerSec', 'meanMs', 'p99Ms'], []]);
  });

  test('figures of a client with an invalid trial are marked', () => {
    const table = tableOf(() => [READ], 'invalid-trial')!;
    const invalid = table.rows.filter(row => row.slice(2).every(({ marks }) => marks.includes('invalid')));
    assert.equal(invalid.length, 1);
  });
});
