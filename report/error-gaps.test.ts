// Where arms differ in their error rates, no ratio of them stands anywhere without its mark, and the headline says it first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Expectation } from '../bench/core/expectation.ts';
import { gateRun } from '../results/gate.ts';
import { summariseRun } from '../results/run-summary.ts';
import replicateRatios from './charts/ratios.ts';
import { buildGateReport } from './gate.ts';
import { buildReport } from './build.ts';
import type { Report, Table } from './model.ts';
import { formats, sweepCharts } from './testing/plugins.ts';
import { type StoredSample, sampleRuns } from './testing/sample-runs.ts';
import { sampleSweeps } from './testing/sample-sweeps.ts';

/** In each cell that is meant, so much of what the last of its arms did has failed. */
function failing({ run, trials }: StoredSample, share: number, isMeant = (_index: number) => true) {
  const cells = run.cells.map((cell, index) => ({
    ...cell,
    arms: cell.arms.map((arm, place) => {
      if (place < cell.arms.length - 1 || !isMeant(index)) return arm;
      const failed = Math.round(100_000 * share);
      return { ...arm, completed: 100_000 - failed, failed, errorRatio: share };
    }),
  }));
  return { run: { ...run, cells }, trials };
}

function reportOf(sample: StoredSample): Report {
  return buildReport({ ...sample, charts: [replicateRatios], sweepCharts });
}

/** What a column of a table says. */
function column({ columns, rows }: Table, key: string): string[] {
  const index = columns.findIndex(one => one.key === key);
  assert.ok(index >= 0, key);
  return rows.map(row => row[index]!.text);
}

const two = sampleRuns['two arms']!;
const FIRST =
  /^Error rates differ \(short 0 %, persistent 12 %\), so ratios marked § compare different work\. /;

for (const [share, isMarked] of [
  [0, false],
  [0.0099, false],
  [0.0101, true],
  [1, true],
] as const) {
  test(`error rates ${share * 100} percentage points apart: ${isMarked ? '' : 'not '}marked`, () => {
    const { headline, cells } = reportOf(failing(two, share));
    assert.equal(headline.startsWith('Error rates differ'), isMarked);
    assert.equal(JSON.stringify(cells).includes('§'), isMarked);
  });
}

test('arms that fail alike, or one alone: the headline says so first', () => {
  const alike = structuredClone(two);
  for (const arm of alike.run.cells[0]!.arms)
    Object.assign(arm, { completed: 40, failed: 60, errorRatio: 0.6 });
  const { headline } = reportOf(alike);
  assert.match(headline, /^Requests failed \(short 60 %, persistent 60 %\)\. Persistent/);
  const alone = failing(sampleRuns['one arm']!, 0.7);
  assert.match(reportOf(alone).headline, /^Requests failed \(short 70 %\)\. /);
  assert.doesNotMatch(reportOf(failing(sampleRuns['one arm']!, 0.0099)).headline, /failed/);
});

test('two arms: headline, ratios of every metric, charts and their tables, expectations', async () => {
  const expect = ['requestsPerSec', 'meanUs', 'successRatio'].map(metric =>
    Expectation.parse({ metric, of: 'persistent', over: 'short', atLeast: 0.5 }),
  );
  const interval = { value: 1, low: 0.9, high: 1.1 };
  const judged = { state: 'pass', interval, replicates: 4 } as const;
  const sample = failing(two, 0.12);
  const cells = sample.run.cells.map(cell => ({
    ...cell,
    expectations: expect.map(expectation => ({
      expectation,
      state: 'pass' as const,
      first: judged,
      confirmation: null,
      together: null,
    })),
  }));
  const report = reportOf({ run: { ...sample.run, cells }, trials: sample.trials });
  assert.match(report.headline, FIRST);
  assert.match(report.headline, /×[^;]*§ as many requests per second/);
  const [cell] = report.cells;
  assert.ok(column(cell!.ratios!, 'ratio').every(text => text.endsWith('§')));
  assert.ok(column(cell!.figures[0]!.table, 'persistentRatio').every(text => text.endsWith('§')));
  assert.ok(JSON.stringify(cell!.figures[0]!.wide).includes('persistent§'), 'the axis of the chart');
  const expectations = cell!.special.find(({ name }) => name === 'expectations')!;
  assert.deepEqual(
    column(expectations, 'interval').map(text => text.endsWith('§')),
    [true, true, false],
  );
  assert.ok(cell!.markNotes.some(note => note.startsWith('§ unlike errors')));
  for (const format of formats) {
    const text = await format.render(report, { hasColour: false, columns: 100 });
    assert.ok(text.indexOf('Error rates differ') >= 0, format.name);
  }
});

test('several scenarios, drivers, and sweeps say it first too', () => {
  const several = reportOf(failing(sampleRuns['two scenarios']!, 0.12, index => index === 0));
  assert.match(several.headline, /^Error rates differ \(in short-vs-persistent\), so ratios marked §/);
  const drivers = reportOf(failing(sampleRuns['two drivers']!, 0.12));
  assert.match(drivers.headline, /^Error rates differ \(.*Against .*§ with/);
  const agreement = drivers.cells[0]!.special.find(({ name }) => name === 'agreement')!;
  assert.match(column(agreement, 'requestsPerSecRatio').at(-1)!, /§/);
  const sweep = reportOf(failing(sampleSweeps['a sweep']!, 0.12, index => index === 1));
  assert.match(
    sweep.headline,
    /^Error rates differ \(in roundTripMs = \d+\), .* As roundTripMs rises .*§\.$/,
  );
  const [first] = sweep.sweeps;
  for (const { table, pictures } of first!.measures.filter(({ table: { columns } }) =>
    columns.some(({ key }) => key === 'persistent:ratio'),
  )) {
    const marked = column(table, 'persistent:ratio').filter(text => text.includes('§'));
    assert.ok(marked.length <= 1);
    if (marked.length === 1)
      assert.ok(
        pictures.some(({ wide }) => JSON.stringify(wide).includes('§')),
        table.name,
      );
  }
  assert.ok(column(first!.measures[0]!.table, 'persistent:ratio').some(text => text.endsWith('§')));
});

test('a gate marks the side on which they differ, the change, and the regression of its headline', () => {
  const before = summariseRun(two.run);
  const after = summariseRun(failing(two, 0.12).run);
  for (const ratio of after.cells[0]!.ratios) {
    const { value, low, high } = ratio.interval!;
    ratio.interval = { value: value / 9, low: low / 9, high: high / 9 };
  }
  const result = gateRun(before, after, { minEffect: 0.05 });
  const { headline, remarks, tables } = buildGateReport({ before, after, result, trends: [] });
  assert.match(headline, /^Regression: /);
  assert.match(
    remarks[0]!,
    /^Error rates differ in this run \(short-vs-persistent: short 0 %, persistent 12 %\), /,
  );
  const ratios = tables.find(({ name }) => name === 'change-ratio')!;
  assert.ok(column(ratios, 'before').every(text => !text.includes('§')));
  for (const key of ['after', 'change']) assert.ok(column(ratios, key).every(text => text.endsWith('§')));
});
