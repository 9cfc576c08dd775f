// Builds the report of a sweep: caveats, expectations, tables and pictures over all of its cells.
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type { SweepPoint, SweepValue } from '../../scenarios/model/scenario.ts';
import { allMarks, type CellView, stateOf } from '../cell-view.ts';
import type { SweepChart } from '../charts/chart.ts';
import type {
  CellState,
  Column,
  Fact,
  Repetition,
  SweepMeasure,
  SweepReport,
  Table,
  TableCell,
} from '../model.ts';
import { describeExpectation } from '../tables/expectations.ts';
import {
  CENTRE_NOTE,
  countCell,
  createTable,
  figure,
  figureColumn,
  hasTwoEstimators,
  keyColumn,
  nothing,
  type ReadColumn,
  shareCell,
  tabulate,
  wordColumn,
  words,
} from '../tables/table.ts';
import { auditLines } from '../words/audits.ts';
import { boundRemarks, describeGaps, describeKind } from '../words/bound.ts';
import { type Caveat, cellCaveats, nameStop, wordCaveat } from '../words/caveats.ts';
import { conditionsOf } from '../words/conditions.ts';
import { describePlaces, formatValue } from '../words/dimensions.ts';
import { describeFailingRequests, describeMissingReuse } from '../words/doubts.ts';
import { MARK_NOTES } from '../words/marks.ts';
import { formatSeconds } from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import { courseRemarks, sweepAnswer, sweepHeadline } from './answer.ts';
import {
  armFigures,
  baselineOf,
  candidatesOf,
  hasWidth,
  type Measure,
  measuresOf,
  ratioFigures,
  type SweepFigure,
  type SweepView,
  type SweptCell,
  type SweptSetting,
} from './view.ts';

function sweepState({ cells }: SweepView): CellState {
  const states = cells.map(({ view }) => stateOf(view));
  if (states.every(state => state === 'unmeasured')) return 'unmeasured';
  return states.includes('invalid') ? 'invalid' : 'sound';
}

