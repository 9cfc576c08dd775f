// Whether a client leaks: what its process holds, against the requests that it has begun.
import { type Growth, judgeGrowth } from './growth.ts';
import type { CompletedTrial, HeldByClient } from './model/trial.ts';
import type { Interval } from './stats.ts';

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
 * Of a client, by all of its trials. The interval reaches from the lowest end of theirs to the highest, because processes differ by
 * more than samples of one do.
 * @returns null where nothing was sampled, or too little to tell
 */
export function judgeLeak(trials: readonly CompletedTrial[], level: Level): Leak | null {
  const growths = trials.flatMap(({ measurement: { held } }) =>
    held === undefined ? [] : growthPerRequest(held.client, level),
  );
  if (growths.length === 0 || growths.some(({ verdict }) => verdict === 'tooShort')) return null;
  const perMinutes = growths.map(({ perMinute }) => perMinute).sort((a, b) => a - b);
  const middle = (perMinutes.length - 1) / 2;
  const growing = growths.filter(({ verdict }) => verdict === 'grows').length;
  return {
    verdict: growing === growths.length ? 'grows' : growing === 0 ? 'steady' : 'unsure',
    exceedsPool: trials.every(exceedsPool),
    value: perThousand((perMinutes[Math.floor(middle)]! + perMinutes[Math.ceil(middle)]!) / 2),
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
const MOST_PER_IN_FLIGHT = 2;

function exceedsPool({ measurement: { held } }: CompletedTrial): boolean {
  if (held === undefined) return false;
  const { descriptors, inFlight } = held.client;
  const most = inFlight.reduce((highest, count) => Math.max(highest, count), 0);
  return descriptors.at(-1)! - descriptors[0]! > MOST_PER_IN_FLIGHT * most;
}

const MS_PER_MINUTE = 60_000;

function perThousand(perMinute: number): number {
  return (perMinute / MS_PER_MINUTE) * PER;
}
