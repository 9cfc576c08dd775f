// In: comparisons that left the question open. Out: what to do next: how long to measure, as far as the replicates show it.
import { LEAST_REPLICATES } from '../bench/core/replicates.ts';
import type { CellResult, Comparison } from '../results/model/run.ts';
import { replicatesToTell } from '../results/enough.ts';
import { knownRatio } from './comparison-text.ts';
import { countText } from './words/numbers.ts';

/** As the command line takes it. */
const MOST_BUDGET_SEC = 3_600;

export interface Open {
  result: CellResult;
  comparison: Comparison;
}

/**
 * `Measure longer to tell: --budget-sec 240.` Of several cells the one that takes longest decides, for they share one budget.
 * Nothing where time was not what ended the replicates.
 *
 * @param cells all that share the budget
 */
export function nextStepText(open: readonly Open[], cells: readonly CellResult[]): string | undefined {
  const short = open.filter(({ result }) => result.stop === 'budget' && result.replicates > 0);
  if (short.length === 0) return undefined;
  const needed = short.map(each => ({ ...each, count: replicatesNeeded(each) }));
  const known = needed.filter(each => each.count !== null);
  if (known.length === 0) return undefined;
  const factor = Math.max(...known.map(({ result, count }) => count! / result.replicates));
  const elapsedMs = cells.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const seconds = roundUp((elapsedMs / 1_000) * factor);
  if (seconds > MOST_BUDGET_SEC || known.length < needed.length)
    return 'Replicates vary too much here to tell it within an hour: close other programs, or take a quieter machine.';
  const most = Math.max(...known.map(({ count }) => count!));
  const limit = Math.min(...known.map(({ result }) => result.scenario.timing.maxReplicates));
  const more = most > limit ? `, with maxReplicates of at least ${countText(most)}` : '';
  return `Measure longer to tell: --budget-sec ${seconds}${more}.`;
}

/** null: no number would do. One more than there are where there is no interval to reckon with. */
function replicatesNeeded({ result, comparison }: Open): number | null {
  const count = comparison.replicateRatios.length;
  if (comparison.ratio === null) return Math.max(LEAST_REPLICATES, count + 1);
  const needed = replicatesToTell(comparison.ratio, count, result.scenario.timing.precision);
  return needed === null || knownRatio(comparison) !== null ? needed : Math.max(needed, count + 1);
}

/** To two digits: more would say that it is known. */
function roundUp(seconds: number): number {
  const unit = Math.max(1, 10 ** (Math.floor(Math.log10(Math.max(1, seconds))) - 1));
  return Math.ceil(seconds / unit) * unit;
}
