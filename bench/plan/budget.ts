// In: the cells of a plan, and how long each has taken. Out: each cell with the time that it may take.
import { type PlannedCell, withBudget } from './plan.ts';

export interface Budgets {
  /** The cell with an even share of what is left of its scenario's budget. */
  allot(cell: PlannedCell): PlannedCell;
  /** To be told of every cell that was allotted its share, once it is over. */
  spend(cell: PlannedCell, elapsedMs: number): void;
}

/** Of an even share: so much is left to every cell, however long the earlier ones took. */
const LEAST_SHARE = 0.5;

/**
 * The cells of a sweep share one budget: what a cell leaves, because it was precise early, goes to the later ones, and
 * what it takes beyond its share is taken from them. Their order is shuffled, so this favours no value of the sweep.
 */
export function createBudgets(cells: readonly PlannedCell[]): Budgets {
  const purses = new Map(
    [...Map.groupBy(cells, ({ scenario }) => scenario.name)].map(([name, group]) => [
      name,
      {
        leftMs: group.reduce((sum, { scenario }) => sum + scenario.timing.budgetMs, 0),
        cellsLeft: group.length,
      },
    ]),
  );
  return {
    allot(cell) {
      const { leftMs, cellsLeft } = purses.get(cell.scenario.name)!;
      const leastMs = cell.scenario.timing.budgetMs * LEAST_SHARE;
      return { ...cell, scenario: withBudget(cell.scenario, Math.max(leftMs / cellsLeft, leastMs)) };
    },
    spend({ scenario }, elapsedMs) {
      const purse = purses.get(scenario.name)!;
      purse.leftMs -= elapsedMs;
      purse.cellsLeft -= 1;
    },
  };
}
