// Real gates: what is injected into the second of two clients, how a gate is run on it, as `conntax ab` does, and what it has seen, stored
// one per line, so that the study can be run in parts.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ratioOver } from '../../../results/compare.ts';
import { connectionsPer1k, readerOf, requestsPerSec } from '../../../results/metrics.ts';
import type { Metric } from '../../../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../../../results/model/trial.ts';
import { Client } from '../../../scenarios/model/client.ts';
import { type Judgement, Scenario } from '../../../scenarios/model/scenario.ts';
import { AFTER, BEFORE, beforeAndAfter, DEFAULT_TIMING } from '../../cli/ab.ts';
import { type PlannedCell, planRun } from '../../plan/plan.ts';
import { measureCell } from '../../run/run.ts';

export const KINDS = ['nothing', 'cpu-5', 'cpu-10', 'connections'] as const;
export type Kind = (typeof KINDS)[number];

/** Of whose second arm only the time per request differs: what was recorded of equal arms can stand in for it. */
export const SLOWDOWNS: readonly Kind[] = ['cpu-5', 'cpu-10'];

const CONCURRENCY = 100;
/** A client that closes each connection after this number of requests opens one more per 100. */
const REQUESTS_PER_CONNECTION = 100;
const pool = { maxConnections: CONCURRENCY };

function slowed(slowerByRatio: number): Client {
  const modulePath = fileURLToPath(new URL('slowed-client.ts', import.meta.url));
  const transport = './slowed-client.ts';
  return { ...Client.parse({ transport, pool, options: { slowerByRatio } }), modulePath };
}

/** The two clients that a gate of a kind compares. */
interface Pair {
  before: Client;
  after: Client;
}

const PAIRS: Record<Kind, Pair> = {
  nothing: { before: slowed(0), after: slowed(0) },
  'cpu-5': { before: slowed(0), after: slowed(0.05) },
  'cpu-10': { before: slowed(0), after: slowed(0.1) },
  connections: {
    before: slowed(0),
    // As a version of a library that closes what its settings tell it to keep.
    after: { ...slowed(0), options: { slowerByRatio: 0, requestsPerConnection: REQUESTS_PER_CONNECTION } },
  },
};

export const DESIGNS = ['processes', 'short replicates'] as const;
export type DesignName = (typeof DESIGNS)[number];

const GateState = z.enum(['pass', 'fail', 'unsure']);

/** One replicate: both arms, in the same slices. */
const Replicate = z.strictObject({
  /** Natural logarithms of after / before. */
  logRate: z.number(),
  logCpu: z.number(),
  ratePerSecBefore: z.number(),
  ratePerSecAfter: z.number(),
  connectionsPer1kBefore: z.number(),
  connectionsPer1kAfter: z.number(),
});
export type Replicate = z.infer<typeof Replicate>;

const Observation = z.strictObject({
  at: z.iso.datetime(),
  design: z.enum(DESIGNS),
  kind: z.enum(KINDS),
  minEffect: z.number(),
  budgetMs: z.number(),
  loadAverage: z.number(),
  elapsedMs: z.number(),
  /** As first judged, and once a failure was measured again; null where replicates were only gathered. */
  first: GateState.nullable(),
  state: GateState.nullable(),
  replicates: z.array(Replicate),
});
export type Observation = z.infer<typeof Observation>;

/** None where there is no file yet. @throws ZodError, SyntaxError for any other line */
export function readObservations(file: string): Observation[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter(line => line !== '').map(line => Observation.parse(JSON.parse(line)));
}

export function appendObservation(file: string, observation: Observation): void {
  appendFileSync(file, `${JSON.stringify(observation)}\n`);
}

/** What is the same for all gates of a study. */
export interface GateSettings {
  minEffect: number;
  budgetMs: number;
}

/** Of one replicate; else as a scenario says nothing of it. */
const TIMINGS = {
  processes: DEFAULT_TIMING,
  'short replicates': { warmupMinMs: 300, warmupMaxMs: 600, measureMs: 500 },
} as const;

const OWN = { label: 'this conntax', dir: null, packages: {} };

export function gateCell(
  design: DesignName,
  kind: Kind,
  seed: number,
  { minEffect, budgetMs }: GateSettings,
): PlannedCell {
  const { before, after } = PAIRS[kind];
  const scenario = Scenario.parse({
    name: 'gate',
    question: 'Is a change seen that is there, and none that is not?',
    load: { concurrency: CONCURRENCY },
    clients: { [BEFORE]: before },
    baseline: BEFORE,
    timing: { ...TIMINGS[design], budgetMs },
  });
  const [pair] = beforeAndAfter(scenario, [BEFORE], { side: 'client', before: OWN, after: OWN, minEffect });
  const clients = { [BEFORE]: before, [AFTER]: after };
  return planRun([{ ...pair!, clients }], { seed }).cells[0]!;
}

export interface MeasureGateOptions extends GateSettings {
  design: DesignName;
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
function replicatesOf(trials: readonly TrialResult[]): Replicate[] {
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
  const [logRatio] = ratioOver(readerOf(metric), [after], [before]).logRatios;
  if (logRatio === undefined) throw new Error(`a replicate has no ratio of ${metric}`);
  return logRatio;
}
