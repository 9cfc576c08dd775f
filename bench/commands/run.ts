// In: scenarios by name, tag or path. Out: a stored run and its report; the exit status says how it went.
import { withNullArm } from '../core/null-arm.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import { leaveOutMissing } from '../plan/leave-out.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { planRun } from '../plan/plan.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import type { Context } from '../cli/context.ts';
import { type MeasureOptions, measurePlan, seedOf } from '../cli/run.ts';

export interface TimingOptions {
  budgetSec?: number;
  precision?: number;
  /** false: `--no-phases`; otherwise the scenario says. */
  phases?: boolean;
}

export interface RunOptions extends MeasureOptions, TimingOptions {
  /** Whether the baseline's client is measured twice, so that the run knows its own noise. */
  nullArm?: boolean;
  /** Ids of the cells to measure; all of them unless given. */
  cells?: ReadonlySet<string>;
}

/** What the command line says of timing and phases goes over what the scenario says. */
export function adjusted(variant: Variant, { budgetSec, precision, phases = true }: TimingOptions): Variant {
  return {
    ...variant,
    phases: variant.phases && phases,
    timing: {
      ...variant.timing,
      ...(budgetSec === undefined ? {} : { budgetMs: Math.round(budgetSec * 1_000) }),
      ...(precision === undefined ? {} : { precision, until: 'precise' }),
    },
  };
}

/** @returns the exit status. @throws UsageError, MeasureError */
export async function runCommand(
  selectors: string[],
  options: RunOptions,
  context: Context,
): Promise<number> {
  const { plugins, builtinDir, cwd, signal } = context;
  const variants = leaveOutMissing(
    await readScenarios(selectors, { ...plugins, builtinDir, cwd, signal }),
    await loadPlugins(plugins.transports),
  );
  const startedAt = new Date();
  const plan = planRun(
    variants
      .map(variant => adjusted(variant, options))
      .map(variant => (options.nullArm ? withNullArm(variant) : variant)),
    { seed: seedOf(options, startedAt) },
  );
  const cells = plan.cells.filter(({ id }) => options.cells?.has(id) ?? true);
  return measurePlan({ ...plan, cells }, { startedAt, options, context });
}
