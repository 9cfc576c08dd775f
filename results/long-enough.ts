// Whether arms were measured for long enough that a pause which is too rare to be seen can't matter.

import { overall, readerOf } from './metrics.ts';
import type { Metric } from './model/run.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';

/**
 * Of an event that was not seen, up to four are expected at 98 % in as long a time, as e^-4 is 2 %: the rule of three (J. A. Hanley,
 * A. Lippman-Hand, 1983) at the level that keeps the interval's 95 % (docs/method.md).
 */
const UNSEEN_EVENTS = 4;
/** Of the longest request: less is not such a request, or no pause of the whole arm. */
const HALF = 0.5;

/**
 * A few replicates that happen to hold as many pauses as each other agree too well, and a run that stops then is wrong too
 * often. So it goes on until four pauses more than were seen would change no figure by more than the precision.
 */
export function isLongEnough(trials: readonly TrialResult[], deciding: Metric, precision: number): boolean {
  const completed = trials.filter(trial => trial.state === 'completed');
  return [...Map.groupBy(completed, ({ trial }) => trial.arm).values()].every(
    own => UNSEEN_EVENTS * pauseShare(own, deciding) <= precision,
  );
}

/**
 * What one pause is of all that an arm was measured. The longest request says how long a pause is, unless such requests were
 * measured and held up few users: then the slice that differs most from its trial says what one does.
 */
function pauseShare(trials: readonly CompletedTrial[], metric: Metric): number {
  const measuredMs = trials.reduce((sum, { measurement }) => sum + measurement.steadyMs, 0);
  const seenMs = Math.max(...trials.map(({ measurement }) => measurement.response.maxUs / 1_000));
  const longestMs = Math.max(
    seenMs,
    ...trials.map(({ measurement }) => measurement.lengthening?.longestMs ?? 0),
  );
  const share = Math.max(
    ...trials.map(trial => worstShare(trial, metric) * (trial.measurement.steadyMs / measuredMs)),
  );
  const isOfFewUsers = seenMs >= HALF * longestMs && share * measuredMs < HALF * longestMs;
  return isOfFewUsers ? share : Math.max(share, longestMs / measuredMs);
}

/** By how much the slice that differs most changes the figure of its trial. */
function worstShare({ trial, measurement }: CompletedTrial, metric: Metric): number {
  const reader = readerOf(metric);
  if (reader.of === 'trial') return 0;
  const portions = reader.read(measurement.slices, trial.load);
  const figure = overall(portions);
  if (figure === null || figure === 0) return 0;
  const per = portions.reduce((sum, portion) => sum + portion.per, 0);
  return Math.max(...portions.map(portion => Math.abs(portion.amount / figure - portion.per) / per));
}
