// Several real generators per client against a real target: their counts are those of one client, at both ends.
import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import type { CompletedTrial } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { measureCell } from './run.ts';
import { ourChildren } from './testing/processes.ts';
import { completed, makeTinyCell } from './testing/tiny-cell.ts';

/** Measures one client by three generators; its audits of counts pass. */
async function measureGroup(stated: Partial<ScenarioInput>): Promise<CompletedTrial> {
  const clients = { only: { pool: { maxConnections: 6, idleTimeoutMs: 60_000 } } };
  const tiny = makeTinyCell({ clients, baseline: 'only', generators: 3, ...stated });
  const { findings } = await measureCell(tiny.options);
  const doubts = findings.filter(
    ({ rule, state }) => ['conservation', 'reuse'].includes(rule) && state !== 'pass',
  );
  assert.deepEqual(doubts, []);
  const [result] = completed(tiny.results());
  assert.ok(result !== undefined, JSON.stringify(tiny.results()));
  assert.equal(result.trial.generators, 3);
  return result;
}

suite('a cell with several generators per client', () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  test('closed: users and connections are shared out, and no more of them are used', async () => {
    const { trial, measurement } = await measureGroup({ load: { concurrency: 6 } });
    const { opened, accepted, needed, requestsSent, requestsSeen } = measurement.ledger;
    assert.deepEqual([opened, accepted, needed], [6, 6, { least: 3, most: 6 }]);
    assert.equal(requestsSeen, requestsSent);
    assert.ok(trial.load.model === 'closed' && trial.load.concurrency === 6, 'the trial is the whole');
    assert.equal(measurement.response.count, measurement.completed);
    assert.equal(
      measurement.slices.reduce((sum, slice) => sum + slice.completed, 0),
      measurement.completed,
    );
  });

  test('open at a constant rate: all of it is due, however many share it', async () => {
    const { measurement } = await measureGroup({
      load: { model: 'open', ratePerSec: 300, arrivals: 'constant', maxInFlight: 6 },
      timing: { measureMs: 1_000, slicing: 'whole' },
    });
    assert.equal(measurement.arrivals!.due, 300);
    assert.equal(measurement.lateness!.count, 300 - measurement.arrivals!.unsent);
  });

  test('bursts are whole in every slice', async () => {
    const { measurement } = await measureGroup({
      load: { model: 'burst', size: 7, everyMs: 40 },
      timing: { measureMs: 200, sliceMs: 50 },
    });
    for (const { completed, failed, windowMs } of measurement.slices) {
      assert.equal((completed + failed) * 40, 7 * windowMs);
    }
  });

  test('capacity: a probe has the quantiles of all of its requests', async () => {
    const { measurement } = await measureGroup({
      load: {
        model: 'capacity',
        objective: { p99Ms: 5_000 },
        minRatePerSec: 100,
        maxRatePerSec: 200,
        resolutionRatio: 0.5,
        probeMs: 200,
        maxInFlight: 100,
      },
    });
    for (const { p50Us, p99Us } of measurement.capacity!.probes) assert.ok(p50Us > 0 && p99Us >= p50Us);
  });
});
