// In: scenarios and a seed. Out: what will be run, in which order, and for how long. Pure: the same seed, the same plan.
import { type Problem, UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import type { Trial } from '../../results/model/trial.ts';
import { createRandom, shuffled } from '../../results/random.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { LeftOutArm, Scenario, SweepPoint } from '../../scenarios/model/scenario.ts';
import { type CellTarget, type Code, cellId, type Variant } from '../../scenarios/model/sweep.ts';
import type { ClientPlugin, Obstacle } from '../contracts.ts';
import { problemText } from './read-scenarios.ts';
import { cellTimes, expectedResponseMs } from './timing.ts';

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
function withBudget(scenario: Scenario, budgetMs: number): Scenario {
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
function warmUpOrder(cell: PlannedCell, seed: number, replicate: number): string[] {
  const order = shuffled(cell.arms, createRandom(seed, 'warm-up', cell.id, Math.floor(replicate / 2)));
  return replicate % 2 === 0 ? order : order.reverse();
}

// From the cells of a plan, and how long each has taken. Out: each cell with the time that it may take.

interface Budgets {
  /** The cell with an even share of what is left of its scenario's budget. */
  allot(cell: PlannedCell): PlannedCell;
  /** To be told of every cell that was allotted its share, once it is over. */
  spend(cell: PlannedCell, elapsedMs: number): void;
}

/** Of an even share: so much is left to every cell, however long the earlier ones took. */
const LEAST_SHARE = 0.5;

/**
 * The cells of a sweep share one budget: what a cell leaves, because it was precise early, goes to the later ones, and
 * what it takes beyond its share is taken from them. Their order is shuffled, so this favours no value of the sweep.
 */
export function createBudgets(cells: readonly PlannedCell[]): Budgets {
  const purses = new Map(
    [...Map.groupBy(cells, ({ scenario }) => scenario.name)].map(([name, group]) => [
      name,
      {
        leftMs: group.reduce((sum, { scenario }) => sum + scenario.timing.budgetMs, 0),
        cellsLeft: group.length,
      },
    ]),
  );
  return {
    allot(cell) {
      const { leftMs, cellsLeft } = purses.get(cell.scenario.name)!;
      const leastMs = cell.scenario.timing.budgetMs * LEAST_SHARE;
      return { ...cell, scenario: withBudget(cell.scenario, Math.max(leftMs / cellsLeft, leastMs)) };
    },
    spend({ scenario }, elapsedMs) {
      const purse = purses.get(scenario.name)!;
      purse.leftMs -= elapsedMs;
      purse.cellsLeft -= 1;
    },
  };
}

// From valid scenarios. Out: the same without the arms whose program is not installed here, and which those are.

type Transports = Readonly<Record<string, ClientPlugin>>;

/** Why an arm that may be left out (`ifInstalled`) is; undefined where it stays. */
function leftOutOf(
  arm: string,
  { ifInstalled, transport }: Client,
  transports: Transports,
): LeftOutArm | undefined {
  const plugin = ifInstalled && Object.hasOwn(transports, transport) ? transports[transport] : undefined;
  const obstacle = plugin?.kind === 'engine' ? plugin.missing?.() : undefined;
  return obstacle === undefined ? undefined : { arm, ...obstacle };
}

/** A baseline is never left out, so an arm remains in each. */
export function leaveOutMissing(variants: readonly Variant[], transports: Transports): Variant[] {
  return variants.map(variant => {
    const arms = Object.entries(variant.clients);
    const leftOut = arms.flatMap(([arm, client]) => leftOutOf(arm, client, transports) ?? []);
    if (leftOut.length === 0) return variant;
    const clients = arms.filter(([arm]) => leftOut.every(({ arm: name }) => name !== arm));
    return { ...variant, clients: Object.fromEntries(clients), leftOut };
  });
}

// From a plan, and what the servers of its cells answered before the run. Out: the plan without the arms that can't read such answers.

interface Unreadable extends Obstacle {
  arm: string;
  cell: PlannedCell;
}

/**
 * A load tool that counts such answers wrongly would give wrong figures. Its arm is left out where the scenario allows that.
 * @param servers by cell; none for a cell whose server is our own: every client reads what that answers
 * @throws UsageError where the scenario does not
 */
export function leaveOutUnreadable(
  plan: Plan,
  servers: ReadonlyMap<string, ForeignServer>,
  transports: Transports,
): Plan {
  const unreadable = plan.cells.flatMap(cell => unreadableArms(cell, servers.get(cell.id), transports));
  const problems = unreadable.filter(({ arm, cell }) => !mayBeLeftOut(cell, arm)).map(problemOf);
  if (problems.length > 0) throw new UsageError(problemText(problems), problems);
  const cells = plan.cells.map(cell =>
    withoutArms(
      cell,
      unreadable
        .filter(entry => entry.cell === cell)
        .map(({ arm, message, hint }) => ({ arm, message, hint })),
    ),
  );
  return { ...plan, cells };
}

function unreadableArms(
  cell: PlannedCell,
  server: ForeignServer | undefined,
  transports: Transports,
): Unreadable[] {
  if (server === undefined) return [];
  return cell.arms.flatMap(arm => {
    const { transport } = cell.scenario.clients[arm]!;
    const plugin = Object.hasOwn(transports, transport) ? transports[transport] : undefined;
    const obstacle = plugin?.kind === 'engine' ? plugin.refusesAnswers?.(server) : undefined;
    return obstacle === undefined ? [] : [{ arm, cell, ...obstacle }];
  });
}

function mayBeLeftOut({ scenario: { baseline, clients } }: PlannedCell, arm: string): boolean {
  return arm !== baseline && clients[arm]!.ifInstalled;
}

function problemOf({ arm, cell, message, hint }: Unreadable): Problem {
  return { file: cell.scenario.name, path: `clients.${arm}.transport`, message, hint };
}

function withoutArms(cell: PlannedCell, leftOut: readonly LeftOutArm[]): PlannedCell {
  if (leftOut.length === 0) return cell;
  const stays = (arm: string): boolean => leftOut.every(({ arm: name }) => name !== arm);
  const { clients } = cell.scenario;
  return {
    ...cell,
    scenario: {
      ...cell.scenario,
      clients: Object.fromEntries(Object.entries(clients).filter(([arm]) => stays(arm))),
    },
    arms: cell.arms.filter(stays),
    targets: cell.targets.map(target => ({ ...target, arms: target.arms.filter(stays) })),
    leftOut: [...cell.leftOut, ...leftOut],
  };
}
