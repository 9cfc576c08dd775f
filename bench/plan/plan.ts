// Plans a run: which cells and trials, in which order, with how many generators, and how the cells share time. The same seed gives the same plan.
import type { Host, SkippedCell } from '../../results/model/run.ts';
import type { Trial } from '../../results/model/trial.ts';
import { createRandom, shuffled } from '../../results/random.ts';
import { sumOf } from '../../results/stats.ts';
import type { LeftOutArm, Scenario, SweepPoint } from '../../scenarios/model/scenario.ts';
import { type CellTarget, type Code, cellId, type Variant } from '../../scenarios/model/sweep.ts';
import type { ClientPlugin } from '../contracts.ts';
import { countGenerators, evenWeights, refuseDivision } from './division.ts';
import { cellTimes, expectedResponseMs } from './forecast.ts';

/** One target under one load, in which arms are compared: clients, or versions of a client or of the target. */
export interface PlannedCell {
  id: string;
  /** With the cell's own share of the budget in its timing. */
  scenario: Scenario;
  /** Which cell of a sweep this is; empty without a sweep. */
  sweepPoints: readonly SweepPoint[];
  /** Baseline first, then as the scenario lists them. */
  arms: string[];
  /** Arms of the scenario that cannot run here. */
  leftOut: readonly LeftOutArm[];
  /** Expected duration, ms. */
  estimatedMs: number;
  /** How many replicates usually fit the budget. */
  likelyReplicates: number;
  /** Longest durations of one replicate, of the replicates that an interval needs, and of what follows when the time is over. */
  least: { oneMs: number; intervalMs: number; endingMs: number };
  /** By arm, the version that its generator runs; this checkout where absent. */
  generatorCode: Readonly<Record<string, Code>>;
  /** Its target processes: one for all arms, or one per compared version of the target. */
  targets: readonly CellTarget[];
  /** Runs whose expectations share one error with this one's, itself included. */
  errorSharers: number;
}

export interface Plan {
  seed: number;
  cells: PlannedCell[];
  estimatedMs: number;
  /** Cells that this machine cannot measure, which are not among the others; absent: none. */
  skipped?: SkippedCell[];
}

/**
 * Plans one cell per variant: scenarios in the given order, the cells of a sweep shuffled, so that drift of the machine is
 * spread over the sweep and does not look like its effect (docs/method.md). The cells share their scenario's budget.
 *
 * @param slowness how many times as long processes take here as on an idle machine, because others compete for the cores
 */
export function planRun(
  variants: readonly Variant[],
  { seed, slowness = 1 }: { seed: number; slowness?: number },
): Plan {
  const sweeps = Map.groupBy(variants, ({ name }) => name);
  const cells = [...sweeps].flatMap(([name, group]) =>
    shuffled(group, createRandom(seed, 'sweep', name)).map(variant =>
      planCell(variant, { cellCount: group.length, slowness }),
    ),
  );
  return { seed, cells, estimatedMs: sumOf(cells, cell => cell.estimatedMs) };
}

function planCell(
  {
    sweepPoints = [],
    serviceMs = 0,
    leftOut = [],
    generatorCode = {},
    targets,
    errorSharers = 1,
    ...whole
  }: Variant,
  { cellCount, slowness }: { cellCount: number; slowness: number },
): PlannedCell {
  const scenario = withBudget(whole, whole.timing.budgetMs / cellCount);
  const { baseline, name, clients } = scenario;
  const arms = [baseline, ...Object.keys(clients).filter(arm => arm !== baseline)];
  // A port is taken towards one server, so with few of them each arm has a server of its own.
  const isPerArm = scenario.limits?.localPorts !== undefined;
  const cellTargets = targets ?? (isPerArm ? arms.map(arm => ({ arms: [arm] })) : [{ arms }]);
  const times = cellTimes(scenario, {
    expectedMs: client => expectedResponseMs(scenario, client, serviceMs),
    targetCount: cellTargets.length,
    slowness,
  });
  return {
    id: cellId(name, sweepPoints),
    scenario,
    sweepPoints,
    arms,
    leftOut,
    generatorCode,
    targets: cellTargets,
    errorSharers,
    estimatedMs: times.aboutMs,
    likelyReplicates: times.replicates,
    least: { oneMs: times.oneMostMs, intervalMs: times.intervalMostMs, endingMs: times.endingMostMs },
  };
}

/** When measuring a cell ends at the latest, ms: its budget, or the time an interval needs if that is longer. */
export function limitMsOf({ scenario, least }: PlannedCell): number {
  return Math.max(scenario.timing.budgetMs, least.intervalMs);
}

/** Longest duration of a cell, ms. */
export function mostMsOf(cell: PlannedCell): number {
  return limitMsOf(cell) + cell.least.endingMs;
}

