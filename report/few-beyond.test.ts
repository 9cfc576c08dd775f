// A quantile beyond which there are fewer than 10 requests is marked, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstResult, judge } from '../results/expect.ts';
import { createLatencyRecorder } from '../results/histogram.ts';
import { countResponses } from '../results/metrics.ts';
import type { CompletedTrial, Histogram } from '../results/model/trial.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import { armNames, quantileMarks, viewCell } from './cell-view.ts';
import { latencyPercentiles } from './charts/percentiles.ts';
import type { Table } from './model.ts';
import { measureTable } from './sweeps/report.ts';
import { measureOf, sectionsOf } from './sweeps/view.ts';
import { expectationTable } from './tables/expectations.ts';
import { agreementTable, mainTable, ratioTable } from './tables/main.ts';
import { scheduleTable } from './tables/open-loads.ts';
import { phaseTable } from './tables/phases.ts';
import { sampleSweeps } from './testing/sample-sweeps.ts';
import { capacityRemarks } from './words/bound.ts';

for (const [share, count, isMarked] of [
  [0.001, 9_999, true],
  [0.001, 10_000, false],
  [0.01, 999, true],
  [0.01, 1_000, false],
  [0.1, 99, true],
  [0.1, 100, false],
] as const) {
  test(`a quantile that ${share * 100} % of ${count} requests exceed is ${isMarked ? '' : 'not '}marked`, () =>
    assert.deepEqual(quantileMarks(share, count), isMarked ? ['fewBeyond'] : []));
}

/** Columns or rows by their key. */
function markedOf({ columns, rows }: Table): string[] {
  return rows.flatMap(row =>
    row.flatMap(({ marks }, index) => (marks.includes('fewBeyond') ? [columns[index]!.key] : [])),
  );
}

function tablesOf(requestCount: number) {
  const { run, trials } = sampleRun();
  for (const trial of trials)
    if (trial.state === 'completed') trial.measurement.response.count = requestCount / 4;
  const view = viewCell(run.cells[0]!, trials, armNames(run));
  return { main: mainTable(view), ratios: ratioTable(view)! };
}

test('the table of results marks p99.9 of 1,000 requests, and p99 too of fewer, with a note', () => {
  assert.deepEqual(markedOf(tablesOf(10_000).main), []);
  const { main } = tablesOf(1_000);
  assert.deepEqual(markedOf(main), ['p999Ms', 'p999Ms']);
  assert.match(main.notes.join(' '), /‡ few requests: .* 10,000 for p99\.9/);
  assert.ok(main.rows.flat().some(({ text }) => /^[\d.]+‡$/.test(text)));
  assert.deepEqual(markedOf(tablesOf(600).main), ['p99Ms', 'p999Ms', 'p99Ms', 'p999Ms']);
});

test('so is the ratio of two such p99', () => {
  const marked = (requestCount: number) =>
    tablesOf(requestCount).ratios.rows.flatMap(row =>
      row.some(({ marks }) => marks.includes('fewBeyond')) ? [row[0]!.value] : [],
    );
  assert.deepEqual(marked(1_000), []);
  assert.deepEqual(marked(600), ['p99Us']);
});

/** A sample run whose histograms have this number of records each. */
function viewWith(scenario: 'short-vs-persistent' | 'same-load' | 'drivers', count: number) {
  const { run, trials } = sampleRun({ scenario });
  for (const trial of trials) if (trial.state === 'completed') setCounts(trial.measurement, count);
  return viewCell(run.cells[0]!, trials, armNames(run));
}

function histogramOf(count: number): Histogram {
  const recorder = createLatencyRecorder();
  for (let i = 0; i < count; i++) recorder.recordUs(1_000);
  return recorder.summary();
}

function setCounts(measurement: CompletedTrial['measurement'], count: number): void {
  for (const part of Object.values(measurement))
    if (part !== null && typeof part === 'object' && 'p999Us' in part)
      Object.assign(part, histogramOf(count));
}

