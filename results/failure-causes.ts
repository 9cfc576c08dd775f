// In: trials. Out: why those of them failed that did, each cause once.
import type { TrialResult } from './model/trial.ts';

/** Causes that differ in nothing but their numbers are one cause: it is told as the first of its trials had it. */
export function failureCauses(trials: readonly TrialResult[]): string[] {
  const messages = trials.flatMap(trial => (trial.state === 'failed' ? [trial.error.message] : []));
  const causes = Map.groupBy(messages, message => message.replaceAll(/\d[\d,.]*/g, '#'));
  return [...causes.values()].map(([first = '', ...others]) =>
    others.some(other => other !== first) ? `${first} (alike in ${others.length + 1} trials)` : first,
  );
}
