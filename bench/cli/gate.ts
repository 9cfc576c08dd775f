// Commands on stored runs that judge or compare them: baseline, history, gate and compare.

import { join } from 'node:path';
import { overlayRuns } from '../../report/charts/before-after.ts';
import type { SideFile } from '../../report/formats/format.ts';
import { buildGateReport } from '../../report/gate.ts';
import { buildHistoryReport } from '../../report/history.ts';
import type { Figure, Report } from '../../report/model.ts';
import { describeBlindness, describeLongerSight, describeSight } from '../../report/words/doubts.ts';
import { formatTime } from '../../report/words/run.ts';
import {
  DEFAULT_BASELINE,
  listBaselines,
  type RunSummary,
  readBaseline,
  saveBaseline,
  summariseRun,
} from '../../results/baselines.ts';
import { EXIT, MeasureError, UsageError } from '../../results/errors.ts';
import { areFailuresExpected } from '../../results/expect.ts';
import { replaceFile } from '../../results/files.ts';
import { type GateResult, gateRun, ownSight, type Sight } from '../../results/gate.ts';
import { findTrendsUpTo, readHistory, type Trend } from '../../results/history.ts';
import { GATE_MIN_EFFECT } from '../../results/min-effect.ts';
import type { Run } from '../../results/model/run.ts';
import { readRun, type StoredRun } from '../../results/store.ts';
import { visibleLine } from '../../results/visible.ts';
import { scenarioOf } from '../../scenarios/model/sweep.ts';
import { nameHint } from '../plan/problems.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { CommonOptions, Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';
import { tellGithub } from './github.ts';
import { announcePage, renderReport, storeFiles } from './report.ts';

export interface BaselineOptions extends CommonOptions {
  results: string;
  name?: string;
  /** Also saves a run that could not detect the changes it should guard against. */
  force?: boolean;
}

/**
 * Saves a run as a baseline. A baseline serves for months, so its smallest detectable changes are printed when it is made.
 *
 * @throws MeasureError for a run that is incomplete, unreliable, or could not detect the changes it should guard against
 */
export async function saveBaselineCommand(
  ref: string | undefined,
  { results, name = DEFAULT_BASELINE, json, force = false }: BaselineOptions,
  { output }: Context,
): Promise<void> {
  const { run } = readRun(results, ref);
  const unsound = whyUnsound(run);
  if (unsound !== undefined) throw new MeasureError('unreliable', unsound);
  const summary = summariseRun(run);
  const sight = ownSight(summary, GATE_MIN_EFFECT);
  const blind = whyBlind(run, sight);
  if (blind !== undefined && !force) throw new MeasureError('unreliable', blind);
  const replaced = listBaselines(results).includes(name) ? readOld(results, name) : undefined;
  const file = saveBaseline(results, name, summary);
  if (json) {
    // JSON has null for what is infinite.
    const detectable = sight.ratios.map(({ cell, metric, arm, detectable }) => ({
      cell,
      metric,
      arm,
      detectable,
    }));
    output.out(JSON.stringify({ name, runId: run.id, file, replaced: replaced ?? null, detectable }));
    return;
  }
  output.out(`Baseline "${name}" is run ${run.id}: ${file}`);
  output.out(describeSight(sight));
  const failed = run.cells
    .flatMap(({ expectations }) => expectations)
    .filter(({ state }) => state === 'fail').length;
  if (failed > 0)
    output.out(
      `${failed === 1 ? 'An expectation of it' : `${failed} expectations of it`} failed: a gate compares with it all the same, and does not repeat that.`,
    );
  if (sight.blind.length > 0) output.out(describeBlindness(sight));
  if (replaced !== undefined)
    output.out(`It replaces run ${replaced.runId}, measured ${formatTime(replaced.startedAt)}.`);
}

