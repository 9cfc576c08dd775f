// In: a load. Out: how a ratio of the metric that decides under it is said in a sentence.
import type { Load } from '../scenarios/model/load.ts';
import { countText } from './words/numbers.ts';

/** Persistent connections `verb` 7.1x `than` short ones; against one, `subject` from 1.2x to 7.1x. */
export interface HeadlineWords {
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
