// In: scenarios and a seed. Out: what will be run, in which order, and for how long. Pure: the same seed, the same plan.
import type { CellTarget, Code } from '../core/code.ts';
import { createRandom, shuffled } from '../../results/random.ts';
import type { LeftOutArm, SweepPoint } from '../../results/model/run.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { cellId, type Variant } from '../../scenarios/model/sweep.ts';
import type { Trial } from '../../results/model/trial.ts';
import { expectedResponseMs } from './slice-gap.ts';
import { cellTimes } from './timing.ts';

/** One target under one load, in which arms are compared: clients, or codes of a client or of the target. */
export interface PlannedCell {
  id: string;
  /** With the cell's own share of the budget in its timing. */
  scenario: Scenario;
  /** Which cell of a sweep this is; empty without a sweep. */
  sweepPoints: readonly SweepPoint[];
  /** Baseline first, then as the scenario lists them. */
  arms: string[];
  /** Those that the scenario would have had elsewhere. */
  leftOut: readonly LeftOutArm[];
  /** About how long, ms. */
  estimatedMs: number;
  /** One replicate, and as many as an interval needs, at most. */
  least: { oneMs: number; intervalMs: number };
  /** By arm, whose code its generator runs; ours where there is none. */
  generatorCode: Readonly<Record<string, Code>>;
  /** Its target processes: one for all arms, or as many as there are codes of it to compare. */
  targets: readonly CellTarget[];
}

export interface Plan {
  seed: number;
  cells: PlannedCell[];
  estimatedMs: number;
}

/**
 * Plans one cell a variant: scenarios in the order given, the cells of a sweep shuffled, so that a drift of the machine is
 * spread over the sweep and does not look like an effect of it (docs/experiment.md). They share their scenario's budget.
 */
export function planRun(variants: readonly Variant[], { seed }: { seed: number }): Plan {
  const sweeps = Map.groupBy(variants, ({ name }) => name);
  const cells = [...sweeps].flatMap(([name, group]) =>
    shuffled(group, createRandom(seed, 'sweep', name)).map(variant => planCell(variant, group.length)),
  );
  return { seed, cells, estimatedMs: cells.reduce((sum, cell) => sum + cell.estimatedMs, 0) };
}

function planCell(
  { sweepPoints = [], serviceMs = 0, leftOut = [], generatorCode = {}, targets, ...whole }: Variant,
  cellCount: number,
): PlannedCell {
  const scenario = withBudget(whole, whole.timing.budgetMs / cellCount);
  const { baseline, name, clients } = scenario;
  const arms = [baseline, ...Object.keys(clients).filter(arm => arm !== baseline)];
  const cellTargets = targets ?? [{ arms }];
  const times = cellTimes(
    scenario,
    client => expectedResponseMs(scenario, client, serviceMs),
    cellTargets.length,
  );
  return {
    id: cellId(name, sweepPoints),
    scenario,
    sweepPoints,
    arms,
    leftOut,
    generatorCode,
    targets: cellTargets,
    estimatedMs: times.aboutMs,
    least: { oneMs: times.oneMostMs, intervalMs: times.intervalMostMs },
  };
}

/** How long a cell takes at most, ms: its budget, or what an interval needs where that is more. */
export function mostMsOf({ scenario, least }: PlannedCell): number {
  return Math.max(scenario.timing.budgetMs, least.intervalMs);
}

/** In whole ms, at least one. */
export function withBudget(scenario: Scenario, budgetMs: number): Scenario {
  return { ...scenario, timing: { ...scenario.timing, budgetMs: Math.max(1, Math.round(budgetMs)) } };
}

/** The trials of one replicate, one an arm, each with a seed of its own, in the order of their warm-up. */
export function trialsOf(cell: PlannedCell, replicate: number, seed: number): Trial[] {
  const { scenario } = cell;
  return warmUpOrder(cell, seed, replicate).map(arm => ({
    id: `${cell.id}/${replicate}/${arm}`,
    scenario: scenario.name,
    cell: cell.id,
    replicate,
    arm,
    target: scenario.target,
    ...(scenario.link === undefined ? {} : { link: scenario.link }),
    load: scenario.load,
    phases: scenario.phases,
    client: scenario.clients[arm]!,
    seed: Math.floor(createRandom(seed, 'trial', cell.id, replicate, arm)() * 2 ** 31),
  }));
}

/** In which order the arms take their slices of one block: every arm once, any order equally likely. */
export function blockOrder(cell: PlannedCell, seed: number, replicate: number, block: number): string[] {
  return shuffled(cell.arms, createRandom(seed, 'order', cell.id, replicate, block));
}

/**
 * In which order the arms are started and warmed up: shuffled, and reversed in the second of every two replicates. Who
 * comes first gains or loses about one per cent for life (docs/experiment.md); this way every arm is first as often.
 */
export function warmUpOrder(cell: PlannedCell, seed: number, replicate: number): string[] {
  const order = shuffled(cell.arms, createRandom(seed, 'warm-up', cell.id, Math.floor(replicate / 2)));
  return replicate % 2 === 0 ? order : order.reverse();
}
