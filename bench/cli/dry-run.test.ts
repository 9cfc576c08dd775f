// dry-run.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { type Plan, planRun } from '../plan/plan.ts';
import { estimateLines, formatDuration, printPlan } from './dry-run.ts';

describe('The estimate is one line, with rounded-up figures; a sweep that does not fit its budget is flagged', () => {
  interface Stated {
    cellCount: number;
    estimatedMs: number;
    budgetMs: number;
    minReplicates?: number;
    /** Of the whole plan. */
    least?: { oneMs: number; intervalMs: number };
  }

  function planOf({
    cellCount,
    estimatedMs,
    budgetMs,
    minReplicates = 5,
    least = { oneMs: 1, intervalMs: 1 },
  }: Stated): Plan {
    const scenario = Scenario.parse({
      name: 'far',
      question: 'q',
      clients: { one: {} },
      baseline: 'one',
      expect: [{ metric: 'requestsPerSec', of: 'one', atLeast: 1 }],
      timing: { budgetMs, minReplicates },
    });
    const plan = planRun(
      Array.from({ length: cellCount }, (_, value) => ({
        ...scenario,
        sweepPoints: [{ path: 'link.roundTripMs', value }],
      })),
      { seed: 1 },
    );
    const cells = plan.cells.map(cell => ({
      ...cell,
      estimatedMs: estimatedMs / cellCount,
      least: { oneMs: least.oneMs / cellCount, intervalMs: least.intervalMs / cellCount, endingMs: 0 },
    }));
    return { ...plan, cells, estimatedMs };
  }

  const TABLE: [stated: Stated, lines: RegExp[]][] = [
    [{ cellCount: 1, estimatedMs: 200, budgetMs: 1_000 }, [/^5 s at most, for 1 cell\.$/]],
    [{ cellCount: 2, estimatedMs: 36_001, budgetMs: 60_000 }, [/^About 40 s, 60 s at most, for 2 cells\.$/]],
    [{ cellCount: 2, estimatedMs: 100_000, budgetMs: 100_000 }, [/^100 s at most/]],
    [{ cellCount: 2, estimatedMs: 100_000, budgetMs: 100_001 }, [/^About 100 s, 2 min at most/]],
    [
      {
        cellCount: 40,
        estimatedMs: 300_000,
        budgetMs: 60_000,
        least: { oneMs: 200_000, intervalMs: 400_000 },
      },
      [
        /^About 5 min, 7 min at most, for 40 cells\.$/,
        /^ {2}! The 40 cells of far share a budget of 1m, but together may need 3m 20s for one replicate, and 6m 40s for the 3 that an interval needs\.$/,
      ],
    ],
    [
      { cellCount: 1, estimatedMs: 8_000, budgetMs: 5_000, least: { oneMs: 9_000, intervalMs: 14_000 } },
      [
        /^About 10 s, 15 s at most, for 1 cell\.$/,
        /^ {2}! far has a budget of 5s, but may need 9s for one replicate, and 14s for the 3 that an interval needs\.$/,
      ],
    ],
    [
      {
        cellCount: 1,
        estimatedMs: 8_000,
        budgetMs: 5_000,
        minReplicates: 2,
        least: { oneMs: 9_000, intervalMs: 14_000 },
      },
      [/^About 10 s/, /may need 9s for one replicate, and 14s for the 2 that are requested\.$/],
    ],
    [
      {
        cellCount: 1,
        estimatedMs: 8_000,
        budgetMs: 5_000,
        minReplicates: 1,
        least: { oneMs: 8_100, intervalMs: 8_100 },
      },
      [/^10 s at most/, /may need 9s for one replicate\.$/],
    ],
  ];
  for (const [stated, lines] of TABLE) {
    test(JSON.stringify(stated), () => {
      const found = estimateLines(planOf(stated));
      assert.equal(found.length, lines.length);
      for (const [index, line] of lines.entries()) assert.match(found[index]!, line);
    });
  }

  test('where failed expectations are measured again, that comes on top', () => {
    const plan = planOf({ cellCount: 1, estimatedMs: 200, budgetMs: 1_000 });
    assert.match(
      estimateLines(plan, true)[0]!,
      /^5 s at most, for 1 cell; re-measuring cells where an expectation fails takes as long again/,
    );
  });

  test('where clients are compared, the announcement says what precision the budget is likely to buy', () => {
    const plan = (budgetMs: number) =>
      planRun(
        [
          Scenario.parse({
            name: 'near',
            question: 'q',
            clients: { one: {}, two: {} },
            baseline: 'one',
            timing: { budgetMs },
          }),
        ],
        { seed: 1 },
      );
    const likely = (budgetMs: number) => estimateLines(plan(budgetMs))[1]!;
    assert.match(
      likely(60_000),
      /^ {2}Likely precision of ratios: ±\d+ % on a quiet machine, ±\d+ % beside other programs, with \d+ replicates\.$/,
    );
    const percentOf = (line: string): number => Number(/±(\d+) %/.exec(line)![1]);
    assert.ok(percentOf(likely(120_000)) < percentOf(likely(40_000)), 'more time buys more');
    const [cell] = plan(60_000).cells;
    const two = { ...plan(60_000), cells: [{ ...cell!, likelyReplicates: 2 }] };
    assert.match(estimateLines(two)[1]!, /no interval with 2 replicates\.$/);
  });

  test('to the second', () => {
    assert.deepEqual(
      [formatDuration(109_998), formatDuration(-5), formatDuration(84_400)],
      ['1m 50s', '0ms', '1m 24s'],
    );
  });
});

test('a plan says which cells this machine cannot measure, and why', () => {
  const lines: string[] = [];
  const scenario = Scenario.parse({ name: 'near', question: 'q', clients: { one: {} }, baseline: 'one' });
  const skipped = [{ cell: 'ports', message: 'no namespace', hint: 'expected: root' }];
  const plan = { ...planRun([scenario], { seed: 1 }), skipped };
  const output = {
    out: (text: string) => lines.push(text),
    note: () => {},
    isTty: false,
    hasColour: false,
    columns: 80,
  };
  printPlan(plan, [], {}, output);
  assert.match(lines.join('\n'), /^! ports is skipped: no namespace; expected: root$/m);
  printPlan(plan, [], { json: true }, output);
  assert.deepEqual(JSON.parse(lines.at(-1)!).skipped, skipped);
});
