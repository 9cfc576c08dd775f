// In: what is injected. Out: replicates of a comparison whose two arms share one process: its mode is then the same for both.
import { Target } from '../../../scenarios/model/target.ts';
import { DEFAULT_TIMING } from '../../cli/ab.ts';
import { spawnChild } from '../../run/child.ts';
import { startTarget } from '../../run/targets.ts';
import type { GateSettings } from './gates.ts';
import { type Kind, LOAD, pairOf } from './kinds.ts';
import type { Observation, Replicate } from './observations.ts';
import type { OneProcessCommand, OneProcessReply } from './one-process-protocol.ts';

const TIMEOUT_MS = 60_000;

export interface GatherOptions extends GateSettings {
  kind: Kind;
  seed: number;
  pinning: { targetCpu: number; generatorCpu: number } | null;
  loadAverage: number;
  signal: AbortSignal;
}

/** As many replicates as the budget holds, all of one process; undefined when it was interrupted. */
export async function gatherInOneProcess(options: GatherOptions): Promise<Observation | undefined> {
  const { kind, seed, pinning, loadAverage, signal, minEffect, budgetMs } = options;
  const at = new Date().toISOString();
  const startMs = performance.now();
  const { warmupMaxMs, measureMs } = DEFAULT_TIMING;
  const replicates: Replicate[] = [];
  await using stack = new AsyncDisposableStack();
  const server = await startTarget(Target.parse({}), seed, pinning?.targetCpu ?? null);
  stack.defer(server.kill);
  const child = spawnChild<OneProcessCommand, OneProcessReply>({
    title: 'the process of both arms',
    entry: '../studies/gate-power/one-process-child',
    cpu: pinning?.generatorCpu ?? null,
  });
  stack.defer(child.kill);
  const { before, after } = pairOf(kind);
  const { endpoint } = server;
  await child.ask({ type: 'prepare', clients: [before, after], ...LOAD, endpoint }, 'ready', TIMEOUT_MS);
  const measure = async (ms: number): Promise<Replicate> =>
    (await child.ask({ type: 'measure', measureMs: ms }, 'replicate', TIMEOUT_MS)).replicate;
  await measure(warmupMaxMs);
  while (performance.now() - startMs < budgetMs && !signal.aborted) replicates.push(await measure(measureMs));
  if (signal.aborted) return undefined;
  const elapsedMs = performance.now() - startMs;
  const verdict = { first: null, state: null };
  return {
    at,
    design: 'one process',
    kind,
    minEffect,
    budgetMs,
    loadAverage,
    elapsedMs,
    ...verdict,
    replicates,
  };
}
