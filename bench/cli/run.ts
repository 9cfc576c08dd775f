// The `run` command: measures scenarios and shows a report.
import { withNullArm } from '../../scenarios/model/sweep.ts';
import { leaveOutMissing } from '../plan/left-out.ts';
import { planRun } from '../plan/plan.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { Context } from './context.ts';
import { begin, type MeasureOptions, measurePlan } from './measure-plan.ts';
import { adjusted, readAsked, type TimingOptions } from './scenario-options.ts';

export interface RunOptions extends MeasureOptions, TimingOptions {
  /** Whether a copy of the baseline client is added, to measure noise. */
  nullArm?: boolean;
  /** Ids of the cells to measure; default: all. */
  cells?: ReadonlySet<string>;
}

/** @returns the exit status. @throws UsageError, MeasureError */
export async function runCommand(
  selectors: string[],
  options: RunOptions,
  context: Context,
): Promise<number> {
  const variants = leaveOutMissing(
    await readAsked(selectors, context),
    await loadPlugins(context.plugins.transports),
  );
  const begun = begin(options);
  const plan = planRun(
    variants
      .map(variant => adjusted(variant, options))
      .map(variant => (options.nullArm ? withNullArm(variant) : variant)),
    begun.pace,
  );
  const cells = plan.cells.filter(({ id }) => options.cells?.has(id) ?? true);
  return measurePlan({ ...plan, cells }, { ...begun, options, context });
}