/** The budget is rounded to whole ms, at least one. */
function withBudget(scenario: Scenario, budgetMs: number): Scenario {
  return { ...scenario, timing: { ...scenario.timing, budgetMs: Math.max(1, Math.round(budgetMs)) } };
}

/** The trials of one replicate, one per arm, each with its own seed, in the order of their warm-up. */
export function trialsOf(cell: PlannedCell, replicate: number, seed: number): Trial[] {
  const { scenario } = cell;
  const generators = countGenerators(scenario);
  return warmUpOrder(cell, seed, replicate).map(arm => ({
    id: `${cell.id}/${replicate}/${arm}`,
    scenario: scenario.name,
    cell: cell.id,
    replicate,
    arm,
    target: scenario.target,
    ...(scenario.link === undefined ? {} : { link: scenario.link }),
    load: scenario.load,
    ...(scenario.request === undefined ? {} : { request: scenario.request }),
    ...(scenario.requests === undefined ? {} : { requests: scenario.requests }),
    ...(generators === 1 ? {} : { generators }),
    phases: scenario.phases,
    client: scenario.clients[arm]!,
    seed: Math.floor(createRandom(seed, 'trial', cell.id, replicate, arm)() * 2 ** 31),
  }));
}

/**
 * Begins the sequence in which the requests of a scenario are drawn, the same for all arms.
 * @param slice the block of a measured slice; `warm-up/n` for the nth other one of an arm
 */
export function requestSeed(
  cell: Pick<PlannedCell, 'id'>,
  seed: number,
  replicate: number,
  slice: number | `warm-up/${number}`,
): number {
  return Math.floor(createRandom(seed, 'requests', cell.id, replicate, slice)() * 2 ** 31);
}

/** The order of slices in one block: every arm once, any order equally likely. */
export function blockOrder(cell: PlannedCell, seed: number, replicate: number, block: number): string[] {
  return shuffled(cell.arms, createRandom(seed, 'order', cell.id, replicate, block));
}

/**
 * The order in which arms are started and warmed up: shuffled, and reversed in every second replicate. The first arm
 * gains or loses about one per cent for its whole life (docs/method.md); this way every arm is first equally often.
 */
function warmUpOrder(cell: PlannedCell, seed: number, replicate: number): string[] {
  const order = shuffled(cell.arms, createRandom(seed, 'warm-up', cell.id, Math.floor(replicate / 2)));
  return replicate % 2 === 0 ? order : order.reverse();
}

/** Every cell keeps at least this fraction of an even share, however long the earlier ones took. */
const MIN_SHARE = 0.5;

/**
 * Time budgets of the cells, adjusted to how long the earlier ones took. The cells of a sweep share one budget: time saved by an
 * early cell goes to the later ones, and time beyond its share is taken from them. Their order is shuffled, so this favours no
 * value of the sweep.
 */
export class Budgets {
  /** By scenario. */
  readonly #remaining = new Map<string, { leftMs: number; cellsLeft: number }>();

  constructor(cells: readonly PlannedCell[]) {
    for (const [name, group] of Map.groupBy(cells, ({ scenario }) => scenario.name)) {
      const leftMs = sumOf(group, ({ scenario }) => scenario.timing.budgetMs);
      this.#remaining.set(name, { leftMs, cellsLeft: group.length });
    }
  }

  /** The cell with an even share of the remaining budget of its scenario. */
  allot(cell: PlannedCell): PlannedCell {
    const { leftMs, cellsLeft } = this.#remaining.get(cell.scenario.name)!;
    const leastMs = cell.scenario.timing.budgetMs * MIN_SHARE;
    return { ...cell, scenario: withBudget(cell.scenario, Math.max(leftMs / cellsLeft, leastMs)) };
  }

  /** Records how long a cell took. Call it once for every cell that was allotted a share. */
  spend({ scenario }: PlannedCell, elapsedMs: number): void {
    const budget = this.#remaining.get(scenario.name)!;
    budget.leftMs -= elapsedMs;
    budget.cellsLeft -= 1;
  }
}

type Transports = Readonly<Record<string, ClientPlugin>>;

/** Cores that a target leaves to the generators of a client; at least one. */
export function countSpareCores({ pinning, cpuCount }: Pick<Host, 'pinning' | 'cpuCount'>): number {
  return Math.max(1, pinning === null ? cpuCount - 1 : (pinning.generatorCpus?.length ?? 1));
}

/** Replaces `generators: 'auto'` by the largest number that has a core for each and that the load can be divided over. */
export function settleGenerators(plan: Plan, spareCores: number, transports: Transports): Plan {
  const cells = plan.cells.map(cell => {
    if (cell.scenario.generators !== 'auto') return cell;
    let generators = spareCores;
    while (refuseDivision(cell.scenario, transports, evenWeights(generators)).length > 0) generators--;
    return { ...cell, scenario: { ...cell.scenario, generators } };
  });
  return { ...plan, cells };
}
