// A quantile beyond which there are fewer than 10 requests is marked, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../results/testing/sample-run.ts';
import { armNames, quantileMarks, viewCell } from './cell-view.ts';
import type { Table } from './model.ts';
import { mainTable } from './tables/main.ts';
import { ratioTable } from './tables/ratios.ts';

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
