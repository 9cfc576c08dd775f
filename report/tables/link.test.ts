// The tables of an emulated link: which figures are shown beside each other, and what the remarks claim.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditTrial } from '../../results/audits/index.ts';
import type { CellResult } from '../../results/model/run.ts';
import type { LinkReading } from '../../results/model/trial.ts';
import { type SampleOptions, sampleRun } from '../../results/testing/sample-run.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { describeGap } from '../words/connection-cost.ts';
import { linkTable, predictionTable } from './link.ts';

describe('Measurement, model and published figures side by side', () => {
  function viewOf(options: SampleOptions, change: (cell: CellResult) => CellResult = cell => cell) {
    const { run, trials } = sampleRun(options);
    return viewCell(change(run.cells[0]!), trials, armNames(run));
  }

  const behind: SampleOptions = { scenario: 'behind-a-link' };

  function changedLink(change: (reading: LinkReading) => LinkReading) {
    const { run, trials } = sampleRun(behind);
    const completed = trials.filter(trial => trial.state === 'completed');
    for (const { measurement } of completed) measurement.link = change(measurement.link!);
    return { view: viewCell(run.cells[0]!, completed, armNames(run)), trials: completed };
  }

  function without(name: 'link' | 'published') {
    return (cell: CellResult): CellResult => {
      const { [name]: _gone, ...scenario } = cell.scenario;
      return { ...cell, scenario };
    };
  }

  const sides: [why: string, table: ReturnType<typeof predictionTable>, headings: RegExp[], not: RegExp[]][] =
    [
      ['link and published', predictionTable(viewOf(behind)), [/^published/, /^model/, /^measured/], []],
      [
        'a link alone',
        predictionTable(viewOf(behind, without('published'))),
        [/^model/, /^measured/],
        [/^published/],
      ],
      [
        'published alone',
        predictionTable(viewOf(behind, without('link'))),
        [/^published/, /^measured/],
        [/^model/, /round trips/],
      ],
    ];
  for (const [why, table, headings, not] of sides) {
    test(`side by side: ${why}`, () => {
      const shown = table!.columns.map(({ heading }) => heading);
      for (const pattern of headings)
        assert.ok(
          shown.some(heading => pattern.test(heading)),
          `${pattern}`,
        );
      for (const pattern of not) assert.ok(!shown.some(heading => pattern.test(heading)), `${pattern}`);
    });
  }

  test('a cell with neither has no such table', () => {
    assert.equal(predictionTable(viewOf({})), null);
    assert.deepEqual(describeGap(viewOf({})), []);
  });

  test('what was published is shown as it is, the model to what it gives, and the excess with its sign', () => {
    const { columns, rows, notes } = predictionTable(viewOf(behind))!;
    const texts = Object.fromEntries(columns.map(({ key }, index) => [key, rows[0]![index]!.text]));
    assert.deepEqual(
      [texts['publishedMeanMs'], texts['publishedPerSec'], texts['publishedErrorRatio']],
      ['89', '1,124', '0.2 %'],
    );
    assert.deepEqual([texts['roundTrips'], texts['predictedMeanMs']], ['4.00', '88.8']);
    assert.match(texts['excessMs']!, /^20\.\d$/);
    assert.match(texts['measuredMeanMs']!, /^\d+ \(\d+ to \d+\)$/);
    assert.ok(notes.includes('Published: an article.'));
    assert.ok(notes.some(note => /4\.8 ms of service/.test(note)));
  });

  test('an arm without a model has measured figures, and the reason is given', () => {
    const view = viewOf(behind, cell => {
      const { persistent } = cell.scenario.clients;
      const pool = { ...persistent!.pool, pipelining: 4 };
      const clients = { ...cell.scenario.clients, persistent: { ...persistent!, pool } };
      return { ...cell, scenario: { ...cell.scenario, clients } };
    });
    const { columns, rows, notes } = predictionTable(view)!;
    const at = (key: string) => rows[1]![columns.findIndex(column => column.key === key)]!.text;
    assert.deepEqual([at('predictedMeanMs'), at('roundTrips'), at('excessMs')], ['–', '–', '–']);
    assert.notEqual(at('measuredMeanMs'), '–');
    assert.ok(notes.some(note => /^No model for persistent: .*pipelining/.test(note)));
    assert.deepEqual(describeGap(view), [], 'and there is no gap that could be divided');
  });

  test('a service time that is not known is said to be', () => {
    const { notes } = predictionTable(viewOf(behind, cell => ({ ...cell, serviceMs: null })))!;
    assert.ok(notes.some(note => /the service time, which is unknown and taken as 0/.test(note)));
  });

  test('which part of the gap is round trips', () => {
    const [text, ...others] = describeGap(viewOf(behind));
    assert.deepEqual(others, []);
    assert.match(
      text!,
      /^Of the 8\d\.\d ms by which the mean latency of short exceeds that of persistent, 63\.0 ms \(7\d\.\d %\) come from 3\.00 more round trips per request, and 20\.\d ms from CPU and queueing\.$/,
    );
  });

  /** The cell with the mean of its short arm set. */
  function withShortMean(meanUs: number) {
    return viewOf(behind, cell => ({
      ...cell,
      arms: cell.arms.map(arm => (arm.arm === 'short' ? { ...arm, meanUs } : arm)),
    }));
  }

  test('a gap that is smaller than its round trips is reported, but not divided', () => {
    assert.match(
      describeGap(withShortMean(60_000))[0]!,
      /^short needs 3\.00 more round trips per request \(63\.0 ms\), which is more than the 3\d\.\d ms by which/,
    );
    assert.match(
      describeGap(withShortMean(20_000))[0]!,
      /yet is no slower than persistent in mean latency\.$/,
    );
  });

  test('quantiles of the lateness of few pieces are marked, by the replicate that they are of', () => {
    const lateness = (count: number | null) => {
      const { view } = changedLink(reading => ({ ...reading, latenessCount: count }));
      const { columns, rows } = linkTable(view)!;
      return ['lateP50Ms', 'lateP99Ms', 'lateMaxMs'].map(
        key => rows[0]![columns.findIndex(column => column.key === key)]!.text,
      );
    };
    assert.deepEqual(lateness(1_000), ['0.0', '0.2', '0.9']);
    assert.deepEqual(lateness(999), ['0.0', '0.2‡', '0.9']);
    assert.deepEqual(lateness(19), ['0.0‡', '0.2‡', '0.9']);
    assert.deepEqual(lateness(null), ['0.0', '0.2', '0.9'], 'of an older run');
  });

  test('lateness beyond what the relay tells apart is a lower bound', () => {
    const { view, trials } = changedLink(reading => ({ ...reading, latenessMaxUs: 99_400 }));
    const { columns, rows } = linkTable(view)!;
    assert.equal(rows[0]![columns.findIndex(({ key }) => key === 'lateMaxMs')]!.text, '≥99.4');
    const found = auditTrial(trials[0]!).find(({ rule }) => rule === 'link');
    assert.match(found!.detail, /and up to 99\.4 ms or more;/);
  });

  test('figures of an invalid trial are marked in the sentence, too', () => {
    const view = viewOf({ ...behind, trouble: 'invalid-trial' });
    assert.match(describeGap(view)[0]!, /^Of the [\d.]+ ms†/);
    const { rows, columns } = predictionTable(view)!;
    const index = columns.findIndex(({ key }) => key === 'measuredMeanMs');
    assert.deepEqual(rows[1]![index]!.marks, ['invalid']);
  });
});
