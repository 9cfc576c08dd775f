// `--dry-run`: describes a plan and how it fits this machine, without starting anything.

import prettyMs from 'pretty-ms';
import type { Fact } from '../../report/model.ts';
import { describeClient } from '../../report/words/clients.ts';
import { sharedConditions } from '../../report/words/conditions.ts';
import { roundPercent } from '../../results/figures.ts';
import { headlineOf } from '../../results/metrics.ts';
import { MIN_REPLICATES, sumOf } from '../../results/stats.ts';
import { axesOf, combinations, describePoints } from '../../scenarios/model/sweep.ts';
import { countGenerators } from '../plan/division.ts';
import { type LikelyPrecision, likelyPrecision, sureReplicates } from '../plan/forecast.ts';
import { blockOrder, mostMsOf, type Plan, type PlannedCell } from '../plan/plan.ts';
import { describeSkipped } from '../run/limited-machine.ts';
import type { Check } from '../run/preflight.ts';
import type { CommonOptions } from './context.ts';
import type { Output } from './output.ts';

const SHOWN_BLOCKS = 4;

type CellDescription = ReturnType<typeof describeCell>;

function describeCell(cell: PlannedCell, seed: number) {
  const { scenario } = cell;
  const { timing, clients } = scenario;
  const blockCount = timing.slicing === 'whole' ? 1 : SHOWN_BLOCKS;
  return {
    id: cell.id,
    /** Which cell of a sweep this is; empty without a sweep. */
    sweepPoints: cell.sweepPoints,
    question: scenario.question,
    target: scenario.target,
    /** null: client and target meet on loopback. */
    link: scenario.link ?? null,
    load: scenario.load,
    /** Processes that share the load of a client. */
    generators: countGenerators(scenario),
    arms: cell.arms.map(name => ({
      name,
      isBaseline: name === scenario.baseline,
      client: clients[name]!,
    })),
    leftOut: cell.leftOut,
    replicates: { min: timing.minReplicates, max: timing.maxReplicates },
    /** Steady time per arm and replicate. */
    measureMs: timing.measureMs,
    warmupMs: { min: timing.warmupMinMs, max: timing.warmupMaxMs },
    slicing: timing.slicing,
    /** Order of the arms in the first blocks of the first replicate. */
    firstBlocks: Array.from({ length: blockCount }, (_, block) => blockOrder(cell, seed, 0, block)),
    precisionRatio: timing.precision,
    until: timing.until,
    budgetMs: timing.budgetMs,
    estimatedMs: cell.estimatedMs,
    mostMs: mostMsOf(cell),
    /** What the budget is likely to buy. */
    likely: likelyPrecision(cell),
  };
}

type ScenarioDescription = ReturnType<typeof describeScenario>;

function describeScenario(name: string, cells: readonly PlannedCell[]) {
  const budgetMs = sumOf(cells, ({ scenario }) => scenario.timing.budgetMs);
  const least = {
    oneMs: sumOf(cells, cell => cell.least.oneMs),
    intervalMs: sumOf(cells, cell => cell.least.intervalMs),
    replicates: sureReplicates(cells[0]!.scenario.timing),
  };
  return {
    name,
    sweep: axesOf(cells[0]!.scenario),
    /** Ids, in the order in which they are measured. */
    cells: cells.map(({ id }) => id),
    /** Shared by its cells. */
    budgetMs,
    estimatedMs: sumOf(cells, cell => cell.estimatedMs),
    mostMs: sumOf(cells, mostMsOf),
    /** Whether the budget is too short for the replicates that an interval needs, on a busy machine. */
    isOverBudget: least.intervalMs > budgetMs,
    /** Longest durations of one replicate per cell, and of the minimum number of replicates. */
    least,
  };
}

type PlanDescription = ReturnType<typeof describePlan>;

/** Everything a reader needs to predict what the plan will do. */
export function describePlan(plan: Plan) {
  return {
    seed: plan.seed,
    estimatedMs: sumOf(plan.cells, cell => cell.estimatedMs),
    mostMs: sumOf(plan.cells, mostMsOf),
    scenarios: [...Map.groupBy(plan.cells, ({ scenario }) => scenario.name)].map(([name, cells]) =>
      describeScenario(name, cells),
    ),
    cells: plan.cells.map(cell => describeCell(cell, plan.seed)),
    /** Cells that this machine cannot measure. */
    skipped: plan.skipped ?? [],
  };
}

const MINUTE_MS = 60_000;
/** Longest duration shown in seconds. */
const LONGEST_SECONDS_MS = 100_000;

/** Formats to the second: `36s`, `1m 24s`. */
export function formatDuration(ms: number): string {
  return prettyMs(Math.round(Math.max(0, ms) / 1_000) * 1_000);
}

/** Formats roughly, rounded up: `40 s`, `2 min`. */
function formatRoughDuration(ms: number): string {
  if (ms > LONGEST_SECONDS_MS) return `${Math.ceil(ms / MINUTE_MS)} min`;
  return `${Math.max(5, Math.ceil(ms / 5_000) * 5)} s`;
}

/** `about 25 s, 60 s at most` of measuring, or only the maximum where both round to the same. */
function describeDuration({ estimatedMs, mostMs }: { estimatedMs: number; mostMs: number }): string {
  const [about, most] = [formatRoughDuration(estimatedMs), formatRoughDuration(mostMs)];
  return estimatedMs >= mostMs || about === most ? `${most} at most` : `about ${about}, ${most} at most`;
}

