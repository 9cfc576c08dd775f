// Compares clients: each one's summary, its ratios to the baseline, the verdicts, and whether more replicates are needed.
import type { ArmFigures } from './baselines.ts';
import { mergeHistograms } from './histogram.ts';
import {
  capacityOf,
  comparedMetrics,
  type FigureReader,
  headlineOf,
  isHigherBetter,
  overall,
  positive,
  readerOf,
  requestsPerSec,
  speakingFor,
} from './metrics.ts';
import type { ArmSummary, Comparison, Metric, RequestSummary } from './model/run.ts';
import type { Censored, CompletedTrial, Measurement, RequestFigures, TrialResult } from './model/trial.ts';
import {
  CONFIDENCE_LEVEL,
  type Interval,
  overReplicates,
  replicateInterval,
  shareInterval,
  shownTogether,
  sumKnown,
  sumOf,
  widened,
} from './stats.ts';

export type Verdict = Comparison['verdict'];

/**
 * The verdict by where the interval lies; never "the same", for which there is no evidence in a finite run.
 *
 *     metric where higher is better        metric where lower is better
 *               1                                    1
 *      |--*--|  |            worse          |--*--|  |            better
 *            |--*--|         unsure               |--*--|         unsure
 *               |  |--*--|   better                  |  |--*--|   worse
 *
 * No interval (fewer than three replicates): unsure.
 */
export function verdictOf(ratio: Interval | null, isMoreBetter: boolean): Verdict {
  if (ratio === null || (ratio.low <= 1 && ratio.high >= 1)) return 'unsure';
  return ratio.low > 1 === isMoreBetter ? 'better' : 'worse';
}

/**
 * The verdicts on comparisons that a reader sees side by side: several candidates, several cells. Their error is held for all
 * together, so one whose 95 % interval does not hold 1 can still be unsure.
 */
export function verdictsOf<Own extends Pick<Comparison, 'metric' | 'ratio' | 'replicateRatios'>>(
  comparisons: readonly Own[],
): Map<Own, Verdict> {
  const isSure = ({ ratio, replicateRatios }: Own, level: number): boolean =>
    ratio !== null && verdictOf(widened(ratio, replicateRatios, level), true) !== 'unsure';
  const known = comparisons.filter(({ ratio }) => ratio !== null);
  const sure = shownTogether(known, isSure);
  return new Map(
    comparisons.map(comparison => [
      comparison,
      sure.has(comparison) ? verdictOf(comparison.ratio, isHigherBetter(comparison.metric)) : 'unsure',
    ]),
  );
}

/** A verdict is given on the metric that decides alone: of five that are judged at 95 % each, one is soon wrong. */
export function withVerdicts(comparisons: readonly Comparison[], deciding: Metric): Comparison[] {
  const verdicts = verdictsOf(comparisons.filter(({ metric }) => metric === deciding));
  return comparisons.map(comparison => ({
    ...comparison,
    isDeciding: comparison.metric === deciding,
    verdict: verdicts.get(comparison) ?? 'unsure',
  }));
}

/**
 * Compares every arm with the baseline on every metric that their load has, in order of first appearance. Ratios are candidate / baseline.
 * A replicate counts where both arms completed with data. A trial that failed an audit counts too: it is marked, not hidden.
 */
export function compareArms(cell: { baseline: string; trials: readonly TrialResult[] }): Comparison[] {
  const arms = trialsByArm(cell.trials);
  const baseline = arms.get(cell.baseline) ?? [];
  const [any] = cell.trials;
  if (any === undefined) return [];
  const metrics = comparedMetrics(any.trial.load).filter(
    metric => any.trial.imported === undefined || metric !== 'cpuUsPerRequest',
  );
  const comparisons = [...arms]
    .filter(([arm]) => arm !== cell.baseline)
    .flatMap(([candidate, trials]) =>
      metrics.map((metric): Comparison => {
        const [own, others] = [speakingFor(metric, trials), speakingFor(metric, baseline)];
        const { logRatios, interval } = ratioOver(readerOf(metric), own, others);
        return {
          metric,
          baseline: cell.baseline,
          candidate,
          ratio: interval,
          replicateRatios: logRatios.map(Math.exp),
          isDeciding: false,
          verdict: 'unsure',
        };
      }),
    );
  return withVerdicts(comparisons, headlineOf(any.trial.load).metric);
}

/**
 * Whether every ratio of the metric that decides is known to within `precision` (0.05: the interval reaches no more than
 * 5 % of the value to either side). A ratio without an interval is not; a cell of one arm has nothing to be unsure of.
 */
