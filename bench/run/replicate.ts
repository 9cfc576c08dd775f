// In: a cell, the target of each arm and the number of a replicate. Out: one trial result an arm: fresh generators, warmed up, in turns.
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { FailureCode, Trial, TrialResult } from '../../results/model/trial.ts';
import { own } from '../../scenarios/model/own.ts';
import { trialsOf } from '../plan/plan.ts';
import { type Arm, createArm, type Failure, type GeneratorChild, type SlowestByArm } from './arm.ts';
import { ChildError, requireProtocol, spawnChild } from './child.ts';
import { type FoundServer, requireAnswer } from './external-server.ts';
import { createSession, failureOf, type SessionOptions } from './session.ts';
import {
  deathCode,
  linkTo,
  loadNiceness,
  type MeasuredTarget,
  openForeignTarget,
  startTarget,
  type TargetOf,
} from './targets.ts';

export interface ReplicateOptions extends Omit<SessionOptions, 'arms'> {
  pinning: { targetCpu: number; generatorCpu: number } | null;
  /** Of the cell, over all of its replicates. */
  slowest: SlowestByArm;
}

const START_TIMEOUT_MS = 20_000;

/**
 * Measures one replicate. Failures of a process are results; only bugs are thrown.
 * When the signal aborts, what was measured so far is kept and marked as partial.
 */
export async function measureReplicate(
  options: ReplicateOptions,
  targetOf: TargetOf,
): Promise<TrialResult[]> {
  const trials = trialsOf(options.cell, options.replicate, options.seed);
  const startedAt = new Date().toISOString();
  try {
    return await withSession(options, targetOf, trials, async session => {
      await session.warmUp();
      await session.search();
      await session.measure();
      return session.finish(startedAt);
    });
  } catch (error) {
    if (!(error instanceof ChildError || error instanceof MeasureError)) throw error;
    return failedTrials(
      options,
      startedAt,
      failureOf(error, deathCode(...trials.map(({ arm }) => targetOf(arm)))),
    );
  }
}

/** The results of a replicate in which nothing could be measured, all for the same cause. */
function failedTrials(options: ReplicateOptions, startedAt: string, failure: Failure): TrialResult[] {
  return trialsOf(options.cell, options.replicate, options.seed).map(trial => ({
    trial,
    startedAt,
    state: 'failed',
    error: failure,
  }));
}

/**
 * Brings new targets to their working state with generators that are then thrown away. A generator whose first answers
 * come from a cold target is compiled for that, and stays up to a third slower for life (docs/method.md): so none
 * that is measured may meet one.
 * @throws ChildError when a target does not survive it.
 */
export async function conditionTargets(options: ReplicateOptions, targetOf: TargetOf): Promise<void> {
  if (options.cell.scenario.timing.warmupMaxMs === 0) return;
  const trials = trialsOf(options.cell, options.replicate, options.seed);
  await withSession(options, targetOf, trials, session => session.warmUp());
}

async function withSession<T>(
  options: ReplicateOptions,
  targetOf: TargetOf,
  trials: readonly Trial[],
  use: (session: ReturnType<typeof createSession>) => Promise<T>,
): Promise<T> {
  const { cell, replicate, emit } = options;
  emit({ type: 'progress', cell: cell.id, replicate, phase: 'start', leftMs: options.leftMs() });
  const arms = trials.map(trial => spawnArm(trial, targetOf(trial.arm), options));
  try {
    await Promise.all(arms.map(prepareArm));
    return await use(createSession({ ...options, arms }));
  } finally {
    await Promise.all(arms.map(arm => arm.child.kill()));
  }
}

function spawnArm(trial: Trial, target: MeasuredTarget, { cell, pinning, slowest }: ReplicateOptions): Arm {
  const child: GeneratorChild = spawnChild({
    title: `the generator of arm ${trial.arm}`,
    entry: './generator-child',
    code: own(cell.generatorCode, trial.arm),
    cpu: pinning?.generatorCpu ?? null,
    niceness: loadNiceness(cell.scenario),
  });
  return createArm(trial, child, target, slowest);
}

