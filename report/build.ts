// Assembles the report of a stored run from words, tables and charts.
import { failureCauses } from '../results/audits/index.ts';
import type { Run } from '../results/model/run.ts';
import type { TrialResult } from '../results/model/trial.ts';
import { own } from '../scenarios/model/facts.ts';
import { allMarks, armNames, type CellView, stateOf, viewCell } from './cell-view.ts';
import type { Chart, SweepChart } from './charts/chart.ts';
import type { CellReport, CellSection, Check, Figure, Report, SectionName, Table } from './model.ts';
import { applyClient, describeMissing, describeRepetition } from './next-steps.ts';
import { nameOf, overviewOf, runAnswer, viewsOf } from './overview.ts';
import { sweepHeadline } from './sweeps/answer.ts';
import { type CreateTable, reportSweep, sweepCaveats, sweepRemarks } from './sweeps/report.ts';
import { type Section, sectionsOf } from './sweeps/view.ts';
import { machineTable, originTable, requestTable, spreadTable } from './tables/breakdowns.ts';
import {
  describeExpectation,
  describeJudgement,
  expectationTable,
  limitTable,
  whyUnknown,
} from './tables/expectations.ts';
import { linkTable, predictionTable } from './tables/link.ts';
import { agreementTable, articleTable, briefTable, mainTable, ratioTable } from './tables/main.ts';
import { capacityTable, scheduleTable } from './tables/open-loads.ts';
import { errorTable, failureTable, faultTable, recoveryTable, statusTable } from './tables/outcomes.ts';
import { phaseTable } from './tables/phases.ts';
import { cellAnswer } from './words/answer.ts';
import { auditLines, auditTable, describePassed, summarizeAudits, trustTable } from './words/audits.ts';
import { caveatsOfAll, cellCaveats, describeStop, runCaveats, wordCaveat } from './words/caveats.ts';
import { conditionsOf } from './words/conditions.ts';
import { connectionCostTable } from './words/connection-cost.ts';
import { cellHeadline, cellRemarks, runHeadline, runRemarks } from './words/headline.ts';
import { MARK_NOTES } from './words/marks.ts';
import { countReplicates, formatCount } from './words/numbers.ts';
import { describeRun, machineFacts, methodWords, runsTargetElsewhere } from './words/run.ts';
import { compact } from './words/text.ts';

/** What CI passes or fails a run by: whether the cell was measured reliably, then each of its expectations. */
function cellChecks(view: CellView): Check[] {
  return [measuredCheck(view), ...expectationChecks(view)];
}

function measuredCheck(view: CellView): Check {
  const { result } = view;
  const reasons = compact([
    result.failedTrials > 0 &&
      [`${result.failedTrials} trials failed`, ...failureCauses(view.trials)].join(': '),
    stateOf(view) === 'unmeasured' && 'nothing was measured',
    ...result.findings
      .filter(({ state }) => state === 'fail')
      .map(({ rule, trial, arm, detail }) => `audit ${rule} of ${trial ?? arm ?? 'all'}: ${detail}`),
  ]);
  return {
    group: result.cell,
    name: 'measured, and no audit failed',
    subject: 'not measured, or not reliable',
    isFigure: false,
    state: reasons.length === 0 ? 'pass' : 'broken',
    detail: reasons.length > 0 ? reasons.join('; ') : countReplicates(result.replicates),
  };
}

function expectationChecks({ result }: CellView): Check[] {
  return result.expectations.map(({ expectation, state, first, confirmation, together }) => {
    const why = whyUnknown(expectation, result);
    return {
      group: result.cell,
      name: describeExpectation(expectation),
      subject: `expected ${describeExpectation(expectation)}`,
      isFigure: true,
      state,
      detail: compact([
        `measured ${describeJudgement(expectation, first)} over ${first.replicates} replicates${why === null ? '' : `, because ${why}`}`,
        confirmation !== null && `re-measured ${describeJudgement(expectation, confirmation)}`,
        together !== null && `combined ${describeJudgement(expectation, together)}`,
      ]).join('; '),
    };
  });
}

