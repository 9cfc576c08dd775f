// In: a sweep and the charts of sweeps. Out: its report: every word and rounded number, chosen here and once.

import { MARK_NOTES } from '../cell-view.ts';
import { conditionsOf } from '../words/conditions.ts';
import type { Fact, SweepMeasure, SweepReport } from '../model.ts';
import type { SweepChart } from '../sweep-chart.ts';
import { doubtTexts, sweepCaveats, sweepMarks, sweepState } from './doubts.ts';
import { failedExpectations, sweepExpectationTable } from './expectations.ts';
import { courseRemarks, sweepHeadline } from './headline.ts';
import { type Measure, measuresOf } from './measures.ts';
import { type CreateTable, stackedTables } from './stacked-tables.ts';
import type { SweepView } from './view.ts';
import { cellTable, measureTable, titleOf } from './tables.ts';
import { valueText } from './value-text.ts';

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