/** What limits the figures, each doubt once, with the points that it applies to. */
function describeDoubts(sweep: SweepView): string[] {
  const { cells, missing } = sweep;
  const views = cells.map(({ view }) => view);
  const where = (text: string, isAffected: (view: CellView) => boolean): string[] => {
    const affected = cells.filter(({ view }) => isAffected(view)).map(({ points }) => points);
    return affected.length === 0 ? [] : [`${text}${describeWhere(sweep, affected)}.`];
  };
  const each = (describe: (view: CellView) => string[], mark = ':'): string[] =>
    cells.flatMap(({ view, place }) => describe(view).map(text => `With ${place}${mark} ${text}`));
  return [
    ...where('† Not reliable: an audit failed', view => stateOf(view) === 'invalid'),
    ...where('Nothing could be measured', view => stateOf(view) === 'unmeasured'),
    ...where('Interrupted while measuring', view => view.result.stop === 'interrupted'),
    ...each(describeFailingRequests),
    ...each(describeMissingReuse, ','),
    ...each(describeGaps),
    ...(missing.length === 0
      ? []
      : [
          `Partial: the run ended before measuring ${missing.length} of ${cells.length + missing.length} points: those${describeWhere(sweep, missing)}.`,
        ]),
    ...boundRemarks(views),
  ];
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

/** ` with round trip 20 and 80 ms`; empty for all cells. */
function describeWhere({ axes }: SweepView, subset: readonly (readonly SweepPoint[])[]): string {
  const text = describePlaces(axes, subset);
  return text === '' ? '' : ` with ${text}`;
}

/** Every expectation of the scenario, with the points at which it has each outcome. */
function sweepExpectationTable({ axes, cells }: SweepView): Table | null {
  const all = cells.flatMap(({ points, view }) =>
    view.result.expectations.map(({ expectation, state }) => ({ expectation, state, points })),
  );
  if (all.length === 0) return null;
  const groups = Map.groupBy(all, ({ expectation }) => describeExpectation(expectation));
  return createTable({
    name: 'sweep-expectations',
    title: 'Expectations at every point',
    columns: [
      keyColumn('expectation', 'expectation'),
      wordColumn('failPlaces', 'fails'),
      wordColumn('unsurePlaces', 'unsure'),
      wordColumn('passPlaces', 'holds'),
    ],
    rows: [...groups].map(([text, group]) => [
      words(text),
      ...(['fail', 'unsure', 'pass'] as const).map(outcome => {
        const places = group.filter(({ state }) => state === outcome).map(({ points }) => points);
        if (places.length === 0) return words('', null);
        return words(places.length === group.length ? 'everywhere' : describePlaces(axes, places));
      }),
    ]),
  });
}

/** A combination of the sweep; its cell is undefined if the run did not reach it. */
interface Row {
  x: SweepValue;
  other: SweepValue | undefined;
  cell: SweptCell | undefined;
}

/** Every combination, along the axis for each value of the other setting. */
function listPoints({ x, other, cells, missing }: SweepView): Row[] {
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

/** The columns that say where a row is. */
function placeColumns({ x, other }: SweepView): ReadColumn<Pick<Row, 'x' | 'other'>>[] {
  const column = (
    { path, words: heading, unit, isNumeric }: SweptSetting,
    name: 'x' | 'other',
  ): ReadColumn<Pick<Row, 'x' | 'other'>> => [
    {
      ...keyColumn(path, heading),
      ...(unit === '' ? {} : { unit }),
      align: isNumeric ? 'right' : 'left',
    },
    row => words(formatValue(row[name]!), row[name]!),
  ];
  return [...(other === undefined ? [] : [column(other, 'other')]), column(x, 'x')];
}

export function measureTable(sweep: SweepView, measure: Measure): Table {
  const baseline = baselineOf(sweep);
  const column = (
    about: Column,
    figures: readonly SweepFigure[],
    hasInterval: (interval: Interval) => boolean,
  ): ReadColumn<Row> => [
    about,
    ({ cell }) => {
      const found = cell && figures.find(figure => figure.cell === cell);
      if (found === undefined) return nothing;
      const { interval, text, marks } = found;
      return figure(text, hasInterval(interval) ? { ...interval } : interval.value, marks);
    },
  ];
  const ratios = candidatesOf(sweep).flatMap(name => {
    const figures = ratioFigures(sweep, name, measure);
    const about = figureColumn(`${name}:ratio`, `${name} / ${baseline}`);
    return figures.length === 0 ? [] : [column(about, figures, hasWidth)];
  });
  const arms = sweep.arms.map(({ name, label }) =>
    column(
      figureColumn(`${name}:${measure.key}`, label, measure.unit),
      armFigures(sweep, name, measure),
      () => measure.hasInterval,
    ),
  );
  return tabulate(listPoints(sweep), {
    name: `sweep-${measure.key}`,
    title: capitalize(measure.title),
    // Ratios first, so that they are seen on a phone too.
    columns: [...placeColumns(sweep), ...ratios, ...arms],
    notes: [measure.hasInterval && hasTwoEstimators(measure.of) && CENTRE_NOTE],
  });
}

function cellTable(sweep: SweepView): Table {
  const inCell =
    (show: (cell: SweptCell) => TableCell, other = nothing) =>
    ({ cell }: Row) =>
      cell === undefined ? other : show(cell);
  return tabulate(listPoints(sweep), {
    name: 'sweep-cells',
    title: 'Points of the sweep',
    columns: [
      ...placeColumns(sweep),
      [
        figureColumn('replicateCount', 'replicates'),
        inCell(({ view: { result } }) => countCell(result.replicates)),
      ],
      [
        figureColumn('elapsedMs', 'duration'),
        inCell(({ view: { result } }) => words(formatSeconds(result.elapsedMs), result.elapsedMs)),
      ],
      [figureColumn('errorRatio', 'highest error rate'), inCell(errorCell)],
      [
        wordColumn('stop', 'stopped'),
        inCell(
          ({ view: { result } }) => words(nameStop(result.stop), result.stop),
          words('not measured', null),
        ),
      ],
      [wordColumn('audits', 'audits not passed'), inCell(auditCell)],
      [wordColumn('limitedBy', 'bottleneck'), inCell(limitCell)],
    ],
  });
}

/** What set the pace of the clients at a point. */
function limitCell({ view }: SweptCell): TableCell {
  const text = describeKind(view);
  return text === '' ? nothing : words(text);
}

/** The error rate of the client with the highest. */
function errorCell({ view: { arms } }: SweptCell): TableCell {
  const ratios = arms.flatMap(({ summary }) => (summary === null ? [] : [summary.errorRatio]));
  if (ratios.length === 0) return nothing;
  return shareCell(Math.max(...ratios));
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
  const places = placeColumns(sweep);
  return creators.flatMap(create => {
    const tables = sweep.cells.flatMap(cell => {
      const table = create(cell.view);
      return table === null ? [] : [{ cell, table }];
    });
    return [...Map.groupBy(tables, ({ table }) => JSON.stringify(table.columns)).values()].map(group => {
      const [{ table }] = group as [(typeof group)[number]];
      return {
        ...table,
        columns: [...places.map(([column]) => column), ...table.columns],
        rows: group.flatMap(({ cell, table: own }) =>
          own.rows.map(row => [...places.map(([, show]) => show(cell)), ...row]),
        ),
        notes: [...new Set(group.flatMap(({ table: own }) => own.notes))],
      };
    });
  });
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
    markNotes: [...new Set(sweep.cells.flatMap(({ view }) => allMarks(view)))].map(mark => MARK_NOTES[mark]),
    caveats: sweepCaveats(sweep).map(caveat => wordCaveat(caveat)),
  };
}

function howToRead({ other, arms }: SweepView): string {
  const lines = other === undefined ? 'a client' : `a value of ${other.path}`;
  const values = `Each line is ${lines}. Its points are centres over the replicates; its band shows their ${INTERVAL_NAME}s, cut off where they reach far beyond all points.`;
  return arms.length < 2
    ? values
    : `${values} Ratios are paired within each point, so drift of the machine between points and the state of the server cancel out in them, but not in the figures of single clients.`;
}

export function sweepRemarks(sweep: SweepView): string[] {
  return [...describeDoubts(sweep), ...courseRemarks(sweep)];
}

function reportMeasure(sweep: SweepView, measure: Measure, charts: readonly SweepChart[]): SweepMeasure {
  return {
    name: measure.key,
    title: capitalize(measure.title),
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
