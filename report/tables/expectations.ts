// In: a cell. Out: what was expected of it, what the interval says, and whether it holds; null where nothing was expected.

import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Interval } from '../../results/stats.ts';
import type {
  Expectation,
  ExpectationResult,
  ExpectedMetric,
  Judgement,
} from '../../scenarios/model/scenario.ts';
import { type CellView, comparisonMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import {
  BOUNDS_NOT_KNOWN,
  countText,
  intervalTexts,
  isKnown,
  missingReplicates,
  neededText,
  ratioText,
} from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, wordColumn, words } from './table.ts';

/** In a sentence about a limit, `per` is a stroke: `client CPU / request`. */
function titleOf(metric: ExpectedMetric): string {
  return METRIC_TABLE[metric].title.replace(' per ', ' / ');
}

/** Behind a figure: `/s`, ` ms`; nothing for a plain count. */
function unitBehind(metric: ExpectedMetric): string {
  const { unit } = METRIC_TABLE[metric];
  if (unit === undefined) return '';
  return unit === 'requests/s' ? '/s' : ` ${unit}`;
}

const STATE_WORDS: Record<ExpectationResult['state'], string> = {
  pass: 'pass',
  fail: 'FAIL',
  unsure: 'unsure',
};

export function expectationTable(view: CellView): Table | null {
  const { expectations } = view.result;
  if (expectations.length === 0) return null;
  return createTable({
    name: 'expectations',
    title: 'What was expected',
    columns: [
      keyColumn('expectation', 'expectation'),
      figureColumn('interval', 'measured', '95 % interval'),
      figureColumn('replicateCount', 'replicates'),
      figureColumn('confirmation', 'measured again', '95 % interval'),
      figureColumn('together', 'together', '95 % interval'),
      wordColumn('state', 'outcome'),
    ],
    rows: expectations.map(({ expectation, first, confirmation, together, state }) => [
      words(expectationText(expectation)),
      figure(intervalText(expectation, first), first.interval, marksOf(expectation, view)),
      words(countText(first.replicates), first.replicates),
      judgementCell(expectation, confirmation, view),
      judgementCell(expectation, together, view),
      words(STATE_WORDS[state], state),
    ]),
    notes: [
      ...(expectations.length === 1
        ? []
        : [
            'Several limits are held together (Holm): that any of them is said to fail though it holds has a chance of 5 % at most, so one whose 95 % interval lies beyond its limit can be unsure.',
          ]),
      'Fail: the whole interval lies beyond the limit; where it was measured again, that of all replicates together does, and the value on the fresh ones too. Unsure: the limit lies within the interval, or the failure did not show again.',
    ],
  });
}

function judgementCell(expectation: Expectation, judgement: Judgement | null, view: CellView): TableCell {
  return judgement === null
    ? words('–', null)
    : figure(intervalText(expectation, judgement), judgement.interval, marksOf(expectation, view));
}

/** A limit is on what is measured, whatever sets the pace; a ratio of good answers is of the errors themselves. */
function marksOf({ metric, of, over }: Expectation, view: CellView): Mark[] {
  const marks =
    over === undefined
      ? (view.arms.find(({ name }) => name === of)?.marks ?? [])
      : comparisonMarks({ candidate: of, baseline: over, metric }, view);
  return marks.filter(mark => mark === 'invalid' || (mark !== 'clientBound' && metric !== 'successRatio'));
}

/** `requests/s, persistent / short ≥ 3×`. */
export function expectationText(expectation: Expectation): string {
  const { metric, of, over, atLeast, atMost } = expectation;
  const limits = [
    ...(atLeast === undefined ? [] : [`≥ ${limitText(expectation, atLeast)}`]),
    ...(atMost === undefined ? [] : [`≤ ${limitText(expectation, atMost)}`]),
  ];
  return `${titleOf(metric)}, ${of}${over === undefined ? '' : ` / ${over}`} ${limits.join(' and ')}`;
}

/** As it was written, in the unit of the figures beside it. */
function limitText({ metric, over }: Expectation, limit: number): string {
  const { factor } = METRIC_TABLE[metric];
  return over === undefined
    ? `${Number((limit * factor).toPrecision(12)).toLocaleString('en-US', { maximumFractionDigits: 12 })}${unitBehind(metric)}`
    : `${Number(limit.toPrecision(12))}×`;
}

export function intervalText(expectation: Expectation, { interval, replicates }: Judgement): string {
  const missing = missingReplicates(replicates);
  if (interval === null)
    return missing > 0 ? `too few replicates (${neededText(missing)} needed)` : 'too little to say';
  if (expectation.over !== undefined) return ratioText(interval, limitBeside(expectation, interval));
  const { factor, interval: kind } = METRIC_TABLE[expectation.metric];
  const unit = unitBehind(expectation.metric);
  const scaled = { value: interval.value * factor, low: interval.low * factor, high: interval.high * factor };
  // A share needs the digits that tell 99.95 % from 100 %.
  const { value, low, high } =
    expectation.metric === 'successRatio'
      ? shareTexts(scaled)
      : intervalTexts(scaled, limitBeside(expectation, interval) * factor);
  // Of a share or a count a bound may be 0, and is known all the same.
  const isTold = kind.of !== 'logarithms' || isKnown(interval);
  return `${value}${unit} (${isTold ? `${low}${unit} to ${high}${unit}` : BOUNDS_NOT_KNOWN})`;
}

/** The limit that is nearest to a bound of the interval: rounding must not put it on the other side. */
function limitBeside({ atLeast, atMost }: Expectation, { low, high }: Interval): number {
  const limits = [atLeast, atMost].filter(limit => limit !== undefined);
  const gap = (limit: number): number => Math.min(Math.abs(limit - low), Math.abs(limit - high));
  return limits.reduce((nearest, limit) => (gap(limit) < gap(nearest) ? limit : nearest));
}

function shareTexts({ value, low, high }: Interval) {
  const text = (percent: number): string => String(Number(percent.toFixed(4)));
  return { value: text(value), low: text(low), high: text(high) };
}
