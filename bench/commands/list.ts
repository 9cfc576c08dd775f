// In: the scenarios that come with conntax. Out: their names, tags, questions and times, printed.
import Table from 'cli-table3';
import prettyMs from 'pretty-ms';
import { listScenarios } from '../plan/load-scenarios.ts';
import { estimateMs } from '../plan/timing.ts';
import type { CommonOptions, Context } from './context.ts';

const OTHER_COLUMNS = 62;

export async function listCommand(
  options: CommonOptions,
  { plugins, builtinDir, cwd, output }: Context,
): Promise<void> {
  const scenarios = await listScenarios({ ...plugins, builtinDir, cwd });
  const rows = scenarios.map(scenario => ({
    name: scenario.name,
    tags: scenario.tags,
    arms: Object.keys(scenario.clients),
    estimatedMs: estimateMs(scenario),
    question: scenario.question,
  }));
  if (options.json) {
    output.out(JSON.stringify(rows, null, 2));
    return;
  }
  const table = new Table({
    head: ['scenario', 'tags', 'time', 'question'],
    colWidths: [null, null, null, Math.max(30, output.columns - OTHER_COLUMNS)],
    wordWrap: true,
    style: { head: output.hasColour ? ['bold'] : [], border: output.hasColour ? ['grey'] : [] },
  });
  for (const { name, tags, estimatedMs, question } of rows) {
    table.push([name, tags.join(', '), prettyMs(estimatedMs, { secondsDecimalDigits: 0 }), question]);
  }
  output.out(table.toString());
  output.out(
    'Run one with "conntax run NAME", all of a tag with "conntax run TAG"; none named means the tag quick.',
  );
}
