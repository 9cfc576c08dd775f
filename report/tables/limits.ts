// Table of the limits that a run did not keep, to be read right below the verdict; null where none failed.
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type { Expectation, ExpectationResult } from '../../scenarios/model/scenario.ts';
import type { CellView } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import type { Section } from '../sweeps/view.ts';
import { formatCount, formatPercent, formatPlain, toShownUnit } from '../words/numbers.ts';
import {
  describeJudgement,
  describeSubject,
  describeWanted,
  limitBeside,
  marksOf,
  missOf,
  STATE_NAMES,
  unitBehind,
} from './expectations.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

/** More would push away what was measured. */
const MOST_ROWS = 6;

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
  return createTable({
    name: 'limits',
    title: 'Limits that failed or are undecided',
    columns: [
      wordColumn('state', 'outcome'),
      ...(hasSeveral ? [keyColumn('cell', isSweep ? 'point' : 'scenario')] : []),
      keyColumn('limit', 'limit'),
      figureColumn('wanted', 'wanted'),
      figureColumn('measured', 'measured', INTERVAL_NAME),
      figureColumn('ratioToLimit', 'against the limit'),
    ],
    rows: ordered
      .slice(0, MOST_ROWS)
      .map(judged => [
        words(STATE_NAMES[judged.result.state], judged.result.state),
        ...(hasSeveral ? [words(judged.place)] : []),
        ...limitCells(judged),
      ]),
    notes: ordered.length > MOST_ROWS ? [describeRest(ordered.slice(MOST_ROWS))] : [],
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

/** What is limited, the limit, the figure that decided, and how far they are from each other. */
function limitCells({ view, result }: Judged): TableCell[] {
  const { expectation, first, together } = result;
  const deciding = together ?? first;
  const { interval } = deciding;
  const { atLeast, atMost } = expectation;
  return [
    words(describeSubject(expectation)),
    words(describeWanted(expectation), { atLeast: atLeast ?? null, atMost: atMost ?? null }),
    ...(interval === null
      ? // Why is said with the expectations.
        [words('unknown', null), nothing]
      : [
          figure(describeJudgement(expectation, deciding), { ...interval }, marksOf(expectation, view)),
          distanceCell(expectation, interval),
        ]),
  ];
}

/** The value beside the nearest limit. */
function distanceCell(expectation: Expectation, { value }: Interval): TableCell {
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
  const parts = [
    ...(count('fail') === 0 ? [] : [`${formatCount(count('fail'))} more that failed`]),
    ...(count('unsure') === 0 ? [] : [`${formatCount(count('unsure'))} undecided`]),
  ];
  return `Not shown: ${parts.join(', ')}.`;
}