/** Failed expectations listed in the verdict; the others are counted. */
const MAX_LISTED = 3;

/**
 * Names the failed expectations, which decide the exit status; null if none failed.
 *
 * `1 of 3 expectations failed: expected p99 latency, persistent ≤ 1 ms, measured 19 ms (18 ms to 20 ms) over 4 replicates.`
 */
export function expectationVerdict(checks: readonly Check[]): string | null {
  const all = checks.filter(({ isFigure }) => isFigure);
  const failed = all.filter(({ state }) => state === 'fail');
  if (failed.length === 0) return null;
  const hasSeveral = new Set(checks.map(({ group }) => group)).size > 1;
  const listed = failed
    .slice(0, MAX_LISTED)
    .map(({ group, subject, detail }) => `${hasSeveral ? `${group}: ` : ''}${subject}, ${detail}`);
  const more = failed.length - listed.length;
  return `${formatCount(failed.length)} of ${formatCount(all.length)} expectations failed: ${listed.join('; ')}${more > 0 ? `; and ${formatCount(more)} more` : ''}.`;
}

/** Tables that only some cells have: each returns null if there is nothing to show. */
const SPECIAL_TABLES: readonly CreateTable[] = [
  predictionTable,
  linkTable,
  capacityTable,
  scheduleTable,
  agreementTable,
  requestTable,
  originTable,
  machineTable,
  faultTable,
  recoveryTable,
  statusTable,
  connectionCostTable,
  spreadTable,
];

/** Pure: the same run gives the same report on any machine. Throws UsageError when a stored histogram can't be read. */
export function buildReport(of: {
  run: Run;
  trials: readonly TrialResult[];
  charts: readonly Chart[];
  sweepCharts?: readonly SweepChart[];
}): Report {
  const { run, trials, charts, sweepCharts = [] } = of;
  const names = armNames(run);
  const isTargetElsewhere = runsTargetElsewhere(run);
  const views = run.cells.map(cell => viewCell(cell, trials, names, { isTargetElsewhere }));
  const sections = sectionsOf(views);
  const [first] = sections;
  const checks = sections.flatMap(viewsOf).flatMap(cellChecks);
  const only = sections.length === 1 && first?.kind === 'sweep' ? first.sweep : undefined;
  const sweeps = sections.flatMap(section =>
    section.kind === 'sweep'
      ? [
          reportSweep(section.sweep, {
            repeat: describeRepetition(run, viewsOf(section)),
            charts: sweepCharts,
            special: SPECIAL_TABLES,
          }),
        ]
      : [],
  );
  const cells = sections.flatMap(section => reportCells(section, { run, charts }));
  return {
    title: `conntax: ${sections.length === 1 ? nameOf(first!) : `${sections.length} scenarios`}`,
    runId: run.id,
    startedAt: run.startedAt,
    subtitle: describeRun(run),
    state: run.state,
    verdict: expectationVerdict(checks),
    answer: runAnswer(sections, run),
    limits: limitTable(sections),
    missing: describeMissing(run),
    overview: overviewOf(sections),
    headline: only === undefined ? runHeadline(views, run.state) : sweepHeadline(only),
    remarks: only === undefined ? runRemarks(views) : sweepRemarks(only),
    brief: null,
    tables: [],
    figures: [],
    sweeps,
    cells,
    checks,
    facts: machineFacts(run),
    words: methodWords(run),
    caveats: runCaveats(run),
    scenarioCaveats: caveatsOfAll(
      sections.map(section => ({
        name: nameOf(section),
        caveats: section.kind === 'sweep' ? sweepCaveats(section.sweep) : cellCaveats(section.view),
      })),
    ),
  };
}

interface Given {
  run: Run;
  charts: readonly Chart[];
}

