// Measures a plan cell by cell, each in replicates until the answer is precise or decided, or the budget is spent.

import { auditCell, auditTrial, failureCauses } from '../../results/audits/index.ts';
import { compareArms, isLongEnough, isPrecise, summariseArms } from '../../results/compare.ts';
import {
  confirmed,
  firstResult,
  isConfirmationDecided,
  isDecided,
  judge,
  judgeAll,
} from '../../results/expect.ts';
import { roundPercent } from '../../results/figures.ts';
import { headlineOf } from '../../results/metrics.ts';
import type { CellResult, Comparison } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { externalUrls } from '../../scenarios/model/facts.ts';
import type { ExpectationResult, Timing } from '../../scenarios/model/scenario.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import { hasTimeForAnother, limitOfAnother, type ReplicateTimes } from '../plan/forecast.ts';
import { Budgets, limitMsOf, mostMsOf, type Plan, type PlannedCell } from '../plan/plan.ts';
import { counted } from '../plan/problems.ts';
import { TimeLimit } from './child.ts';
import type { CellContext, Emit, ReplicateSource, RunContext } from './context.ts';
import type { FoundTarget } from './find-servers.ts';
import { createReplicateSource } from './replicate.ts';

/** After this many replicates in a row without a complete comparison, the cell is stopped. */
const FAILED_IN_A_ROW = 2;

/** Profiles are no part of the announced time, which is that of the figures. */
const MAX_PROFILING_MS = 600_000;

/** Measures one cell. No process of it remains, even if it throws. */
export async function measureCell(context: CellContext): Promise<CellResult> {
  const { target } = context.cell.scenario;
  if (isExternal(target) && context.server === undefined) {
    throw new Error(
      `the target ${externalUrls(target).join(', ')} was not checked: load may only be sent to allowed hosts`,
    );
  }
  const run = new CellRun(context);
  try {
    await run.measure();
  } finally {
    await run.close();
  }
  return run.result();
}

type Stop = Pick<CellResult, 'stop' | 'stopDetail'>;
const UNFINISHED: Stop = { stop: 'measuring', stopDetail: 'still measuring' };

/** How the cell ended, and what its expectations came to. */
type Ending = Stop & Pick<CellResult, 'expectations'>;

/** Replicates measured one after another until a stop condition holds. */
interface Series extends Stop {
  trials: TrialResult[];
}

type IsEnough = (trials: readonly TrialResult[]) => boolean;

class CellRun {
  readonly #context: CellContext;
  readonly #limit: TimeLimit;
  readonly #source: ReplicateSource;
  readonly #startedAtMs = performance.now();
  /** The trials of all series: replicate numbers continue. */
  readonly #trials: TrialResult[] = [];
  #ending: Ending = { ...UNFINISHED, expectations: [] };

