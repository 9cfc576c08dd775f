// In: a cell, the target of each arm and the number of a replicate. Out: one trial result an arm: fresh generators, warmed up, in turns.
import { MeasureError, UsageError } from '../../results/errors.ts';
import { own } from '../../scenarios/model/own.ts';
import type { Trial, TrialResult } from '../../results/model/trial.ts';
import { trialsOf } from '../plan/plan.ts';
import { type Arm, createArm, type Failure, type GeneratorChild, type SlowestByArm } from './arm.ts';
import { ChildError, spawnChild } from './child.ts';
import { loadNiceness } from './link.ts';
import { failureOf } from './outcome.ts';
import { requireProtocol } from './protocol-version.ts';
import { createSession, type SessionOptions } from './session.ts';
import { deathCode, type MeasuredTarget, type TargetOf } from './targets.ts';

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
export function failedTrials(options: ReplicateOptions, startedAt: string, failure: Failure): TrialResult[] {
  return trialsOf(options.cell, options.replicate, options.seed).map(trial => ({
    trial,
    startedAt,
    state: 'failed',
    error: failure,
  }));
}

/**
 * Brings new targets to their working state with generators that are then thrown away. A generator whose first answers
 * come from a cold target is compiled for that, and stays up to a third slower for life (docs/experiment.md): so none
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
    entry: './load-child',
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
