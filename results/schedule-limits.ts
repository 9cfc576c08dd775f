// In: how an open load kept its schedule. Out: whether its figures are still those of the client and the target.

/** Of a time: above it, most of what is measured is the generator. */
const LATE_SHARE = 0.5;
/** Of what was due: with more missing, the slowest hundredth is no more what it would have been. */
const LOST_RATIO = 0.001;
/** Deviations of a count that chance explains. */
const CHANCE_SIGMAS = 3;

/** Whether most of a response time is the generator's own lateness. */
export function isMostlyLateness({
  latenessUs,
  responseUs,
}: {
  latenessUs: number;
  responseUs: number;
}): boolean {
  return latenessUs > LATE_SHARE * responseUs;
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