export function isPrecise(comparisons: readonly Comparison[], deciding: Metric, precision: number): boolean {
  return comparisons
    .filter(({ metric }) => metric === deciding)
    .every(({ ratio }) => isWithin(ratio, precision));
}

export function isWithin(ratio: Interval | null, precision: number): boolean {
  return (
    ratio !== null && ratio.high / ratio.value - 1 <= precision && 1 - ratio.low / ratio.value <= precision
  );
}

/**
 * As many events of a kind that was not seen may be expected, at 98 %, in as long a time, as e^-4 is 2 %: the rule of three (J. A. Hanley,
 * A. Lippman-Hand, 1983) at the level that keeps the interval's 95 % (docs/method.md).
 */
const UNSEEN_EVENTS = 4;
/** Requests shorter than this share of the longest one are not counted as that pause. */
const AS_LONG_AS_A_PAUSE = 0.5;
/** A pause that costs less than this share of its length held up few users. */
const HOLDS_UP_FEW = 0.5;

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
 * The share of an arm's measured time that one pause takes. The longest request says how long a pause is, unless such requests were
 * measured and held up few users: then the slice that differs most from its trial says what one does.
 */
function pauseShare(trials: readonly CompletedTrial[], metric: Metric): number {
  const measuredMs = sumOf(trials, ({ measurement }) => measurement.steadyMs);
  const seenMs = Math.max(...trials.map(({ measurement }) => measurement.response.maxUs / 1_000));
  const longestMs = Math.max(
    seenMs,
    ...trials.map(({ measurement }) => measurement.lengthening?.longestMs ?? 0),
  );
  const share = Math.max(
    ...trials.map(trial => worstShare(trial, metric) * (trial.measurement.steadyMs / measuredMs)),
  );
  const isOfFewUsers =
    seenMs >= AS_LONG_AS_A_PAUSE * longestMs && share * measuredMs < HOLDS_UP_FEW * longestMs;
  return isOfFewUsers ? share : Math.max(share, longestMs / measuredMs);
}

/** By how much the slice that differs most changes the figure of its trial. */
function worstShare({ trial, measurement }: CompletedTrial, metric: Metric): number {
  const reader = readerOf(metric);
  if (reader.of === 'trial') return 0;
  const portions = reader.read(measurement.slices, trial.load);
  const figure = overall(portions);
  if (figure === null || figure === 0) return 0;
  const per = sumOf(portions, portion => portion.per);
  return Math.max(...portions.map(portion => Math.abs(portion.amount / figure - portion.per) / per));
}

/**
 * What each arm did, in order of first appearance. `trials` counts the completed ones; requestsPerSec is null when there
 * are none, and of fewer than three trials it is a value without an interval (low = high = value). Quantiles are those of the merged
 * histograms; connections and requests are sums, warm-up included; CPU is the mean over trials. What one trial does not
 * know, no sum or mean of them does: null.
 */
export function summariseArms(trials: readonly TrialResult[]): ArmSummary[] {
  return [...trialsByArm(trials)].map(([arm, completed]) => summariseArm(arm, completed));
}

function summariseArm(arm: string, trials: readonly CompletedTrial[]): ArmSummary {
  const measurements = trials.map(trial => trial.measurement);
  const total = (read: (measurement: Measurement) => number) => sumOf(measurements, read);
  const mean = (read: (measurement: Measurement) => number) =>
    measurements.length === 0 ? 0 : total(read) / measurements.length;
  /** null where one trial does not know it. */
  const known = (read: (measurement: Measurement) => number | null): number | null =>
    sumKnown(measurements, read);
  const { meanUs, p50Us, p90Us, p99Us, p999Us, maxUs } = mergeHistograms(measurements.map(m => m.response));
  const completed = total(m => m.completed);
  const failed = total(m => m.failed);
  return {
    arm,
    trials: trials.length,
    requestsPerSec: figureInterval(trials, requestsPerSec),
    capacityPerSec: figureInterval(speakingFor('capacityPerSec', trials), trial =>
      capacityOf(trial.measurement),
    ),
    meanUs,
    p50Us,
    p90Us,
    p99Us,
    p999Us,
    maxUs,
    completed,
    failed,
    censored: mergeCensored(measurements.map(m => m.censored)),
    errorRatio: errorRatioOf({ completed, failed }),
    opened: total(m => m.ledger.opened),
    accepted: known(m => m.ledger.accepted),
    openedBy: measurements.some(m => m.ledger.openedBy === 'unknown')
      ? 'unknown'
      : (measurements[0]?.ledger.openedBy ?? 'client'),
    openedElsewhere: total(m => m.ledger.openedElsewhere),
    acceptedBy: measurements[0]?.ledger.acceptedBy ?? 'target',
    needed: {
      least: total(m => m.ledger.needed.least),
      most: known(m => m.ledger.needed.most),
    },
    requestsSent: total(m => m.ledger.requestsSent),
    attemptsSent: known(m => m.ledger.attempts?.sent ?? null),
    generatorCpuUsPerRequest: trials.some(({ trial }) => trial.imported !== undefined)
      ? null
      : mean(m => m.generator.cpuUsPerRequest),
    targetCpuUsPerRequest: measurements.some(m => m.target === null)
      ? null
      : mean(m => m.target?.cpuUsPerRequest ?? 0),
    requests: summariseRequests(measurements),
  };
}

