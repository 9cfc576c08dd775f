// Contracts of audit rules, and how they write figures.

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

const WHOLE = new Intl.NumberFormat('en-US');

/** A whole number with thousands separated: 12,345. */
export function whole(value: number): string {
  return WHOLE.format(Math.round(value));
}

/** `12`, `12 to 14`, `at least 12`. */
export function range({ least, most }: { least: number; most: number | null }): string {
  if (most === null) return `at least ${whole(least)}`;
  return least === most ? whole(least) : `${whole(least)} to ${whole(most)}`;
}

/** `0.56 ms`, to this many digits. */
export function milliseconds(us: number, digits = 3): string {
  return `${Number((us / 1_000).toPrecision(digits))} ms`;
}

/** How far a figure lies from what it is compared with, and on which side: `12.5 % above`, `0.2 % below`, `equal to`. */
export function apart(ratio: number): string {
  const text = percent(Math.abs(ratio));
  if (text === percent(0)) return 'equal to';
  return `${text} ${ratio < 0 ? 'below' : 'above'}`;
}

/** A share as a percentage to one digit: 0.913 is 91.3 %. */
export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
