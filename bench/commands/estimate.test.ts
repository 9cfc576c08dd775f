// The estimate is one line, rounded up as one would say it; a sweep that can't do with its budget is told so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scenario } from '../core/scenario.ts';
import { type Plan, planRun } from '../plan/plan.ts';
import { estimateLines, exactText } from './estimate.ts';

function planOf(cellCount: number, estimatedMs: number, budgetMs: number): Plan {
  const scenario = Scenario.parse({
    name: 'far',
    question: 'q',
    clients: { one: {} },
    baseline: 'one',
    timing: { budgetMs },
  });
  const plan = planRun(
    Array.from({ length: cellCount }, (_, value) => ({
      ...scenario,
      sweepPoints: [{ path: 'link.roundTripMs', value }],
    })),
    { seed: 1 },
  );
  const cells = plan.cells.map(cell => ({ ...cell, estimatedMs: estimatedMs / cellCount }));
  return { ...plan, cells, estimatedMs };
}

const TABLE: [cells: number, estimatedMs: number, budgetMs: number, lines: RegExp[]][] = [
  [1, 200, 1_000, [/^About 5 s at most, for 1 cell\.$/]],
  [2, 36_001, 40_000, [/^About 40 s at most, for 2 cells\.$/]],
  [2, 100_000, 100_000, [/^About 100 s at most/]],
  [2, 100_001, 100_000, [/^About 2 min at most/]],
  [
    40,
    400_000,
    60_000,
    [
      /^About 7 min at most, for 40 cells\.$/,
      /^ {2}! The 40 cells of far share a budget of 1m, but need about 6m 40s /,
    ],
  ],
  [1, 400_000, 60_000, [/^About 7 min at most, for 1 cell\.$/]],
];
for (const [cells, estimatedMs, budgetMs, lines] of TABLE) {
  test(`${cells} cells, ${estimatedMs} ms, of ${budgetMs} ms`, () => {
    const found = estimateLines(planOf(cells, estimatedMs, budgetMs));
    assert.equal(found.length, lines.length);
    for (const [index, line] of lines.entries()) assert.match(found[index]!, line);
  });
}

test('to the second', () => {
  assert.deepEqual([exactText(109_998), exactText(-5), exactText(84_400)], ['1m 50s', '0ms', '1m 24s']);
});
