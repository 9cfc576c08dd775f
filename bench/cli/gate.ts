// In: a stored run and a baseline, or two stored runs. Out: what changed, printed and written; the exit status says whether for worse.
import { join } from 'node:path';
import type { Format } from '../../report/formats/format.ts';
import { buildGateReport } from '../../report/gate.ts';
import type { Output as FileOutput } from '../../report/output.ts';
import type { Report } from '../../report/model.ts';
import { DEFAULT_BASELINE, readBaseline } from '../../results/baselines.ts';
import { replaceFile } from '../../results/files.ts';
import { DEFAULT_MIN_EFFECT, type GateResult, gateRun } from '../../results/gate.ts';
import { readHistory } from '../../results/history.ts';
import { readRun, type StoredRun } from '../../results/read-run.ts';
import { type RunSummary, summariseRun } from '../../results/run-summary.ts';
import { findTrendsUpTo, type Trend } from '../../results/trend.ts';
import { EXIT, UsageError } from '../../results/errors.ts';
import type { Run } from '../../results/model/run.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { CommonOptions, Context } from './context.ts';
import { exitStatusOf } from '../commands/exit-status.ts';
import { tellGithub } from './github.ts';

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
  const result = gateRun(before, after, limitsOf(options));
  await showGate({ before, after, result, stored }, options, context);
  // What is broken is not slow.
  return exitStatusOf(stored.run) === EXIT.cannotMeasure ? EXIT.cannotMeasure : gateStatusOf(result, options);
}

/** The least change that counts. */
export function limitsOf({ minEffect = DEFAULT_MIN_EFFECT }: CompareOptions): { minEffect: number } {
  return { minEffect };
}

/** @returns 1 on a regression (with `strict` also when one can't be ruled out), 3 when nothing could be compared, else 0. */
export function gateStatusOf({ state }: GateResult, options: GateOptions): number {
  if (state === 'nothing') return EXIT.cannotMeasure;
  return state === 'regression' || (options.strict === true && state === 'unsure') ? EXIT.failed : EXIT.ok;
}

/**
 * Two stored runs side by side. Nothing is judged by the exit status.
 *
 * @throws UsageError where the two have nothing in common
 */
export async function compareCommand(
  beforeRef: string,
  afterRef: string,
  options: CompareOptions,
  context: Context,
): Promise<void> {
  const before = summariseRun(readRun(options.results, beforeRef).run);
  const stored = readRun(options.results, afterRef);
  const after = summariseRun(stored.run);
  const result = gateRun(before, after, limitsOf(options));
  if (result.lines.length === 0) {
    throw new UsageError(
      `runs ${before.runId} and ${after.runId} have nothing in common to compare: ${result.gaps.join('; ') || 'no cells'}`,
    );
  }
  await showChange({ before, after, result, stored, trends: [] }, options, {
    ...context,
    filePrefix: 'compare',
  });
}

/** What must be read before a comparison with such a run. */
function doubtsOf(run: Run): string[] {
  switch (exitStatusOf(run)) {
    case EXIT.interrupted:
      return [`Run ${run.id} was interrupted: its figures are those of a part of it.`];
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
  /** Whose folder the report is written to. */
  stored: StoredRun;
  remarks?: readonly string[];
}

/** The report of a gate, with the history up to the run that was judged. */
export async function showGate(change: Change, options: CompareOptions, context: Context): Promise<void> {
  const trends = findTrendsUpTo(change.after, readHistory(options.results));
  await showChange({ ...change, trends }, options, { ...context, filePrefix: 'gate' });
}

async function showChange(
  { stored: { dir, run, trials }, ...change }: Change & { trends: readonly Trend[] },
  { json }: CompareOptions,
  { plugins, output, env, filePrefix }: Context & { filePrefix: string },
): Promise<void> {
  const report: Report = buildGateReport({
    ...change,
    remarks: [...doubtsOf(run), ...(change.remarks ?? [])],
  });
  const [formats, outputs] = await Promise.all([
    loadPlugins<Format>(plugins.formats),
    loadPlugins<FileOutput>(plugins.outputs),
  ]);
  const options = { hasColour: output.hasColour, columns: output.columns };
  output.out(await formats[json ? 'json' : 'terminal']!.render(report, options));
  const markdown = await formats['markdown']!.render(report, options);
  tellGithub(report, markdown, output, env);
  const files = [
    { name: `${filePrefix}.html`, content: await formats['html']!.render(report, options) },
    { name: `${filePrefix}.md`, content: markdown },
    { name: `${filePrefix}.junit.xml`, content: await outputs['junit']!.render({ run, trials, report }) },
  ];
  for (const { name, content } of files) replaceFile(join(dir, name), content);
  output.note(`Report: ${join(dir, `${filePrefix}.html`)}`);
}
