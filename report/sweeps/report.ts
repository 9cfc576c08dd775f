// Builds the report of a sweep: caveats, expectations, tables and pictures over all of its cells.
import { INTERVAL_NAME } from '../../results/stats.ts';
import type { SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import { allMarks, type CellView, MARK_NOTES, stateOf } from '../cell-view.ts';
import type { SweepChart } from '../charts/chart.ts';
import type {
  CellState,
  Column,
  Fact,
  Mark,
  Repetition,
  SweepMeasure,
  SweepReport,
  Table,
  TableCell,
} from '../model.ts';
import { describeExpectation } from '../tables/expectations.ts';
import {
  CENTRE_NOTE,
  createTable,
  figure,
  figureColumn,
  hasTwoEstimators,
  keyColumn,
  nothing,
  wordColumn,
  words,
} from '../tables/table.ts';
import { auditLines } from '../words/audits.ts';
import { boundRemarks, describeGaps, describeKind } from '../words/bound.ts';
import { type Caveat, cellCaveats, nameStop, wordCaveat } from '../words/caveats.ts';
import { conditionsOf } from '../words/conditions.ts';
import { describePlaces, formatValue } from '../words/dimensions.ts';
import { describeFailingRequests, describeMissingReuse } from '../words/doubts.ts';
import { formatCount, formatPercent, formatSeconds } from '../words/numbers.ts';
import { sweepAnswer } from './answer.ts';
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
} from './view.ts';

function sweepState({ cells }: SweepView): CellState {
  const states = cells.map(({ view }) => stateOf(view));
  if (states.every(state => state === 'unmeasured')) return 'unmeasured';
  return states.includes('invalid') ? 'invalid' : 'sound';
}

function sweepMarks({ cells }: SweepView): Mark[] {
  return [...new Set(cells.flatMap(({ view }) => allMarks(view)))];
}

/** What limits the figures, each doubt once, with the points that it applies to. */
function describeDoubts(sweep: SweepView): string[] {
  const { cells, missing } = sweep;
  const invalid = cells.filter(({ view }) => stateOf(view) === 'invalid');
  const unmeasured = cells.filter(({ view }) => stateOf(view) === 'unmeasured');
  const cut = cells.filter(({ view }) => view.result.stop === 'interrupted');
  const planned = cells.length + missing.length;
  return [
    ...(invalid.length === 0
      ? []
      : [`† Not reliable: an audit failed${describeWhere(sweep, pointsOf(invalid))}.`]),
    ...(unmeasured.length === 0
      ? []
      : [`Nothing could be measured${describeWhere(sweep, pointsOf(unmeasured))}.`]),
    ...(cut.length === 0 ? [] : [`Interrupted while measuring${describeWhere(sweep, pointsOf(cut))}.`]),
    ...sweep.cells.flatMap(({ view, place }) =>
      describeFailingRequests(view).map(text => `With ${place}: ${text}`),
    ),
    ...reusePlaces(sweep),
    ...capacityPlaces(sweep),
    ...(missing.length === 0
      ? []
      : [
          `Partial: the run ended before measuring ${missing.length} of ${planned} points: those${describeWhere(sweep, missing)}.`,
        ]),
    ...boundRemarks(sweep.cells.map(({ view }) => view)),
  ];
}

/** Clients that should reuse connections but do not, and where. */
function reusePlaces(sweep: SweepView): string[] {
  return sweep.cells.flatMap(({ view, place }) =>
    describeMissingReuse(view).map(text => `With ${place}, ${text}`),
  );
}

/** Searches that ended without a capacity, and where. */
function capacityPlaces(sweep: SweepView): string[] {
  return sweep.cells.flatMap(({ view, place }) => describeGaps(view).map(text => `With ${place}: ${text}`));
}

/** Caveats of the cells, each once, with the values that it applies to. */
export function sweepCaveats(sweep: SweepView): Caveat[] {
  const caveats = sweep.cells.flatMap(({ points, view }) =>
    cellCaveats(view).map(caveat => ({ caveat, points })),
  );
  return [...Map.groupBy(caveats, ({ caveat }) => JSON.stringify(caveat)).values()].map(group => {
    const places = describeWhere(
      sweep,
      group.map(({ points }) => points),
    );
    return { text: wordCaveat(group[0]!.caveat, places), clients: [] };
  });
}

