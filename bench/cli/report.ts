// In: a run and its trials. Out: its report in every registered form.
import type { Chart } from '../../report/charts/chart.ts';
import type { Format } from '../../report/formats/format.ts';
import { buildReport } from '../../report/build.ts';
import type { Output as FileOutput } from '../../report/output.ts';
import type { Report } from '../../report/model.ts';
import type { SweepChart } from '../../report/sweep-chart.ts';
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { Output, Plugins } from './context.ts';

export interface Rendering {
  /** The files that belong into the run's folder. */
  files: { name: string; content: string }[];
  report: Report;
  markdown: string;
  /** For the terminal. */
  text: string;
  json: string;
}

export async function render(
  { run, trials }: { run: Run; trials: readonly TrialResult[] },
  plugins: Plugins,
  output: Output,
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
  const options = { hasColour: output.hasColour, columns: output.columns };
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
