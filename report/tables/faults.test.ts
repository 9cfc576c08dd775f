// The table of injected faults: one row per fault and client, one count per effect, and nothing without faults.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { Faults } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { faultTable } from './faults.ts';

const FAULTS = Faults.parse([
  { kind: 'close', ratio: 0.01 },
  { kind: 'status', ratio: 0.01 },
  { kind: 'reset', ratio: 0.01 },
  { kind: 'slowBytes', ratio: 0.01 },
  { kind: 'connectionClose', ratio: 0.01 },
]);

/** Two replicates of two clients, each of which met and counted the same. */
function tableOf(faults: Faults, { isOld = false, isInvalid = false } = {}): Table | null {
  const { run, trials } = sampleRun({
    replicates: 2,
    ...(isInvalid ? { trouble: 'invalid-trial' as const } : {}),
  });
  const [cell] = run.cells;
  cell!.scenario.target.faults = faults;
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.trial.target.faults = faults;
    Object.assign(result.measurement.ledger, {
      faults: [1, 2, 3, 4, 5],
      failures: isOld ? null : { badStatus: 2, reset: 1, staleSocket: 3, timeoutTotal: 1 },
    });
  }
  return faultTable(viewCell(cell!, trials, armNames(run)));
}

function valuesOf(table: Table, arm: string): unknown[][] {
  return table.rows.filter(row => row[0]!.value === arm).map(row => row.slice(1).map(({ value }) => value));
}

const LOST = ['reset', 'staleSocket'];
const SILENT = ['timeoutHeaders', 'timeoutBody', 'timeoutTotal', 'timeoutAttempt', 'noAnswer'];

test('counts are sums over trials, and those of one effect stand in its first row', () => {
  const table = tableOf(FAULTS)!;
  for (const arm of ['short', 'persistent']) {
    assert.deepEqual(valuesOf(table, arm), [
      ['close', 2, LOST, 8],
      ['reset', 6, LOST, null],
      ['status', 4, ['badStatus'], 4],
      ['slowBytes', 8, SILENT, 2],
      ['connectionClose', 10, 'ok', null],
    ]);
  }
  assert.equal(table.rows[0]![1]!.text, 'connection closed without an answer');
  assert.match(table.rows[3]![3]!.text, /^answered, or timeout/);
});

test('there is no table without faults', () => {
  assert.equal(tableOf([]), null);
});

test('in a run of an older version the counts of the client are unknown', () => {
  assert.deepEqual(
    valuesOf(tableOf(FAULTS, { isOld: true })!, 'short').map(row => row[2 + 1]),
    [null, null, null, null, null],
  );
});

test('figures of a client with an invalid trial are marked', () => {
  const { rows } = tableOf(FAULTS, { isInvalid: true })!;
  const marked = new Set(rows.filter(row => row[2]!.marks.includes('invalid')).map(row => row[0]!.value));
  assert.equal(marked.size, 1);
});
