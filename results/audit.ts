// In: the trials of a cell. Out: every check on them, as findings with the figures behind them.
import type { CompletedTrial, Finding, TrialResult } from '../bench/core/types.ts';
import { blockSpread } from './audits/block-spread.ts';
import { bottleneck } from './audits/bottleneck.ts';
import { conservation } from './audits/conservation.ts';
import { ledger } from './audits/ledger.ts';
import { listenDrops } from './audits/listen-drops.ts';
import { littlesLaw } from './audits/littles-law.ts';
import { replicateSpread } from './audits/replicate-spread.ts';
import { retransmits } from './audits/retransmits.ts';
import type { ArmRule, TrialRule } from './audits/rule.ts';
import { steadiness } from './audits/steadiness.ts';

export { neededConnections } from './needed-connections.ts';

const TRIAL_RULES: readonly TrialRule[] = [
  conservation,
  ledger,
  littlesLaw,
  bottleneck,
  listenDrops,
  retransmits,
  steadiness,
  blockSpread,
];

const ARM_RULES: readonly ArmRule[] = [replicateSpread];

/** Every rule's finding on one trial, passes included, in the order of the rules. */
export function auditTrial(result: CompletedTrial): Finding[] {
  const { arm, id } = result.trial;
  return TRIAL_RULES.map(({ rule, check }) => ({ rule, arm, trial: id, ...check(result) }));
}

/** Whether a trial's figures may be shown unmarked: it completed, and no rule failed. */
export function isTrialValid(result: TrialResult): boolean {
  return result.state === 'completed' && auditTrial(result).every(({ state }) => state !== 'fail');
}

/**
 * All findings of a cell, arms in order of first appearance: for each rule every failure by itself, with its trial; the
 * warnings of an arm as one, with the figures of the first and how many trials share it; and one pass where all passed.
 * Then the rules on the arm as a whole. Failed trials have nothing to audit.
 */
export function auditCell(trials: readonly TrialResult[]): Finding[] {
  const completed = trials.filter(trial => trial.state === 'completed');
  const arms = new Set(completed.map(({ trial }) => trial.arm));
  return [...arms].flatMap(arm => {
    const ofArm = completed.filter(({ trial }) => trial.arm === arm);
    return [
      ...gatherByRule(ofArm.flatMap(auditTrial)),
      ...ARM_RULES.map(({ rule, check }) => ({ rule, arm, ...check(ofArm) })),
    ];
  });
}

/** The findings of one arm's trials, gathered rule by rule. */
function gatherByRule(findings: readonly Finding[]): Finding[] {
  return TRIAL_RULES.flatMap(({ rule }) => {
    const ofRule = findings.filter(finding => finding.rule === rule);
    const fails = ofRule.filter(({ state }) => state === 'fail');
    const warns = ofRule.filter(({ state }) => state === 'warn');
    if (fails.length + warns.length === 0) return shared(ofRule, ofRule.length);
    return [...fails, ...shared(warns, ofRule.length)];
  });
}

/** One finding for several that say the same of different trials. */
function shared(findings: readonly Finding[], trials: number): Finding[] {
  const [first] = findings;
  if (first === undefined) return [];
  const { trial, ...finding } = first;
  if (trials === 1) return [first];
  const detail = `${first.detail} (so in ${findings.length} of ${trials} trials; figures of ${trial})`;
  return [{ ...finding, detail }];
}
