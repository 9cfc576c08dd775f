// Runs a real gate, as `conntax ab` does, with something injected.
import { replicateLogRatios } from '../../../results/compare.ts';
import { connectionsPer1k, readerOf, requestsPerSec } from '../../../results/metrics.ts';
import type { Metric } from '../../../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../../../results/model/trial.ts';
import { type Judgement, Scenario } from '../../../scenarios/model/scenario.ts';
import { AFTER, BEFORE, beforeAndAfter, DEFAULT_TIMING } from '../../cli/ab.ts';
import { type PlannedCell, planRun } from '../../plan/plan.ts';
import { measureCell } from '../../run/run.ts';
import { type Kind, LOAD, pairOf } from './kinds.ts';
import type { Observation, Replicate } from './observations.ts';

/** What is the same for all gates of a study. */
export interface GateSettings {
  minEffect: number;
  budgetMs: number;
}

/** Of one replicate; else as a scenario says nothing of it. */
export const TIMINGS = {
  processes: DEFAULT_TIMING,
  'short replicates': { warmupMinMs: 300, warmupMaxMs: 600, measureMs: 500 },
} as const;

const OWN = { label: 'this conntax', dir: null, packages: {} };

export function gateCell(
  design: keyof typeof TIMINGS,
  kind: Kind,
  seed: number,
  { minEffect, budgetMs }: GateSettings,
): PlannedCell {
  const { before, after } = pairOf(kind);
  const scenario = Scenario.parse({
    name: 'gate',
    question: 'Is a change seen that is there, and none that is not?',
    load: LOAD,
    clients: { [BEFORE]: before },
    baseline: BEFORE,
    timing: { ...TIMINGS[design], budgetMs },
  });
  const [pair] = beforeAndAfter(scenario, [BEFORE], { side: 'client', before: OWN, after: OWN, minEffect });
  const clients = { [BEFORE]: before, [AFTER]: after };
  return planRun([{ ...pair!, clients }], { seed }).cells[0]!;
}

export interface MeasureGateOptions extends GateSettings {
  design: keyof typeof TIMINGS;
  kind: Kind;
  seed: number;
  pinning: { targetCpu: number; generatorCpu: number } | null;
  loadAverage: number;
  signal: AbortSignal;
}

/** One gate. undefined when it was interrupted. @throws Error when it could not be measured. */
export async function measureGate(options: MeasureGateOptions): Promise<Observation | undefined> {
  const { design, kind, seed, pinning, loadAverage, signal, minEffect, budgetMs } = options;
  const at = new Date().toISOString();
  const trials: TrialResult[] = [];
  const result = await measureCell({
    cell: gateCell(design, kind, seed, options),
    seed,
    pinning,
    signal,
    isConfirming: true,
    emit: event => {
      if (event.type === 'trial') trials.push(event.result);
    },
  });
  if (signal.aborted) return undefined;
  if (result.failedTrials > 0) throw new Error(`a trial of a gate failed: ${result.stopDetail}`);
  return {
    at,
    design,
    kind,
    minEffect,
    budgetMs,
    loadAverage,
    elapsedMs: result.elapsedMs,
    first: worstOf(result.expectations.map(({ first }) => first)),
    state: worstOf(result.expectations),
    replicates: replicatesOf(trials),
  };
}

type State = Judgement['state'];

/** What a gate says that has these expectations. */
export function worstOf(judged: readonly { state: State }[]): State {
  return (['fail', 'unsure'] as const).find(worst => judged.some(({ state }) => state === worst)) ?? 'pass';
}

/** Of each replicate in which both arms completed. */
export function replicatesOf(trials: readonly TrialResult[]): Replicate[] {
  const groups = Map.groupBy(trials, ({ trial }) => trial.replicate);
  return [...groups.values()].flatMap(group => {
    const [before, after] = [BEFORE, AFTER].map(arm =>
      group.filter(result => result.state === 'completed').find(({ trial }) => trial.arm === arm),
    );
    if (before === undefined || after === undefined) return [];
    return {
      logRate: logRatioOf('requestsPerSec', before, after),
      logCpu: logRatioOf('cpuUsPerRequest', before, after),
      ratePerSecBefore: requestsPerSec(before)!,
      ratePerSecAfter: requestsPerSec(after)!,
      connectionsPer1kBefore: connectionsPer1k(before),
      connectionsPer1kAfter: connectionsPer1k(after),
    };
  });
}

function logRatioOf(metric: Metric, before: CompletedTrial, after: CompletedTrial): number {
  const [logRatio] = replicateLogRatios(readerOf(metric), [after], [before]);
  if (logRatio === undefined) throw new Error(`a replicate has no ratio of ${metric}`);
  return logRatio;
}
