// In: a load. Out: when its requests are sent, in words.
import type { CapacityLoad, ClosedLoad, Load, OpenLoad } from '../../scenarios/model/load.ts';
import { countText, percentText } from './numbers.ts';

// From a load. Out: how a ratio of the metric that decides under it is said in a sentence.

/** Persistent connections `verb` 7.1x `than` short ones; against one, `subject` from 1.2x to 7.1x. */
interface HeadlineWords {
  verb: string;
  /** Of one arm. */
  verbOne: string;
  than: string;
  subject: string;
  noun: string;
}

const RATE: HeadlineWords = {
  verb: 'answer',
  verbOne: 'answers',
  than: 'as many requests per second as',
  subject: 'requests per second go',
  noun: 'requests per second',
};

const TIME: HeadlineWords = {
  verb: 'take',
  verbOne: 'takes',
  than: 'the mean response time of',
  subject: 'mean response time goes',
  noun: 'mean response time',
};

const CAPACITY: HeadlineWords = {
  verb: 'bear',
  verbOne: 'bears',
  than: 'the rate of',
  subject: 'capacity goes',
  noun: 'capacity',
};

const WORDS: Record<Load['model'], HeadlineWords> = {
  closed: RATE,
  open: TIME,
  burst: TIME,
  capacity: CAPACITY,
};

export function headlineWords({ model }: Pick<Load, 'model'>): HeadlineWords {
  return WORDS[model];
}

/** What an open load sends: `1,500 requests per second`, `bursts of 100 requests every 250 ms`. */
export function sentText(load: Extract<Load, { model: 'open' | 'burst' }>): string {
  return load.model === 'open'
    ? `${askedRateText(load.ratePerSec)} requests per second`
    : `bursts of ${countText(load.size)} requests every ${countText(load.everyMs)} ms`;
}

/** A rate exactly as it was asked for: `1,500`, `12.5`. */
export function askedRateText(ratePerSec: number): string {
  return ratePerSec.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** A rate that was found or worked out: `1,500`, `0.5`. */
export function rateText(ratePerSec: number): string {
  return ratePerSec.toLocaleString('en-US', { maximumFractionDigits: ratePerSec < 10 ? 1 : 0 });
}

/** As at the beginning of a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function loadText(load: Load): string {
  switch (load.model) {
    case 'closed':
      return closedText(load);
    case 'open':
      return `open: ${askedRateText(load.ratePerSec)} requests due per second, ${arrivalsText(load.arrivals)}; ${inFlightText(load)}`;
    case 'burst':
      return `bursts: ${countText(load.size)} requests due at once, every ${countText(load.everyMs)} ms; ${inFlightText(load)}`;
    case 'capacity':
      return capacityText(load);
    default:
      return load satisfies never;
  }
}

function closedText({ concurrency, thinkMs }: ClosedLoad): string {
  const users = concurrency === 1 ? '1 user' : `${countText(concurrency)} users`;
  return `closed loop: ${users}, each waiting for its answer${
    thinkMs === 0 ? ' and asking again at once' : `, then pausing ${thinkMs} ms`
  }`;
}

function capacityText(load: CapacityLoad): string {
  const { objective, minRatePerSec, maxRatePerSec, resolutionRatio, probeMs, arrivals } = load;
  return [
    `capacity: the highest rate from ${askedRateText(minRatePerSec)} to ${askedRateText(maxRatePerSec)} requests per second, to within ${percentText(resolutionRatio)}, at which ${objectiveText(objective)}`,
    `each rate is tried for ${countText(probeMs)} ms, ${arrivalsText(arrivals)}`,
    inFlightText(load),
  ].join('; ');
}

/** `p99 is at most 50 ms and at most 0.05 % of the requests fail`. */
export function objectiveText({ p50Ms, p99Ms, errorRatio }: CapacityLoad['objective']): string {
  const parts = [
    ...(p50Ms === undefined ? [] : [`p50 is at most ${p50Ms} ms`]),
    ...(p99Ms === undefined ? [] : [`p99 is at most ${p99Ms} ms`]),
    errorRatio === 0 ? 'no request fails' : `at most ${percentText(errorRatio)} of the requests fail`,
  ];
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function arrivalsText(arrivals: OpenLoad['arrivals']): string {
  return arrivals === 'poisson' ? 'as from many independent users (Poisson)' : 'equally spaced';
}

function inFlightText({ maxInFlight }: { maxInFlight: number }): string {
  return `at most ${countText(maxInFlight)} under way`;
}