function pointsOf(cells: readonly SweptCell[]): (readonly SweepPoint[])[] {
  return cells.map(({ points }) => points);
}

/** ` with round trip 20 and 80 ms`; empty for all cells. */
function describeWhere({ axes }: SweepView, subset: readonly (readonly SweepPoint[])[]): string {
  const text = describePlaces(axes, subset);
  return text === '' ? '' : ` with ${text}`;
}

type Outcome = 'fail' | 'unsure' | 'pass';

interface ExpectedOutcomes {
  text: string;
  outcomes: readonly { outcome: Outcome; points: SweepView['cells'][number]['points'] }[];
}

/** Every expectation of the scenario, with its outcome in each cell. */
function listExpectations({ cells }: SweepView): ExpectedOutcomes[] {
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
  const expected = listExpectations(sweep);
  if (expected.length === 0) return null;
  return createTable({
    name: 'sweep-expectations',
    title: 'Expectations at every point',
    columns: [
      keyColumn('expectation', 'expectation'),
      wordColumn('failPlaces', 'fails'),
      wordColumn('unsurePlaces', 'unsure'),
      wordColumn('passPlaces', 'holds'),
    ],
    rows: expected.map(expectation => [
      words(expectation.text),
      ...(['fail', 'unsure', 'pass'] as const).map(outcome => placesCell(sweep, expectation, outcome)),
    ]),
  });
}

function placesCell({ axes }: SweepView, { outcomes }: ExpectedOutcomes, outcome: Outcome): TableCell {
  const places = outcomes.filter(each => each.outcome === outcome).map(({ points }) => points);
  if (places.length === 0) return words('', null);
  if (places.length === outcomes.length) return words('everywhere', 'everywhere');
  return words(describePlaces(axes, places));
}

/** A combination of the sweep; its cell is undefined if the run did not reach it. */
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
  return [...(other === undefined ? [] : [other]), x].map(({ path, words: heading, unit, isNumeric }) => ({
    ...keyColumn(path, heading),
    ...(unit === '' ? {} : { unit }),
    align: isNumeric ? 'right' : 'left',
  }));
}

function placeCells({ x, other }: Pick<Row, 'x' | 'other'>): TableCell[] {
  return [...(other === undefined ? [] : [other]), x].map(value => words(formatValue(value), value));
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
      // First, so that they are seen on a phone too.
      ...ratios.map(({ name }) => figureColumn(`${name}:ratio`, `${name} / ${baseline}`)),
      ...arms.map(({ name, label }) => figureColumn(`${name}:${measure.key}`, label, measure.unit)),
    ],
    rows: rowsOf(sweep).map(row => [
      ...placeCells(row),
      ...ratios.map(({ figures }) => ratioCell(at(figures, row))),
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
    ]),
    notes: measure.hasInterval && hasTwoEstimators(measure.of) ? [CENTRE_NOTE] : [],
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

function cellTable(sweep: SweepView): Table {
  return createTable({
    name: 'sweep-cells',
    title: 'Points of the sweep',
    columns: [
      ...placeColumns(sweep),
      figureColumn('replicateCount', 'replicates'),
      figureColumn('elapsedMs', 'duration'),
      figureColumn('errorRatio', 'highest error rate'),
      wordColumn('stop', 'stopped'),
      wordColumn('audits', 'audits not passed'),
      wordColumn('limitedBy', 'bottleneck'),
    ],
    rows: rowsOf(sweep).map(row => {
      if (row.cell === undefined)
        return [...placeCells(row), nothing, nothing, nothing, words('not measured', null), nothing, nothing];
      const { result } = row.cell.view;
      return [
        ...placeCells(row),
        words(formatCount(result.replicates), result.replicates),
        words(formatSeconds(result.elapsedMs), result.elapsedMs),
        errorCell(row.cell),
        words(nameStop(result.stop), result.stop),
        auditCell(row.cell),
        limitCell(row.cell),
      ];
    }),
  });
}

/** What set the pace of the clients at a point. */
function limitCell({ view }: SweptCell): TableCell {
  const text = describeKind(view);
  return text === '' ? nothing : words(text);
}

