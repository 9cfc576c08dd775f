// The order in which clients are shown: that of their scenario, in whatever order their trials were measured.
import type { CellResult } from './model/run.ts';
import type { TrialResult } from './model/trial.ts';

/** In the order of the scenario, then any that appear only in the results. */
export function listArms({ scenario, arms }: Pick<CellResult, 'scenario' | 'arms'>): string[] {
  return [...new Set([...Object.keys(scenario.clients), ...arms.map(({ arm }) => arm)])];
}

/** The same trials, replicate by replicate, the clients of each in the order of `arms`. */
export function orderTrials<Result extends TrialResult>(
  trials: readonly Result[],
  arms: readonly string[],
): Result[] {
  return trials.toSorted(
    (a, b) => a.trial.replicate - b.trial.replicate || arms.indexOf(a.trial.arm) - arms.indexOf(b.trial.arm),
  );
}

/** The same cell, its clients, comparisons and findings in the order of the scenario. @param trials of the cell */
export function orderCell(cell: CellResult, trials: readonly TrialResult[] = []): CellResult {
  const arms = listArms(cell);
  const rank = (arm: string | undefined): number => (arm === undefined ? arms.length : arms.indexOf(arm));
  const places = new Map(orderTrials(trials, arms).map(({ trial }, place) => [trial.id, place]));
  const placeOf = (trial: string | undefined): number => places.get(trial ?? '') ?? trials.length;
  return {
    ...cell,
    arms: cell.arms.toSorted((a, b) => rank(a.arm) - rank(b.arm)),
    comparisons: cell.comparisons.toSorted((a, b) => rank(a.candidate) - rank(b.candidate)),
    findings: cell.findings.toSorted(
      (a, b) => placeOf(a.trial) - placeOf(b.trial) || rank(a.arm) - rank(b.arm),
    ),
  };
}
