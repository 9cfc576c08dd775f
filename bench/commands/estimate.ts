// In: a plan. Out: how long it will take, in words, before it starts.

import prettyMs from 'pretty-ms';
import { LEAST_REPLICATES } from '../core/replicates.ts';
import { describePlan, type ScenarioDescription } from '../plan/describe-plan.ts';
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

/** `about 25 s, 60 s at most`, or what is at most alone where that is about as long. */
export function timeText({ estimatedMs, mostMs }: { estimatedMs: number; mostMs: number }): string {
  const [about, most] = [roughText(estimatedMs), roughText(mostMs)];
  return estimatedMs >= mostMs || about === most ? `${most} at most` : `about ${about}, ${most} at most`;
}

/**
 * One line for the whole plan, and one for each scenario whose budget is too short.
 * @param isConfirming whether a failed expectation is measured again
 */
export function estimateLines(plan: Plan, isConfirming = false): string[] {
  const { scenarios, cells, ...times } = describePlan(plan);
  const cellText = cells.length === 1 ? '1 cell' : `${cells.length} cells`;
  const isJudged = plan.cells.some(({ scenario }) => scenario.expect.length > 0);
  const again =
    isConfirming && isJudged
      ? '; as long again for cells where an expectation fails and is measured again'
      : '';
  const text = timeText(times);
  return [
    `${text[0]!.toUpperCase()}${text.slice(1)}, for ${cellText}${again}.`,
    ...scenarios.filter(({ isOverBudget }) => isOverBudget).map(shortBudgetText),
  ];
}

/** Rounded up, or a budget would seem to be as long as what is more than it. */
function neededText(ms: number): string {
  return exactText(Math.ceil(ms / 1_000) * 1_000);
}

function shortBudgetText({ name, cells, budgetMs, least }: ScenarioDescription): string {
  const { oneMs, intervalMs, replicates } = least;
  const one = `${neededText(oneMs)} for one replicate`;
  const all = `${neededText(intervalMs)} for the ${replicates} that ${replicates < LEAST_REPLICATES ? 'are asked for' : 'an interval needs'}`;
  const needed = replicates === 1 ? one : `${one}, and ${all}`;
  return cells.length === 1
    ? `  ! ${name} has a budget of ${exactText(budgetMs)}, but may need ${needed}.`
    : `  ! The ${cells.length} cells of ${name} share a budget of ${exactText(budgetMs)}, but may need ${needed}, in all of them together.`;
}
