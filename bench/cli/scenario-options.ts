// The scenarios that a measuring command is asked for, and the options that override what they say.
import type { Variant } from '../../scenarios/model/sweep.ts';
import type { ReplacedTarget } from '../plan/read-scenarios.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import type { Context } from './context.ts';

export interface TimingOptions {
  budgetSec?: number;
  precision?: number;
  /** false: `--no-phases`; otherwise the scenario decides. */
  phases?: boolean;
}

/** Applies the command line's timing and phases, which override the scenario's. */
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

/**
 * Reads the scenarios that a command is asked for.
 * @throws UsageError with every problem of every file
 */
export function readAsked(
  selectors: readonly string[],
  { plugins, builtinDir, cwd, signal, during }: Context,
  replaced?: ReplacedTarget,
): Promise<Variant[]> {
  return during('reading the scenarios and the modules that they name', () =>
    readScenarios(selectors, { ...plugins, builtinDir, cwd, signal, replaced }),
  );
}
