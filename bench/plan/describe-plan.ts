// In: a plan. Out: what `run --dry-run` shows of it, as data; the command line lays it out.
import type { Client } from '../../scenarios/model/client.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { LeftOutArm, SweepPoint } from '../../results/model/run.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';
import { axesOf, type SweepAxis } from '../../scenarios/model/sweep.ts';
import type { Link, Target } from '../../scenarios/model/target.ts';
import { blockOrder, mostMsOf, type Plan, type PlannedCell } from './plan.ts';
import { sureReplicates } from './timing.ts';

export interface CellDescription {
  id: string;
  /** Which cell of a sweep this is; empty without a sweep. */
  sweepPoints: readonly SweepPoint[];
  question: string;
  target: Target;
  /** null: client and target meet on loopback. */
  link: Link | null;
  load: Load;
  arms: { name: string; isBaseline: boolean; client: Client }[];
  leftOut: readonly LeftOutArm[];
  replicates: { min: number; max: number };
  /** Steady time per arm and replicate. */
  measureMs: number;
  warmupMs: { min: number; max: number };
  slicing: 'alternate' | 'whole';
  /** Order of the arms in the first blocks of the first replicate. */
  firstBlocks: string[][];
  precisionRatio: number;
  /** What ends the replicates. */
  until: Timing['until'];
  budgetMs: number;
  /** About how long it takes, and at most. */
  estimatedMs: number;
  mostMs: number;
}

export interface ScenarioDescription {
  name: string;
  /** What it sweeps; empty without a sweep. */
  sweep: SweepAxis[];
  /** Ids of its cells, in the order in which they are measured. */
  cells: string[];
  /** That its cells share. */
  budgetMs: number;
  estimatedMs: number;
  mostMs: number;
  /** Whether the budget is too short for the replicates that an interval needs, on a busy machine. */
  isOverBudget: boolean;
  /** One replicate of each cell, and those that are made at least (`replicates` of them), at most. */
  least: { oneMs: number; intervalMs: number; replicates: number };
}

export interface PlanDescription {
  seed: number;
  estimatedMs: number;
  mostMs: number;
  scenarios: ScenarioDescription[];
  cells: CellDescription[];
}

const SHOWN_BLOCKS = 4;

function describeCell(cell: PlannedCell, seed: number): CellDescription {
  const { scenario } = cell;
  const { timing, clients } = scenario;
  const blockCount = timing.slicing === 'whole' ? 1 : SHOWN_BLOCKS;
  return {
    id: cell.id,
    sweepPoints: cell.sweepPoints,
    question: scenario.question,
    target: scenario.target,
    link: scenario.link ?? null,
    load: scenario.load,
    arms: cell.arms.map(name => ({
      name,
      isBaseline: name === scenario.baseline,
      client: clients[name]!,
    })),
    leftOut: cell.leftOut,
    replicates: { min: timing.minReplicates, max: timing.maxReplicates },
    measureMs: timing.measureMs,
    warmupMs: { min: timing.warmupMinMs, max: timing.warmupMaxMs },
    slicing: timing.slicing,
    firstBlocks: Array.from({ length: blockCount }, (_, block) => blockOrder(cell, seed, 0, block)),
    precisionRatio: timing.precision,
    until: timing.until,
    budgetMs: timing.budgetMs,
    estimatedMs: cell.estimatedMs,
    mostMs: mostMsOf(cell),
  };
}

function describeScenario(name: string, cells: readonly PlannedCell[]): ScenarioDescription {
  const sum = (read: (cell: PlannedCell) => number) => cells.reduce((total, cell) => total + read(cell), 0);
  const budgetMs = sum(({ scenario }) => scenario.timing.budgetMs);
  const least = {
    oneMs: sum(cell => cell.least.oneMs),
    intervalMs: sum(cell => cell.least.intervalMs),
    replicates: sureReplicates(cells[0]!.scenario.timing),
  };
  return {
    name,
    sweep: axesOf(cells[0]!.scenario),
    cells: cells.map(({ id }) => id),
    budgetMs,
    estimatedMs: sum(cell => cell.estimatedMs),
    mostMs: sum(mostMsOf),
    isOverBudget: least.intervalMs > budgetMs,
    least,
  };
}

/** Everything a reader needs to foresee what the plan will do. */
export function describePlan(plan: Plan): PlanDescription {
  return {
    seed: plan.seed,
    estimatedMs: plan.cells.reduce((sum, cell) => sum + cell.estimatedMs, 0),
    mostMs: plan.cells.reduce((sum, cell) => sum + mostMsOf(cell), 0),
    scenarios: [...Map.groupBy(plan.cells, ({ scenario }) => scenario.name)].map(([name, cells]) =>
      describeScenario(name, cells),
    ),
    cells: plan.cells.map(cell => describeCell(cell, plan.seed)),
  };
}