/** Why no option makes `baseline save` take a run; undefined if it can be taken. */
function whyUnsound(run: Run): string | undefined {
  if (run.state !== 'complete') return `run ${run.id} is ${run.state}: only a complete run can be a baseline`;
  if (exitStatusOf(run) === EXIT.cannotMeasure)
    return `a trial or an audit of run ${run.id} failed: only a reliable run can be a baseline`;
  for (const { cell, arms, scenario } of run.cells) {
    const silent = arms.filter(
      ({ arm, completed }) => completed === 0 && !areFailuresExpected(arm, scenario),
    );
    if (silent.length > 0)
      return `in run ${run.id} no request of ${silent.map(({ arm }) => arm).join(', ')} in ${cell} succeeded: only a reliable run can be a baseline`;
  }
  return undefined;
}

/** Why `baseline save` takes a run only with --force, and what would help; undefined if it takes it. */
function whyBlind(run: Run, sight: Sight): string | undefined {
  return sight.isBlind
    ? `run ${run.id} is not usable as a baseline. ${describeBlindness(sight)} ${describeLongerSight(sight, run.cells)}, or save it anyway with --force`
    : undefined;
}

/** How to make a run a baseline, or why `baseline save` would refuse it. @param command that saves it */
export function describeSaving(run: Run, command: string): string {
  const why = whyUnsound(run) ?? whyBlind(run, ownSight(summariseRun(run), GATE_MIN_EFFECT));
  return why === undefined ? `To use this run: ${command}` : `Baseline save would refuse this run: ${why}`;
}

