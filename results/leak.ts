// Whether a level that goes up and down, such as a number of open connections, also rises for good, and whether a client leaks.
import type { HeldByClient } from './model/process.ts';
import type { CompletedTrial } from './model/trial.ts';
import { type Interval, medianOf } from './stats.ts';

/** One observation of a level. */
export interface Observed {
  atMs: number;
  value: number;
}

/**
 * - `grows`: the floor rises, and still did so in the second half: a leak, as long as the load is steady.
 * - `settled`: it rose at first and then no longer, as a pool that fills.
 * - `stable`: no rise could be shown; `mostPerMinute` says what could have been missed.
 * - `tooShort`: too few observations to tell.
 */
type GrowthVerdict = 'grows' | 'settled' | 'stable' | 'tooShort';

export interface Growth {
  verdict: GrowthVerdict;
  /** Slope of the floor, per minute; NaN if too short. */
  perMinute: number;
  /** Its 95 % interval. */
  leastPerMinute: number;
  mostPerMinute: number;
}

/** A burst is over within a tenth of the time, or else it cannot be told from a rise. */
const WINDOWS = 10;
const MIN_PER_WINDOW = 2;
/** Leaves 0.2 % on one side, so that a false leak is seldom among the dozen series of a process. */
const LEAK_S = leastS(WINDOWS, 0.002);
/** Leaves 2.5 % on each side of the 95 % interval. */
const INTERVAL_S = leastS(WINDOWS, 0.025);

const UNKNOWN: Growth = {
  verdict: 'tooShort',
  perMinute: Number.NaN,
  leastPerMinute: Number.NaN,
  mostPerMinute: Number.NaN,
};

/** Observations that a verdict needs. */
export const MIN_OBSERVED = WINDOWS * MIN_PER_WINDOW;

/**
 * Judges by the floor, the least value of each tenth of the time: a burst raises a level for a while, but a leak raises what
 * is left when all else is at rest. Kendall's S of the floors against time is the test (its exact distribution without ties;
 * ties make it cautious), Sen's median of pairwise slopes the estimate, with the interval of Hollander & Wolfe, *Nonparametric
 * Statistical Methods*, section 9.3. It takes the floors for independent: a swing slower than the whole observation looks like a rise.
 * @param observed in the order of time
 */
export function judgeGrowth(observed: readonly Observed[]): Growth {
  if (observed.length < MIN_OBSERVED) return UNKNOWN;
  const floors = floorsOf(observed);
  const slopes = slopesOf(floors);
  const first = Math.max(0, Math.floor((slopes.length - INTERVAL_S) / 2));
  const isRising = kendallS(floors) >= LEAK_S;
  const second = floors.slice(WINDOWS / 2);
  const hasRisenLately = kendallS(second) > 0 && second.at(-1)!.value > second[0]!.value;
  return {
    verdict: !isRising ? 'stable' : hasRisenLately ? 'grows' : 'settled',
    perMinute: medianOf(slopes),
    leastPerMinute: slopes[first]!,
    mostPerMinute: slopes[slopes.length - 1 - first]!,
  };
}

function floorsOf(observed: readonly Observed[]): Observed[] {
  return Array.from({ length: WINDOWS }, (_, window) => {
    const from = Math.round((window * observed.length) / WINDOWS);
    const to = Math.round(((window + 1) * observed.length) / WINDOWS);
    return observed.slice(from, to).reduce((least, next) => (next.value < least.value ? next : least));
  });
}

function pairsOf(floors: readonly Observed[]): [earlier: Observed, later: Observed][] {
  return floors.flatMap((earlier, at) =>
    floors.slice(at + 1).map((later): [Observed, Observed] => [earlier, later]),
  );
}

/** Per minute, sorted. */
function slopesOf(floors: readonly Observed[]): number[] {
  return pairsOf(floors)
    .map(([earlier, later]) => ((later.value - earlier.value) / (later.atMs - earlier.atMs)) * 60_000)
    .sort((a, b) => a - b);
}

