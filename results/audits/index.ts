// The audits: every check that a run makes on itself, as findings with the figures behind them.
import type { Finding } from '../model/run.ts';
import type { CompletedTrial, TrialResult } from '../model/trial.ts';
import { changes } from './changes.ts';
import { conservation, ledger } from './connections.ts';
import { answers, closing, faults } from './failures.ts';
import { imported, littlesLaw, schedule, sliceLength, steadiness } from './load.ts';
import {
  bottleneck,
  contention,
  link,
  listenDrops,
  machines,
  retransmits,
  stopped,
  throttling,
} from './machine.ts';
import type { ArmRule, Expecting, TrialRule } from './rule.ts';
import { blockSpread, ownStalls, replicateSpread } from './spread.ts';

/** Why trials failed, each cause once. */
export function failureCauses(trials: readonly TrialResult[]): string[] {
  return foldSimilar(trials.flatMap(trial => (trial.state === 'failed' ? [trial.error.message] : [])));
}

/** Messages of trials, each once. Those that differ only in their numbers are one, worded as in its first trial. */
export function foldSimilar(messages: readonly string[]): string[] {
  return groupSimilar(messages, message => message).map(([first, ...others]) =>
    others.some(other => other !== first) ? `${first} (similar in ${others.length + 1} trials)` : first,
  );
}

/** In groups whose texts differ only in their numbers, in order of first appearance. */
export function groupSimilar<Item>(
  items: readonly Item[],
  textOf: (item: Item) => string,
): [first: Item, ...others: Item[]][] {
  const groups = Map.groupBy(items, item => textOf(item).replaceAll(/\d[\d,.]*/g, '#'));
  return [...groups.values()] as [Item, ...Item[]][];
}

const TRIAL_RULES: readonly TrialRule[] = [
  conservation,
  ledger,
  faults,
  littlesLaw,
  sliceLength,
  schedule,
  bottleneck,
  contention,
  throttling,
  stopped,
  link,
  listenDrops,
  retransmits,
  machines,
  steadiness,
  blockSpread,
  closing,
];

/** What can be checked in a report of another load generator, which does not have the rest. */
const IMPORTED_RULES: readonly TrialRule[] = [conservation, ledger, sliceLength, contention, imported];
/** They are known where the kernel of the workers has counters at all. */
const IMPORTED_KERNEL_RULES: readonly TrialRule[] = [listenDrops, retransmits];

function rulesFor({ trial, measurement }: CompletedTrial): readonly TrialRule[] {
  if (trial.imported === undefined) return TRIAL_RULES;
  return measurement.kernel.activeOpens > 0 ? [...IMPORTED_RULES, ...IMPORTED_KERNEL_RULES] : IMPORTED_RULES;
}

const ARM_RULES: readonly ArmRule[] = [answers, changes, ownStalls, replicateSpread];

/** Every rule's finding on one trial, passes included, in the order of the rules. */
export function auditTrial(result: CompletedTrial): Finding[] {
  const { arm, id } = result.trial;
  return rulesFor(result).flatMap(({ rule, check }) => {
    const found = check(result);
    return found === null ? [] : [{ rule, arm, trial: id, ...found }];
  });
}

/** Whether a trial's figures may be shown unmarked: it completed, and no rule failed. */
export function isTrialValid(result: TrialResult): boolean {
  return result.state === 'completed' && auditTrial(result).every(({ state }) => state !== 'fail');
}

/**
 * What only the trials of a client together can show: at most one finding per client and rule, in order of first appearance.
 * Failed trials have nothing to audit.
 */
export function auditCell(trials: readonly TrialResult[], scenario: Expecting): Finding[] {
  // These rules look at slices, and at processes that each replicate has of its own.
  const completed = trials
    .filter(trial => trial.state === 'completed')
    .filter(({ trial }) => trial.imported === undefined);
  const arms = new Set(completed.map(({ trial }) => trial.arm));
  return [...arms].flatMap(arm => {
    const ofArm = completed.filter(({ trial }) => trial.arm === arm);
    const others = completed.filter(({ trial }) => trial.arm !== arm);
    return ARM_RULES.flatMap(({ rule, check }) => {
      const found = check(ofArm, others, scenario);
      return found === null ? [] : [{ rule, arm, ...found }];
    });
  });
}
