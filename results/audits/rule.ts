// Contracts of audit rules.

import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { Finding } from '../model/run.ts';
import type { CompletedTrial } from '../model/trial.ts';

/** The result of a check: `fail` makes the trial invalid, `warn` is a caveat. `detail` is a sentence with the figures. */
export type Check = Pick<Finding, 'state' | 'detail'>;

export const pass = (detail: string): Check => ({ state: 'pass', detail });
export const warn = (detail: string): Check => ({ state: 'warn', detail });
export const fail = (detail: string): Check => ({ state: 'fail', detail });

/** A check on each trial by itself; null if it does not apply. */
export interface TrialRule {
  rule: Finding['rule'];
  check(trial: CompletedTrial): Check | null;
}

/** Which failures a scenario expects. */
export type Expecting = Pick<Scenario, 'expect' | 'baseline'>;

/** A check on all completed trials of one client together, beside those of the others; null if it does not apply. */
export interface ArmRule {
  rule: Finding['rule'];
  check(
    trials: readonly CompletedTrial[],
    others: readonly CompletedTrial[],
    scenario: Expecting,
  ): Check | null;
}
