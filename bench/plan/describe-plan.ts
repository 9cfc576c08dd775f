// In: a plan. Out: what `run --dry-run` shows of it, as data; the command line lays it out.
import type { Client } from '../core/client.ts';
import type { Load } from '../core/load.ts';
import type { Link, Target } from '../core/target.ts';
import { blockOrder, type Plan, type PlannedCell } from './plan.ts';

export interface CellDescription {
  id: string;
  question: string;
  target: Target;
  /** null: client and target meet on loopback. */
  link: Link | null;
  load: Load;
  arms: { name: string; isBaseline: boolean; client: Client }[];
  replicates: { min: number; max: number };
  /** Steady time per arm and replicate. */
  measureMs: number;
  warmupMs: { min: number; max: number };
  slicing: 'alternate' | 'whole';
  /** Order of the arms in the first blocks of the first replicate. */
  firstBlocks: string[][];
  precisionRatio: number;
  budgetMs: number;
  estimatedMs: number;
}

export interface PlanDescription {
  seed: number;
  estimatedMs: number;
  cells: CellDescription[];
}

const SHOWN_BLOCKS = 4;

function describeCell(cell: PlannedCell, seed: number): CellDescription {
  const { scenario } = cell;
  const { timing, clients } = scenario;
  const blockCount = timing.slicing === 'whole' ? 1 : SHOWN_BLOCKS;
  return {
    id: cell.id,
    question: scenario.question,
    target: scenario.target,
    link: scenario.link ?? null,
    load: scenario.load,
    arms: cell.arms.map(name => ({
      name,
      isBaseline: name === scenario.baseline,
      client: clients[name]!,
    })),
    replicates: { min: timing.minReplicates, max: timing.maxReplicates },
    measureMs: timing.measureMs,
    warmupMs: { min: timing.warmupMinMs, max: timing.warmupMaxMs },
    slicing: timing.slicing,
    firstBlocks: Array.from({ length: blockCount }, (_, block) => blockOrder(cell, seed, 0, block)),
    precisionRatio: timing.precision,
    budgetMs: timing.budgetMs,
    estimatedMs: cell.estimatedMs,
  };
}

/** Everything a reader needs to foresee what the plan will do. */
export function describePlan(plan: Plan): PlanDescription {
  return {
    seed: plan.seed,
    estimatedMs: plan.estimatedMs,
    cells: plan.cells.map(cell => describeCell(cell, plan.seed)),
  };
}
