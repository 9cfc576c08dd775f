// The same seed gives the same plan; the order of arms is fair.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { Trial } from '../../results/model/trial.ts';
import { describePlan } from './describe-plan.ts';
import { blockOrder, type PlannedCell, planRun, trialsOf } from './plan.ts';
import { fullScenario } from './testing/plugins.ts';

function cellWith(armCount: number): PlannedCell {
  const names = Array.from({ length: armCount }, (_, index) => `arm-${index}`);
  const clients = Object.fromEntries(names.map(name => [name, {}]));
  const scenario = Scenario.parse({ ...fullScenario, clients, baseline: names.at(-1) });
  return planRun([scenario], { seed: 1 }).cells[0]!;
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

test('a cell lists its baseline first, then the arms as written', () => {
  assert.deepEqual(cellWith(3).arms, ['arm-2', 'arm-0', 'arm-1']);
});

test('one target of our code serves all arms, unless said otherwise; the scenario itself is as it was', () => {
  const scenario = Scenario.parse(fullScenario);
  const [plain] = planRun([scenario], { seed: 1 }).cells;
  assert.deepEqual([plain!.targets, plain!.generatorCode], [[{ arms: plain!.arms }], {}]);
  const code = { label: 'other', dir: null, packages: {} };
  const targets = plain!.arms.map(arm => ({ arms: [arm], code }));
  const generatorCode = { [scenario.baseline]: code };
  const [told] = planRun([{ ...scenario, targets, generatorCode }], { seed: 1 }).cells;
  assert.deepEqual([told!.targets, told!.generatorCode], [targets, generatorCode]);
  assert.deepEqual(told!.scenario, plain!.scenario);
  assert.ok(told!.estimatedMs > plain!.estimatedMs, 'they are fresh in each replicate');
});

test('a plan takes as long as its cells together', () => {
  const scenario = Scenario.parse(fullScenario);
  const plan = planRun([scenario, { ...scenario, name: 'again' }], { seed: 3 });
  assert.deepEqual(
    plan.cells.map(cell => cell.id),
    ['full', 'again'],
  );
  assert.equal(plan.estimatedMs, plan.cells[0]!.estimatedMs + plan.cells[1]!.estimatedMs);
});

test('the cells of a sweep come in a shuffled order, share the budget, and have ids and trials of their own', () => {
  const scenario = Scenario.parse({ ...fullScenario, timing: { budgetMs: 60_000 } });
  const values = Array.from({ length: 12 }, (_, index) => index);
  const variants = values.map(value => ({
    ...scenario,
    sweepPoints: [{ path: 'link.roundTripMs', value }],
  }));
  const orders = [1, 2, 3].map(seed => {
    const { cells } = planRun([{ ...scenario, name: 'before' }, ...variants], { seed });
    assert.deepEqual([cells[0]!.id, cells.length], ['before', 13]);
    assert.deepEqual(planRun([{ ...scenario, name: 'before' }, ...variants], { seed }).cells, cells);
    const swept = cells.slice(1);
    assert.deepEqual(
      swept.map(({ id }) => id),
      swept.map(({ sweepPoints }) => `full[roundTripMs=${sweepPoints[0]!.value}]`),
    );
    assert.ok(swept.every(cell => cell.scenario.timing.budgetMs === 5_000));
    assert.equal(cells[0]!.scenario.timing.budgetMs, 60_000);
    assert.deepEqual(Object.keys(swept[0]!.scenario).sort(), Object.keys(scenario).sort());
    const ids = swept.flatMap(cell => trialsOf(cell, 0, seed)).map(({ id }) => id);
    assert.equal(new Set(ids).size, 24);
    return swept.map(({ sweepPoints }) => sweepPoints[0]!.value);
  });
  for (const order of orders)
    assert.deepEqual(
      order.toSorted((a, b) => Number(a) - Number(b)),
      values,
    );
  assert.equal(new Set(orders.map(String)).size, 3, 'another seed, another order');
  assert.ok(!orders.map(String).includes(String(values)));
});

test('trials are resolved in full, and no two share an id or a seed', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 6 }), (seed, armCount) => {
      const cell = cellWith(armCount);
      const trials = [0, 1, 2].flatMap(replicate => trialsOf(cell, replicate, seed));
      assert.deepEqual(
        trials.map(trial => Trial.parse(trial)),
        trials,
      );
      assert.equal(new Set(trials.map(trial => trial.id)).size, 3 * armCount);
      assert.equal(new Set(trials.map(trial => trial.seed)).size, 3 * armCount);
      assert.deepEqual(trialsOf(cell, 1, seed), trials.slice(armCount, 2 * armCount));
    }),
    { numRuns: 30 },
  );
});

test('every arm comes exactly once in a block, in the same order for the same seed', () => {
  const count = fc.nat(50);
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 8 }), count, count, (seed, armCount, replicate, block) => {
      const cell = cellWith(armCount);
      const order = blockOrder(cell, seed, replicate, block);
      assert.deepEqual([...order].sort(), [...cell.arms].sort());
      assert.deepEqual(blockOrder(cell, seed, replicate, block), order);
    }),
  );
});

test('of two arms each is first about equally often, whatever came before, for any seed', () => {
  const cell = cellWith(2);
  const blocks = 400;
  fc.assert(
    fc.property(seeds, fc.nat(20), (seed, replicate) => {
      const firsts = Array.from(
        { length: blocks },
        (_, block) => blockOrder(cell, seed, replicate, block)[0],
      );
      const baselineCount = firsts.filter(arm => arm === cell.arms[0]).length;
      const changeCount = firsts.filter((arm, block) => block > 0 && arm !== firsts[block - 1]).length;
      // Six standard deviations of a fair coin: the widest that still tells a fair shuffle from an alternation.
      const allowed = 6 * Math.sqrt(blocks / 4);
      assert.ok(
        Math.abs(baselineCount - blocks / 2) < allowed,
        `baseline first in ${baselineCount} of ${blocks}`,
      );
      assert.ok(
        Math.abs(changeCount - blocks / 2) < allowed,
        `order changed ${changeCount} times in ${blocks}`,
      );
    }),
    { numRuns: 50, seed: 1 },
  );
});

test('the description shows arms with their settings and the first orders', () => {
  const scenario = Scenario.parse(fullScenario);
  const plan = planRun([scenario], { seed: 5 });
  const [cell] = describePlan(plan).cells;
  assert.deepEqual(cell?.arms, [
    { name: 'short', isBaseline: true, client: scenario.clients['short'] },
    { name: 'long', isBaseline: false, client: scenario.clients['long'] },
  ]);
  assert.deepEqual(cell?.replicates, { min: 2, max: 3 });
  assert.deepEqual(
    cell?.firstBlocks,
    [0, 1, 2, 3].map(block => blockOrder(plan.cells[0]!, 5, 0, block)),
  );
});

test('whole slices come in one block', () => {
  const scenario = Scenario.parse({ ...fullScenario, timing: { slicing: 'whole' } });
  assert.equal(describePlan(planRun([scenario], { seed: 5 })).cells[0]?.firstBlocks.length, 1);
});
