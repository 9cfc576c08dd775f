// In: the history of runs. Out: how each ratio went from run to run and since when it is at another level, printed and as a page.
import { join } from 'node:path';
import type { Format } from '../../report/formats/format.ts';
import { buildHistoryReport } from '../../report/history.ts';
import { replaceFile } from '../../results/files.ts';
import { readHistory } from '../../results/history.ts';
import type { RunSummary } from '../../results/run-summary.ts';
import { UsageError } from '../../results/errors.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { nameHint } from '../plan/nearest.ts';
import type { CommonOptions, Context } from '../cli/context.ts';

export interface HistoryOptions extends CommonOptions {
  results: string;
}

const PAGE = 'history.html';

/**
 * @param names of cells, or of scenarios for all cells of their sweeps; none: all cells
 * @throws UsageError where there is no history, and for a name that is not in it
 */
export async function historyCommand(
  names: readonly string[],
  { results, json }: HistoryOptions,
  { plugins, output }: Context,
): Promise<void> {
  const [oldest, ...others] = narrowed(readHistory(results), names);
  if (oldest === undefined) {
    throw new UsageError(`there is no history in ${results} yet: "conntax ci" adds each of its runs`);
  }
  const report = buildHistoryReport([oldest, ...others]);
  const formats = await loadPlugins<Format>(plugins.formats);
  const options = { hasColour: output.hasColour, columns: output.columns };
  output.out(await formats[json ? 'json' : 'terminal']!.render(report, options));
  const file = join(results, PAGE);
  replaceFile(file, await formats['html']!.render(report, options));
  output.note(`Report: ${file}`);
}

/** Runs with the named cells only; those that have none of them are left out. */
function narrowed(history: readonly RunSummary[], names: readonly string[]): readonly RunSummary[] {
  if (names.length === 0 || history.length === 0) return history;
  const cells = new Set(history.flatMap(run => run.cells.map(({ cell }) => cell)));
  const known = new Set([...cells].flatMap(cell => [scenarioOf(cell), cell]));
  const unknown = names.find(name => !known.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`there is no cell "${unknown}" in the history (${nameHint(unknown, [...known])})`);
  }
  return history
    .map(run => ({
      ...run,
      cells: run.cells.filter(({ cell }) => names.includes(cell) || names.includes(scenarioOf(cell))),
    }))
    .filter(run => run.cells.length > 0);
}

/** A cell of a sweep is called `scenario[setting=value]`. */
function scenarioOf(cell: string): string {
  return cell.replace(/\[.*$/s, '');
}
