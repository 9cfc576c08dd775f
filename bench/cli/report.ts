// The `report` command, and the rendering of a run in every registered format.
import { join } from 'node:path';
import { buildReport } from '../../report/build.ts';
import type { Chart, SweepChart } from '../../report/charts/chart.ts';
import type { Output as FileOutput, Format } from '../../report/formats/format.ts';
import type { Report } from '../../report/model.ts';
import { replaceFile } from '../../results/files.ts';
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { readRun } from '../../results/store.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { CommonOptions, Context, Output, Plugins } from './context.ts';
import { announcePage } from './open-page.ts';

/** A page from elsewhere may lie anywhere, where nobody expects further files. */
export function describeReading({ open = false }: CommonOptions): string {
  return `Read from its page; no file was written${open ? ', so there is none to open' : ''}.`;
}
/** The page among the files of a run. */
export const PAGE_FILE = 'report.html';

export interface Rendering {
  /** Files for the run's folder. */
  files: { name: string; content: string }[];
  report: Report;
  markdown: string;
  /** For the terminal. */
  text: string;
  json: string;
}

export async function render(
  { run, trials }: { run: Run; trials: readonly TrialResult[] },
  {
    plugins,
    output,
    isBrief,
    next = [],
  }: { plugins: Plugins; output: Output; isBrief: boolean; next?: readonly string[] },
): Promise<Rendering> {
  const [charts, sweepCharts, formats, outputs] = await Promise.all([
    loadPlugins<Chart>(plugins.charts),
    loadPlugins<SweepChart>(plugins.sweepCharts),
    loadPlugins<Format>(plugins.formats),
    loadPlugins<FileOutput>(plugins.outputs),
  ]);
  const report = buildReport({
    run,
    trials,
    charts: Object.values(charts),
    sweepCharts: Object.values(sweepCharts),
  });
  const options = {
    hasColour: output.hasColour,
    columns: output.columns,
    isBrief,
    next,
    measured: { run, trials },
  };
  const files: Rendering['files'] = [];
  for (const format of Object.values(formats)) {
    if (format.fileName !== undefined) {
      files.push({ name: format.fileName, content: await format.render(report, options) });
    }
  }
  for (const output of Object.values(outputs)) {
    files.push({ name: output.fileName, content: await output.render({ run, trials, report }) });
  }
  return {
    files,
    report,
    markdown: await formats['markdown']!.render(report, options),
    text: await formats['terminal']!.render(report, options),
    json: await formats['json']!.render(report, options),
  };
}

/** The page alone, as it would be stored. */
export async function renderPage(
  { run, trials }: { run: Run; trials: readonly TrialResult[] },
  { plugins, output }: { plugins: Plugins; output: Output },
): Promise<string> {
  const [charts, sweepCharts, formats] = await Promise.all([
    loadPlugins<Chart>(plugins.charts),
    loadPlugins<SweepChart>(plugins.sweepCharts),
    loadPlugins<Format>(plugins.formats),
  ]);
  const report = buildReport({
    run,
    trials,
    charts: Object.values(charts),
    sweepCharts: Object.values(sweepCharts),
  });
  return formats['html']!.render(report, {
    hasColour: false,
    columns: output.columns,
    measured: { run, trials },
  });
}

export interface ReportOptions extends CommonOptions {
  results: string;
}

/** Renders a stored run again. Succeeds also for a partial or invalid run: the report says so. */
export async function reportCommand(
  ref: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<void> {
  const { plugins, output } = context;
  const { dir, isPage, run, trials, isTorn } = readRun(options.results, ref);
  if (isTorn) output.note('The last trial of this run is incomplete on disk and was skipped.');
  const { files, text, json } = await render(
    { run, trials },
    { plugins, output, isBrief: options.verbose !== true },
  );
  output.out(options.json ? json : text);
  if (isPage) {
    output.note(describeReading(options));
    return;
  }
  for (const { name, content } of files) replaceFile(join(dir, name), content);
  await announcePage(join(dir, PAGE_FILE), options, context);
}
