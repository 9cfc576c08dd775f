// Expectations of cells: the words of a limit, a table of all limits of a cell, and one of those that a run did not keep.
import { whyUnneededUnknown } from '../../results/connections.ts';
import { isOfFewRequests } from '../../results/expect.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { CellResult } from '../../results/model/run.ts';
import { ERROR_PERCENT, INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type {
  Expectation,
  ExpectationResult,
  ExpectedMetric,
  Judgement,
} from '../../scenarios/model/scenario.ts';
import { type CellView, comparisonMarks, figureMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import type { Section } from '../sweeps/view.ts';
import {
  BOUNDS_UNKNOWN,
  formatBeside,
  formatCount,
  formatMissing,
  formatPercent,
  formatPlain,
  formatRatio,
  isKnown,
  missingReplicates,
  roundInterval,
  toShownUnit,
} from '../words/numbers.ts';
import { compact } from '../words/text.ts';
import {
  CENTRE_NOTE,
  countCell,
  figure,
  figureColumn,
  hasTwoEstimators,
  keyColumn,
  nothing,
  tabulate,
  wordColumn,
  words,
} from './table.ts';

/** Behind a figure: `/s`, ` ms`; nothing for a plain count. */
function unitBehind(metric: ExpectedMetric): string {
  const { unit } = METRIC_TABLE[metric];
  if (unit === undefined) return '';
  return unit === 'requests/s' ? '/s' : ` ${unit}`;
}

const STATE_NAMES: Record<ExpectationResult['state'], string> = {
  pass: 'pass',
  fail: 'FAIL',
  unsure: 'unsure',
};

export function expectationTable(view: CellView): Table | null {
  const { expectations, errorSharers } = view.result;
  if (expectations.length === 0) return null;
  return tabulate(expectations, {
    name: 'expectations',
    title: 'Expectations',
    columns: [
      [keyColumn('expectation', 'expectation'), ({ expectation }) => words(describeExpectation(expectation))],
      [figureColumn('interval', 'measured', INTERVAL_NAME), result => judgementCell(result, 'first', view)],
      [figureColumn('replicateCount', 'replicates'), ({ first }) => countCell(first.replicates)],
      [
        figureColumn('confirmation', 're-measured', INTERVAL_NAME),
        result => judgementCell(result, 'confirmation', view),
      ],
      [
        figureColumn('together', 'combined', INTERVAL_NAME),
        result => judgementCell(result, 'together', view),
      ],
      [wordColumn('state', 'outcome'), ({ state }) => words(STATE_NAMES[state], state)],
    ],
    notes: [
      expectations.length !== 1 &&
        `Several limits are tested together (Holm's method): the chance that any of them is reported to fail although it holds is at most ${ERROR_PERCENT}. So an expectation can be unsure although its ${INTERVAL_NAME} lies beyond the limit.`,
      errorSharers !== 1 &&
        `This run is one of up to ${formatCount(errorSharers)} whose outcomes share one error of ${ERROR_PERCENT}, so each has to be surer than its ${INTERVAL_NAME}.`,
      ...unknownNotes(view.result),
      expectations.some(
        ({ state, first: { interval }, expectation: { metric } }) =>
          metric === 'capacityPerSec' && interval === null && state !== 'unsure',
      ) &&
        'Where no rate failed, a limit on the capacity is judged by the highest rate tried, which is a lower bound of it.',
      expectations.some(
        ({ expectation: { over, metric } }) => over === undefined && hasTwoEstimators(metric),
      ) && CENTRE_NOTE,
      expectations.some(({ expectation }) => isOfFewRequests(expectation, view.trials)) &&
        'A limit on a quantile of few requests (‡) is unsure, wherever its interval lies.',
      'Fail: the whole interval lies beyond the limit. If the expectation was re-measured, the interval of all replicates combined and the value of the new replicates must lie beyond it too. Unsure: the limit lies within the interval, or re-measuring did not confirm the failure.',
    ],
  });
}

interface Miss {
  expectation: Expectation;
  /** The limit that the figure lies beyond. */
  limit: number;
  value: number;
  /** How far beyond, so that different metrics can be compared: a logarithm. */
  severity: number;
}

/** By the replicates that decided it. */
export function missOf({ expectation, first, together }: ExpectationResult): Miss | null {
  const interval = together?.interval ?? first.interval;
  if (interval === null) return null;
  const { atLeast, atMost } = expectation;
  const { value } = interval;
  const limit = atLeast !== undefined && value < atLeast ? atLeast : atMost;
  if (limit === undefined) return null;
  return { expectation, limit, value, severity: Math.abs(Math.log(value / limit)) };
}

/** `requests/s, ten is 0.15× hundred; limit 0.8×`. @param where it was measured: ` at 80 ms round trip` */
export function describeMiss({ expectation, limit, value }: Miss, where = ''): string {
  const { metric, of, over } = expectation;
  const [shown, divide] =
    over === undefined ? [toShownUnit(metric, value), toShownUnit(metric, limit)] : [value, limit];
  const unit = over === undefined ? unitBehind(metric) : `× ${over}`;
  return `${METRIC_TABLE[metric].title}, ${of} is ${formatBeside(shown, divide)}${unit}${where}; limit ${formatLimit(expectation, limit)}`;
}

/** Why the figure that a limit asks for is unknown, however long the run; null if it is not. */
export function whyUnknown({ metric, of }: Expectation, { arms, scenario }: CellResult): string | null {
  const arm = arms.find(one => one.arm === of);
  return metric === 'unneededConnectionsPer1kRequests' && arm !== undefined
    ? whyUnneededUnknown(arm, scenario)
    : null;
}

function unknownNotes(result: CellResult): string[] {
  const notes = result.expectations.flatMap(({ expectation }) => {
    const why = whyUnknown(expectation, result);
    return why === null ? [] : [`Unnecessary connections of ${expectation.of} are unknown, because ${why}.`];
  });
  return [...new Set(notes)];
}

function judgementCell(
  { expectation, ...judgements }: ExpectationResult,
  of: 'first' | 'confirmation' | 'together',
  view: CellView,
): TableCell {
  const judgement = judgements[of];
  return judgement === null
    ? nothing
    : figure(describeJudgement(expectation, judgement), judgement.interval, marksOf(expectation, view));
}

/** A success rate is itself about errors, so that they differ is no doubt about it. */
function marksOf({ metric, of, over }: Expectation, view: CellView): Mark[] {
  const arm = view.arms.find(({ name }) => name === of);
  if (over === undefined) return arm === undefined ? [] : figureMarks(arm, metric);
  const marks = comparisonMarks({ candidate: of, baseline: over, metric }, view);
  return marks.filter(mark => mark !== 'unlikeErrors' || metric !== 'successRatio');
}

/** `requests/s, persistent / short ≥ 3×`. */
export function describeExpectation(expectation: Expectation): string {
  return `${describeSubject(expectation)} ${describeWanted(expectation)}`;
}

/** What is limited: `requests/s, persistent / short`; `per` is a stroke: `client CPU / request`. */
function describeSubject({ metric, of, over }: Expectation): string {
  const title = METRIC_TABLE[metric].title.replace(' per ', ' / ');
  return `${title}, ${of}${over === undefined ? '' : ` / ${over}`}`;
}

/** Between what limits it is to lie: `≥ 3×`. */
export function describeWanted(expectation: Expectation): string {
  const { atLeast, atMost } = expectation;
  const limits = compact([
    atLeast !== undefined && `≥ ${formatLimit(expectation, atLeast)}`,
    atMost !== undefined && `≤ ${formatLimit(expectation, atMost)}`,
  ]);
  return limits.join(' and ');
}

/** As written in the scenario, in the unit of the figures beside it. */
function formatLimit({ metric, over }: Expectation, limit: number): string {
  return over === undefined
    ? `${formatPlain(toShownUnit(metric, limit))}${unitBehind(metric)}`
    : `${Number(limit.toPrecision(12))}×`;
}

export function describeJudgement(expectation: Expectation, { interval, replicates }: Judgement): string {
  const missing = missingReplicates(replicates);
  if (interval === null && METRIC_TABLE[expectation.metric].interval.of === 'shares') return 'unknown';
  if (interval === null && expectation.metric === 'capacityPerSec' && missing === 0)
    return 'no capacity found';
  if (interval === null)
    return missing > 0 ? `too few replicates (${formatMissing(missing)} needed)` : 'not enough data';
  if (expectation.over !== undefined) return formatRatio(interval, limitBeside(expectation, interval));
  const { metric } = expectation;
  const unit = unitBehind(metric);
  const shown = (bound: number): number => toShownUnit(metric, bound);
  const scaled = { value: shown(interval.value), low: shown(interval.low), high: shown(interval.high) };
  // A share needs enough digits to distinguish 99.95 % from 100 %.
  const { value, low, high } =
    metric === 'successRatio'
      ? roundShare(scaled)
      : roundInterval(scaled, shown(limitBeside(expectation, interval)));
  // A bound of 0 is meaningful for a share or a count.
  const hasBounds = METRIC_TABLE[metric].interval.of !== 'logarithms' || isKnown(interval);
  return `${value}${unit} (${hasBounds ? `${low}${unit} to ${high}${unit}` : BOUNDS_UNKNOWN})`;
}

/** The limit nearest to a bound of the interval: rounding must not move the bound across it. */
function limitBeside(
  { atLeast, atMost }: Expectation,
  { low, high }: Pick<Interval, 'low' | 'high'>,
): number {
  const limits = [atLeast, atMost].filter(limit => limit !== undefined);
  const gap = (limit: number): number => Math.min(Math.abs(limit - low), Math.abs(limit - high));
  return limits.reduce((nearest, limit) => (gap(limit) < gap(nearest) ? limit : nearest));
}

function roundShare({ value, low, high }: Interval) {
  const text = (percent: number): string => String(Number(percent.toFixed(4)));
  return { value: text(value), low: text(low), high: text(high) };
}

/** More would push away what was measured. */
const MAX_ROWS = 6;

interface Judged {
  /** The scenario or, where all are points of one sweep, the point. */
  place: string;
  view: CellView;
  result: ExpectationResult;
}

/** Those that failed first, by how far they were missed; then those that are undecided. */
export function limitTable(sections: readonly Section[]): Table | null {
  const all = judgedIn(sections);
  const failed = all.filter(({ result }) => result.state === 'fail');
  if (failed.length === 0) return null;
  const severity = ({ result }: Judged): number => missOf(result)?.severity ?? 0;
  const ordered = [
    ...failed.toSorted((a, b) => severity(b) - severity(a)),
    ...all.filter(({ result }) => result.state === 'unsure'),
  ];
  const hasSeveral = new Set(all.map(({ place }) => place)).size > 1;
  const isSweep = sections.length === 1 && sections[0]!.kind === 'sweep';
  return tabulate(ordered.slice(0, MAX_ROWS), {
    name: 'limits',
    title: 'Limits that failed or are undecided',
    columns: [
      [wordColumn('state', 'outcome'), ({ result: { state } }) => words(STATE_NAMES[state], state)],
      hasSeveral && [keyColumn('cell', isSweep ? 'point' : 'scenario'), ({ place }) => words(place)],
      [keyColumn('limit', 'limit'), ({ result }) => words(describeSubject(result.expectation))],
      [figureColumn('wanted', 'wanted'), wantedCell],
      [figureColumn('measured', 'measured', INTERVAL_NAME), measuredCell],
      [figureColumn('ratioToLimit', 'against the limit'), distanceCell],
    ],
    notes: [ordered.length > MAX_ROWS && describeRest(ordered.slice(MAX_ROWS))],
  });
}

function judgedIn(sections: readonly Section[]): Judged[] {
  const places = sections.flatMap(section => {
    if (section.kind === 'cell') return [{ place: section.view.result.cell, view: section.view }];
    const { cells } = section.sweep;
    return cells.map(({ place, view }) => ({
      place: sections.length === 1 ? place : view.result.cell,
      view,
    }));
  });
  return places.flatMap(({ place, view }) =>
    view.result.expectations.map(result => ({ place, view, result })),
  );
}

function wantedCell({ result: { expectation } }: Judged): TableCell {
  const { atLeast = null, atMost = null } = expectation;
  return words(describeWanted(expectation), { atLeast, atMost });
}

function measuredCell({ view, result: { expectation, first, together } }: Judged): TableCell {
  const deciding = together ?? first;
  const { interval } = deciding;
  // Why it is unknown is said with the expectations.
  return interval === null
    ? words('unknown', null)
    : figure(describeJudgement(expectation, deciding), { ...interval }, marksOf(expectation, view));
}

/** The value beside the nearest limit. */
function distanceCell({ result: { expectation, first, together } }: Judged): TableCell {
  const { interval } = together ?? first;
  if (interval === null) return nothing;
  const { value } = interval;
  const limit = limitBeside(expectation, { low: value, high: value });
  return words(describeDistance(expectation, value, limit), limit === 0 ? null : value / limit);
}

/** From this ratio on it is said in times, below in per cent. */
const TIMES = 2;

/** `13 % below`, `6.1 times as high`; of shares, and from a limit of 0, the difference. */
function describeDistance({ metric, over }: Expectation, value: number, limit: number): string {
  const side = value < limit ? 'below' : 'above';
  if (value === limit) return 'at the limit';
  if (metric === 'successRatio' && over === undefined)
    return `${formatDifference(toShownUnit(metric, Math.abs(value - limit)))} points ${side}`;
  if (limit === 0) return `${formatDifference(toShownUnit(metric, value))}${unitBehind(metric)} above`;
  const ratio = value / limit;
  return ratio >= TIMES
    ? `${formatShort(ratio)} times as high`
    : `${formatShare(Math.abs(ratio - 1))} ${side}`;
}

/** To two digits, as all of these: the figure beside it says how sure it is. */
function formatDifference(value: number): string {
  return formatPlain(Number(value.toPrecision(2)));
}

function formatShort(value: number): string {
  return value < 10 ? value.toFixed(1) : formatCount(value);
}

function formatShare(share: number): string {
  const percent = share * 100;
  return percent < 1 || (share < 1 && percent > 99.5) ? formatPercent(share) : `${formatShort(percent)} %`;
}

/** `Not shown: 3 more that failed, 2 undecided.` */
function describeRest(rest: readonly Judged[]): string {
  const count = (state: ExpectationResult['state']): number =>
    rest.filter(({ result }) => result.state === state).length;
  const parts = compact([
    count('fail') > 0 && `${formatCount(count('fail'))} more that failed`,
    count('unsure') > 0 && `${formatCount(count('unsure'))} undecided`,
  ]);
  return `Not shown: ${parts.join(', ')}.`;
}
