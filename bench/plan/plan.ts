// In: scenarios and a seed. Out: what will be run, in which order, and for how long. Pure: the same seed, the same plan.
import type { Code } from '../core/code.ts';
import { createRandom, shuffled } from '../core/random.ts';
import type { Scenario } from '../core/scenario.ts';
import type { Trial } from '../core/types.ts';
import { estimateMs } from './timing.ts';

/** One target under one load, in which the arms are compared. */
export interface PlannedCell {
  id: string;
  scenario: Scenario;
  /** Baseline first, then as the scenario lists them. */
  arms: string[];
  /** About how long at most, ms. */
  estimatedMs: number;
  /** By arm, whose code its generator runs; ours where there is none. */
  code?: Readonly<Record<string, Code>>;
}

export interface Plan {
  seed: number;
  cells: PlannedCell[];
  estimatedMs: number;
}

/** Plans one cell a scenario, in the order given. */
export function planRun(scenarios: readonly Scenario[], { seed }: { seed: number }): Plan {
  const cells = scenarios.map(scenario => {
    const { baseline, name, clients } = scenario;
    const others = Object.keys(clients).filter(arm => arm !== baseline);
    return { id: name, scenario, arms: [baseline, ...others], estimatedMs: estimateMs(scenario) };
  });
  return { seed, cells, estimatedMs: cells.reduce((sum, cell) => sum + cell.estimatedMs, 0) };
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