/** A baseline that cannot be read is replaced too. */
function readOld(results: string, name: string): Pick<RunSummary, 'runId' | 'startedAt'> | undefined {
  try {
    const { runId, startedAt } = readBaseline(results, name);
    return { runId, startedAt };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

export async function listBaselinesCommand(
  { results, json }: BaselineOptions,
  { output }: Context,
): Promise<void> {
  const found = listBaselines(results).map(name => {
    const { runId, startedAt, cells } = readBaseline(results, name);
    return { name, runId, startedAt, cells: cells.map(({ cell }) => cell) };
  });
  if (json) output.out(JSON.stringify(found, null, 2));
  else if (found.length === 0) output.out('No baselines yet. To save one: conntax baseline save');
  else
    for (const { name, runId, cells } of found)
      output.out(visibleLine(`${name}: run ${runId} (${cells.join(', ')})`));
}

export interface HistoryOptions extends CommonOptions {
  results: string;
}

const PAGE = 'history.html';

/**
 * Shows how each metric's ratio changed over the recorded CI runs, printed and as a page.
 *
 * @param names of cells, or of scenarios for all cells of their sweeps; none: all cells
 * @throws UsageError where there is no history, and for a name that is not in it
 */
export async function historyCommand(
  names: readonly string[],
  options: HistoryOptions,
  context: Context,
): Promise<void> {
  const { results } = options;
  const [oldest, ...others] = narrowed(readHistory(results), names);
  if (oldest === undefined) {
    throw new UsageError(`no history in ${results} yet: every "conntax ci" run adds to it`);
  }
  const { shown, html } = await renderReport(buildHistoryReport([oldest, ...others]), options, context);
  context.output.out(shown);
  const file = join(results, PAGE);
  replaceFile(file, html);
  await announcePage(file, options, context);
}

/** Runs reduced to the named cells; runs without any of them are omitted. */
function narrowed(history: readonly RunSummary[], names: readonly string[]): readonly RunSummary[] {
  if (names.length === 0 || history.length === 0) return history;
  const cells = new Set(history.flatMap(run => run.cells.map(({ cell }) => cell)));
  const known = new Set([...cells].flatMap(cell => [scenarioOf(cell), cell]));
  const unknown = names.find(name => !known.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`no cell "${unknown}" in the history (${nameHint(unknown, [...known])})`);
  }
  return history
    .map(run => ({
      ...run,
      cells: run.cells.filter(({ cell }) => names.includes(cell) || names.includes(scenarioOf(cell))),
    }))
    .filter(run => run.cells.length > 0);
}

export interface CompareOptions extends CommonOptions {
  results: string;
  minEffect?: number;
}

export interface GateOptions extends CompareOptions {
  baseline?: string;
  strict?: boolean;
}

/** @returns the exit status */
export async function gateCommand(
  ref: string | undefined,
  options: GateOptions,
  context: Context,
): Promise<number> {
  const before = readBaseline(options.results, options.baseline ?? DEFAULT_BASELINE);
  const stored = readRun(options.results, ref);
  const after = summariseRun(stored.run);
  const result = gateRun(before, after, gateOptionsOf(options));
  await showGate({ before, after, result, stored }, options, context);
  // A broken run must not pass for a slow one.
  return exitStatusOf(stored.run) === EXIT.cannotMeasure ? EXIT.cannotMeasure : gateStatusOf(result, options);
}

export function gateOptionsOf({ minEffect = GATE_MIN_EFFECT }: CompareOptions): { minEffect: number } {
  return { minEffect };
}

/** @returns 1 on a regression (with `strict` also when one cannot be ruled out), 3 when nothing could be compared, else 0 */
export function gateStatusOf({ state }: GateResult, options: GateOptions): number {
  if (state === 'nothing') return EXIT.cannotMeasure;
  return state === 'regression' || (options.strict === true && state === 'unsure') ? EXIT.failed : EXIT.ok;
}

/**
 * Shows two stored runs side by side. The exit status does not depend on the result.
 *
 * @throws UsageError where the two have nothing in common
 */
export async function compareCommand(
  beforeRef: string,
  afterRef: string,
  options: CompareOptions,
  context: Context,
): Promise<void> {
  const earlier = readRun(options.results, beforeRef);
  const before = summariseRun(earlier.run);
  const stored = readRun(options.results, afterRef);
  const after = summariseRun(stored.run);
  const result = gateRun(before, after, gateOptionsOf(options));
  if (result.lines.length === 0) {
    throw new UsageError(
      `runs ${before.runId} and ${after.runId} have nothing in common to compare: ${result.gaps.join('; ') || 'no cells'}`,
    );
  }
  const compared = new Set(result.lines.map(({ cell }) => cell));
  const overlays = overlayRuns({ before: earlier, after: stored }, compared);
  await showChange({ before, after, result, stored, trends: [], overlays }, options, {
    ...context,
    filePrefix: 'compare',
  });
}

/** Warnings that precede a comparison with such a run. */
function doubtsOf(run: Run): string[] {
  switch (exitStatusOf(run)) {
    case EXIT.interrupted:
      return [`Run ${run.id} was interrupted: its figures cover only part of the plan.`];
    case EXIT.cannotMeasure:
      return [`Do not rely on this: a trial or an audit of run ${run.id} failed; its own report says which.`];
    default:
      return [];
  }
}

interface Change {
  before: RunSummary;
  after: RunSummary;
  result: GateResult;
  /** The report is written to this run's folder. */
  stored: StoredRun;
  remarks?: readonly string[];
  /** Pictures of both runs. */
  overlays?: readonly Figure[];
}

/** Shows the report of a gate, with the history up to the judged run. */
export async function showGate(change: Change, options: CompareOptions, context: Context): Promise<void> {
  const trends = findTrendsUpTo(change.after, readHistory(options.results));
  await showChange({ ...change, trends }, options, { ...context, filePrefix: 'gate' });
}

async function showChange(
  { stored, ...change }: Change & { trends: readonly Trend[] },
  options: CompareOptions,
  { filePrefix, ...context }: Context & { filePrefix: string },
): Promise<void> {
  const { run, trials } = stored;
  const report: Report = buildGateReport({
    ...change,
    remarks: [...doubtsOf(run), ...(change.remarks ?? [])],
  });
  const { shown, markdown, html } = await renderReport(report, options, context);
  const { junit } = await loadPlugins<SideFile>(context.plugins.outputs);
  context.output.out(shown);
  tellGithub(report, markdown, context.output, context.env);
  const files = [
    { name: `${filePrefix}.html`, content: html },
    { name: `${filePrefix}.md`, content: markdown },
    { name: `${filePrefix}.junit.xml`, content: await junit!.render({ run, trials, report }) },
  ];
  await storeFiles(stored, { files, page: `${filePrefix}.html` }, options, context);
}
