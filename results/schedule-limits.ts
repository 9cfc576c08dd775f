// In: how an open load kept its schedule. Out: whether its figures are still those of the client and the target.

/** 99th percentile of the generator's own lateness that is no cause for doubt; its timers alone make 1.1 ms of it. */
export const LATE_US = 5_000;
/** Of the response time's 99th percentile: above it, most of what is measured is the generator. */
const LATE_SHARE = 0.5;
/** Of what was due: with more missing, the slowest hundredth is no more what it would have been. */
const LOST_RATIO = 0.001;
/** Deviations of a count that chance explains. */
const CHANCE_SIGMAS = 3;

/** Whether the generator was late by more than it may be, and by so much that response times are mostly its own. */
export function isGeneratorLate(p99: { latenessUs: number; responseUs: number }): boolean {
  return p99.latenessUs > LATE_US && p99.latenessUs > LATE_SHARE * p99.responseUs;
}

/** Whether too many of the requests that were due have no time at all: never sent, or given up at the end of a drain. */
export function areTooManyLost({
  due,
  unsent,
  unfinished,
}: Record<'due' | 'unsent' | 'unfinished', number>): boolean {
  return unsent + unfinished > LOST_RATIO * due;
}

/**
 * Whether fewer requests ended in a span than fell due in it, by more than `ratio` of them and by more than the numbers
 * under way at its two ends differ by chance: then they pile up, and the longer the span the longer they take.
 */
export function isFallingBehind({ due, ended }: Record<'due' | 'ended', number>, ratio: number): boolean {
  return due - ended > Math.max(ratio * due, CHANCE_SIGMAS * Math.sqrt(due));
}
