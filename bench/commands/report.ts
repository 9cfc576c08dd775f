// In: the name of a stored run. Out: its report rendered again, printed and written; nothing is measured.
import { join } from 'node:path';
import { readRun } from '../../results/read-run.ts';
import { replaceFile } from '../../results/store.ts';
import type { CommonOptions, Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';
import { render } from './render.ts';

export interface ReportOptions extends CommonOptions {
  results: string;
}

/** @returns the exit status that the run itself had or would have had. */
export async function reportCommand(
  ref: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<number> {
  const { plugins, output } = context;
  const { dir, run, trials, isTorn } = readRun(options.results, ref);
  if (isTorn) output.note('The last trial of this run was cut short on disk and is left out.');
  const { files, text, json } = await render({ run, trials }, plugins, output);
  output.out(options.json ? json : text);
  for (const { name, content } of files) replaceFile(join(dir, name), content);
  output.note(`Report: ${join(dir, 'report.html')}`);
  return exitStatusOf(run);
}
