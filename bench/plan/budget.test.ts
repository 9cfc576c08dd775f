// The cells of a sweep share one budget: what is left of it is shared evenly by those that are still to come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { createBudgets } from './budget.ts';
import { mostMsOf, planRun } from './plan.ts';
import { fullScenario } from './testing/plugins.ts';
import { hasTimeForAnother, sureReplicates } from './timing.ts';

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

/** Of a replicate that takes longer than the longest before it. */
const UNSTEADY_RATIO = 0.2;

test('simulated cells take no longer than was announced, and a tenth', () => {
  const timing = fc.record({
    budgetMs: fc.integer({ min: 1, max: 200_000 }),
    minReplicates: fc.integer({ min: 1, max: 5 }),
    maxReplicates: fc.integer({ min: 5, max: 30 }),
  });
  const slowness = fc.double({ min: 0.1, max: 1, noNaN: true });
  const cellCount = fc.integer({ min: 1, max: 6 });
  const steadiness = fc.array(fc.double({ min: 1 - UNSTEADY_RATIO, max: 1, noNaN: true }), {
    minLength: 10,
    maxLength: 10,
  });
  fc.assert(
    fc.property(timing, cellCount, slowness, steadiness, (stated, count, slow, steady) => {
      const scenario = Scenario.parse({ ...fullScenario, timing: stated });
      const { cells } = planRun(
        Array.from({ length: count }, (_, value) => ({ ...scenario, sweepPoints: [{ path: 'a', value }] })),
        { seed: 1 },
      );
      const announcedMs = cells.reduce((sum, cell) => sum + mostMsOf(cell), 0);
      const budgets = createBudgets(cells);
      let totalMs = 0;
      for (const planned of cells) {
        const cell = budgets.allot(planned);
        const { timing: own } = cell.scenario;
        const { oneMs, intervalMs } = cell.least;
        const further = sureReplicates(own) - 1;
        const replicateMs = further > 0 ? (intervalMs - oneMs) / further : oneMs / 2;
        const state = {
          replicates: 0,
          elapsedMs: (oneMs - replicateMs) * slow,
          longestMs: 0,
          mostMs: mostMsOf(cell),
        };
        while (state.replicates < own.maxReplicates && hasTimeForAnother(own, state)) {
          const tookMs = replicateMs * slow * steady[state.replicates % steady.length]!;
          state.replicates++;
          state.elapsedMs += tookMs;
          state.longestMs = Math.max(state.longestMs, tookMs);
        }
        assert.ok(state.replicates > 0);
        totalMs += state.elapsedMs;
        budgets.spend(cell, state.elapsedMs);
      }
      assert.ok(totalMs <= announcedMs * 1.1, `${totalMs} of ${announcedMs}`);
    }),
  );
});
