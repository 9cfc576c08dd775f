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
import { headlineOf } from '../../results/metrics.ts';
import type { CellResult, Comparison } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { externalUrls } from '../../scenarios/model/facts.ts';
import type { ExpectationResult, Timing } from '../../scenarios/model/scenario.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import { Budgets, limitMsOf, mostMsOf, type Plan, type PlannedCell } from '../plan/plan.ts';
import { hasTimeForAnother, limitOfAnother, type ReplicateTimes } from '../plan/timing.ts';
import type { CellContext, Emit, ReplicateSource, RunContext } from './context.ts';
import type { FoundTarget } from './find-servers.ts';
import { createReplicateSource } from './replicate.ts';
import { TimeLimit } from './time-limit.ts';

/** After this many replicates in a row without a complete comparison, the cell is stopped. */
const FAILED_IN_A_ROW = 2;

/** Profiles are no part of the announced time, which is that of the figures. */
const MOST_PROFILING_MS = 600_000;

/** Measures one cell. No process of it remains, even if it throws. */
export async function measureCell(context: CellContext): Promise<CellResult> {
  const { cell, emit, isConfirming, server, signal, between, profileDir } = context;
  const { createSource = createReplicateSource } = context;
  const { scenario } = cell;
  if (isExternal(scenario.target) && server === undefined) {
    throw new Error(
      `the target ${externalUrls(scenario.target).join(', ')} was not checked: load may only be sent to allowed hosts`,
    );
  }
  const startedAtMs = performance.now();
  const limit = new TimeLimit(limitMsOf(cell), cell.least.endingMs);
  const source = createSource({
    ...context,
    signal: AbortSignal.any([signal, limit.signal]),
    leftMs: () => limit.leftMs,
    limit,
  });
  const trials: TrialResult[] = [];
  let series: Series;
  let expectations: ExpectationResult[];
  try {
    const judged = (own: readonly TrialResult[]) =>
      judgeAll(scenario.expect, own, cell.errorSharers).map((judgement, index) =>
        firstResult(scenario.expect[index]!, judgement),
      );
    const afterReplicate = async (): Promise<void> =>
      between?.(() => {
        const expectations = judged(trials);
        return cellResult(context, source, { ...UNFINISHED, trials, startedAtMs, expectations });
      });
    const measureUntil = (isEnough: (trials: readonly TrialResult[]) => boolean): Promise<Series> =>
      measureSeries(context, { source, limit, all: trials, afterReplicate }, isEnough);
    series = await measureUntil(own => isDecided(judged(own)));
    const first = judged(series.trials);
    const hasFailed = first.some(({ state }) => state === 'fail');
    expectations = first;
    if (isConfirming && hasFailed && limit.isOver) {
      emit({
        type: 'notice',
        cell: cell.id,
        message: 'an expectation failed, and there is no time to confirm',
      });
      expectations = first.map(result => (result.state === 'fail' ? { ...result, state: 'unsure' } : result));
    } else if (isConfirming && hasFailed && !signal.aborted) {
      emit({ type: 'notice', cell: cell.id, message: 'an expectation failed: re-measuring to confirm' });
      limit.restart(limitMsOf(cell));
      const before = series.trials;
      const judgedAgain = (fresh: readonly TrialResult[]) =>
        first.map(result =>
          confirmed(result, expectation => ({
            fresh: judge(expectation, fresh),
            together: judge(expectation, [...before, ...fresh]),
          })),
        );
      const again = await measureUntil(fresh => isConfirmationDecided(judgedAgain(fresh)));
      expectations = judgedAgain(again.trials);
      if (['interrupted', 'failed', 'cut'].includes(again.stop)) series = again;
    }
    if (profileDir !== undefined && !signal.aborted && series.stop !== 'failed') {
      if (limit.isOver) emit({ type: 'notice', cell: cell.id, message: 'not profiled: its time was over' });
      else {
        limit.restart(MOST_PROFILING_MS);
        await source.profile(profileDir);
      }
    }
  } finally {
    limit.close();
    await source.close();
  }
  return cellResult(context, source, { ...series, trials, startedAtMs, expectations });
}

type Stop = Pick<CellResult, 'stop' | 'stopDetail'>;

const UNFINISHED: Stop = { stop: 'measuring', stopDetail: 'still measuring' };

