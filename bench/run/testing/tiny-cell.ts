// The smallest cells that are still measured by real processes.
import type { CompletedTrial, TrialResult } from '../../../results/model/trial.ts';
import { Scenario, type ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { planRun } from '../../plan/plan.ts';
import type { CellContext, RunEvent } from '../context.ts';

export interface TinyCell {
  options: CellContext;
  /** Everything emitted so far. */
  events: readonly RunEvent[];
  /** Results emitted so far. */
  results(): TrialResult[];
  interrupt(): void;
}

export const TINY_TIMING = {
  warmupMinMs: 0,
  warmupMaxMs: 0,
  measureMs: 200,
  sliceMs: 50,
  sliceResponses: 1,
  minReplicates: 1,
  maxReplicates: 1,
};

/** Users that ask again at once would take both cores. */
export const UNHURRIED = { behaviour: { name: 'delay', meanMs: 5 } };

export function makeScenario(stated: Partial<ScenarioInput> = {}): Scenario {
  const { timing, ...rest } = stated;
  return Scenario.parse({
    name: 'tiny',
    question: 'Does it work?',
    target: UNHURRIED,
    load: { concurrency: 4 },
    clients: {
      short: { requestsPerConnection: 1, pool: { maxConnections: 4 } },
      long: { pool: { maxConnections: 4 } },
    },
    baseline: 'short',
    timing: { ...TINY_TIMING, ...timing },
    ...rest,
  });
}

/** @param onEvent is called as each event is emitted, in the middle of the run. */
export function makeTinyCell(
  stated: Partial<ScenarioInput> = {},
  onEvent: (event: RunEvent, cell: TinyCell) => void = () => {},
): TinyCell {
  const events: RunEvent[] = [];
  const controller = new AbortController();
  // Tests may share the machine with others: what they are about is not how long a cell may take.
  const plan = planRun([makeScenario(stated)], { seed: 7, slowness: 20 });
  const tiny: TinyCell = {
    options: {
      cell: plan.cells[0]!,
      seed: plan.seed,
      pinning: null,
      signal: controller.signal,
      isConfirming: false,
      emit: event => {
        events.push(event);
        onEvent(event, tiny);
      },
    },
    events,
    results: () => events.flatMap(event => (event.type === 'trial' ? [event.result] : [])),
    interrupt: () => controller.abort(),
  };
  return tiny;
}

export function isMeasuring(event: RunEvent): boolean {
  return event.type === 'progress' && event.phase === 'measure';
}

export function completed(results: readonly TrialResult[]): CompletedTrial[] {
  return results.filter(result => result.state === 'completed');
}

/** State or failure code, by arm. */
export function states(results: readonly TrialResult[]): Record<string, string> {
  return Object.fromEntries(
    results.map(result => [result.trial.arm, result.state === 'failed' ? result.error.code : result.state]),
  );
}

/** Calls once, at the first event that fits. */
export function atFirst(fits: (event: RunEvent) => boolean, act: () => void): (event: RunEvent) => void {
  let isDone = false;
  return event => {
    if (isDone || !fits(event)) return;
    isDone = true;
    act();
  };
}
