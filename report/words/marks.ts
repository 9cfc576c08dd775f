// The signs of marks, shown after a figure, and the footnotes that explain them.
import type { Mark } from '../model.ts';

const MARK_SIGNS: Record<Mark, string> = {
  invalid: '†',
  unlikeErrors: '§',
  censored: '≥',
  ownLimit: '¶',
  fewBeyond: '‡',
};

/** Every sign, for formats that look for the end of a figure. */
export const ALL_SIGNS = Object.values(MARK_SIGNS).join('');

/** The signs shown after a figure: `†`, `§`, `≥`, `¶` and `‡`. */
export function signsOf(marks: readonly Mark[]): string {
  return marks.map(mark => MARK_SIGNS[mark]).join('');
}

/** Below a table or a chart that has such a figure. */
export const MARK_NOTES: Record<Mark, string> = {
  invalid: '† invalid: a trial behind this figure failed an audit (see the self-checks).',
  unlikeErrors:
    '§ unequal errors: the error rates of the two clients differ by more than 1 percentage point. Errors and successful responses take different times, so the ratio compares different work.',
  censored:
    '≥ unanswered: some requests had no response when their slice ended. They count with the time waited so far, so times are lower bounds and rates are upper bounds.',
  ownLimit:
    "¶ own limit: the client's own process (its generator) could not send faster, so its capacity is a lower bound of what the server sustains, and a ratio to it a bound as well.",
  fewBeyond:
    '‡ few requests: fewer than 10 took longer, so this is little more than the time of the slowest ones, and may be far from what more requests would show. It takes 100 requests for p90, 1,000 for p99 and 10,000 for p99.9.',
};
