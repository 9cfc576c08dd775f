// The table of times to recover: one row per client, by replicate, and nothing where faults have no time of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleHeld } from '../../results/testing/sample-measurement.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { Faults } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { recoveryTable } from './recovery.ts';

/** Two replicates of two clients, of which each second one of a client does not recover within its window. */
function tableOf(faults: Faults): Table | null {
  const { run, trials } = sampleRun({ replicates: 2 });
  for (const { trial, ...result } of trials) {
    assert.ok(result.state === 'completed');
    const { measurement } = result;
    trial.target.faults = faults;
    const held = sampleHeld({ leftPerRequest: 0, samples: 20 });
    held.client.atMs = held.client.atMs.map((_, place) => 1_000 + 100 * place);
    held.client.inFlight = Array.from({ length: 20 }, (_, place) =>
      place < 2 ? 2 : place < 4 ? 1_500 : place < 6 || trial.replicate > 0 ? 9 : 2,
    );
    measurement.held = held;
    measurement.slices = [{ ...measurement.slices[0]!, atMs: 1_000, windowMs: 2_000 }];
  }
  return recoveryTable(viewCell(run.cells[0]!, trials, armNames(run)));
}

test('requests that piled up, and the time until they had gone, by replicate', () => {
  const table = tableOf(Faults.parse([{ kind: 'status', ratio: 1, during: { fromMs: 200, toMs: 300 } }]))!;
  assert.deepEqual(
    table.rows.map(row => row.map(({ text }) => text)),
    [
      ['short (baseline)', '2, 2', '1,500, 1,500', '0.3, 1 not in time'],
      ['persistent', '2, 2', '1,500, 1,500', '0.3, 1 not in time'],
    ],
  );
  assert.deepEqual(table.rows[0]!.at(-1)!.value, [0.3, null]);
  assert.match(table.notes[0]!, /samples 50 ms apart/);
});

test('there is no table without faults, nor where they strike all the time', () => {
  assert.equal(tableOf([]), null);
  assert.equal(tableOf(Faults.parse([{ kind: 'status', ratio: 1 }])), null);
});
