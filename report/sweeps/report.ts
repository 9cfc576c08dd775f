// In: a sweep and the charts of sweeps. Out: its report: every word and rounded number, chosen here and once.
import type { StopReason } from '../../results/model/run.ts';
import type { SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import { subsetText } from '../../scenarios/model/sweep.ts';
import { allMarks, type CellView, MARK_NOTES } from '../cell-view.ts';
import type { SweepChart } from '../charts/chart.ts';
import type { CellState, Column, Fact, Mark, SweepMeasure, SweepReport, Table, TableCell } from '../model.ts';
import { describeExpectation } from '../tables/expectations.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from '../tables/table.ts';
import { auditLines } from '../words/audits.ts';
import { boundRemarks } from '../words/bound.ts';
import { cellCaveats } from '../words/caveats.ts';
import { conditionsOf, formatSeconds } from '../words/conditions.ts';
import { describeMissingReuse, stateOf } from '../words/headline.ts';
import { formatCount, formatPercent } from '../words/numbers.ts';
import { courseRemarks, sweepHeadline } from './headline.ts';
import {
  armFigures,
  baselineOf,
  candidatesOf,
  type Measure,
  measuresOf,
  ratioFigures,
  type SweepFigure,
  type SweepView,
  type SweptCell,
  valueText,
} from './view.ts';

// From a sweep. Out: what limits its figures, each doubt once, with the cells that it is about.

function sweepState({ cells }: SweepView): CellState {
  const states = cells.map(({ view }) => stateOf(view));
  if (states.every(state => state === 'unmeasured')) return 'unmeasured';
  return states.includes('invalid') ? 'invalid' : 'sound';
}

function sweepMarks({ cells }: SweepView): Mark[] {
  return [...new Set(cells.flatMap(({ view }) => allMarks(view)))];
}

/** To be read with the headline. */
function doubtTexts(sweep: SweepView): string[] {
  const { cells, missing } = sweep;
  const invalid = cells.filter(({ view }) => stateOf(view) === 'invalid');
  const unmeasured = cells.filter(({ view }) => stateOf(view) === 'unmeasured');
  const cut = cells.filter(({ view }) => view.result.stop === 'interrupted');
  const planned = cells.length + missing.length;
  return [
    ...(invalid.length === 0
      ? []
      : [`† Do not rely on figures marked so: an audit failed${placesText(sweep, pointsOf(invalid))}.`]),
    ...(unmeasured.length === 0
      ? []
      : [`Nothing could be measured${placesText(sweep, pointsOf(unmeasured))}.`]),
    ...(cut.length === 0 ? [] : [`Interrupted while it measured${placesText(sweep, pointsOf(cut))}.`]),
    ...reusePlaces(sweep),
    ...(missing.length === 0
      ? []
      : [
          `Partial: the run ended before ${missing.length} of ${planned} cells, those${placesText(sweep, missing)}.`,
        ]),
    ...boundRemarks(sweep.cells.map(({ view }) => view)),
  ];
}

/** Arms that should reuse connections and do not, with where. */
function reusePlaces(sweep: SweepView): string[] {
  return sweep.cells.flatMap(({ view, place }) =>
    describeMissingReuse(view).map(text => `With ${place}, ${text}`),
  );
}

/** Caveats of the cells; the same one of several cells once, with their values. */
function sweepCaveats(sweep: SweepView): string[] {
  const told = sweep.cells.flatMap(({ points, view }) => cellCaveats(view).map(text => ({ text, points })));
  return [...Map.groupBy(told, ({ text }) => text)].map(([text, group]) => {
    const places = placesText(
      sweep,
      group.map(({ points }) => points),
    );
    return places === '' ? text : `${text.replace(/\.$/, '')} (${places.trim()}).`;
  });
}

function pointsOf(cells: readonly SweptCell[]): (readonly SweepPoint[])[] {
  return cells.map(({ points }) => points);
}

/** ` with roundTripMs = 20, 80`; empty for all cells. */
function placesText({ axes }: SweepView, subset: readonly (readonly SweepPoint[])[]): string {
  const text = subsetText(axes, subset);
  return text === '' ? '' : ` with ${text}`;
}

// From a sweep. Out: where each of its expectations holds, where it fails, and where that could not be told; null without any.

type Outcome = 'fail' | 'unsure' | 'pass';

interface Told {
  text: string;
  outcomes: readonly { outcome: Outcome; points: SweepView['cells'][number]['points'] }[];
}

/** Every expectation of the scenario, with its outcome in each cell. */
function toldIn({ cells }: SweepView): Told[] {
  const all = cells.flatMap(({ points, view }) =>
    view.result.expectations.map(({ expectation, state }) => ({
      text: describeExpectation(expectation),
      outcome: state,
      points,
    })),
  );
  return [...Map.groupBy(all, ({ text }) => text)].map(([text, outcomes]) => ({ text, outcomes }));
}

function sweepExpectationTable(sweep: SweepView): Table | null {
  const told = toldIn(sweep);
  if (told.length === 0) return null;
  return createTable({
    name: 'sweep-expectations',
    title: 'What was expected of every cell',
    columns: [
      keyColumn('expectation', 'expectation'),
      wordColumn('failPlaces', 'fails'),
      wordColumn('unsurePlaces', 'could not be told'),
      wordColumn('passPlaces', 'holds'),
    ],
    rows: told.map(expectation => [
      words(expectation.text),
      ...(['fail', 'unsure', 'pass'] as const).map(outcome => placesCell(sweep, expectation, outcome)),
    ]),
  });
}

/** To be read with the headline. */
function failedExpectations(sweep: SweepView): string[] {
  return toldIn(sweep).flatMap(expectation => {
    const { text } = placesCell(sweep, expectation, 'fail');
    return text === '' ? [] : [`What was expected fails: ${expectation.text} (${text}).`];
  });
}

function placesCell({ axes }: SweepView, { outcomes }: Told, outcome: Outcome): TableCell {
  const places = outcomes.filter(told => told.outcome === outcome).map(({ points }) => points);
  if (places.length === 0) return words('', null);
  if (places.length === outcomes.length) return words('everywhere', 'everywhere');
  return words(subsetText(axes, places));
}

// From a sweep. Out: a table for each measure, a row a value and a column an arm; and how each cell was measured.

/** A combination of the sweep; its cell is undefined where the run never came to it. */
interface Row {
  x: SweepValue;
  other: SweepValue | undefined;
  cell: SweptCell | undefined;
}

/** Every combination, along the axis for each value of the other setting. */
function rowsOf({ x, other, cells, missing }: SweepView): Row[] {
  const has = (points: readonly SweepPoint[], path: string, value: SweepValue): boolean =>
    points.some(point => point.path === path && point.value === value);
  return (other?.values ?? [undefined]).flatMap(line =>
    x.values.flatMap(value => {
      const isHere = (points: readonly SweepPoint[]): boolean =>
        has(points, x.path, value) && (other === undefined || has(points, other.path, line!));
      const cell = cells.find(({ points }) => isHere(points));
      return cell === undefined && !missing.some(isHere) ? [] : [{ x: value, other: line, cell }];
    }),
  );
}

function placeColumns({ x, other }: SweepView): Column[] {
  return [...(other === undefined ? [] : [other]), x].map(({ path, name, isNumeric }) => ({
    ...keyColumn(path, name),
    align: isNumeric ? 'right' : 'left',
  }));
}

function placeCells({ x, other }: Pick<Row, 'x' | 'other'>): TableCell[] {
  return [...(other === undefined ? [] : [other]), x].map(value => words(valueText(value), value));
}

export function measureTable(sweep: SweepView, measure: Measure): Table {
  const baseline = baselineOf(sweep);
  const arms = sweep.arms.map(arm => ({ ...arm, figures: armFigures(sweep, arm.name, measure) }));
  const ratios = candidatesOf(sweep)
    .map(name => ({ name, figures: ratioFigures(sweep, name, measure) }))
    .filter(({ figures }) => figures.length > 0);
  const at = (figures: readonly SweepFigure[], { cell }: Row) =>
    figures.find(found => found.cell === cell && cell !== undefined);
  return createTable({
    name: `sweep-${measure.key}`,
    title: titleOf(measure),
    columns: [
      ...placeColumns(sweep),
      ...arms.map(({ name, label }) => figureColumn(`${name}:${measure.key}`, label, measure.unit)),
      ...ratios.map(({ name }) => figureColumn(`${name}:ratio`, `${name} / ${baseline}`)),
    ],
    rows: rowsOf(sweep).map(row => [
      ...placeCells(row),
      ...arms.map(({ figures }) => {
        const found = at(figures, row);
        return found === undefined
          ? nothing
          : figure(
              found.text,
              measure.hasInterval ? { ...found.interval } : found.interval.value,
              found.marks,
            );
      }),
      ...ratios.map(({ figures }) => ratioCell(at(figures, row))),
    ]),
  });
}

/** `Mean latency`. */
export function titleOf({ title }: Measure): string {
  return title.charAt(0).toUpperCase() + title.slice(1);
}

function ratioCell(found: SweepFigure | undefined): TableCell {
  if (found === undefined) return nothing;
  const { interval, text, marks } = found;
  return figure(text, interval.high > interval.low ? { ...interval } : interval.value, marks);
}

const STOP_WORDS: Record<StopReason, string> = {
  precise: 'precise enough',
  decided: 'decided',
  budget: 'budget spent',
  'max-replicates': 'most replicates',
  interrupted: 'interrupted',
  failed: 'given up',
};

function cellTable(sweep: SweepView): Table {
  return createTable({
    name: 'sweep-cells',
    title: 'The cells of the sweep',
    columns: [
      ...placeColumns(sweep),
      figureColumn('replicateCount', 'replicates'),
      figureColumn('elapsedMs', 'took'),
      figureColumn('errorRatio', 'error rate, at most'),
      wordColumn('stop', 'ended'),
      wordColumn('audits', 'audits not passing'),
    ],
    rows: rowsOf(sweep).map(row => {
      if (row.cell === undefined)
        return [...placeCells(row), nothing, nothing, nothing, words('not measured', null), nothing];
      const { result } = row.cell.view;
      return [
        ...placeCells(row),
        words(formatCount(result.replicates), result.replicates),
        words(formatSeconds(result.elapsedMs), result.elapsedMs),
        errorCell(row.cell),
        words(STOP_WORDS[result.stop], result.stop),
        auditCell(row.cell),
      ];
    }),
  });
}

/** Of the arm with the most. */
function errorCell({ view: { arms } }: SweptCell): TableCell {
  const ratios = arms.flatMap(({ summary }) => (summary === null ? [] : [summary.errorRatio]));
  if (ratios.length === 0) return nothing;
  const most = Math.max(...ratios);
  return words(formatPercent(most), most);
}

/** The gravest first, by name; which ones warn is told with the cell. */
function auditCell({ view }: SweptCell): TableCell {
  const lines = auditLines(view);
  if (lines.length === 0) return nothing;
  const rules = (state: 'fail' | 'warn') => [
    ...new Set(lines.filter(line => line.state === state).map(({ rule }) => rule)),
  ];
  const failing = rules('fail');
  const warning = rules('warn').filter(rule => !failing.includes(rule));
  const texts = [
    ...failing.map(rule => `${rule} FAILS`),
    ...(warning.length > 1 ? [`${warning.length} warn`] : warning.map(rule => `${rule} warns`)),
  ];
  return words(texts.length === 0 ? 'none' : texts.join(', '), { failing, warning });
}

// From a sweep and tables that only some cells have. Out: the same for all cells, one below the other, each row with its place.

/** Gives null where there is nothing to tell. */
export type CreateTable = (view: CellView) => Table | null;

/** A table each, or more where cells have other columns. */
function stackedTables(sweep: SweepView, creators: readonly CreateTable[]): Table[] {
  return creators.flatMap(create => {
    const tables = sweep.cells.flatMap(cell => {
      const table = create(cell.view);
      return table === null ? [] : [{ cell, table }];
    });
    return [...Map.groupBy(tables, ({ table }) => columnsText(table.columns)).values()].map(group => {
      const [{ table }] = group as [(typeof group)[number]];
      return {
        ...table,
        columns: [...placeColumns(sweep), ...table.columns],
        rows: group.flatMap(({ cell, table: own }) => own.rows.map(row => [...placeCells(cell), ...row])),
        notes: [...new Set(group.flatMap(({ table: own }) => own.notes))],
      };
    });
  });
}

function columnsText(columns: readonly Column[]): string {
  return JSON.stringify(columns);
}

/** Widths in px: half the column of a page, so that two stand side by side, and a phone held upright. */
const HALF_PX = 560;
const NARROW_PX = 340;

export function reportSweep(
  sweep: SweepView,
  { charts, special }: { charts: readonly SweepChart[]; special: readonly CreateTable[] },
): SweepReport {
  return {
    name: sweep.name,
    question: sweep.question,
    state: sweepState(sweep),
    headline: sweepHeadline(sweep),
    remarks: sweepRemarks(sweep),
    expectations: sweepExpectationTable(sweep),
    howToRead: howToRead(sweep),
    measures: measuresOf(sweep).map(measure => reportMeasure(sweep, measure, charts)),
    special: stackedTables(sweep, special),
    cellTable: cellTable(sweep),
    conditions: conditionsOfSweep(sweep),
    markNotes: sweepMarks(sweep).map(mark => MARK_NOTES[mark]),
    caveats: sweepCaveats(sweep),
  };
}

function howToRead({ other, arms }: SweepView): string {
  const lines = other === undefined ? 'a client' : `a value of ${other.path}`;
  const values = `Each line is ${lines}; its points are the centres over the replicates, its band their 95 % intervals, cut off where they reach far beyond all points.`;
  return arms.length < 2
    ? values
    : `${values} A ratio is paired within its cell, so that neither the drift of the machine from cell to cell nor the state of a cell's target is in it; both are in what each client did.`;
}

export function sweepRemarks(sweep: SweepView): string[] {
  return [...doubtTexts(sweep), ...failedExpectations(sweep), ...courseRemarks(sweep)];
}

function reportMeasure(sweep: SweepView, measure: Measure, charts: readonly SweepChart[]): SweepMeasure {
  return {
    name: measure.key,
    title: titleOf(measure),
    table: measureTable(sweep, measure),
    pictures: charts.flatMap(chart =>
      chart.pictures(sweep, measure).map(({ title, caption, spec }, index) => ({
        name: `${chart.name}-${index}`,
        title,
        caption,
        wide: spec(HALF_PX),
        narrow: spec(NARROW_PX),
      })),
    ),
  };
}

/** What is swept comes first; what differs between the cells stands with the cells. */
function conditionsOfSweep({ axes, cells, inOrder }: SweepView): Fact[] {
  const [first, ...others] = cells.map(({ view }) => conditionsOf(view));
  const isShared = (fact: Fact): boolean =>
    others.every(facts => facts.some(({ label, value }) => label === fact.label && value === fact.value));
  return [
    ...axes.map(({ path, values }) => ({
      label: 'Swept',
      value: `${path} = ${values.map(valueText).join(', ')}`,
    })),
    {
      label: 'Order of the cells',
      value: inOrder.map(point => point.map(({ value }) => valueText(value)).join(' and ')).join(', '),
    },
    ...(first ?? []).filter(isShared),
  ];
}
