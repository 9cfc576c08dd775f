// What the help of `conntax ab` names: its sides and default threshold, without the code that measures.

/**
 * Default smallest change that counts. The whole interval must lie beyond it, so a threshold of half the change to be detected
 * would already be too large.
 */
export const LEAST_EFFECT = 0.02;

export const SIDES = ['client', 'target'] as const;
export type Side = (typeof SIDES)[number];