function cellResult(
  { cell, server }: CellContext,
  source: ReplicateSource,
  {
    trials,
    startedAtMs,
    expectations,
    stop,
    stopDetail,
  }: Stop & {
    trials: readonly TrialResult[];
    startedAtMs: number;
    expectations: ExpectationResult[];
  },
): CellResult {
  const { scenario } = cell;
  return {
    cell: cell.id,
    sweepPoints: [...cell.sweepPoints],
    code: Object.fromEntries(Object.entries(cell.generatorCode).map(([arm, { label }]) => [arm, label])),
    targetCode: targetLabels(cell),
    scenario,
    server: server?.servers[0].facts ?? null,
    otherServers: (server?.servers ?? []).slice(1).map(({ facts }) => facts),
    otherAnswers: (server?.servers ?? []).flatMap(({ answers }) =>
      answers.slice(1).map(({ asked, facts }) => ({ asked, found: facts })),
    ),
    serviceMs: source.serviceMs,
    replicates: replicatesOf(trials),
    failedTrials: trials.filter(trial => trial.state === 'failed').length,
    stop,
    stopDetail,
    elapsedMs: performance.now() - startedAtMs,
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

/** Labels by arm; none for arms whose target runs this checkout. */
function targetLabels({ targets }: PlannedCell): Record<string, string> {
  const labels = targets.flatMap(({ arms, code }) =>
    code === undefined ? [] : arms.map(arm => [arm, code.label]),
  );
  return Object.fromEntries(labels);
}

/** Replicates measured one after another until a stop condition holds. */
interface Series extends Stop {
  trials: TrialResult[];
}

interface Measured {
  source: ReplicateSource;
  limit: TimeLimit;
  /** Every trial of the cell so far; new ones are added, and replicate numbers continue. */
  all: TrialResult[];
  /** Awaited after each replicate. */
  afterReplicate: () => Promise<void>;
}

/** @param isEnough whether the trials of this series decide the expectations */
async function measureSeries(
  context: CellContext,
  { source, limit, all, afterReplicate }: Measured,
  isEnough: (trials: readonly TrialResult[]) => boolean,
): Promise<Series> {
  const { cell, emit } = context;
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
  let stop = stopReason(context, state, trials, isEnough);
  while (stop === undefined) {
    const replicate = replicatesOf(all);
    // Arms ran in a shuffled order; their results are stored in the scenario's order.
    const results = (await source.next(replicate)).toSorted(
      (a, b) => cell.arms.indexOf(a.trial.arm) - cell.arms.indexOf(b.trial.arm),
    );
    for (const result of results) {
      trials.push(result);
      all.push(result);
      emit({ type: 'trial', result });
    }
    if (results.length > 0) {
      const completed = results.filter(result => result.state === 'completed').length;
      const comparisons = compareArms({ baseline, trials });
      const headline = headlineOf(load);
      emit({ type: 'replicate-finished', cell: cell.id, replicate, headline, comparisons });
      await afterReplicate();
      state = {
        replicates: state.replicates + 1,
        failedInARow: completed >= Math.min(2, cell.arms.length) ? 0 : state.failedInARow + 1,
        elapsedMs: performance.now() - startedAtMs,
        longestMs: Math.max(state.longestMs, source.replicateMs),
        comparisons,
        isTimeOver: false,
      };
    } // otherwise it was interrupted before any arm was measured, which does not count as a replicate
    state.isTimeOver = limit.isOver;
    stop = stopReason(context, state, trials, isEnough);
  }
  return { trials, ...stop };
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

function formatReplicates(count: number): string {
  return count === 1 ? '1 replicate' : `${count} replicates`;
}

/** Why the cell stops; undefined: it continues. */
function stopReason(
  { cell, signal, fleet }: CellContext,
  { replicates, failedInARow, elapsedMs, longestMs, comparisons, isTimeOver }: Progress,
  trials: readonly TrialResult[],
  isEnough: (trials: readonly TrialResult[]) => boolean,
): Stop | undefined {
  const { timing, load } = cell.scenario;
  const { metric, noun } = headlineOf(load);
  if (signal.aborted)
    return { stop: 'interrupted', stopDetail: `interrupted after ${formatReplicates(replicates)}` };
  if (isTimeOver) {
    return {
      stop: 'cut',
      stopDetail: `the announced ${formatSeconds(limitMsOf(cell))} were over in replicate ${replicates === 0 ? 1 : replicates}: this machine was slower than planned`,
    };
  }
  const giveUp = (whatFailed: string): Stop => ({
    stop: 'failed',
    stopDetail: `${whatFailed} failed: ${failureCauses(trials).join('; ')}`,
  });
  if (replicates > 0 && fleet?.isBroken === true) return giveUp(formatReplicates(1));
  if (failedInARow >= FAILED_IN_A_ROW) return giveUp(`${failedInARow} replicates in a row`);
  if (timing.until === 'decided') {
    if (replicates >= timing.minReplicates && isEnough(trials))
      return { stop: 'decided', stopDetail: `expectations decided after ${formatReplicates(replicates)}` };
  } else if (
    replicates >= timing.minReplicates &&
    isPrecise(comparisons, metric, timing.precision) &&
    (comparisons.length === 0 || isLongEnough(trials, metric, timing.precision))
  ) {
    if (cell.arms.length === 1) {
      return {
        stop: 'precise',
        stopDetail: `${formatReplicates(replicates)} of the only client: there is no ratio to narrow`,
      };
    }
    const within = `${Number((timing.precision * 100).toPrecision(3))} %`;
    return { stop: 'precise', stopDetail: `every ratio of ${noun} is known to within ${within}` };
  }
  const times = { replicates, elapsedMs, longestMs, mostMs: limitMsOf(cell) };
  const isLast = replicates >= timing.maxReplicates;
  if (!isLast && hasTimeForAnother(timing, times)) return undefined;
  if (trials.every(({ state }) => state === 'failed')) return giveUp('the only replicate');
  return isLast
    ? { stop: 'max-replicates', stopDetail: `${formatReplicates(replicates)}, the scenario's maximum` }
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
  return `${formatReplicates(times.replicates)}: ${reason}`;
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
