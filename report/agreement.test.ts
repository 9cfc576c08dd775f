// Disagreement of load tools is reported in words, and only where clients should agree.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildReport } from './build.ts';
import type { CellReport, Table } from './model.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { formatDeviation } from './words/clients.ts';

function agreementOf(cell: CellReport | undefined): Table | undefined {
  return cell?.special.find(({ name }) => name === 'agreement');
}

function cellOf(name: string): CellReport {
  return buildReport({ ...sampleRuns[name]!, charts: [] }).cells[0]!;
}

for (const [value, low, high, text] of [
  [1.012, 0.997, 1.027, '+1.2 % (−0.3 to +2.7)'],
  [0.75, 0.5, 1.25, '−25 % (−50 to +25)'],
  [1, 0.9999, 1.0001, '0.0 % (0.0 to 0.0)'],
  [1.1, 0.001, 5_000, '+10 % (bounds unknown)'],
] as const) {
  test(`off from 1: ${text}`, () => assert.equal(formatDeviation({ value, low, high }), text));
}

test('drivers of the same mode are set side by side, with what each end counted', () => {
  const cell = cellOf('two drivers');
  const { headline, caveats } = cell;
  const agreement = agreementOf(cell);
  assert.ok(agreement);
  assert.deepEqual(
    agreement.columns.map(({ heading }) => heading),
    [
      'client',
      'requests/s',
      'deviation',
      'mean',
      'deviation',
      'p99',
      'deviation',
      'busy users of 100',
      'connections',
    ],
  );
  const [baseline, wrk] = agreement.rows;
  assert.deepEqual(
    [baseline![0]!.value, baseline![2]!.text, baseline![4]!.text],
    ['undici', 'baseline', 'baseline'],
  );
  assert.deepEqual(
    [wrk![0]!.value, wrk![2]!.text.includes('% ('), typeof wrk![7]!.value],
    ['wrk', true, 'number'],
  );
  const users = wrk![7]!.value as number;
  assert.ok(users > 95 && users < 105, `${users} busy users`);
  assert.match(
    headline,
    /^Relative to undici, the largest deviation in requests per second is .* with wrk, and in mean/,
  );
  assert.ok(caveats.includes('wrk is started for each slice.'));
  assert.ok(
    caveats.includes('The client hey was skipped: the program hey is not installed (apt-get install hey).'),
  );
});

test('arms of different modes, or of one library, are no drivers to agree', () => {
  for (const name of ['two arms', 'six arms', 'one arm', 'no completed trial']) {
    assert.equal(agreementOf(cellOf(name)), undefined, name);
  }
});

test('without an interval, or a figure, there is none', () => {
  const { run, trials } = sampleRuns['two drivers']!;
  const none = run.cells.map(cell => ({ ...cell, arms: [] }));
  assert.equal(
    agreementOf(buildReport({ run: { ...run, cells: none }, trials: [], charts: [] }).cells[0]),
    undefined,
  );
  const cells = run.cells.map(cell => ({
    ...cell,
    comparisons: cell.comparisons.map(comparison => ({ ...comparison, ratio: null })),
  }));
  const [cell] = buildReport({ run: { ...run, cells }, trials, charts: [] }).cells;
  assert.equal(agreementOf(cell)?.rows[1]?.[2]?.text, '–');
  assert.doesNotMatch(cell?.headline ?? '', /no driver/);
  const failed = run.cells.map(cell => ({ ...cell, arms: cell.arms.filter(({ arm }) => arm === 'undici') }));
  const [half] = buildReport({ run: { ...run, cells: failed }, trials: [], charts: [] }).cells;
  assert.deepEqual(
    agreementOf(half)?.rows[1]?.map(({ value }) => value),
    ['wrk', ...Array(8).fill(null)],
  );
});
