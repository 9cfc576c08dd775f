// A cell whose target has several backends: what they counted of each client is all that the target counted of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadOf } from '../../results/spread.ts';
import { measureCell } from './run.ts';
import { completed, makeTinyCell } from './testing/tiny-cell.ts';

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

test('added backends get new connections only, and each client finds the same backends at its start', async () => {
  const cell = makeTinyCell({
    target: { backends: { from: 1, to: 4, afterMs: 0 } },
    // Connections that are kept are opened during the warm-up.
    timing: { slicing: 'whole', measureMs: 2_200, warmupMinMs: 250, warmupMaxMs: 250 },
    clients: {
      short: { requestsPerConnection: 1, pool: { maxConnections: 4 } },
      long: { pool: { maxConnections: 4 } },
    },
    load: { concurrency: 4, thinkMs: 2 },
  });
  await measureCell(cell.options);
  const trials = completed(cell.results());
  assert.equal(trials.length, 2);
  for (const { trial, measurement } of trials) {
    const { backends, ledger } = measurement;
    assert.equal(sum(backends!.accepted), ledger.accepted, trial.arm);
    assert.equal(sum(backends!.requests), ledger.requestsSeen, trial.arm);
  }
  const [short, long] = ['short', 'long'].map(arm => trials.find(({ trial }) => trial.arm === arm)!);
  const ratios = [short!, long!].map(trial => spreadOf(trial)!.requests.busiestRatio);
  assert.ok(ratios[0]! < 1.1, `in turn: ${ratios[0]}`);
  assert.equal(ratios[1], 4, 'one of four has all');
  assert.deepEqual(long!.measurement.backends!.accepted.slice(1), [0, 0, 0]);
});
