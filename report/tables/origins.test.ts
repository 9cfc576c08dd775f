// The table of origins: one row per client and origin with the counts of both ends, and nothing for one origin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { originTable } from './origins.ts';

function tableOf(origins: number | number[] | undefined) {
  const { run, trials } = sampleRun({ replicates: 2 });
  const [cell] = run.cells;
  if (origins !== undefined) cell!.scenario.target.origins = origins;
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.measurement.ledger.origins = [
      { requestsSent: 30, requestsSeen: 29, opened: 3, accepted: 3 },
      { requestsSent: 10, requestsSeen: 10, opened: 1, accepted: 2 },
    ];
  }
  return originTable(viewCell(cell!, trials, armNames(run)));
}

test('counts are sums over trials, by client and origin', () => {
  const rows = tableOf([3, 1])!.rows.map(row => row.map(({ value }) => value));
  assert.deepEqual(
    rows,
    ['short', 'persistent'].flatMap(arm => [
      [arm, '1', 60, 58, 6, 6],
      [arm, '2', 20, 20, 2, 4],
    ]),
  );
});

test('there is no table for one origin', () => {
  assert.equal(tableOf(undefined), null);
  assert.equal(tableOf(1), null);
});
