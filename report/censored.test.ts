// Requests without an answer: times that they bound are marked in every table and headline, and none that they do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstResult, judge } from '../results/expect.ts';
import { METRIC_ORDER } from '../results/metrics.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import { comparisonMarks, figureMarks, viewCell } from './cell-view.ts';
import { expectationTable } from './tables/expectations.ts';
import { mainTable } from './tables/main.ts';
import { errorTable } from './tables/outcomes.ts';
import { cellHeadline } from './words/headline.ts';

const { run, trials } = structuredClone(sampleRun());
const cell = run.cells[0]!;
const summary = cell.arms.find(({ arm }) => arm === 'persistent')!;
Object.assign(summary, {
  censored: { count: 12, leastUs: 10_000_000 },
  p999Us: 10_400_000,
  maxUs: 11_000_000,
});
for (const trial of trials) {
  if (trial.state !== 'completed' || trial.trial.arm !== 'persistent') continue;
  Object.assign(trial.measurement.outcomes, {
    noAnswer: { count: 3, sample: 'no answer within 10000 ms', meanUs: 10_400_000, maxUs: 11_000_000 },
  });
}
const view = viewCell(cell, trials, ['short', 'persistent']);

test('mean, rate and the quantiles beyond the shortest wait are bounds; the others are exact', () => {
  const { columns, rows, notes } = mainTable(view);
  const row = rows.find(([key]) => key!.value === 'persistent')!;
  const marked = columns.filter((_, index) => row[index]!.marks.includes('censored')).map(({ key }) => key);
  assert.deepEqual(marked, ['requestsPerSec', 'meanMs', 'p999Ms', 'maxMs']);
  assert.ok(notes.some(note => note.startsWith('≥ unanswered: ')));
  const other = rows.find(([key]) => key!.value === 'short')!;
  assert.ok(other.every(({ marks }) => !marks.includes('censored')));
});

test('the headline marks them, and the errors are listed with the time that they took', () => {
  assert.match(cellHeadline(view), /≥/);
  const [row] = errorTable(view)!.rows;
  const texts = row!.map(({ text }) => text);
  assert.deepEqual(texts.slice(1, 3), ['no answer', '12']);
  assert.deepEqual(texts.slice(4), ['10,400', '11,000', 'no answer within 10000 ms']);
});

test('requests without a response make times bounds, and neither error rates nor CPU nor connections', () => {
  const persistent = view.arms.find(({ name }) => name === 'persistent')!;
  const bound = METRIC_ORDER.filter(metric => figureMarks(persistent, metric).includes('censored'));
  assert.deepEqual(
    bound,
    ['meanUs', 'requestsPerSec', 'capacityPerSec'],
    'nor quantiles below the shortest wait',
  );
  const compared = METRIC_ORDER.filter(metric =>
    comparisonMarks({ baseline: 'short', candidate: 'persistent', metric }, view).includes('censored'),
  );
  assert.deepEqual(compared, bound);
  const expectation = { metric: 'successRatio', of: 'persistent', atLeast: 0.5 } as const;
  const expectations = [firstResult(expectation, judge(expectation, trials))];
  const table = expectationTable({ ...view, result: { ...view.result, expectations } })!;
  assert.ok(table.rows.flat().every(({ marks }) => marks.length === 0));
});