/** One percentage point: a smaller gap changes a ratio too little to matter. An error answers faster or slower than a good answer, and costs another amount of CPU. */
const MAX_GAP = 0.01;

type Counts = Pick<ArmFigures, 'completed' | 'failed'>;

/**
 * Whether the error rates of two arms differ by more than a percentage point, and by more than chance explains: the 95 % interval
 * of their difference does not hold 0 (square-and-add of the exact binomial intervals; R. G. Newcombe, 1998, method 10).
 */
export function areErrorsUnlike(one: Counts, other: Counts): boolean {
  const gap = errorRatioOf(one) - errorRatioOf(other);
  if (Math.abs(gap) <= MAX_GAP) return false;
  const [higher, lower] = (gap > 0 ? [one, other] : [other, one]).map(({ completed, failed }) =>
    shareInterval(failed, completed + failed, CONFIDENCE_LEVEL),
  );
  if (higher == null || lower == null) return false;
  return Math.abs(gap) > Math.hypot(higher.value - higher.low, lower.high - lower.value);
}

/** Whether more than a percentage point of an arm's requests failed. */
export function failsOften(counts: Counts): boolean {
  return errorRatioOf(counts) > MAX_GAP;
}

export function errorRatioOf({ completed, failed }: Counts): number {
  return completed + failed === 0 ? 0 : failed / (completed + failed);
}

/** A figure over the replicates; null where no trial has it. */
export function figureInterval(
  trials: readonly CompletedTrial[],
  read: (trial: CompletedTrial) => number | null,
): Interval | null {
  return overReplicates(trials.flatMap(trial => read(trial) ?? []));
}

/** The trials of two arms in each replicate that both completed. */
export function pairByReplicate(
  own: readonly CompletedTrial[],
  others: readonly CompletedTrial[],
): [own: CompletedTrial, other: CompletedTrial][] {
  return own.flatMap(trial => {
    const other = others.find(candidate => candidate.trial.replicate === trial.trial.replicate);
    return other === undefined ? [] : [[trial, other]];
  });
}

/**
 * The ratio of two arms over their replicates, and the logarithms it is made of, in order of replicates: one for each in which
 * both completed with something to read. It is the ratio of the arms' figures over all blocks that both have, the slow ones
 * included: a pause of an arm's own is part of what it does, and no slice tells it from a burst of the machine, which hits each
 * arm as often (docs/method.md).
 */
export function ratioOver(
  reader: FigureReader,
  candidates: readonly CompletedTrial[],
  baselines: readonly CompletedTrial[],
  level?: number,
): { logRatios: number[]; interval: Interval | null } {
  const inOrder = candidates.toSorted((a, b) => a.trial.replicate - b.trial.replicate);
  const ratios = pairByReplicate(inOrder, baselines).flatMap(([candidate, baseline]) => {
    const own = trialFigure(reader, candidate, baseline);
    const logRatio = logRatioOf(own, trialFigure(reader, baseline, candidate));
    if (logRatio === null) return [];
    const usual = logRatioOf(usualFigure(reader, candidate), usualFigure(reader, baseline));
    return { logRatio, usual: usual ?? logRatio };
  });
  const logRatios = ratios.map(({ logRatio }) => logRatio);
  const usual = ratios.map(ratio => ratio.usual);
  return { logRatios, interval: replicateInterval(logRatios, level, usual) };
}

/**
 * The figure of the slice in the middle, which no pause makes slower; null without slices. A percentile or CPU time is not of slices: a
 * process in another mode shows in response times. A replicate with an unusual p99 alone is not evidence of another mode.
 */
