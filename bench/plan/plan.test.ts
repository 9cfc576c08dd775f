// The same seed gives the same plan; the order of arms is fair.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Trial } from '../../results/model/trial.ts';
import { sampleHost } from '../../results/testing/sample-run.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { describePlan } from '../cli/dry-run.ts';
import { makeScenario } from '../run/testing/tiny-cell.ts';
import { countGenerators } from './division.ts';
import { hasTimeForAnother, sureReplicates } from './forecast.ts';
import {
  Budgets,
  blockOrder,
  countSpareCores,
  mostMsOf,
  type PlannedCell,
  planRun,
  settleGenerators,
  trialsOf,
} from './plan.ts';
import { createTransport, fullScenario } from './testing/plugins.ts';

describe('The cells of a sweep share one budget: what is left of it is shared evenly by those that are still to come', () => {
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
      const budgets = new Budgets(cells);
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
        const budgets = new Budgets(cells);
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
});

describe('The same seed gives the same plan; the order of arms is fair', () => {
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
    const [limited] = planRun([{ ...scenario, limits: { localPorts: 256 } }], { seed: 1 }).cells;
    assert.deepEqual(
      limited!.targets,
      plain!.arms.map(arm => ({ arms: [arm] })),
      'each arm has all of the ports towards a target of its own',
    );
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
});

const transports = { undici: createTransport([]) };

function settledWith(spareCores: number, stated: Parameters<typeof makeScenario>[0]) {
  const plan = planRun([makeScenario(stated)], { seed: 1 });
  return settleGenerators(plan, spareCores, transports).cells[0]!;
}

describe("generators: 'auto'", () => {
  test('as many as there are cores', () => {
    assert.equal(
      settledWith(3, { generators: 'auto', load: { concurrency: 6 }, clients: { short: {} } }).scenario
        .generators,
      3,
    );
  });

  test('fewer where users or connections cannot be divided: 4 connections over 3 leave a rest', () => {
    const cell = settledWith(3, { generators: 'auto', load: { concurrency: 100 } });
    assert.equal(cell.scenario.generators, 2);
  });

  test('one where nothing can be divided', () => {
    assert.equal(settledWith(8, { generators: 'auto', load: { concurrency: 1 } }).scenario.generators, 1);
  });

  test('a number stays, and so does its absence', () => {
    assert.equal(settledWith(1, { generators: 2 }).scenario.generators, 2);
    assert.equal(settledWith(4, {}).scenario.generators, undefined);
  });

  test('is one as long as the machine is unknown', () => {
    assert.equal(countGenerators({ generators: 'auto' }), 1);
    assert.equal(countGenerators({}), 1);
    assert.equal(countGenerators({ generators: 3 }), 3);
  });
});

test('a trial has the number where there are several', () => {
  const numbers = [undefined, 1, 2].map(generators => {
    const { cells } = planRun([makeScenario(generators === undefined ? {} : { generators })], { seed: 1 });
    return trialsOf(cells[0]!, 0, 1)[0]!.generators;
  });
  assert.deepEqual(numbers, [undefined, undefined, 2]);
});

test('spare cores are those beside the target, and never none', () => {
  assert.equal(
    countSpareCores({ pinning: { targetCpu: 0, generatorCpu: 1, generatorCpus: [1, 2, 3] }, cpuCount: 4 }),
    3,
  );
  assert.equal(countSpareCores({ pinning: null, cpuCount: 8 }), 7);
  assert.equal(countSpareCores({ pinning: null, cpuCount: 1 }), 1);
  assert.equal(countSpareCores(sampleHost), 1, 'a host stored by an older version');
});
