// Quantiles of Student's t and of the beta distribution, of which intervals are made.
import { createRequire } from 'node:module';

/** These packages are 150 files: they are loaded at the first interval, of which most processes make none. */
const require = createRequire(import.meta.url);
let student: typeof import('@stdlib/stats-base-dists-t-quantile') | undefined;
let beta: typeof import('@stdlib/stats-base-dists-beta-quantile') | undefined;

/** Each value takes many iterations, and the same few are needed for every interval of a run. */
const remembered = new Map<string, number>();
/** Degrees of freedom need not be whole, so there is no end of them. */
const MOST_REMEMBERED = 1_000;

/** @param degrees degrees of freedom, which need not be whole */
export function studentQuantile(probability: number, degrees: number): number {
  const key = `${probability} ${degrees}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  student ??= require('@stdlib/stats-base-dists-t-quantile');
  const value = student!(probability, degrees);
  if (remembered.size < MOST_REMEMBERED) remembered.set(key, value);
  return value;
}

/** Of the beta distribution with these two shapes. */
export function betaQuantile(probability: number, first: number, second: number): number {
  beta ??= require('@stdlib/stats-base-dists-beta-quantile');
  return beta!(probability, first, second);
}
