// The table of origins: one row per client and origin with the counts of both ends, and nothing for one origin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ledger } from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { originTable } from './origins.ts';

const COUNTS: Ledger['origins'] = [
  { requestsSent: 30, requestsSeen: 29, opened: 3, accepted: 3 },
  { requestsSent: 10, requestsSeen: 10, opened: 1, accepted: 2 },
];

function tableOf(target: Pick<Target, 'origins' | 'urls'>, counts = COUNTS) {
  const { run, trials } = sampleRun({ replicates: 2 });
  const [cell] = run.cells;
  Object.assign(cell!.scenario.target, target);
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.measurement.ledger.origins = counts;
  }
  return originTable(viewCell(cell!, trials, armNames(run)));
}

test('counts are sums over trials, by client and origin', () => {
  const rows = tableOf({ origins: [3, 1] })!.rows.map(row => row.map(({ value }) => value));
  assert.deepEqual(
    rows,
    ['short', 'persistent'].flatMap(arm => [
      [arm, '1', 60, 58, 6, 6],
      [arm, '2', 20, 20, 2, 4],
    ]),
  );
});

test('there is no table for one origin', () => {
  assert.equal(tableOf({}), null);
  assert.equal(tableOf({ origins: 1 }), null);
});

test('external servers are named by their hosts, and what is unknown is no figure', () => {
  const urls = ['http://127.0.0.1:3001/a', 'http://127.0.0.1:3002/b'];
  const counts = COUNTS.map(each => ({ ...each, requestsSeen: null, accepted: null }));
  const table = tableOf({ urls }, counts)!;
  assert.deepEqual(
    table.rows.slice(2).map(row => row.map(({ value }) => value)),
    [
      ['persistent', '127.0.0.1:3001', 60, null, 6, null],
      ['persistent', '127.0.0.1:3002', 20, null, 2, null],
    ],
  );
  assert.ok(table.notes.some(note => /what each of them received and accepted is unknown/.test(note)));
  const unseen = tableOf(
    { urls },
    counts.map(each => ({ ...each, opened: null })),
  )!;
  assert.deepEqual(
    unseen.rows[0]!.map(({ value }) => value),
    ['short', '127.0.0.1:3001', 60, null, null, null],
  );
});
