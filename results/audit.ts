// In: the trials of a cell. Out: every check on them, as findings with the figures behind them.

import type { Finding } from '../bench/core/run-types.ts';
import type { CompletedTrial, TrialResult } from '../bench/core/types.ts';
import { blockSpread } from './audits/block-spread.ts';
import { bottleneck } from './audits/bottleneck.ts';
import { conservation } from './audits/conservation.ts';
import { contention } from './audits/contention.ts';
import { ledger } from './audits/ledger.ts';
import { link } from './audits/link.ts';
import { listenDrops } from './audits/listen-drops.ts';
import { littlesLaw } from './audits/littles-law.ts';
import { ownStalls } from './audits/own-stalls.ts';
import { replicateSpread } from './audits/replicate-spread.ts';
import { retransmits } from './audits/retransmits.ts';
import type { ArmRule, TrialRule } from './audits/rule.ts';
import { schedule } from './audits/schedule.ts';
import { sliceLength } from './audits/slice-length.ts';
import { steadiness } from './audits/steadiness.ts';

const TRIAL_RULES: readonly TrialRule[] = [
  conservation,
  ledger,
  littlesLaw,
  sliceLength,
  schedule,
  bottleneck,
  contention,
  link,
  listenDrops,
  retransmits,
  steadiness,
  blockSpread,
];

const ARM_RULES: readonly ArmRule[] = [ownStalls, replicateSpread];

/** Every rule's finding on one trial, passes included, in the order of the rules. */
export function auditTrial(result: CompletedTrial): Finding[] {
  const { arm, id } = result.trial;
  return TRIAL_RULES.flatMap(({ rule, check }) => {
    const found = check(result);
    return found === null ? [] : [{ rule, arm, trial: id, ...found }];
  });
}

/** Whether a trial's figures may be shown unmarked: it completed, and no rule failed. */
export function isTrialValid(result: TrialResult): boolean {
  return result.state === 'completed' && auditTrial(result).every(({ state }) => state !== 'fail');
}

/**
 * What only the trials of an arm together can show: at most one finding per arm and rule, in order of first appearance.
 * Failed trials have nothing to audit.
 */
export function auditCell(trials: readonly TrialResult[]): Finding[] {
  const completed = trials.filter(trial => trial.state === 'completed');
  const arms = new Set(completed.map(({ trial }) => trial.arm));
  return [...arms].flatMap(arm => {
    const ofArm = completed.filter(({ trial }) => trial.arm === arm);
    const others = completed.filter(({ trial }) => trial.arm !== arm);
    return ARM_RULES.flatMap(({ rule, check }) => {
      const found = check(ofArm, others);
      return found === null ? [] : [{ rule, arm, ...found }];
    });
  });
}
