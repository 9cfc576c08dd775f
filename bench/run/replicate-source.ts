// In: a planned cell. Out: its replicates, one after another, each on targets that are alive and in their working state.
import { MeasureError } from '../../results/errors.ts';
import type { FailureCode, TrialResult } from '../../results/model/trial.ts';
import { ChildError } from './child.ts';
import { type FoundServer, requireAnswer } from './external-server.ts';
import { openForeignTarget } from './foreign-target.ts';
import { loadNiceness } from './link.ts';
import { linkTo } from './linked-target.ts';
import { failureOf } from './outcome.ts';
import { conditionTargets, failedTrials, measureReplicate, type ReplicateOptions } from './replicate.ts';
import { deathCode, type MeasuredTarget, startTarget } from './targets.ts';

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