/** Of the client with the highest. */
function errorCell({ view: { arms } }: SweptCell): TableCell {
  const ratios = arms.flatMap(({ summary }) => (summary === null ? [] : [summary.errorRatio]));
  if (ratios.length === 0) return nothing;
  const most = Math.max(...ratios);
  return words(formatPercent(most), most);
}

/** The most serious first, by name; the report of the cell lists the warnings. */
function auditCell({ view }: SweptCell): TableCell {
  const lines = auditLines(view);
  if (lines.length === 0) return nothing;
  const rules = (state: 'fail' | 'warn') => [
    ...new Set(lines.filter(line => line.state === state).map(({ rule }) => rule)),
  ];
  const failing = rules('fail');
  const warning = rules('warn').filter(rule => !failing.includes(rule));
  const texts = [
    ...failing.map(rule => `${rule} FAILED`),
    ...(warning.length > 1 ? [`${warning.length} warnings`] : warning.map(rule => `${rule} warning`)),
  ];
  return words(texts.length === 0 ? 'none' : texts.join(', '), { failing, warning });
}

/** Returns null if there is nothing to show. */
export type CreateTable = (view: CellView) => Table | null;

/** The tables of all cells, one below the other, each row with its place; more than one if cells have different columns. */
function stackedTables(sweep: SweepView, creators: readonly CreateTable[]): Table[] {
  return creators.flatMap(create => {
    const tables = sweep.cells.flatMap(cell => {
      const table = create(cell.view);
      return table === null ? [] : [{ cell, table }];
    });
    return [...Map.groupBy(tables, ({ table }) => identifyColumns(table.columns)).values()].map(group => {
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

function identifyColumns(columns: readonly Column[]): string {
  return JSON.stringify(columns);
}

export function reportSweep(
  sweep: SweepView,
  {
    repeat,
    charts,
    special,
  }: { repeat: Repetition; charts: readonly SweepChart[]; special: readonly CreateTable[] },
): SweepReport {
  const remarks = sweepRemarks(sweep);
  return {
    name: sweep.name,
    question: sweep.question,
    state: sweepState(sweep),
    answer: sweepAnswer(sweep, remarks),
    headline: sweepHeadline(sweep),
    remarks,
    expectations: sweepExpectationTable(sweep),
    howToRead: howToRead(sweep),
    measures: measuresOf(sweep).map(measure => reportMeasure(sweep, measure, charts)),
    special: stackedTables(sweep, special),
    cellTable: cellTable(sweep),
    repeat,
    conditions: conditionsOfSweep(sweep),
    markNotes: sweepMarks(sweep).map(mark => MARK_NOTES[mark]),
    caveats: sweepCaveats(sweep).map(caveat => wordCaveat(caveat)),
  };
}

function howToRead({ other, arms }: SweepView): string {
  const lines = other === undefined ? 'a client' : `a value of ${other.path}`;
  const values = `Each line is ${lines}. Its points are centres over the replicates; its band shows their ${INTERVAL_NAME}s, cut off where they reach far beyond all points.`;
  return arms.length < 2
    ? values
    : `${values} Ratios are paired within each point, so drift of the machine between points and the state of the target cancel out in them, but not in the figures of single clients.`;
}

export function sweepRemarks(sweep: SweepView): string[] {
  return [...describeDoubts(sweep), ...courseRemarks(sweep)];
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
        spec: spec(),
      })),
    ),
  };
}

/** The swept settings first, then the conditions that all cells share; each cell's report has its own. */
function conditionsOfSweep({ axes, cells, inOrder }: SweepView): Fact[] {
  const [first, ...others] = cells.map(({ view }) => conditionsOf(view));
  const isShared = (fact: Fact): boolean =>
    others.every(facts => facts.some(({ label, value }) => label === fact.label && value === fact.value));
  return [
    ...axes.map(({ path, values }) => ({
      label: 'Swept',
      value: `${path} = ${values.map(formatValue).join(', ')}`,
    })),
    {
      label: 'Order of measurement',
      value: inOrder.map(point => point.map(({ value }) => formatValue(value)).join(' and ')).join(', '),
    },
    ...(first ?? []).filter(isShared),
  ];
}
