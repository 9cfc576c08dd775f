// Advice on how to make a run a baseline says what would be refused, and what would help.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { CellResult } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { describeSaving } from './baseline.ts';

suite('how to make a run a baseline is said only where it would be taken', () => {
  /** Every ratio known to within a factor, in both directions. */
  const known =
    (factor: number, maxReplicates = 1_000) =>
    (cell: CellResult): CellResult => ({
      ...cell,
      elapsedMs: 10_000,
      scenario: { ...cell.scenario, timing: { ...cell.scenario.timing, maxReplicates } },
      comparisons: cell.comparisons.map(comparison => {
        const { value } = comparison.ratio!;
        return { ...comparison, ratio: { value, low: value / factor, high: value * factor } };
      }),
    });
  const single = (cell: CellResult): CellResult => ({
    ...cell,
    comparisons: cell.comparisons.map(one => ({ ...one, ratio: null, replicateRatios: [1] })),
  });
  const cases: [why: string, change: (cell: CellResult) => CellResult, said: RegExp][] = [
    ['it sees enough', known(1.02), /^To use this run: SAVE$/],
    [
      'it varies',
      known(1.3),
      /^Baseline save would refuse this run: run \S+ is not usable as a baseline\. Blind: .*\. Measure longer \(an estimate: --budget-sec \d+\), or save it anyway with --force$/,
    ],
    [
      'and the scenario allows no more replicates',
      known(1.3, 4),
      / Measure longer \(an estimate: --budget-sec \d+, with timing\.maxReplicates of at least \d+\), or /,
    ],
    ['it varies by far', known(100), / More than an hour would be needed: close other programs/],
    ['one replicate', single, / Measure longer, at least 3 replicates \(--budget-sec\), or /],
    ['a failed trial', cell => ({ ...cell, failedTrials: 1 }), /only a reliable run can be a baseline$/],
  ];
  const saying = (change: (cell: CellResult) => CellResult): string => {
    const { run } = sampleRun();
    return describeSaving({ ...run, cells: run.cells.map(change) }, 'SAVE');
  };
  for (const [why, change, said] of cases) test(why, () => assert.match(saying(change), said));

  test('the more it varies, the longer it says', () => {
    const seconds = [1.2, 1.3, 1.4].map(factor =>
      Number(/--budget-sec (\d+)/.exec(saying(known(factor)))![1]),
    );
    assert.ok(10 < seconds[0]! && seconds[0]! < seconds[1]! && seconds[1]! < seconds[2]!, seconds.join());
  });
});
