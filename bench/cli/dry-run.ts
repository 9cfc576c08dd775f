// In: a plan and how it fits this machine. Out: what would be done, printed; nothing is started.
import { sharedConditions } from '../../report/words/conditions.ts';
import { clientText } from '../../report/modes.ts';
import type { Fact } from '../../report/model.ts';
import { headlineOf } from '../../results/metrics.ts';
import { combinations, placeText } from '../../scenarios/model/sweep.ts';
import {
  type CellDescription,
  describePlan,
  type PlanDescription,
  type ScenarioDescription,
} from '../plan/describe-plan.ts';
import type { Plan, PlannedCell } from '../plan/plan.ts';
import type { Check } from '../run/preflight.ts';
import type { CommonOptions, Output } from './context.ts';
import { estimateLines, exactText, timeText } from '../commands/estimate.ts';

const MARKS: Record<Check['state'], string> = { pass: ' ', warn: '!', fail: 'x' };

interface CellFacts {
  cell: PlannedCell;
  facts: Fact[];
}

function factsOf(cell: PlannedCell, { cells }: PlanDescription): Fact[] {
  const description = cells.find(({ id }) => id === cell.id)!;
  const { arms, replicates, firstBlocks, slicing } = description;
  const turns = firstBlocks.map(block => block.join(' ')).join(' | ');
  return [
    ...sharedConditions(cell.scenario),
    ...arms.map(({ name, isBaseline, client }) => ({
      label: `Arm ${name}${isBaseline ? ' (baseline)' : ''}`,
      value: clientText(client),
    })),
    ...cell.leftOut.map(({ arm, message, hint }) => ({
      label: `Arm ${arm}`,
      value: `left out: ${message} (${hint})`,
    })),
    {
      label: 'Replicates',
      value: `${replicates.min} to ${replicates.max}, until ${endText(cell, description)}, or the budget is spent`,
    },
    { label: 'Order', value: slicing === 'alternate' ? `${turns} | ...` : turns },
  ];
}

function endText({ scenario }: PlannedCell, { until, precisionRatio }: CellDescription): string {
  switch (until) {
    case 'precise':
      return `every ratio of ${headlineOf(scenario.load).noun} is within ${Number((precisionRatio * 100).toPrecision(3))} %`;
    case 'decided':
      return 'an expectation fails or all of them pass';
    default:
      return until satisfies never;
  }
}

/** What is the same in all cells once; the rest for the first of the sweep, as an example. */
function scenarioLines(
  { name, sweep, budgetMs, estimatedMs, mostMs }: ScenarioDescription,
  cells: readonly CellFacts[],
): string[] {
  const [first] = combinations(sweep);
  const example =
    cells.find(({ cell }) => placeText(cell.sweepPoints) === placeText(first ?? [])) ?? cells[0]!;
  const isShared = (fact: Fact): boolean =>
    cells.every(({ facts }) =>
      facts.some(({ label, value }) => label === fact.label && value === fact.value),
    );
  const shared = example.facts.filter(isShared);
  const own = example.facts.filter(fact => !isShared(fact));
  const perCell = cells.length === 1 ? '' : `, shared by ${cells.length} cells`;
  return [
    `${name}: ${example.cell.scenario.question}`,
    ...(sweep.length === 0 ? [] : sweepLines(sweep, cells)),
    ...shared.map(factLine),
    ...(own.length === 0 ? [] : [`  With ${placeText(example.cell.sweepPoints)}, for example:`]),
    ...own.map(fact => `  ${factLine(fact)}`),
    factLine({ label: 'Budget', value: `${exactText(budgetMs)}${perCell}` }),
    factLine({ label: 'Time', value: timeText({ estimatedMs, mostMs }) }),
    '',
  ];
}

function sweepLines(sweep: ScenarioDescription['sweep'], cells: readonly CellFacts[]): string[] {
  const order = cells.map(({ cell }) => cell.sweepPoints.map(({ value }) => value).join(' and '));
  return [
    ...sweep.map(({ path, values }) => factLine({ label: 'Sweep', value: `${path} = ${values.join(', ')}` })),
    factLine({ label: 'Cells', value: `${cells.length}, in this order: ${order.join(', ')}` }),
  ];
}

function factLine({ label, value }: Fact): string {
  return `  ${label}: ${value}`;
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
  const byName = Map.groupBy(
    plan.cells.map(cell => ({ cell, facts: factsOf(cell, description) })),
    ({ cell }) => cell.scenario.name,
  );
  const lines = [
    ...description.scenarios.flatMap(scenario => scenarioLines(scenario, byName.get(scenario.name)!)),
    'This machine',
    ...checks.map(({ state, sentence }) => `${MARKS[state]} ${sentence}`),
    '',
    ...estimateLines(plan),
    `Seed ${description.seed}. Nothing was started.`,
  ];
  output.out(lines.join('\n'));
}
