// Describes loads: when requests are sent, what a capacity search looks for, and how a headline words a ratio under each load.
import { joinWords } from '../../results/figures.ts';
import type { CellResult } from '../../results/model/run.ts';
import type { CapacityLoad, Load, OpenLoad } from '../../scenarios/model/load.ts';
import { formatCount, formatPercent, formatQuantity } from './numbers.ts';
import { compact } from './text.ts';

/** Persistent connections `verb` 7.1× `than` short ones; against a baseline, `subject` from 1.2× to 7.1×. */
interface HeadlinePhrases {
  verb: string;
  /** For a single arm. */
  verbOne: string;
  than: string;
  subject: string;
  noun: string;
}

const RATE: HeadlinePhrases = {
  verb: 'handle',
  verbOne: 'handles',
  than: 'as many requests per second as',
  subject: 'requests per second range',
  noun: 'requests per second',
};

const TIME: HeadlinePhrases = {
  verb: 'take',
  verbOne: 'takes',
  than: 'the mean response time of',
  subject: 'mean response time ranges',
  noun: 'mean response time',
};

const CAPACITY: HeadlinePhrases = {
  verb: 'sustain',
  verbOne: 'sustains',
  than: 'the rate of',
  subject: 'capacity ranges',
  noun: 'capacity',
};

const PHRASES: Record<Load['model'], HeadlinePhrases> = {
  closed: RATE,
  open: TIME,
  burst: TIME,
  capacity: CAPACITY,
};

export function headlinePhrases({ model }: Pick<Load, 'model'>): HeadlinePhrases {
  return PHRASES[model];
}

/** What an open load sends: `1,500 requests per second`, `bursts of 100 requests every 250 ms`. */
export function describeSent(load: Extract<Load, { model: 'open' | 'burst' }>): string {
  return load.model === 'open'
    ? `${formatRequestedRate(load.ratePerSec)} requests per second`
    : `bursts of ${formatCount(load.size)} requests every ${formatCount(load.everyMs)} ms`;
}

/** A rate exactly as requested: `1,500`, `12.5`. */
export function formatRequestedRate(ratePerSec: number): string {
  return ratePerSec.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** A rate that was measured or computed: `1,500`, `0.5`. */
export function formatRate(ratePerSec: number): string {
  return ratePerSec.toLocaleString('en-US', { maximumFractionDigits: ratePerSec < 10 ? 1 : 0 });
}

/** What a response time counts from, as in "when a request was due": another load generator may not tell when one was. */
export function clockStart({ imported }: Pick<CellResult, 'imported'>): 'due' | 'sent' {
  return imported === undefined ? 'due' : 'sent';
}

export function describeLoad(load: Load): string {
  switch (load.model) {
    case 'closed':
      return `closed loop: ${formatQuantity(load.concurrency, 'user')}, ${load.thinkMs === 0 ? 'no think time' : `think time ${load.thinkMs} ms`}`;
    case 'open':
      return `open loop: ${formatRequestedRate(load.ratePerSec)} requests per second, ${describeArrivals(load.arrivals)}; ${describeInFlight(load)}`;
    case 'burst':
      return `bursts: ${formatCount(load.size)} requests at once, every ${formatCount(load.everyMs)} ms; ${describeInFlight(load)}`;
    case 'capacity':
      return describeCapacity(load);
    default:
      return load satisfies never;
  }
}

function describeCapacity(load: CapacityLoad): string {
  const { objective, minRatePerSec, maxRatePerSec, resolutionRatio, probeMs, arrivals } = load;
  return [
    `capacity: the highest rate from ${formatRequestedRate(minRatePerSec)} to ${formatRequestedRate(maxRatePerSec)} requests per second, to within ${formatPercent(resolutionRatio)}, at which ${describeObjective(objective)}`,
    `each rate tried for ${formatCount(probeMs)} ms, ${describeArrivals(arrivals)}`,
    describeInFlight(load),
  ].join('; ');
}

/** `p99 is at most 50 ms and at most 0.05 % of the requests fail`. */
export function describeObjective({ p50Ms, p99Ms, errorRatio }: CapacityLoad['objective']): string {
  const parts = compact([
    p50Ms !== undefined && `p50 is at most ${p50Ms} ms`,
    p99Ms !== undefined && `p99 is at most ${p99Ms} ms`,
    errorRatio === 0 ? 'no request fails' : `at most ${formatPercent(errorRatio)} of the requests fail`,
  ]);
  return joinWords(parts);
}

function describeArrivals(arrivals: OpenLoad['arrivals']): string {
  return arrivals === 'poisson' ? 'Poisson arrivals' : 'evenly spaced';
}

function describeInFlight({ maxInFlight }: { maxInFlight: number }): string {
  return `at most ${formatCount(maxInFlight)} in flight`;
}
