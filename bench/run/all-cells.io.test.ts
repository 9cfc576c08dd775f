// The cells of a sweep are measured one by one: one in trouble does not end it, an interrupt keeps what was measured.
import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import type { CellResult } from '../../results/model/run.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import { planRun } from '../plan/plan.ts';
import type { RunEvent } from './events.ts';
import { runPlan } from './all-cells.ts';
import { ourChildren } from './testing/processes.ts';
import { isMeasuring, makeScenario } from './testing/tiny-cell.ts';

const SEED = 5;

/** A sweep over the length of the body: three cells of a minute together. */
function sweepOf(bytes: readonly number[], maxReplicates: number): Variant[] {
  return bytes.map(value => ({
    ...makeScenario({
      target: { behaviour: { name: 'fixed', bytes: value } },
      timing: { budgetMs: 60_000, maxReplicates },
    }),
    sweepPoints: [{ path: 'target.behaviour.bytes', value }],
  }));
}

async function runSweep(
  variants: readonly Variant[],
  onEvent: (event: RunEvent, interrupt: () => void) => void = () => {},
) {
  const events: RunEvent[] = [];
  const controller = new AbortController();
  const plan = planRun(variants, { seed: SEED });
  const results = await runPlan({
    plan,
    pinning: null,
    isConfirming: false,
    signal: controller.signal,
    emit: event => {
      events.push(event);
      onEvent(event, () => controller.abort());
    },
  });
  return { plan, results, events };
}

function bytesOf({ sweepPoints }: Pick<CellResult, 'sweepPoints'>) {
  return sweepPoints.map(({ value }) => value);
}

suite('a sweep', () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  test('a cell that can not be measured does not end it, and its time goes to the later ones', async () => {
    const { plan, results, events } = await runSweep(sweepOf([10, -1, 30], 2));
    assert.deepEqual(
      results.map(bytesOf),
      plan.cells.map(({ sweepPoints }) => [sweepPoints[0]!.value]),
    );
    for (const result of results) {
      const isWrong = bytesOf(result)[0] === -1;
      assert.equal(result.stop, isWrong ? 'failed' : 'max-replicates');
      assert.equal(result.cell, `tiny[bytes=${bytesOf(result)[0]}]`);
      assert.equal(result.scenario.target.behaviour['bytes'], bytesOf(result)[0]);
      assert.equal(
        result.arms.every(({ trials }) => trials === 2),
        !isWrong,
      );
    }
    const budgets = events.flatMap(event =>
      event.type === 'cell-started' ? [event.cell.scenario.timing.budgetMs] : [],
    );
    assert.equal(budgets[0], 20_000);
    const spentMs = results[0]!.elapsedMs + results[1]!.elapsedMs;
    assert.equal(budgets[2], Math.max(10_000, Math.round(60_000 - spentMs)));
    const trials = events.flatMap(event => (event.type === 'trial' ? [event.result.trial] : []));
    for (const { cell, id, target } of trials) {
      assert.ok(id.startsWith(`${cell}/`));
      assert.equal(cell, `tiny[bytes=${target.behaviour['bytes']}]`);
    }
    assert.equal(new Set(trials.map(({ id }) => id)).size, trials.length);
  });

  test('interrupted in its second cell: the first is whole, the second is what it was, the third never began', async () => {
    let cellsStarted = 0;
    const { plan, results } = await runSweep(sweepOf([10, 20, 30], 1), (event, interrupt) => {
      if (event.type === 'cell-started') cellsStarted++;
      if (cellsStarted === 2 && isMeasuring(event)) interrupt();
    });
    assert.equal(cellsStarted, 2);
    assert.deepEqual(
      results.map(({ cell, stop }) => [cell, stop]),
      [
        [plan.cells[0]!.id, 'max-replicates'],
        [plan.cells[1]!.id, 'interrupted'],
      ],
    );
    assert.equal(results[0]!.arms.length, 2);
    assert.ok(results[1]!.arms.some(({ trials }) => trials === 1));
  });
});
