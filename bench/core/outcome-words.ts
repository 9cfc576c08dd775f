// In: nothing. Out: each way in which an exchange ends, in words.
import type { Outcome } from '../../results/model/trial.ts';

export const OUTCOME_WORDS: Record<Outcome, string> = {
  ok: 'answered',
  badStatus: 'bad status',
  timeoutConnect: 'timeout while connecting',
  timeoutHeaders: 'timeout before the response header',
  timeoutBody: 'timeout within the body',
  timeoutTotal: 'timeout of the whole exchange',
  refused: 'connection refused',
  reset: 'connection reset',
  staleSocket: 'reset on a reused connection',
  portExhausted: 'no local port left',
  descriptorLimit: 'descriptor limit hit',
  noAnswer: 'no answer',
  other: 'other',
};
