// The `history` command: how ratios changed over the recorded CI runs.
import { join } from 'node:path';
import { buildHistoryReport } from '../../report/history.ts';
import type { RunSummary } from '../../results/baselines.ts';
import { UsageError } from '../../results/errors.ts';
import { replaceFile } from '../../results/files.ts';
import { readHistory } from '../../results/history.ts';
import { scenarioOf } from '../../scenarios/model/sweep.ts';
import { nameHint } from '../plan/problems.ts';
import type { CommonOptions, Context } from './context.ts';
import { announcePage, renderReport } from './report.ts';

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
