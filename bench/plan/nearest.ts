// In: a name that is not known, and those that are. Out: which of them may have been meant.
import { distance } from 'fastest-levenshtein';

/** All known names, the most similar first; names that are equally similar keep their order. */
export function byLikeness(name: string, known: readonly string[]): string[] {
  const likeness = new Map(known.map(candidate => [candidate, distance(name, candidate)]));
  return [...known].sort((left, right) => likeness.get(left)! - likeness.get(right)!);
}

/** The known name that was probably meant: at most a third of it differs (two letters in a short one). */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = byLikeness(name, known);
  if (best === undefined) return undefined;
  const allowedEdits = Math.max(2, Math.floor(best.length / 3));
  const edits = distance(name, best);
  return edits <= allowedEdits && edits < best.length ? best : undefined;
}

/** Such as `a, b or c`. */
export function orList(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

/** A hint such as `did you mean read? Known: read, dump`. */
export function nameHint(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'nothing is known here';
  const meant = nearest(name, known);
  return meant === undefined ? orList(known) : `did you mean ${meant}? Known: ${known.join(', ')}`;
}