/**
 * One line for the whole plan, and one per scenario whose budget is too short.
 * @param isConfirming whether a failed expectation is re-measured
 */
export function estimateLines(plan: Plan, isConfirming = false): string[] {
  const { scenarios, cells, skipped: _, ...times } = describePlan(plan);
  const cellText = cells.length === 1 ? '1 cell' : `${cells.length} cells`;
  const isJudged = plan.cells.some(({ scenario }) => scenario.expect.length > 0);
  const again =
    isConfirming && isJudged ? '; re-measuring cells where an expectation fails takes as long again' : '';
  const text = describeDuration(times);
  return [
    `${text[0]!.toUpperCase()}${text.slice(1)}, for ${cellText}${again}.`,
    ...precisionLines(cells),
    ...scenarios.filter(({ isOverBudget }) => isOverBudget).map(describeShortBudget),
  ];
}

/** Empty where there is no ratio. */
function precisionLines(cells: readonly CellDescription[]): string[] {
  const compared = cells.filter(({ arms }) => arms.length > 1);
  if (compared.length === 0) return [];
  return [`  Likely precision of ratios: ${describePrecision(compared.map(({ likely }) => likely))}.`];
}

/** `±5 % on a quiet machine, ±20 % beside other programs, with 4 replicates`; of several cells the least to the most. */
function describePrecision(likely: readonly LikelyPrecision[]): string {
  const counts = formatRange(likely.map(({ replicates: count }) => count));
  const replicates = `with ${counts} ${counts === '1' ? 'replicate' : 'replicates'}`;
  const percents = (read: (of: LikelyPrecision) => number | null): string =>
    formatRange(likely.flatMap(of => read(of) ?? []).map(ratio => Math.ceil(ratio * 100)));
  return likely.every(({ quietRatio }) => quietRatio === null)
    ? `no interval ${replicates}`
    : `±${percents(({ quietRatio }) => quietRatio)} % on a quiet machine, ±${percents(({ busyRatio }) => busyRatio)} % beside other programs, ${replicates}`;
}

/** `4`, `3 to 5`. */
function formatRange(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** Rounded up, so that the time needed never looks equal to a budget that is shorter. */
function formatTimeNeeded(ms: number): string {
  return formatDuration(Math.ceil(ms / 1_000) * 1_000);
}

function describeShortBudget({ name, cells, budgetMs, least }: ScenarioDescription): string {
  const { oneMs, intervalMs, replicates } = least;
  const one = `${formatTimeNeeded(oneMs)} for one replicate`;
  const all = `${formatTimeNeeded(intervalMs)} for the ${replicates} that ${replicates < MIN_REPLICATES ? 'are requested' : 'an interval needs'}`;
  const needed = replicates === 1 ? one : `${one}, and ${all}`;
  return cells.length === 1
    ? `  ! ${name} has a budget of ${formatDuration(budgetMs)}, but may need ${needed}.`
    : `  ! The ${cells.length} cells of ${name} share a budget of ${formatDuration(budgetMs)}, but together may need ${needed}.`;
}

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
      label: `Client ${name}${isBaseline ? ' (baseline)' : ''}`,
      value: describeClient(client),
    })),
    ...cell.leftOut.map(({ arm, message, hint }) => ({
      label: `Client ${arm}`,
      value: `skipped: ${message} (${hint})`,
    })),
    {
      label: 'Replicates',
      value: `${replicates.min} to ${replicates.max}, until ${describeEnd(cell, description)} or the budget is spent`,
    },
    ...(arms.length > 1
      ? [{ label: 'Likely precision', value: describePrecision([description.likely]) }]
      : []),
    { label: 'Order', value: slicing === 'alternate' ? `${turns} | ...` : turns },
  ];
}

function describeEnd({ scenario }: PlannedCell, { until, precisionRatio }: CellDescription): string {
  switch (until) {
    case 'precise':
      return `every ratio of ${headlineOf(scenario.load).noun} is within ${roundPercent(precisionRatio, 3)}`;
    case 'decided':
      return 'an expectation fails or all pass';
    default:
      return until satisfies never;
  }
}

/** Facts shared by all cells, once; the others for the first cell of the sweep, as an example. */
function scenarioLines(
  { name, sweep, budgetMs, estimatedMs, mostMs }: ScenarioDescription,
  cells: readonly CellFacts[],
): string[] {
  const [first] = combinations(sweep);
  const example =
    cells.find(({ cell }) => describePoints(cell.sweepPoints) === describePoints(first ?? [])) ?? cells[0]!;
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
    ...(own.length === 0 ? [] : [`  With ${describePoints(example.cell.sweepPoints)}, for example:`]),
    ...own.map(fact => `  ${factLine(fact)}`),
    factLine({ label: 'Budget', value: `${formatDuration(budgetMs)}${perCell}` }),
    factLine({ label: 'Time', value: describeDuration({ estimatedMs, mostMs }) }),
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
    ...description.skipped.map(skipped => `${MARKS.warn} ${describeSkipped(skipped)}`),
    '',
    ...estimateLines(plan),
    `Seed ${description.seed}. No load was sent.`,
  ];
  output.out(lines.join('\n'));
}