async function prepareArm(arm: Arm): Promise<void> {
  try {
    const { endpoint } = arm.target;
    const command = { type: 'prepare', trial: arm.trial, endpoint } as const;
    const { protocol, dropsInFlight } = await arm.child.ask(command, 'ready', START_TIMEOUT_MS);
    requireProtocol(protocol, `the generator of arm ${arm.trial.arm}`);
    arm.dropsInFlight = dropsInFlight;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    arm.failure = failureOf(error, 'generator-start');
  }
}

// From a planned cell. Out: its replicates, one after another, each on targets that are alive and in their working state.

export type SourceOptions = Omit<ReplicateOptions, 'replicate' | 'slowest'> & {
  /** The cell's target, where it is a server that we do not start: found, and found where load may go. */
  server?: FoundServer | undefined;
};

export interface ReplicateSource {
  /** What the target says that it takes to answer; null before it has started, and where it can't say. */
  readonly serviceMs: number | null;
  /** How long the last replicate took, without the start of a target that is kept. */
  readonly replicateMs: number;
  /** None when it was interrupted before any arm was measured. */
  next(replicate: number): Promise<TrialResult[]>;
  /** Ends the targets. */
  close(): Promise<void>;
}

/**
 * A target that all arms share is kept from replicate to replicate while it lives: what is special about that very process
 * hits them all alike. Where arms have targets of their own, these are what is compared, so they are fresh in every
 * replicate, as generators are. Behind a link a target and its relay start and end together.
 */
export function createReplicateSource(options: SourceOptions): ReplicateSource {
  const { cell, seed, pinning, signal, server } = options;
  const { scenario } = cell;
  const isKept = cell.targets.length === 1;
  /** In the order of `cell.targets`. */
  let targets: MeasuredTarget[] = [];
  const slowest: ReplicateOptions['slowest'] = new Map();
  let serviceMs: number | null = null;
  let replicateMs = 0;
  /** What it means when it fails now. */
  let failureCode = (): FailureCode => 'target-start';

  const targetOf = (arm: string): MeasuredTarget =>
    targets[cell.targets.findIndex(({ arms }) => arms.includes(arm))]!;

  async function close(): Promise<void> {
    await Promise.all(targets.map(target => target.kill()));
  }

  async function startOwn({ arms, code }: (typeof cell.targets)[number]): Promise<void> {
    failureCode = () => 'target-start';
    const own = await startTarget(scenario.target, seed, pinning?.targetCpu ?? null, {
      title: isKept ? 'the target' : `the target of arm ${arms.join(', ')}`,
      code,
      niceness: loadNiceness(scenario),
    });
    const index = targets.push(own) - 1;
    serviceMs = own.serviceMs ?? null;
    if (scenario.link === undefined) return;
    failureCode = () => 'link-start';
    targets[index] = await linkTo(own, scenario.link, seed);
  }

  async function openOwn(replicateOptions: ReplicateOptions): Promise<void> {
    await close(); // what is left of them
    targets = [];
    for (const target of cell.targets) await startOwn(target);
    failureCode = () => deathCode(...targets);
    await conditionTargets(replicateOptions, targetOf);
  }

  /** Whoever runs it may have ended it; between replicates it is asked whether it still answers. */
  async function openForeign(found: FoundServer, replicate: number): Promise<void> {
    targets = [openForeignTarget(found)];
    if (replicate > 0) await requireAnswer(found, signal);
  }

  return {
    get serviceMs() {
      return serviceMs;
    },
    get replicateMs() {
      return replicateMs;
    },
    async next(replicate) {
      const replicateOptions: ReplicateOptions = { ...options, slowest, replicate };
      const startedAt = new Date().toISOString();
      let startedAtMs = performance.now();
      const isReady = isKept && targets.length > 0 && targets.every(({ isAlive }) => isAlive);
      try {
        if (server !== undefined) await openForeign(server, replicate);
        else if (!isReady) await openOwn(replicateOptions);
        if (isKept) startedAtMs = performance.now();
        return signal.aborted ? [] : await measureReplicate(replicateOptions, targetOf);
      } catch (error) {
        if (!(error instanceof ChildError || error instanceof MeasureError)) throw error;
        const failure = failureOf(error, failureCode());
        await close();
        // Ctrl-C reaches a process that is just starting before it can ignore it: no failure of its own.
        if (signal.aborted) return [];
        return failedTrials(replicateOptions, startedAt, failure);
      } finally {
        replicateMs = performance.now() - startedAtMs;
      }
    },
    close,
  };
}
