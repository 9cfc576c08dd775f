// In: scenarios by name, tag or path. Out: a stored run and its report; the exit status says how it went.
import { withNullArm } from '../core/null-arm.ts';
import type { Scenario } from '../core/scenario.ts';
import { loadScenarios } from '../plan/load-scenarios.ts';
import { planRun } from '../plan/plan.ts';
import type { Context } from './context.ts';
import { type MeasureOptions, measurePlan, seedOf } from './measure.ts';

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
export function adjusted(
  scenario: Scenario,
  { budgetSec, precision, phases = true }: TimingOptions,
): Scenario {
  return {
    ...scenario,
    phases: scenario.phases && phases,
    timing: {
      ...scenario.timing,
      ...(budgetSec === undefined ? {} : { budgetMs: Math.round(budgetSec * 1_000) }),
      ...(precision === undefined ? {} : { precision }),
    },
  };
}

/** @returns the exit status. @throws UsageError, MeasureError */
export async function runCommand(
  selectors: string[],
  options: RunOptions,
  context: Context,
): Promise<number> {
  const { plugins, builtinDir, cwd } = context;
  const scenarios = await loadScenarios(selectors, { ...plugins, builtinDir, cwd });
  const startedAt = new Date();
  const plan = planRun(
    scenarios
      .map(scenario => adjusted(scenario, options))
      .map(scenario => (options.nullArm ? withNullArm(scenario) : scenario)),
    { seed: seedOf(options, startedAt) },
  );
  const cells = plan.cells.filter(({ id }) => options.cells?.has(id) ?? true);
  return measurePlan({ ...plan, cells }, { startedAt, options, context });
}
