// The `list` and `schema` commands: print the built-in scenarios, and the JSON Schema of scenario files.
import Table from 'cli-table3';
import { UsageError } from '../../results/errors.ts';
import { sumOf } from '../../results/stats.ts';
import { axesOf, type Variant } from '../../scenarios/model/sweep.ts';
import { planRun } from '../plan/plan.ts';
import { formatProblems, listScenarios, loadPlugins } from '../plan/read-scenarios.ts';
import { behaviourOptions, scenarioJsonSchema } from '../plan/validate.ts';
import type { CommonOptions, Context } from './context.ts';
import { formatDuration } from './dry-run.ts';
import type { Output } from './output.ts';

export async function schemaCommand({ plugins, output }: Context): Promise<void> {
  const behaviours = await loadPlugins(plugins.behaviours);
  output.out(JSON.stringify(scenarioJsonSchema(behaviourOptions(behaviours)), null, 2));
}

const OTHER_COLUMNS = 70;

/**
 * @param selectors names and tags; none: all scenarios
 * @throws UsageError for selectors that match nothing, or with every problem of every file, after the valid scenarios are shown
 */
export async function listCommand(
  selectors: readonly string[],
  options: CommonOptions,
  { plugins, builtinDir, cwd, output }: Context,
): Promise<void> {
  const { variants, problems } = await listScenarios({ ...plugins, builtinDir, cwd }, selectors);
  showScenarios(variants, options, output);
  // An invalid file must not hide the valid ones.
  if (problems.length > 0) throw new UsageError(formatProblems(problems), problems);
}

function showScenarios(variants: readonly Variant[], options: CommonOptions, output: Output): void {
  const rows = [...Map.groupBy(variants, ({ name }) => name)].map(([name, group]) => ({
    name,
    tags: group[0]!.tags,
    arms: Object.keys(group[0]!.clients),
    cells: group.length,
    sweep: axesOf(group[0]!),
    estimatedMs: planRun(group, { seed: 0 }).estimatedMs,
    question: group[0]!.question,
  }));
  if (options.json) {
    output.out(JSON.stringify(rows, null, 2));
    return;
  }
  const table = new Table({
    head: ['scenario', 'tags', 'cells', 'time', 'question'],
    colAligns: ['left', 'left', 'right', 'right', 'left'],
    colWidths: [null, null, null, null, Math.max(30, output.columns - OTHER_COLUMNS)],
    wordWrap: true,
    style: { head: output.hasColour ? ['bold'] : [], border: output.hasColour ? ['grey'] : [] },
  });
  for (const { name, tags, cells, estimatedMs, question } of rows) {
    table.push([name, tags.join(', '), String(cells), formatDuration(estimatedMs), question]);
  }
  output.out(table.toString());
  const totalMs = sumOf(rows, ({ estimatedMs }) => estimatedMs);
  output.out(
    [
      `${rows.length} scenarios, ${formatDuration(totalMs)} together. Tags: ${describeTags(rows)}.`,
      'Run one with "conntax run NAME", or all with a tag with "conntax run TAG"; the default is the tag quick.',
    ].join('\n'),
  );
}

/** `open (3), pools (8)`, by name. */
function describeTags(rows: readonly { tags: readonly string[] }[]): string {
  const byTag = Map.groupBy(
    rows.flatMap(({ tags }) => tags),
    tag => tag,
  );
  return [...byTag]
    .map(([tag, uses]) => `${tag} (${uses.length})`)
    .sort()
    .join(', ');
}
