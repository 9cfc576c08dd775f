// How many origins a target has, and how often each is asked.
import type { Target } from './target.ts';

type WithOrigins = Pick<Target, 'origins'>;

/** Relative shares of the requests, one per origin. */
export function originShares({ origins = 1 }: WithOrigins): readonly number[] {
  return typeof origins === 'number' ? Array<number>(origins).fill(1) : origins;
}

export function originCount(target: WithOrigins): number {
  return originShares(target).length;
}
