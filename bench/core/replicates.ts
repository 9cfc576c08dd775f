// In: nothing. Out: how many replicates an interval needs, which plans, figures and reports all go by.

/**
 * Two replicates are not an interval: Student's t has one degree of freedom then, and reaches 21 standard errors to either
 * side. Three hold the truth as often as more do (results/stats.test.ts).
 */
export const LEAST_REPLICATES = 3;
