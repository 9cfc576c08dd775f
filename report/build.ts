// In: a stored run, its trials and the charts. Out: the report: every word and rounded number, chosen here and once.

import type { Run } from '../results/model/run.ts';
import type { TrialResult } from '../results/model/trial.ts';
import { auditLines, auditSummary, auditTable } from './words/audits.ts';
import { cellCaveats, runCaveats } from './words/caveats.ts';
import type { CellView } from './cell-view.ts';
import { allMarks, armNames, MARK_NOTES, viewCell } from './cell-view.ts';
import type { Chart } from './charts/chart.ts';
import { cellChecks } from './checks.ts';
import { conditionsOf } from './words/conditions.ts';
import { cellHeadline, cellRemarks, runHeadline, runRemarks, stateOf } from './words/headline.ts';
import { machineFacts, subtitleText } from './words/run.ts';
import type { CellReport, Figure, Report } from './model.ts';
import { stopText } from './stop.ts';
import type { SweepChart } from './sweep-chart.ts';
import { sweepHeadline } from './sweeps/headline.ts';
import type { CreateTable } from './sweeps/stacked-tables.ts';
import { reportSweep, sweepRemarks } from './sweeps/report.ts';
import { type Section, sectionsOf } from './sweeps/view.ts';
import { agreementTable } from './tables/drivers.ts';
import { articleTable } from './tables/article.ts';
import { capacityTable } from './tables/capacity.ts';
import { errorTable } from './tables/outcomes.ts';
import { expectationTable } from './tables/expectations.ts';
import { failureTable } from './tables/failures.ts';
import { linkTable } from './tables/link.ts';
import { mainTable } from './tables/main.ts';
import { phaseTable } from './tables/phases.ts';
import { predictionTable } from './tables/prediction.ts';
import { ratioTable } from './tables/ratios.ts';
import { scheduleTable } from './tables/open-loads.ts';
import { statusTable } from './tables/statuses.ts';
import { expectationVerdict } from './verdict.ts';

/** Tables that only some cells have: each gives null where there is nothing to tell. */
const SPECIAL_TABLES: readonly CreateTable[] = [
  predictionTable,
  linkTable,
  capacityTable,
  scheduleTable,
  agreementTable,
  statusTable,
];

/** Widths in px: the column of a page, and a phone held upright. */
const WIDE_PX = 1040;
const NARROW_PX = 340;

/** Pure: the same run gives the same report on any machine. Throws UsageError when a stored histogram can't be read. */
export function buildReport(of: {
  run: Run;
  trials: readonly TrialResult[];
  charts: readonly Chart[];
  sweepCharts?: readonly SweepChart[];
}): Report {
  const { run, trials, charts, sweepCharts = [] } = of;
  const names = armNames(run);
  const views = run.cells.map(cell => viewCell(cell, trials, names));
  const sections = sectionsOf(views);
  const [first] = sections;
  const checks = sections.flatMap(viewsOf).flatMap(cellChecks);
  const only = sections.length === 1 && first?.kind === 'sweep' ? first.sweep : undefined;
  return {
    title: `conntax: ${sections.length === 1 ? nameOf(first!) : `${sections.length} scenarios`}`,
    runId: run.id,
    startedAt: run.startedAt,
    subtitle: subtitleText(run),
    state: run.state,
    verdict: expectationVerdict(checks),
    headline: only === undefined ? runHeadline(views, run.state) : sweepHeadline(only),
    remarks: only === undefined ? runRemarks(views) : sweepRemarks(only),
    tables: [],
    figures: [],
    sweeps: sections.flatMap(section =>
      section.kind === 'sweep'
        ? [reportSweep(section.sweep, { charts: sweepCharts, special: SPECIAL_TABLES })]
        : [],
    ),
    cells: sections.flatMap(section => reportCells(section, charts)),
    checks,
    facts: machineFacts(run),
    caveats: runCaveats(run),
  };
}

function nameOf(section: Section): string {
  return section.kind === 'sweep' ? section.sweep.name : section.view.result.cell;
}

function viewsOf(section: Section): CellView[] {
  return section.kind === 'sweep' ? section.sweep.cells.map(({ view }) => view) : [section.view];
}

function reportCells(section: Section, charts: readonly Chart[]): CellReport[] {
  if (section.kind === 'cell') return [reportCell(section.view, charts)];
  const { name, cells } = section.sweep;
  return cells.map(({ view, place }) => reportCell(view, charts, { name, place }));
}

function reportCell(view: CellView, charts: readonly Chart[], sweep: CellReport['sweep'] = null): CellReport {
  const { result } = view;
  const audits = auditLines(view);
  return {
    name: result.cell,
    sweep,
    question: result.scenario.question,
    state: stateOf(view),
    headline: cellHeadline(view),
    remarks: cellRemarks(view),
    conditions: conditionsOf(view),
    stop: { reason: result.stop, text: stopText(result) },
    replicates: result.replicates,
    main: mainTable(view),
    article: articleTable(view),
    ratios: ratioTable(view),
    phases: phaseTable(view),
    special: [...SPECIAL_TABLES, expectationTable].flatMap(createIfAny => createIfAny(view) ?? []),
    audits,
    auditSummary: auditSummary(audits),
    auditTable: auditTable(audits),
    errors: errorTable(view),
    failures: failureTable(view),
    figures: charts.filter(chart => chart.applies(view)).map(chart => drawFigure(chart, view)),
    markNotes: allMarks(view).map(mark => MARK_NOTES[mark]),
    caveats: cellCaveats(view),
  };
}

function drawFigure(chart: Chart, view: CellView): Figure {
  return {
    name: chart.name,
    title: chart.title,
    caption: chart.caption(view),
    wide: chart.spec(view, WIDE_PX),
    narrow: chart.spec(view, NARROW_PX),
    table: chart.table(view),
  };
}
