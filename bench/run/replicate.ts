// Runs replicates: starts targets and fresh generators, warms them up, measures the arms in turn, and returns a trial result per arm.
import { UsageError } from '../../results/errors.ts';
import type { FailureCode, Trial, TrialResult } from '../../results/model/trial.ts';
import { own } from '../../scenarios/model/facts.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import { prepareRequests, secretsOf } from '../clients/request.ts';
import { type PlannedCell, trialsOf } from '../plan/plan.ts';
import { Arm, type Failure, type GeneratorChild, type SlowestByArm } from './arm.ts';
import { spawnChild } from './child.ts';
import type { ReplicateContext, ReplicateSource, TimedCellContext } from './context.ts';
import { type FoundTarget, requireAnswer } from './find-servers.ts';
import { createGeneratorGroup, type Member } from './generator-group.ts';
import { type LimitedMachine, openLimitedMachine } from './limited-machine.ts';
import { Session } from './session.ts';
import { hasCommand, startServer } from './started-server.ts';
import {
  deathCode,
  linkTo,
  loadNiceness,
  type MeasuredTarget,
  openForeignTarget,
  startTarget,
  type TargetOf,
} from './targets.ts';
import { failureOf, isFailure } from './trial-result.ts';

/**
 * Measures one replicate. Failures of a process are results; only bugs are thrown.
 * When the signal aborts, the measurement so far is kept and marked as partial.
 */
export async function measureReplicate(
  context: ReplicateContext,
  targetOf: TargetOf,
): Promise<TrialResult[]> {
  const trials = trialsIn(context);
  const startedAt = new Date().toISOString();
  try {
    return await withSession(context, targetOf, trials, async session => {
      await session.warmUp();
      await session.search();
      await session.measure();
      await session.measureAlone();
      return session.finish();
    });
  } catch (error) {
    if (!isFailure(error)) throw error;
    return failedTrials(
      trials,
      startedAt,
      failureOf(error, deathCode(...trials.map(({ arm }) => targetOf(arm)))),
    );
  }
}

/** The trials of a replicate, with the generators that they have on other machines. */
function trialsIn({ cell, replicate, seed, fleet }: ReplicateContext): Trial[] {
  const trials = trialsOf(cell, replicate, seed);
  return fleet === undefined ? trials : trials.map(trial => fleet.spread(trial, cell.scenario));
}

/** The results of a replicate in which nothing could be measured, all for the same reason. */
function failedTrials(trials: readonly Trial[], startedAt: string, failure: Failure): TrialResult[] {
  return trials.map(trial => ({
    trial,
    startedAt,
    state: 'failed',
    error: failure,
  }));
}

/**
 * Brings new targets to their working state with generators that are then discarded. A generator whose first answers
 * come from a cold target is compiled for that, and stays up to a third slower for life (docs/method.md). So no
 * measured generator may meet a cold target.
 * @throws ChildError when a target does not survive it
 */
export async function conditionTargets(context: ReplicateContext, targetOf: TargetOf): Promise<void> {
  if (context.cell.scenario.timing.warmupMaxMs === 0) return;
  await withSession(context, targetOf, trialsIn(context), session => session.warmUp());
}

/** Starts the generators of some trials and ends them after use. @throws ChildError */
export async function withSession<T>(
  context: ReplicateContext,
  targetOf: TargetOf,
  trials: readonly Trial[],
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { cell, replicate, emit } = context;
  emit({ type: 'progress', cell: cell.id, replicate, phase: 'start', leftMs: context.leftMs() });
  // Before processes start, which would delay the answers.
  await context.fleet?.sync();
  const arms = trials.map(trial => spawnArm(trial, targetOf(trial.arm), context));
  try {
    await Promise.all(arms.map(prepareArm));
    return await use(new Session({ ...context, arms }));
  } finally {
    await Promise.all(arms.map(arm => arm.child.kill()));
  }
}

