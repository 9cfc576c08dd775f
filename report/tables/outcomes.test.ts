// The tables of statuses and errors: sums per client, shares of its own responses, and nothing where there is nothing to show.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLatencyRecorder } from '../../results/histogram.ts';
import type { Measurement } from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { ExpectedStatus } from '../../scenarios/model/request-facts.ts';
import { armNames, viewCell } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { statusTable } from './outcomes.ts';

describe("The table of statuses counts each arm's whole answers by status, says which are good, and is left out where it says nothing", () => {
  type Counts = Record<string, number>;

  /** Two replicates of two arms, whose trials report these statuses. */
  function tableOf(
    counts: { short: readonly [Counts, Counts]; persistent: readonly [Counts, Counts] },
    {
      expectStatus = ['2xx'],
      trouble,
      responseByClass = {},
    }: {
      expectStatus?: ExpectedStatus[];
      trouble?: 'invalid-trial';
      responseByClass?: Measurement['responseByClass'];
    } = {},
  ): Table | null {
    const { run, trials } = structuredClone(sampleRun({ replicates: 2, ...(trouble && { trouble }) }));
    for (const result of trials) {
      assert.ok(result.state === 'completed');
      result.measurement.statuses = counts[result.trial.arm as keyof typeof counts][result.trial.replicate]!;
      result.measurement.responseByClass = responseByClass;
    }
    const [cell] = run.cells;
    cell!.scenario.target.expectStatus = expectStatus;
    return statusTable(viewCell(cell!, trials, armNames(run)));
  }

  /** Per row: arm, status, count, share, what it counts as. */
  function valuesOf(table: Table | null): unknown[][] {
    return table!.rows.map(row => row.map(({ value }) => value));
  }

  /** Times that an older run has not stored. */
  const UNKNOWN = [null, null, null];
  const GOOD = [{ '200': 10 }, { '200': 20 }] as const;

  test('where all answers have one status, and a good one, there is no table', () => {
    assert.equal(tableOf({ short: GOOD, persistent: GOOD }), null);
    assert.equal(
      tableOf({ short: [{ '404': 1 }, {}], persistent: [{}, { '404': 2 }] }, { expectStatus: [404] }),
      null,
    );
    assert.equal(tableOf({ short: [{}, {}], persistent: [{}, {}] }), null, 'nor where no status is known');
  });

  test('counts are sums over the trials of an arm, in the order of the statuses, and shares are of its own answers', () => {
    const table = tableOf({
      short: [
        { '503': 3, '200': 10 },
        { '302': 7, '200': 20 },
      ],
      persistent: [{ '200': 5 }, { '404': 15 }],
    });
    assert.deepEqual(valuesOf(table), [
      ['short', '200', 30, 0.75, ...UNKNOWN, 'good'],
      ['short', '302', 7, 0.175, ...UNKNOWN, 'failed'],
      ['short', '503', 3, 0.075, ...UNKNOWN, 'failed'],
      ['persistent', '200', 5, 0.25, ...UNKNOWN, 'good'],
      ['persistent', '404', 15, 0.75, ...UNKNOWN, 'failed'],
    ]);
    assert.match(table!.notes.join('\n'), /expectStatus, 2xx count as success/);
  });

  test('where there are several classes each has its times, in a row of its own if it has several statuses', () => {
    const recorder = createLatencyRecorder();
    for (const us of [1_000, 3_000]) recorder.recordUs(us);
    const response = recorder.summary();
    recorder.close();
    const mixed = [{ '200': 2, '404': 1, '429': 1 }, {}] as const;
    const table = tableOf(
      { short: mixed, persistent: mixed },
      { expectStatus: ['2xx', 404], responseByClass: { '2xx': response, '4xx': response } },
    )!;
    const times = [2, response.p50Us / 1_000, response.p99Us / 1_000];
    assert.deepEqual(valuesOf(table).slice(0, 4), [
      ['short', '200', 2, 0.5, ...times, 'good'],
      ['short', '404', 1, 0.25, ...UNKNOWN, 'good'],
      ['short', '429', 1, 0.25, ...UNKNOWN, 'failed'],
      ['short', 'all 4xx', 2, 0.5, ...times, 'both'],
    ]);
  });

  test('several statuses of one class have no times of their own', () => {
    const created = [{ '200': 1, '201': 1 }, {}] as const;
    assert.deepEqual(valuesOf(tableOf({ short: created, persistent: created }))[0], [
      'short',
      '200',
      1,
      0.5,
      'good',
    ]);
  });

  test('one bad status alone, and several good ones, are shown', () => {
    const bad = [{ '401': 4 }, { '401': 4 }] as const;
    assert.deepEqual(valuesOf(tableOf({ short: bad, persistent: bad })), [
      ['short', '401', 8, 1, 'failed'],
      ['persistent', '401', 8, 1, 'failed'],
    ]);
    const two = valuesOf(
      tableOf({ short: GOOD, persistent: [{ '404': 1 }, { '404': 1 }] }, { expectStatus: ['2xx', 404] }),
    );
    assert.deepEqual(
      two.map(row => row.at(-1)),
      ['good', 'good'],
    );
  });

  test('an arm whose client reports no status says so, and has no figure', () => {
    const table = tableOf({ short: [{ '200': 1, '500': 1 }, {}], persistent: [{}, {}] })!;
    assert.deepEqual(valuesOf(table).at(-1), ['persistent', null, null, null, ...UNKNOWN, null]);
    assert.equal(table.rows.at(-1)![1]!.text, 'unknown');
  });

  test('figures of an arm with an invalid trial are marked', () => {
    const statuses = [{ '200': 1, '500': 1 }, {}] as const;
    const { rows } = tableOf({ short: statuses, persistent: statuses }, { trouble: 'invalid-trial' })!;
    const marked = rows.filter(row => row[2]!.marks.includes('invalid'));
    assert.deepEqual([rows.length, marked.length], [4, 2]);
    assert.equal(new Set(marked.map(row => row[0]!.value)).size, 1);
  });
});
