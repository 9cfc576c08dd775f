// The table of backends has the shares of each client, and how soon added ones had theirs; a single server has no such table.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendGrowth, Backends } from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { Target } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { spreadTable } from './spread.ts';

function tableOf(backendsOf: (arm: string) => Backends | null, setting: unknown) {
  const { run, trials } = sampleRun({ replicates: 3 });
  for (const result of trials) {
    if (result.state !== 'completed') continue;
    result.trial.target = Target.parse({ backends: setting });
    result.measurement.backends = backendsOf(result.trial.arm);
    for (const slice of result.measurement.slices) slice.windowMs = 1_000;
  }
  return spreadTable(viewCell(run.cells[0]!, trials, armNames(run)));
}

function textsOf(table: ReturnType<typeof tableOf>): string[][] {
  return table!.rows.map(row => row.slice(0, -1).map(({ text }) => text));
}

test('a single server has no table', () =>
  assert.equal(
    tableOf(() => null, 1),
    null,
  ));

test('shares of requests and connections, and the largest over the mean', () => {
  const table = tableOf(
    arm =>
      arm === 'short'
        ? { accepted: [5, 5], requests: [50, 50], growth: null }
        : { accepted: [3, 1], requests: [30, 10], growth: null },
    2,
  );
  assert.deepEqual(textsOf(table), [
    ['short', '50 % to 50 %', '1.00, 1.00, 1.00', '50 % to 50 %', '1.00, 1.00, 1.00'],
    ['persistent', '25 % to 75 %', '1.50, 1.50, 1.50', '25 % to 75 %', '1.50, 1.50, 1.50'],
  ]);
  assert.deepEqual(table!.rows[1]![1]!.value, [0.75, 0.25]);
});

test('how soon the shares were even after backends were added, or that they were not in time', () => {
  const growth = (second: number): BackendGrowth => ({
    snapshots: Array.from({ length: 40 }, (_, index) => ({
      afterMs: index * 100,
      requests: [100 * index, second * index],
    })),
  });
  const table = tableOf(
    arm => ({ accepted: [2, 1], requests: [1, 1], growth: growth(arm === 'short' ? 100 : 0) }),
    { from: 1, to: 2, afterMs: 1_000 },
  );
  const column = table!.columns.findIndex(({ key }) => key === 'evenAfterSec');
  assert.deepEqual(
    table!.rows.map(row => row[column]!.text),
    ['0, 0, 0', 'not in time'],
  );
  assert.deepEqual(table!.rows[1]![column]!.value, [null, null, null]);
});