function spawnArm(trial: Trial, target: MeasuredTarget, context: ReplicateContext): Arm {
  const { cell, pinning, slowest, limit, limitedMachine, fleet } = context;
  const { arm, generators = 1 } = trial;
  const niceness = loadNiceness(cell.scenario);
  if (fleet !== undefined) {
    const group = fleet.spawn(cell.scenario, { trial, niceness, limit, env: process.env });
    return new Arm(trial, createGeneratorGroup(group), target, slowest);
  }
  const isPinned = pinning !== null && cell.scenario.limits?.clientCpus === undefined;
  const cpus = isPinned ? (pinning.generatorCpus ?? [pinning.generatorCpu]) : [];
  const spawn = (title: string, index: number): GeneratorChild =>
    spawnChild({
      title: `${title} of client ${arm}`,
      entry: './generator-child',
      code: own(cell.generatorCode, arm),
      prefix: limitedMachine?.clientPrefix,
      cpu: cpus.length === 0 ? null : cpus[index % cpus.length]!,
      niceness,
      limit,
    });
  if (generators === 1) return new Arm(trial, spawn('the generator', 0), target, slowest);
  const members = Array.from({ length: generators }, (_, index): Member => {
    return { child: spawn(`generator ${index + 1} of ${generators}`, index), weight: 1 };
  }) as [Member, ...Member[]];
  const coreCount = cpus.length === 0 ? generators : Math.min(generators, cpus.length);
  return new Arm(trial, createGeneratorGroup({ members, coreCount }), target, slowest);
}

async function prepareArm(arm: Arm): Promise<void> {
  try {
    const { endpoint } = arm.target;
    const command = { type: 'prepare', trial: arm.trial, endpoint } as const;
    const { dropsInFlight, hasUsers } = await arm.child.start(command, 'ready');
    arm.dropsInFlight = dropsInFlight;
    arm.hasUsers = hasUsers;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    arm.failure = failureOf(error, 'generator-start');
  }
}

export function createReplicateSource(context: TimedCellContext): ReplicateSource {
  return new LiveReplicates(context);
}

/**
 * Replicates of a cell, one after another, each on targets that are alive and in their working state.
 *
 * A target that all arms share is kept from replicate to replicate while it lives, so that peculiarities of its process
 * affect all arms equally. If arms have targets of their own, the targets are what is compared, so they are fresh in every
 * replicate, as generators are. Behind a link, a target and its relay start and end together.
 */
class LiveReplicates implements ReplicateSource {
  serviceMs: number | null = null;
  replicateMs = 0;
  readonly #context: TimedCellContext;
  readonly #slowest: SlowestByArm = new Map();
  readonly #isKept: boolean;
  /** In the order of `cell.targets`. */
  #targets: MeasuredTarget[] = [];
  #limitedMachine: LimitedMachine | undefined;
  /** The code of a failure at the current step. */
  #failureCode: () => FailureCode = () => 'target-start';

  constructor(context: TimedCellContext) {
    this.#context = context;
    const { targets, scenario } = context.cell;
    // Ports that a replicate leaves in TIME_WAIT are free only in a new namespace.
    this.#isKept = targets.length === 1 && scenario.limits?.localPorts === undefined;
  }

