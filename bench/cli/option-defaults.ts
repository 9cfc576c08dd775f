// Defaults and choices that the help of `ab` and `try` names, apart from the code that measures.

/**
 * Default smallest change that counts. The whole interval must lie beyond it, so a threshold of half the change to be detected
 * would already be too large.
 */
export const LEAST_EFFECT = 0.02;

export const SIDES = ['client', 'target'] as const;
export type Side = (typeof SIDES)[number];

/** Of `try`. */
export const TRY_DEFAULTS = { header: [], concurrency: 20, client: 'undici', budgetSec: 60 } as const;
