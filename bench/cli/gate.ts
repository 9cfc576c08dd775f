// The commands that compare two stored runs: `gate`, with a baseline and an exit status, and `compare`, side by side.
import { overlayRuns } from '../../report/charts/before-after.ts';
import type { SideFile } from '../../report/formats/format.ts';
import { buildGateReport } from '../../report/gate.ts';
import type { Figure, Report } from '../../report/model.ts';
import { DEFAULT_BASELINE, type RunSummary, readBaseline, summariseRun } from '../../results/baselines.ts';
import { EXIT, UsageError } from '../../results/errors.ts';
import { type GateResult, gateRun } from '../../results/gate.ts';
import { findTrendsUpTo, readHistory, type Trend } from '../../results/history.ts';
import { GATE_MIN_EFFECT } from '../../results/min-effect.ts';
import type { Run } from '../../results/model/run.ts';
import { readRun, type StoredRun } from '../../results/store.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { CommonOptions, Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';
import { tellGithub } from './github.ts';
import { renderReport, storeFiles } from './report.ts';

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
  const change = { before, after, result, stored, trends: [], overlays };
  await showChange(change, 'compare', options, context);
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
  await showChange({ ...change, trends }, 'gate', options, context);
}

/** @param baseName of its files in the run's folder */
async function showChange(
  { stored, ...change }: Change & { trends: readonly Trend[] },
  baseName: string,
  options: CompareOptions,
  context: Context,
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
    { name: `${baseName}.html`, content: html },
    { name: `${baseName}.md`, content: markdown },
    { name: `${baseName}.junit.xml`, content: await junit!.render({ run, trials, report }) },
  ];
  await storeFiles(stored, { files, page: `${baseName}.html` }, options, context);
}
