// Clients are listed in the order of their scenario, in whatever order they were measured and stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleRun } from '../testing/sample-run.ts';
import { listArms, orderCell, orderTrials } from './run.ts';

const { run, trials } = sampleRun({ scenario: 'requests-per-connection', trouble: 'invalid-trial' });
const cell = run.cells[0]!;

test('a cell and its trials in any order are the same, once ordered', () => {
  const shuffled = <Item>(items: readonly Item[]) =>
    fc.shuffledSubarray([...items], { minLength: items.length });
  const order = (arms: typeof cell, own: typeof trials) => ({
    cell: orderCell(arms, own),
    trials: orderTrials(own, listArms(arms)),
  });
  const byArm = (items: typeof cell.comparisons) => Map.groupBy(items, ({ candidate }) => candidate);
  const sorted = order(cell, trials);
  fc.assert(
    fc.property(
      shuffled(trials),
      shuffled(cell.arms),
      shuffled([...byArm(cell.comparisons).values()]),
      (otherTrials, arms, comparisons) => {
        assert.deepEqual(order({ ...cell, arms, comparisons: comparisons.flat() }, otherTrials), sorted);
      },
    ),
    { numRuns: 30 },
  );
});

test('clients that only the results have come last', () => {
  const [first, ...rest] = Object.entries(cell.scenario.clients);
  const scenario = { ...cell.scenario, clients: Object.fromEntries(rest) };
  assert.deepEqual(listArms({ ...cell, scenario }), [...rest.map(([name]) => name), first![0]]);
});
