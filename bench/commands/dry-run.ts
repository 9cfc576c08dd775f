// In: a plan and how it fits this machine. Out: what would be done, printed; nothing is started.
import prettyMs from 'pretty-ms';
import { sharedConditions } from '../../report/conditions.ts';
import { clientText } from '../../report/modes.ts';
import { headlineOf } from '../../results/headline-metric.ts';
import { type CellDescription, describePlan } from '../plan/describe-plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { Check } from '../run/preflight.ts';
import type { CommonOptions, Output } from './context.ts';

const MARKS: Record<Check['state'], string> = { pass: ' ', warn: '!', fail: 'x' };

function seconds(ms: number): string {
  return prettyMs(ms, { secondsDecimalDigits: 0 });
}

function cellLines(cell: CellDescription, scenario: Plan['cells'][number]['scenario']): string[] {
  const { replicates, precisionRatio, budgetMs, firstBlocks, slicing } = cell;
  const turns = firstBlocks.map(block => block.join(' ')).join(' | ');
  const facts = [
    ...sharedConditions(scenario),
    ...cell.arms.map(({ name, isBaseline, client }) => ({
      label: `Arm ${name}${isBaseline ? ' (baseline)' : ''}`,
      value: clientText(client),
    })),
    {
      label: 'Replicates',
      value:
        `${replicates.min} to ${replicates.max}, until every ratio of ${headlineOf(scenario.load).noun} is within ` +
        `${Number((precisionRatio * 100).toPrecision(3))} %, or ${seconds(budgetMs)} are spent`,
    },
    { label: 'Order', value: slicing === 'alternate' ? `${turns} | ...` : turns },
    { label: 'Time', value: `about ${seconds(cell.estimatedMs)} at most` },
  ];
  return [`${cell.id}: ${cell.question}`, ...facts.map(({ label, value }) => `  ${label}: ${value}`), ''];
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
  const lines = [
    ...description.cells.flatMap((cell, index) => cellLines(cell, plan.cells[index]!.scenario)),
    'This machine',
    ...checks.map(({ state, sentence }) => `${MARKS[state]} ${sentence}`),
    '',
    `Seed ${description.seed}; about ${seconds(description.estimatedMs)} at most. Nothing was started.`,
  ];
  output.out(lines.join('\n'));
}
