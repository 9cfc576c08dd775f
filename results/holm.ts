// In: claims that are made at once. Out: those that can be made together without the risk of a false one adding up.
import { LEVEL } from './stats.ts';

/**
 * Holm's step-down method (S. Holm, 1979), by intervals instead of p-values: of m claims the surest have to be shown at the
 * level 1 - 5 % / m, those that remain at the level for as many as remain, and so on until none is shown any more. The chance
 * that any claim of all is false is then at most 5 %, however they depend on each other. One claim is judged at 95 %.
 *
 * @param isShown whether a claim is shown by its interval at a level; at a higher level never where not at a lower one
 */
export function shownTogether<Claim>(
  claims: readonly Claim[],
  isShown: (claim: Claim, level: number) => boolean,
): Set<Claim> {
  const shown = new Set<Claim>();
  let open = claims;
  while (open.length > 0) {
    const level = levelOf(open.length);
    const found = open.filter(claim => isShown(claim, level));
    if (found.length === 0) break;
    for (const claim of found) shown.add(claim);
    open = open.filter(claim => !shown.has(claim));
  }
  return shown;
}

/** At which each of so many claims has to be shown, so that none is false at 95 %. */
export function levelOf(claims: number): number {
  return 1 - (1 - LEVEL) / Math.max(1, claims);
}
