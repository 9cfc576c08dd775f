// In: a stored run and a baseline, or two stored runs. Out: what changed, printed and written; the exit status says whether for worse.
import { join } from 'node:path';
import type { Format } from '../../report/format.ts';
import { buildGateReport } from '../../report/gate-report.ts';
import type { Output as FileOutput } from '../../report/output.ts';
import type { Report } from '../../report/report.ts';
import { DEFAULT_BASELINE, readBaseline } from '../../results/baselines.ts';
import { DEFAULT_MIN_EFFECT, type GateResult, gateRun } from '../../results/gate.ts';
import { readHistory } from '../../results/history.ts';
import { readRun, type StoredRun } from '../../results/read-run.ts';
import { type RunSummary, summariseRun } from '../../results/run-summary.ts';
import { replaceFile } from '../../results/store.ts';
import { findTrendsUpTo } from '../../results/trend.ts';
import { EXIT } from '../core/errors.ts';
import { loadPlugins } from '../plan/load-scenarios.ts';
import type { CommonOptions, Context } from './context.ts';
import { tellGithub } from './github.ts';

export interface CompareOptions extends CommonOptions {
  results: string;
  minEffect?: number;
}

export interface GateOptions extends CompareOptions {
  baseline?: string;
  strict?: boolean;
}

/** @returns 1 on a regression (with `strict` also when one can't be ruled out), else 0. */
export async function gateCommand(
  ref: string | undefined,
  options: GateOptions,
  context: Context,
): Promise<number> {
  const before = readBaseline(options.results, options.baseline ?? DEFAULT_BASELINE);
  const stored = readRun(options.results, ref);
  const history = readHistory(options.results);
  const { state } = await showChange({ before, stored, history }, options, {
    ...context,
    filePrefix: 'gate',
  });
  return state === 'regression' || (options.strict === true && state === 'unsure') ? EXIT.failed : EXIT.ok;
}

/** Two stored runs side by side. Nothing is judged by the exit status. */
export async function compareCommand(
  beforeRef: string,
  afterRef: string,
  options: CompareOptions,
  context: Context,
): Promise<void> {
  const before = summariseRun(readRun(options.results, beforeRef).run);
  const stored = readRun(options.results, afterRef);
  await showChange({ before, stored, history: [] }, options, { ...context, filePrefix: 'compare' });
}

async function showChange(
  { before, stored, history }: { before: RunSummary; stored: StoredRun; history: readonly RunSummary[] },
  { json, minEffect = DEFAULT_MIN_EFFECT }: CompareOptions,
  { plugins, output, filePrefix }: Context & { filePrefix: string },
): Promise<GateResult> {
  const { dir, run, trials } = stored;
  const after = summariseRun(run);
  const result = gateRun(before, after, { minEffect });
  const trends = findTrendsUpTo(after, history);
  const report: Report = buildGateReport({ before, after, result, trends });
  const [formats, outputs] = await Promise.all([
    loadPlugins<Format>(plugins.formats),
    loadPlugins<FileOutput>(plugins.outputs),
  ]);
  const options = { hasColour: output.hasColour, columns: output.columns };
  output.out(await formats[json ? 'json' : 'terminal']!.render(report, options));
  const markdown = await formats['markdown']!.render(report, options);
  tellGithub(report, markdown, output, process.env);
  const files = [
    { name: `${filePrefix}.html`, content: await formats['html']!.render(report, options) },
    { name: `${filePrefix}.md`, content: markdown },
    { name: `${filePrefix}.junit.xml`, content: await outputs['junit']!.render({ run, trials, report }) },
  ];
  for (const { name, content } of files) replaceFile(join(dir, name), content);
  output.note(`Report: ${join(dir, `${filePrefix}.html`)}`);
  return result;
}