for (const [where, tableWith] of [
  ['of phases', (count: number) => phaseTable(viewWith('short-vs-persistent', count))],
  ['of the schedule of an open load', (count: number) => scheduleTable(viewWith('same-load', count))],
  ['of the agreement of load tools', (count: number) => agreementTable(viewWith('drivers', count))],
] as const) {
  test(`the table ${where} marks p99 of fewer than 1,000 requests, and nothing else`, () => {
    const few = markedOf(tableWith(100)!);
    assert.ok(few.length > 0 && few.every(key => /p99/i.test(key)), few.join());
    assert.deepEqual(markedOf(tableWith(1_000)!), []);
  });
}

test('so does that of a sweep', () => {
  const { run, trials } = structuredClone(sampleSweeps['a sweep']!);
  const marked = (metric: 'p99Us' | 'meanUs', count: number): number => {
    for (const trial of trials) if (trial.state === 'completed') setCounts(trial.measurement, count);
    const [section] = sectionsOf(run.cells.map(cell => viewCell(cell, trials, armNames(run))));
    assert.ok(section?.kind === 'sweep');
    return markedOf(measureTable(section.sweep, measureOf(metric))).length;
  };
  assert.ok(marked('p99Us', 10) > 0);
  assert.deepEqual([marked('p99Us', 10_000), marked('meanUs', 10)], [0, 0]);
});

test('the curve of percentiles is marked where fewer than 10 requests took longer, but for the maximum', () => {
  const view = viewCell(sampleRun().run.cells[0]!, sampleRun().trials, ['short', 'persistent']);
  const [first] = view.arms;
  const requestCount = countResponses(first!.trials);
  const cells = latencyPercentiles
    .table(view)
    .rows.flatMap(([percentile, cell]) =>
      cell!.value === null
        ? []
        : [{ beyond: requestCount * (1 - (percentile!.value as number) / 100), cell: cell! }],
    );
  const maximum = cells.pop()!;
  assert.deepEqual(maximum.cell.marks, []);
  for (const { beyond, cell } of cells)
    assert.equal(cell.marks.includes('fewBeyond'), beyond < 10 - 1e-6, `${beyond} requests`);
  assert.ok(
    cells.some(({ cell }) => cell.marks.length > 0) && cells.some(({ cell }) => cell.marks.length === 0),
  );
});

test('a limit on a quantile of few requests is unsure, marked, and says why', () => {
  const view = viewWith('short-vs-persistent', 100);
  const expectation = { metric: 'p999Us', of: 'persistent', atMost: 1e9 } as const;
  const first = judge(expectation, view.trials);
  assert.equal(first.state, 'unsure');
  const expectations = [firstResult(expectation, first)];
  const table = expectationTable({ ...view, result: { ...view.result, expectations } })!;
  assert.deepEqual(markedOf(table), ['interval']);
  assert.ok(table.notes.some(note => note.startsWith('A limit on a quantile of few requests (‡) is unsure')));
});

for (const [probeMs, objective, isSaid] of [
  [100, { p99Ms: 40 }, true],
  [60_000, { p99Ms: 40 }, false],
  [100, { p50Ms: 40 }, false],
] as const) {
  test(`a capacity search by ${Object.keys(objective).join()} in probes of ${probeMs} ms${isSaid ? ' hangs on single requests' : ''}`, () => {
    const { run, trials } = sampleRun({ scenario: 'capacity', replicates: 1 });
    const [cell] = structuredClone(run.cells);
    const { load } = cell!.scenario;
    assert.ok(load.model === 'capacity');
    Object.assign(load, { probeMs, objective: { errorRatio: 0.001, ...objective } });
    const remarks = capacityRemarks(viewCell(cell!, trials, armNames(run)));
    assert.equal(/fewer than 10 requests exceed its p99/.test(remarks.join()), isSaid);
  });
}
