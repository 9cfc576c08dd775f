// In: the name of a stored run. Out: its report rendered again, printed and written; nothing is measured.
import { join } from 'node:path';
import { replaceFile } from '../../results/files.ts';
import { readRun } from '../../results/read-run.ts';
import type { CommonOptions, Context } from '../cli/context.ts';
import { render } from '../cli/report.ts';

export interface ReportOptions extends CommonOptions {
  results: string;
}

/** Exit 0 also for a run that was partial or invalid, as the report says: rendering it worked. */
export async function reportCommand(
  ref: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<void> {
  const { plugins, output } = context;
  const { dir, run, trials, isTorn } = readRun(options.results, ref);
  if (isTorn) output.note('The last trial of this run was cut short on disk and is left out.');
  const { files, text, json } = await render({ run, trials }, plugins, output);
  output.out(options.json ? json : text);
  for (const { name, content } of files) replaceFile(join(dir, name), content);
  output.note(`Report: ${join(dir, 'report.html')}`);
}
