// In: a plan and how it fits this machine. Out: what would be done, printed; nothing is started.
import Table from 'cli-table3';
import prettyMs from 'pretty-ms';
import type { Client } from '../core/scenario.ts';
import { describePlan } from '../plan/describe-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { Check } from '../run/preflight.ts';
import type { CommonOptions, Output } from './context.ts';

/** Settings as dotted paths, such as `pool.maxConnections=100`. */
function settings(client: Client): string {
  const flatten = (value: object, path: string): string[] =>
    Object.entries(value).flatMap(([name, member]) =>
      typeof member === 'object' && member !== null
        ? flatten(member, `${path}${name}.`)
        : [`${path}${name}=${String(member)}`],
    );
  return flatten(client, '').join(' ');
}

export function printPlan(
  plan: Plan,
  checks: readonly Check[],
  options: CommonOptions,
  output: Output,
): void {
  const description = describePlan(plan);
  if (options.json) {
    output.out(JSON.stringify({ ...description, checks }, null, 2));
    return;
  }
  for (const cell of description.cells) {
    const { replicates, warmupMs, measureMs, precisionRatio, budgetMs, slicing } = cell;
    const table = new Table({
      head: ['arm', 'settings'],
      wordWrap: true,
      colWidths: [null, Math.max(40, output.columns - 30)],
    });
    for (const { name, isBaseline, client } of cell.arms)
      table.push([isBaseline ? `${name} (baseline)` : name, settings(client)]);
    output.out(
      [
        `${cell.id}: ${cell.question}`,
        `  target: ${JSON.stringify(cell.target)}`,
        `  load: ${JSON.stringify(cell.load)}`,
        `  replicates: ${replicates.min} to ${replicates.max}, until within ${precisionRatio * 100} % or ${prettyMs(budgetMs)} are spent`,
        `  each: warm-up ${warmupMs.min} to ${warmupMs.max} ms, then ${measureMs} ms steady an arm`,
        `  ${slicing === 'alternate' ? 'slice order' : 'order'}: ${cell.firstBlocks.map(block => block.join(' ')).join(' | ')} ...`,
        `  at most about ${prettyMs(cell.estimatedMs, { secondsDecimalDigits: 0 })}`,
        table.toString(),
      ].join('\n'),
    );
  }
  for (const { state, sentence } of checks) output.out(`${state}: ${sentence}`);
  output.out(
    `seed ${description.seed}, estimated time ${prettyMs(description.estimatedMs, { secondsDecimalDigits: 0 })}`,
  );
}