/** Pairs that rise less pairs that fall. */
function kendallS(floors: readonly Observed[]): number {
  return pairsOf(floors).reduce((sum, [earlier, later]) => sum + Math.sign(later.value - earlier.value), 0);
}

/** By number of falling pairs: how many of the n! orders have as many. */
function ordersByInversions(n: number): number[] {
  let counts = [1];
  for (let length = 2; length <= n; length++) {
    const longer = Array<number>(counts.length + length - 1).fill(0);
    counts.forEach((count, inversions) => {
      for (let more = 0; more < length; more++) longer[inversions + more]! += count;
    });
    counts = longer;
  }
  return counts;
}

/** The probability that S of n values in random order is at least `s`. */
export function tailOfS(n: number, s: number): number {
  const counts = ordersByInversions(n);
  const pairs = (n * (n - 1)) / 2;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, falling) => (pairs - 2 * falling >= s ? sum + count : sum), 0) / total;
}

/** The least s of which the tail is at most `p`. */
function leastS(n: number, p: number): number {
  let s = (n * (n - 1)) / 2;
  while (tailOfS(n, s - 1) <= p) s--;
  return s;
}

/** What is left for each 1,000 requests, with its interval. */
export interface Leak extends Interval {
  /** grows: in each replicate; steady: in none, as a pool that is full; unsure: in some. */
  verdict: 'grows' | 'steady' | 'unsure';
  /** Whether, in each replicate, more descriptors were added than a pool keeps for the most requests that were in flight at once. */
  exceedsPool: boolean;
}

type Level = 'descriptors' | 'rssBytes';

const PER = 1_000;

/**
 * Growth of a client over all of its trials. The interval reaches from the lowest end of theirs to the highest, because processes differ by
 * more than samples of one do.
 * @returns null where nothing was sampled, or too little to tell
 */
export function judgeLeak(trials: readonly CompletedTrial[], level: Level): Leak | null {
  const growths = trials.flatMap(({ measurement: { held } }) =>
    held === undefined ? [] : growthPerRequest(held.client, level),
  );
  if (growths.length === 0 || growths.some(({ verdict }) => verdict === 'tooShort')) return null;
  const growing = growths.filter(({ verdict }) => verdict === 'grows').length;
  return {
    verdict: growing === growths.length ? 'grows' : growing === 0 ? 'steady' : 'unsure',
    exceedsPool: trials.every(exceedsPool),
    value: perThousand(medianOf(growths.map(({ perMinute }) => perMinute))),
    low: perThousand(Math.min(...growths.map(({ leastPerMinute }) => leastPerMinute))),
    high: perThousand(Math.max(...growths.map(({ mostPerMinute }) => mostPerMinute))),
  };
}

/** Requests take the place of milliseconds. Samples between which none was sent say nothing of what a request leaves. */
function growthPerRequest({ sent, ...held }: HeldByClient, level: Level): Growth {
  const observed = sent.flatMap((atMs, place) => {
    const value = held[level][place];
    const isNew = place === 0 || atMs > sent[place - 1]!;
    return value == null || !isNew ? [] : { atMs, value };
  });
  return judgeGrowth(observed);
}

/** undici opens up to twice as many connections as requests are in flight. */
const MAX_PER_IN_FLIGHT = 2;

function exceedsPool({ measurement: { held } }: CompletedTrial): boolean {
  if (held === undefined) return false;
  const { descriptors, inFlight } = held.client;
  const most = inFlight.reduce((highest, count) => Math.max(highest, count), 0);
  return descriptors.at(-1)! - descriptors[0]! > MAX_PER_IN_FLIGHT * most;
}

const MS_PER_MINUTE = 60_000;

function perThousand(perMinute: number): number {
  return (perMinute / MS_PER_MINUTE) * PER;
}