  async next(replicate: number): Promise<TrialResult[]> {
    const { signal } = this.#context;
    const context: ReplicateContext = { ...this.#context, slowest: this.#slowest, replicate };
    const startedAt = new Date().toISOString();
    let startedAtMs = performance.now();
    try {
      this.#context.fleet?.requireUsable();
      await this.#openTargets(context);
      if (this.#isKept) startedAtMs = performance.now();
      return signal.aborted
        ? []
        : await measureReplicate({ ...context, limitedMachine: this.#limitedMachine }, arm =>
            this.#targetOf(arm),
          );
    } catch (error) {
      if (!isFailure(error)) throw error;
      const failure = failureOf(error, this.#failureCode());
      await this.close();
      // Ctrl-C reaches a process that is just starting before it can ignore it, which is not a failure.
      if (signal.aborted) return [];
      return failedTrials(trialsIn(context), startedAt, failure);
    } finally {
      this.replicateMs = performance.now() - startedAtMs;
    }
  }

  async profile(dir: string): Promise<void> {
    const { cell, emit } = this.#context;
    const replicate = 0;
    const limitedMachine = this.#limitedMachine;
    const context: ReplicateContext = { ...this.#context, slowest: this.#slowest, replicate, limitedMachine };
    try {
      await withSession(
        context,
        arm => this.#targetOf(arm),
        trialsIn(context),
        async session => {
          await session.warmUp();
          await session.profile(dir);
        },
      );
    } catch (error) {
      // The figures are measured: they stand without profiles.
      if (!isFailure(error)) throw error;
      emit({ type: 'notice', cell: cell.id, message: `not profiled: ${error.message}` });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#targets.map(target => target.kill()));
    await this.#limitedMachine?.close();
    this.#limitedMachine = undefined; // what is closed is not measured on again
  }

  #targetOf(arm: string): MeasuredTarget {
    return this.#targets[this.#context.cell.targets.findIndex(({ arms }) => arms.includes(arm))]!;
  }

  async #openTargets(context: ReplicateContext): Promise<void> {
    const { server } = this.#context;
    const isReady = this.#isKept && this.#targets.length > 0 && this.#targets.every(({ isAlive }) => isAlive);
    if (server !== undefined && isExternal(context.cell.scenario.target))
      await this.#openForeign(server, context.replicate);
    else if (!isReady) await this.#openOwn(context);
  }

  /** The server may have been stopped meanwhile, so each later replicate checks that it still answers. */
  async #openForeign(server: FoundTarget, replicate: number): Promise<void> {
    const { limits } = this.#context.cell.scenario;
    this.#targets = [openForeignTarget(server, this.#context)];
    this.#limitedMachine ??= limits && (await openLimitedMachine(limits));
    if (replicate > 0) await requireAnswer(server, this.#context.signal);
  }

  async #openOwn(context: ReplicateContext): Promise<void> {
    await this.close(); // processes left from the last replicate
    this.#targets = [];
    const { limits } = context.cell.scenario;
    this.#limitedMachine = limits && (await openLimitedMachine(limits));
    for (const planned of context.cell.targets) await this.#startOwn(planned);
    await this.#limitedMachine?.narrow();
    this.#failureCode = () => deathCode(...this.#targets);
    await conditionTargets({ ...context, limitedMachine: this.#limitedMachine }, arm => this.#targetOf(arm));
  }

  async #startOwn({ arms, code }: PlannedCell['targets'][number]): Promise<void> {
    const { cell, seed, pinning, limit, serverMachine } = this.#context;
    const { scenario } = cell;
    const cpu = scenario.limits?.serverCpus === undefined ? (pinning?.targetCpu ?? null) : null;
    const prefix = this.#limitedMachine?.serverPrefix;
    this.#failureCode = () => 'target-start';
    if (hasCommand(scenario.target)) {
      const secrets = secretsOf(prepareRequests(scenario, '/', process.env));
      const options = { code, secrets, signal: this.#context.signal, cpu, prefix };
      this.#targets.push(await startServer(scenario.target, options));
      return;
    }
    const target = await startTarget(scenario.target, seed, cpu, {
      title: this.#isKept ? 'the target' : `the target of client ${arms.join(', ')}`,
      code,
      niceness: loadNiceness(scenario),
      prefix,
      limit,
      serverMachine,
    });
    const index = this.#targets.push(target) - 1;
    this.serviceMs = target.serviceMs ?? null;
    if (scenario.link === undefined) return;
    this.#failureCode = () => 'link-start';
    this.#targets[index] = await linkTo(target, scenario.link, seed, limit);
  }
}
