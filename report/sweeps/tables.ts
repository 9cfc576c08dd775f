// In: a sweep. Out: a table for each measure, a row a value and a column an arm; and how each cell was measured.
import type { StopReason, SweepPoint } from '../../results/model/run.ts';
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import { auditLines } from '../words/audits.ts';
import { secondsText } from '../words/conditions.ts';
import { countText, percentText } from '../words/numbers.ts';
import type { Column, Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from '../tables/table.ts';
import type { Measure } from './measures.ts';
import { armFigures, baselineOf, candidatesOf, ratioFigures, type SweepFigure } from './points.ts';
import type { SweepView, SweptCell } from './view.ts';
import { valueText } from './value-text.ts';

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

export function placeColumns({ x, other }: SweepView): Column[] {
  return [...(other === undefined ? [] : [other]), x].map(({ path, name, isNumeric }) => ({
    ...keyColumn(path, name),
    align: isNumeric ? 'right' : 'left',
  }));
}

export function placeCells({ x, other }: Pick<Row, 'x' | 'other'>): TableCell[] {
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

export function cellTable(sweep: SweepView): Table {
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
        words(countText(result.replicates), result.replicates),
        words(secondsText(result.elapsedMs), result.elapsedMs),
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
  return words(percentText(most), most);
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
