// In: the checks of a run. Out: that expectations failed, and which, in a sentence: it decides the exit status; null where none did.
import { countText } from './words/numbers.ts';
import type { Check } from './model.ts';

/** More are not told one by one. */
const MOST_TOLD = 3;

/** `1 of 3 expectations failed: expected p99 latency, persistent ≤ 1 ms, measured 19 ms (18 ms to 20 ms) over 4 replicates.` */
export function expectationVerdict(checks: readonly Check[]): string | null {
  const all = checks.filter(({ isFigure }) => isFigure);
  const failed = all.filter(({ state }) => state === 'fail');
  if (failed.length === 0) return null;
  const hasSeveral = new Set(checks.map(({ group }) => group)).size > 1;
  const told = failed
    .slice(0, MOST_TOLD)
    .map(({ group, subject, detail }) => `${hasSeveral ? `${group}: ` : ''}${subject}, ${detail}`);
  const more = failed.length - told.length;
  return `${countText(failed.length)} of ${countText(all.length)} expectations failed: ${told.join('; ')}${more > 0 ? `; and ${countText(more)} more` : ''}.`;
}