function usualFigure(reader: FigureReader, { trial, measurement }: CompletedTrial): number | null {
  const slices = reader.of === 'slices' ? reader : readerOf('meanUs');
  if (slices.of === 'trial') return null;
  const figures = slices
    .read(measurement.slices, trial.load)
    .filter(({ per }) => per > 0)
    .map(({ amount, per }) => amount / per)
    .toSorted((a, b) => a - b);
  return figures[Math.floor((figures.length - 1) / 2)] ?? null;
}

/**
 * A trial's figure on a metric; null where it has nothing to read.
 *
 * @param pair only blocks that this trial has, too, count: the machine was the same for both then
 */
function trialFigure(
  reader: FigureReader,
  trial: CompletedTrial,
  pair: CompletedTrial = trial,
): number | null {
  if (reader.of === 'trial') return reader.read(trial);
  const blocks = new Set(pair.measurement.slices.map(({ block }) => block));
  const slices = trial.measurement.slices.filter(({ block }) => blocks.has(block));
  return overall(reader.read(slices, trial.trial.load));
}

function logRatioOf(candidate: number | null, baseline: number | null): number | null {
  if (candidate === null || baseline === null) return null;
  const ratio = positive(candidate / baseline);
  return ratio === null ? null : Math.log(ratio);
}

/** Completed trials by arm, every arm in order of first appearance, also one whose trials all failed. */
function trialsByArm(trials: readonly TrialResult[]): Map<string, CompletedTrial[]> {
  const arms = new Map<string, CompletedTrial[]>();
  for (const result of trials) {
    const list = arms.get(result.trial.arm) ?? [];
    arms.set(result.trial.arm, list);
    if (result.state === 'completed') list.push(result);
  }
  return arms;
}

/** In the metric's own unit; null where no trial has anything to read. */
export function armInterval(metric: Metric, trials: readonly CompletedTrial[]): Interval | null {
  return overReplicates(replicateValues(metric, trials));
}

/** The same, trial by trial. */
export function replicateValues(metric: Metric, trials: readonly CompletedTrial[]): number[] {
  return speakingFor(metric, trials).flatMap(trial => trialFigure(readerOf(metric), trial) ?? []);
}

/**
 * In the order of the scenario. Counts are sums; quantiles are those of the merged distributions. What one trial does not know
 * is null. Without several requests, or a trial, it is empty.
 */
export function summariseRequests(measurements: readonly Measurement[]): RequestSummary[] {
  const steadyMs = sumOf(measurements, measurement => measurement.steadyMs);
  const names = measurements[0]?.requests.map(({ name }) => name) ?? [];
  return names.map(name => {
    const parts = measurements.flatMap(({ requests }) => requests.filter(figures => figures.name === name));
    return { name, sent: sumKnown(parts, ({ sent }) => sent)!, ...requestFigures(parts, steadyMs) };
  });
}

/** Requests that were answered in the steady windows, never well. */
export function neverGood(requests: readonly RequestSummary[]): (RequestSummary & { failed: number })[] {
  return requests.flatMap(request =>
    request.completed === 0 && request.failed !== null && request.failed > 0
      ? [{ ...request, failed: request.failed }]
      : [],
  );
}

function requestFigures(
  parts: readonly RequestFigures[],
  steadyMs: number,
): Omit<RequestSummary, 'name' | 'sent'> {
  const completed = sumKnown(parts, part => part.completed);
  const failed = sumKnown(parts, part => part.failed);
  const responses = parts.flatMap(({ response }) => response ?? []);
  const response = responses.length < parts.length ? null : mergeHistograms(responses);
  const times = response === null || response.count === 0 ? null : response;
  return {
    completed,
    failed,
    requestsPerSec: completed === null || steadyMs === 0 ? null : (completed / steadyMs) * 1_000,
    meanUs: times?.meanUs ?? null,
    p50Us: times?.p50Us ?? null,
    p99Us: times?.p99Us ?? null,
    censored: mergeCensored(parts.map(({ censored }) => censored)),
  };
}

/** null: every request came to an end. */
function mergeCensored(all: readonly (Censored | null)[]): Censored | null {
  const known = all.flatMap(censored => censored ?? []);
  if (known.length === 0) return null;
  return {
    count: sumOf(known, ({ count }) => count),
    leastUs: Math.min(...known.map(({ leastUs }) => leastUs)),
  };
}
