// The badges beside a verdict: limits, doubts, how sure the answer is, and waits for a core.

import { armInterval } from '../../results/compare.ts';
import { roundPercent } from '../../results/figures.ts';
import { headlineOf } from '../../results/metrics.ts';
import type { Interval } from '../../results/stats.ts';
import { allMarks, type CellView, decidingComparisons, isReliable } from '../cell-view.ts';
import type { Badge } from '../model.ts';
import { describeErrors, describeTooFew, failingRequests, lacksReuse } from './doubts.ts';
import { countReplicates, excludesOne, formatCount, hasBounds, knownRatio, reachRatio } from './numbers.ts';
import { compact } from './text.ts';

/** From this reach of an interval on a badge says that it is wide. */
const WIDE_REACH = 0.2;
/** Beside a verdict. */
export const MAX_BADGES = 4;

/** The most serious first: failures, disbelief, the verdict, its precision, waits for a core. */
export function cellBadges(view: CellView): Badge[] {
  return [
    ...limitBadges(view.result.expectations),
    ...doubtBadges(view),
    ...verdictBadges(view),
    ...contentionBadges(view),
  ].slice(0, MAX_BADGES);
}

/** `FAIL 1 of 4 limits`; where all hold, that; none without limits. */
export function limitBadges(expectations: readonly { state: 'pass' | 'fail' | 'unsure' }[]): Badge[] {
  const count = (wanted: string): number => expectations.filter(({ state }) => state === wanted).length;
  const [all, failed, unsure] = [expectations.length, count('fail'), count('unsure')];
  const of = `of ${formatCount(all)} ${all === 1 ? 'limit' : 'limits'}`;
  if (all === 0) return [];
  if (failed > 0) return [{ text: `FAIL ${formatCount(failed)} ${of}`, tone: 'fail' }];
  return unsure > 0
    ? [{ text: `${formatCount(unsure)} ${of} undecided`, tone: 'doubt' }]
    : [{ text: all === 1 ? 'the limit holds' : `all ${formatCount(all)} limits hold`, tone: 'good' }];
}

/** Whether the measurement was cut short, or goes on. */
export function stopBadges(views: readonly CellView[]): Badge[] {
  const stops = views.map(({ result }) => result.stop);
  if (stops.includes('measuring')) return [{ text: 'still measuring', tone: 'plain' }];
  return stops.includes('interrupted') ? [{ text: 'interrupted', tone: 'doubt' }] : [];
}

function doubtBadges(view: CellView): Badge[] {
  const marks = allMarks(view);
  const failed = view.trials.filter(({ state }) => state === 'failed').length;
  return compact([
    marks.includes('invalid') && { text: 'not reliable: an audit failed', tone: 'fail' },
    failed > 0 && { text: `${failed} of ${view.trials.length} trials failed`, tone: 'fail' },
    ...failureBadges(view),
    ...stopBadges([view]),
    marks.includes('censored') && { text: 'some requests unanswered', tone: 'doubt' },
  ]);
}

/** A request that never had a good answer is named: a single one, or how many there are. */
function failureBadges(view: CellView): Badge[] {
  const [first, ...others] = failingRequests(view).keys();
  if (first !== undefined) {
    const which = others.length === 0 ? first : `${formatCount(others.length + 1)} requests`;
    return [{ text: `no good answer to ${which}`, tone: 'fail' }];
  }
  return describeErrors(view) === '' ? [] : [{ text: 'requests failed', tone: 'fail' }];
}

function verdictBadges(view: CellView): Badge[] {
  const { result } = view;
  const deciding = decidingComparisons(result);
  if (deciding.length === 0) return singleBadges(view);
  if (deciding.every(({ replicateRatios }) => replicateRatios.length === 0)) return [];
  if (lacksReuse(result)) return [{ text: 'no connection could be reused', tone: 'doubt' }];
  const sure = deciding.filter(
    comparison => comparison.verdict !== 'unsure' && isReliable(comparison, view),
  ).length;
  const reaches = deciding.flatMap(comparison => {
    const ratio = knownRatio(comparison);
    return ratio === null ? [] : [reachRatio(ratio)];
  });
  const shown =
    deciding.length === 1 ? 'difference shown' : `${sure} of ${deciding.length} differences shown`;
  const replicates = countReplicates(result.replicates);
  if (describeTooFew(deciding) !== null) return [{ text: `undecided: only ${replicates}`, tone: 'doubt' }];
  const isUnsure = deciding.every(({ verdict }) => verdict === 'unsure');
  return compact<Badge>([
    sure > 0 && { text: shown, tone: 'good' },
    isUnsure && {
      text: deciding.some(excludesOne) ? 'unsure: multiple comparisons' : 'no difference shown',
      tone: 'doubt',
    },
    reaches.length < deciding.length
      ? { text: `${replicates}: bounds unknown`, tone: 'doubt' }
      : precisionBadge(replicates, Math.max(...reaches)),
  ]);
}

/** How sure the figure of a single client is, and what it is not. */
function singleBadges({ arms, result }: CellView): Badge[] {
  const [arm, ...others] = arms.filter(({ summary }) => summary !== null);
  if (arm === undefined || others.length > 0 || arm.summary!.completed === 0) return [];
  const { load } = result.scenario;
  const { metric } = headlineOf(load);
  const interval = armInterval(metric, arm.trials);
  const replicates = countReplicates(arm.trials.length);
  return [
    interval === null || !hasBounds(interval)
      ? { text: `${replicates}: no interval`, tone: 'doubt' }
      : precisionBadge(replicates, reachRatio(interval)),
    {
      text: arms.length === 1 ? 'one client: nothing to compare with' : `only ${arm.name} was measured`,
      tone: 'plain',
    },
  ];
}

function precisionBadge(replicates: string, reach: number): Badge {
  return reach > WIDE_REACH
    ? { text: `wide: ${replicates}, ${formatReach(reach)}`, tone: 'doubt' }
    : { text: `${replicates}, ${formatReach(reach)}`, tone: 'plain' };
}

/** Whether a badge says that the interval is wide. */
export function isWide(interval: Interval): boolean {
  return reachRatio(interval) > WIDE_REACH;
}

function formatReach(reach: number): string {
  return reach > 1 ? 'wider than ±100 %' : `±${roundPercent(reach, 2)}`;
}

/** Where most trials had to wait for a core: wide intervals are then caused by the machine, not by client or server. */
function contentionBadges({ arms, result }: CellView): Badge[] {
  const checked = result.findings.filter(({ rule }) => rule === 'contention');
  const contended = checked.filter(({ state }) => state === 'warn');
  if (contended.length * 2 <= checked.length) return [];
  const waits = arms
    .flatMap(({ trials }) => trials)
    .map(({ measurement: { generator, target } }) =>
      Math.max(generator.runDelayRatio, target?.runDelayRatio ?? 0),
    );
  return [
    { text: `waited for CPU up to ${Math.round(Math.max(...waits) * 100)} % of the time`, tone: 'doubt' },
  ];
}