function reportCells(section: Section, given: Given): CellReport[] {
  if (section.kind === 'cell') return [reportCell(section.view, given)];
  const { name, cells } = section.sweep;
  return cells.map(({ view, place }) => reportCell(view, given, { name, place }));
}

function reportCell(view: CellView, { run, charts }: Given, sweep: CellReport['sweep'] = null): CellReport {
  const { result } = view;
  const audits = auditLines(view);
  const answer = cellAnswer(view);
  const remarks = cellRemarks(view);
  const asides = remarks.filter(remark => !answer.notes.includes(remark));
  const applying = charts.filter(chart => chart.applies(view));
  const first = applying.find(({ section }) => section === 'answer');
  const forest = first === undefined ? null : drawFigure(first, view);
  const figures = applying.filter(chart => chart !== first).map(chart => drawFigure(chart, view));
  const phases = phaseTable(view);
  const special = [...SPECIAL_TABLES, expectationTable].flatMap(createIfAny => createIfAny(view) ?? []);
  return {
    name: result.cell,
    sweep,
    question: result.scenario.question,
    state: stateOf(view),
    answer,
    headline: cellHeadline(view),
    remarks,
    asides,
    conditions: conditionsOf(view),
    stop: { reason: result.stop, text: describeStop(result) },
    replicates: result.replicates,
    forest,
    brief: briefTable(view),
    // In a sweep, which point to take is the answer of the sweep.
    apply: sweep === null ? applyClient(view) : null,
    repeat: sweep === null && result.imported === undefined ? describeRepetition(run, [view]) : null,
    sections: listSections(view, {
      figures,
      tables: compact([phases, ...special]),
      asides,
    }),
    main: mainTable(view),
    article: articleTable(view),
    ratios: ratioTable(view),
    phases,
    special,
    audits,
    auditSummary: summarizeAudits(audits),
    auditTable: auditTable(audits),
    trust: trustTable(audits),
    passed: describePassed(audits),
    errors: errorTable(view),
    failures: failureTable(view),
    figures,
    markNotes: allMarks(view).map(mark => MARK_NOTES[mark]),
    caveats: cellCaveats(view).map(caveat => wordCaveat(caveat)),
  };
}

const SECTION_TITLES: Record<SectionName, string> = {
  answer: 'Limits',
  latency: 'Latency',
  time: 'Where the time goes',
  connections: 'Connections',
  course: 'Over the run',
  special: 'More',
};

/** Where tables stand that only some cells have; the others are in the last part. */
const TABLE_SECTIONS: Readonly<Record<string, SectionName>> = {
  expectations: 'answer',
  phases: 'time',
  prediction: 'time',
  link: 'time',
  connectionCost: 'connections',
};

/** The parts that follow the answer. What only some scenarios have is folded, and how it went over the run is opened only where the replicates disagree. */
function listSections(
  view: CellView,
  of: { figures: readonly Figure[]; tables: readonly Table[]; asides: readonly string[] },
): CellSection[] {
  const disagrees = view.result.findings.some(
    ({ rule, state }) => rule === 'replicate-spread' && state !== 'pass',
  );
  return (Object.keys(SECTION_TITLES) as SectionName[])
    .map(name => ({
      name,
      title: SECTION_TITLES[name],
      isFolded: name === 'special' || (name === 'course' && !disagrees),
      notes: name === 'connections' ? of.asides : [],
      figures: of.figures.filter(figure => figure.section === name),
      tables: of.tables.filter(table => (own(TABLE_SECTIONS, table.name) ?? 'special') === name),
    }))
    .filter(({ notes, figures, tables }) => notes.length + figures.length + tables.length > 0);
}

function drawFigure(chart: Chart, view: CellView): Figure {
  return {
    name: chart.name,
    section: chart.section,
    title: chart.title,
    caption: chart.caption(view),
    spec: chart.spec(view),
    table: chart.table(view),
    ...(chart.hasOpenTable === true ? { hasOpenTable: true } : {}),
  };
}
