// In: a plan. Out: how long it will take, in words, before it starts.
import prettyMs from 'pretty-ms';
import { describePlan } from '../plan/describe-plan.ts';
import type { Plan } from '../plan/plan.ts';

const MINUTE_MS = 60_000;
/** Below this a time is told in seconds. */
const LONGEST_SECONDS_MS = 100_000;

/** To the second: `36s`, `1m 24s`. */
export function exactText(ms: number): string {
  return prettyMs(Math.round(Math.max(0, ms) / 1_000) * 1_000);
}

/** As one would say it: `40 s`, `2 min`, rounded up. */
function roughText(ms: number): string {
  if (ms > LONGEST_SECONDS_MS) return `${Math.ceil(ms / MINUTE_MS)} min`;
  return `${Math.max(5, Math.ceil(ms / 5_000) * 5)} s`;
}

/** One line for the whole plan, and one for each sweep whose cells can't do with their budget. */
export function estimateLines(plan: Plan): string[] {
  const { scenarios, cells, estimatedMs } = describePlan(plan);
  const cellText = cells.length === 1 ? '1 cell' : `${cells.length} cells`;
  return [
    `About ${roughText(estimatedMs)} at most, for ${cellText}.`,
    ...scenarios
      .filter(({ isOverBudget, cells: own }) => isOverBudget && own.length > 1)
      .map(
        scenario =>
          `  ! The ${scenario.cells.length} cells of ${scenario.name} share a budget of ${exactText(scenario.budgetMs)}, but need about ${exactText(scenario.estimatedMs)} for the fewest replicates that make an interval.`,
      ),
  ];
}
