// The cells of a sweep share one budget: what is left of it is shared evenly by those that are still to come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scenario } from '../core/scenario.ts';
import { createBudgets } from './budget.ts';
import { planRun } from './plan.ts';
import { fullScenario } from './testing/plugins.ts';

const BUDGET_MS = 12_000;

function sweepOf(count: number) {
  const scenario = Scenario.parse({ ...fullScenario, timing: { budgetMs: BUDGET_MS } });
  const sweepPoints = (value: number) => [{ path: 'link.roundTripMs', value }];
  return planRun(
    Array.from({ length: count }, (_, value) => ({ ...scenario, sweepPoints: sweepPoints(value) })),
    { seed: 1 },
  ).cells;
}

const TABLE: [why: string, elapsedMs: number[], allottedMs: number[]][] = [
  ['each takes its share', [4_000, 4_000, 4_000], [4_000, 4_000, 4_000]],
  ['one that is precise early leaves its time to the others', [1_000, 4_000, 7_000], [4_000, 5_500, 7_000]],
  ['one that takes longer takes it from the others', [6_000, 3_000, 3_000], [4_000, 3_000, 3_000]],
  ['one that takes far too long leaves them half of theirs', [20_000, 500, 500], [4_000, 2_000, 2_000]],
  ['one cell has all of it', [9_000], [12_000]],
];
for (const [why, elapsedMs, allottedMs] of TABLE) {
  test(`budget: ${why}`, () => {
    const cells = sweepOf(elapsedMs.length);
    const budgets = createBudgets(cells);
    const found = cells.map((cell, index) => {
      const allotted = budgets.allot(cell);
      budgets.spend(allotted, elapsedMs[index]!);
      assert.deepEqual({ ...allotted, scenario: cell.scenario }, cell, 'nothing else is changed');
      return allotted.scenario.timing.budgetMs;
    });
    assert.deepEqual(found, allottedMs);
  });
}