  constructor(context: CellContext) {
    const { cell, signal, createSource = createReplicateSource } = context;
    const limit = new TimeLimit(limitMsOf(cell), cell.least.endingMs);
    this.#context = context;
    this.#limit = limit;
    this.#source = createSource({
      ...context,
      signal: AbortSignal.any([signal, limit.signal]),
      leftMs: () => limit.leftMs,
      limit,
    });
  }

  async measure(): Promise<void> {
    const { isConfirming, signal, profileDir } = this.#context;
    const { trials, ...stop } = await this.#measureSeries(own => isDecided(this.#judge(own)));
    this.#ending = { ...stop, expectations: this.#judge(trials) };
    const hasFailed = this.#ending.expectations.some(({ state }) => state === 'fail');
    if (isConfirming && hasFailed) await this.#confirm(trials);
    if (profileDir !== undefined && !signal.aborted && this.#ending.stop !== 'failed')
      await this.#profile(profileDir);
  }

  async close(): Promise<void> {
    this.#limit.close();
    await this.#source.close();
  }

  result({ stop, stopDetail, expectations } = this.#ending): CellResult {
    const { cell, server } = this.#context;
    const { scenario } = cell;
    const trials = this.#trials;
    const servers = server?.servers ?? [];
    return {
      cell: cell.id,
      sweepPoints: [...cell.sweepPoints],
      code: Object.fromEntries(Object.entries(cell.generatorCode).map(([arm, { label }]) => [arm, label])),
      targetCode: targetLabels(cell),
      scenario,
      server: servers[0]?.facts ?? null,
      otherServers: servers.slice(1).map(({ facts }) => facts),
      otherAnswers: servers.flatMap(({ answers }) =>
        answers.slice(1).map(({ asked, facts }) => ({ asked, found: facts })),
      ),
      serviceMs: this.#source.serviceMs,
      replicates: replicatesOf(trials),
      failedTrials: trials.filter(trial => trial.state === 'failed').length,
      stop,
      stopDetail,
      elapsedMs: performance.now() - this.#startedAtMs,
      arms: summariseArms(trials),
      leftOut: [...cell.leftOut],
      comparisons: compareArms({ baseline: scenario.baseline, trials }),
      findings: [
        ...trials.flatMap(trial => (trial.state === 'completed' ? auditTrial(trial) : [])),
        ...auditCell(trials, scenario),
      ],
      expectations,
      errorSharers: cell.errorSharers,
    };
  }

  #notice(message: string): void {
    this.#context.emit({ type: 'notice', cell: this.#context.cell.id, message });
  }

  #judge(trials: readonly TrialResult[]): ExpectationResult[] {
    const { scenario, errorSharers } = this.#context.cell;
    return judgeAll(scenario.expect, trials, errorSharers).map((judgement, index) =>
      firstResult(scenario.expect[index]!, judgement),
    );
  }

  /** Measures once more where an expectation failed. @param before the trials in which it did */
  async #confirm(before: readonly TrialResult[]): Promise<void> {
    const { cell, signal } = this.#context;
    const first = this.#ending.expectations;
    if (this.#limit.isOver) {
      this.#notice('an expectation failed, and there is no time to confirm');
      this.#ending.expectations = first.map(result =>
        result.state === 'fail' ? { ...result, state: 'unsure' } : result,
      );
      return;
    }
    if (signal.aborted) return;
    this.#notice('an expectation failed: re-measuring to confirm');
    this.#limit.restart(limitMsOf(cell));
    const judgeAgain = (fresh: readonly TrialResult[]) =>
      first.map(result =>
        confirmed(result, expectation => ({
          fresh: judge(expectation, fresh),
          together: judge(expectation, [...before, ...fresh]),
        })),
      );
    const { trials, ...stop } = await this.#measureSeries(fresh => isConfirmationDecided(judgeAgain(fresh)));
    this.#ending.expectations = judgeAgain(trials);
    if (['interrupted', 'failed', 'cut'].includes(stop.stop)) Object.assign(this.#ending, stop);
  }

  async #profile(dir: string): Promise<void> {
    if (this.#limit.isOver) {
      this.#notice('not profiled: its time was over');
      return;
    }
    this.#limit.restart(MAX_PROFILING_MS);
    await this.#source.profile(dir);
  }

  /** @param isEnough whether the trials of this series decide the expectations */
  async #measureSeries(isEnough: IsEnough): Promise<Series> {
    const { cell, emit, between } = this.#context;
    const { baseline, load } = cell.scenario;
    const startedAtMs = performance.now();
    const trials: TrialResult[] = [];
    let state: Progress = {
      replicates: 0,
      failedInARow: 0,
      elapsedMs: 0,
      longestMs: 0,
      comparisons: [],
      isTimeOver: false,
    };
    let stop = stopReason(this.#context, state, trials, isEnough);
    while (stop === undefined) {
      const replicate = replicatesOf(this.#trials);
      // Arms ran in a shuffled order; their results are stored in the scenario's order.
      const results = (await this.#source.next(replicate)).toSorted(
        (a, b) => cell.arms.indexOf(a.trial.arm) - cell.arms.indexOf(b.trial.arm),
      );
      for (const result of results) {
        trials.push(result);
        this.#trials.push(result);
        emit({ type: 'trial', result });
      }
      if (results.length > 0) {
        const completed = results.filter(result => result.state === 'completed').length;
        const comparisons = compareArms({ baseline, trials });
        const headline = headlineOf(load);
        emit({ type: 'replicate-finished', cell: cell.id, replicate, headline, comparisons });
        await between?.(() => this.result({ ...UNFINISHED, expectations: this.#judge(this.#trials) }));
        state = {
          replicates: state.replicates + 1,
          failedInARow: completed >= Math.min(2, cell.arms.length) ? 0 : state.failedInARow + 1,
          elapsedMs: performance.now() - startedAtMs,
          longestMs: Math.max(state.longestMs, this.#source.replicateMs),
          comparisons,
          isTimeOver: false,
        };
      } // otherwise it was interrupted before any arm was measured, which does not count as a replicate
      state.isTimeOver = this.#limit.isOver;
      stop = stopReason(this.#context, state, trials, isEnough);
    }
    return { trials, ...stop };
  }
}

/** Labels by arm; none for arms whose target runs this checkout. */
function targetLabels({ targets }: PlannedCell): Record<string, string> {
  const labels = targets.flatMap(({ arms, code }) =>
    code === undefined ? [] : arms.map(arm => [arm, code.label]),
  );
  return Object.fromEntries(labels);
}

function replicatesOf(trials: readonly TrialResult[]): number {
  return new Set(trials.map(({ trial }) => trial.replicate)).size;
}

interface Progress {
  replicates: number;
  failedInARow: number;
  elapsedMs: number;
  /** The longest replicate so far. */
  longestMs: number;
  comparisons: Comparison[];
  /** Whether the announced time is over. */
  isTimeOver: boolean;
}

function formatSeconds(ms: number): string {
  return `${Number((ms / 1_000).toPrecision(3))} s`;
}

/** Why the cell stops; undefined: it continues. */
function stopReason(
  context: CellContext,
  progress: Progress,
  trials: readonly TrialResult[],
  isEnough: IsEnough,
): Stop | undefined {
  const { cell } = context;
  return (
    whyAbandoned(context, progress, trials) ??
    whyEnough(cell, progress, trials, isEnough) ??
    whyNoOther(cell, progress, trials)
  );
}

function failed(what: string, trials: readonly TrialResult[]): Stop {
  return { stop: 'failed', stopDetail: `${what} failed: ${failureCauses(trials).join('; ')}` };
}

/** Whether something keeps the cell from being measured to its end. */
function whyAbandoned(
  { cell, signal, fleet }: CellContext,
  { replicates, failedInARow, isTimeOver }: Progress,
  trials: readonly TrialResult[],
): Stop | undefined {
  if (signal.aborted)
    return { stop: 'interrupted', stopDetail: `interrupted after ${counted(replicates, 'replicate')}` };
  if (isTimeOver) {
    return {
      stop: 'cut',
      stopDetail: `the announced ${formatSeconds(limitMsOf(cell))} were over in replicate ${replicates === 0 ? 1 : replicates}: this machine was slower than planned`,
    };
  }
  if (replicates > 0 && fleet?.isBroken === true) return failed(counted(1, 'replicate'), trials);
  if (failedInARow >= FAILED_IN_A_ROW) return failed(`${failedInARow} replicates in a row`, trials);
  return undefined;
}

/** Whether the scenario has its answer. */
function whyEnough(
  { scenario: { timing, load }, arms }: PlannedCell,
  { replicates, comparisons }: Progress,
  trials: readonly TrialResult[],
  isEnough: IsEnough,
): Stop | undefined {
  if (replicates < timing.minReplicates) return undefined;
  if (timing.until === 'decided') {
    if (!isEnough(trials)) return undefined;
    return { stop: 'decided', stopDetail: `expectations decided after ${counted(replicates, 'replicate')}` };
  }
  const { metric, noun } = headlineOf(load);
  if (!isPrecise(comparisons, metric, timing.precision)) return undefined;
  if (comparisons.length > 0 && !isLongEnough(trials, metric, timing.precision)) return undefined;
  const within = roundPercent(timing.precision, 3);
  return {
    stop: 'precise',
    stopDetail:
      arms.length === 1
        ? `${counted(replicates, 'replicate')} of the only client: there is no ratio to narrow`
        : `every ratio of ${noun} is known to within ${within}`,
  };
}

/** Whether no other replicate may be measured, or none has the time. */
function whyNoOther(
  cell: PlannedCell,
  { replicates, elapsedMs, longestMs }: Progress,
  trials: readonly TrialResult[],
): Stop | undefined {
  const { timing } = cell.scenario;
  const times = { replicates, elapsedMs, longestMs, mostMs: limitMsOf(cell) };
  const isLast = replicates >= timing.maxReplicates;
  if (!isLast && hasTimeForAnother(timing, times)) return undefined;
  if (trials.every(({ state }) => state === 'failed')) return failed('the only replicate', trials);
  return isLast
    ? { stop: 'max-replicates', stopDetail: `${counted(replicates, 'replicate')}, the scenario's maximum` }
    : { stop: 'budget', stopDetail: describeLimit(timing, times) };
}

/** What keeps another replicate from being measured. */
function describeLimit(timing: Timing, times: ReplicateTimes): string {
  const { isBudget, limitMs } = limitOfAnother(timing, times);
  const limit = `the ${isBudget ? 'time budget' : 'announced maximum'} of ${formatSeconds(limitMs)}`;
  const reason =
    times.elapsedMs >= limitMs
      ? `${limit} is spent`
      : `another one of about ${formatSeconds(times.longestMs)} does not fit ${limit}`;
  return `${counted(times.replicates, 'replicate')}: ${reason}`;
}

interface PlanOptions {
  plan: Plan;
  /** External servers by cell, each checked and found. */
  servers?: ReadonlyMap<string, FoundTarget>;
}

/**
 * Measures every cell of the plan in order, one at a time because they share the machine. An error from `emit`, such as a full
 * disk, ends the run and its processes.
 */
export async function runPlan({ plan, servers }: PlanOptions, context: RunContext): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const budgets = new Budgets(plan.cells);
  for (const [index, planned] of plan.cells.entries()) {
    if (context.signal.aborted) break;
    const cell = budgets.allot(planned);
    context.emit({ type: 'cell-started', cell, index, cellCount: plan.cells.length });
    const laterMs = plan.cells.slice(index + 1).reduce((sum, later) => sum + mostMsOf(later), 0);
    const emit: Emit = event =>
      context.emit(event.type === 'progress' ? { ...event, leftMs: event.leftMs + laterMs } : event);
    const result = await measureCell({
      ...context,
      emit,
      cell,
      seed: plan.seed,
      server: servers?.get(cell.id),
    });
    budgets.spend(cell, result.elapsedMs);
    results.push(result);
    context.emit({ type: 'cell-finished', result });
  }
  return results;
}
