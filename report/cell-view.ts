// A stored cell as tables and charts read it: each arm with its trials, its place in the colour scheme and its marks.
import { type Bound, boundOf } from '../results/bound.ts';
import { areErrorsUnlike } from '../results/compare.ts';
import {
  capacityOf,
  countResponses,
  hasFewBeyond,
  headlineOf,
  limitOfSearch,
  METRIC_TABLE,
} from '../results/metrics.ts';
import {
  type ArmSummary,
  type CellResult,
  type Comparison,
  listArms,
  orderCell,
  orderTrials,
  type Run,
} from '../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../results/model/trial.ts';
import type { Client } from '../scenarios/model/client.ts';
import { own } from '../scenarios/model/facts.ts';
import type { ExpectedMetric } from '../scenarios/model/scenario.ts';
import { isNullArm } from '../scenarios/model/sweep.ts';
import type { CellState, Mark } from './model.ts';
import { signsOf } from './words/marks.ts';

export interface ArmView {
  name: string;
  /** Name with `(baseline)` and marks, as shown on axes and in rows. */
  label: string;
  /** Place in the run's list of arms: the same arm has the same look in every cell and chart. */
  look: number;
  isBaseline: boolean;
  marks: readonly Mark[];
  /** What set its pace; null where nothing stands out. */
  bound: Bound | null;
  /** null when none of its trials completed. */
  summary: ArmSummary | null;
  /** undefined only in a stored run that contradicts itself. */
  client: Client | undefined;
  trials: readonly CompletedTrial[];
}

export interface CellView {
  result: CellResult;
  arms: readonly ArmView[];
  trials: readonly TrialResult[];
  /** Ids of the trials that failed an audit. */
  invalidTrials: ReadonlySet<string>;
  /** Whether conntax's own target was started on another machine, by an agent. */
  isTargetElsewhere: boolean;
}

/** The clients with figures for which it holds. */
export function namesWhere(arms: readonly ArmView[], is: (summary: ArmSummary) => boolean): string[] {
  return arms.filter(({ summary }) => summary !== null && is(summary)).map(({ name }) => name);
}

/** The marks of counts and shares, which nothing but a failed audit puts in doubt. */
export function onlyInvalid(marks: readonly Mark[]): Mark[] {
  return marks.filter(mark => mark === 'invalid');
}

/** Marks of a figure that depends on all arms. */
export function allMarks(view: Pick<CellView, 'arms' | 'result'>): Mark[] {
  return inOrder([
    ...view.arms.flatMap(arm => [...arm.marks, ...ownLimitMarks(arm)]),
    ...view.result.comparisons.flatMap(comparison => comparisonMarks(comparison, view)),
  ]);
}

/** The candidate and the baseline. */
export function comparedArms(
  { candidate, baseline }: Pick<Comparison, 'candidate' | 'baseline'>,
  { arms }: Pick<CellView, 'arms'>,
): (ArmView | undefined)[] {
  return [candidate, baseline].map(name => arms.find(arm => arm.name === name));
}

/** A ratio carries the marks of both arms, and its own if their error rates differ. */
export function comparisonMarks(
  comparison: Pick<Comparison, 'baseline' | 'candidate'> & { metric: ExpectedMetric },
  view: Pick<CellView, 'arms'>,
): Mark[] {
  const [its, other] = comparedArms(comparison, view);
  const marks = [its, other].flatMap(arm => (arm === undefined ? [] : figureMarks(arm, comparison.metric)));
  if (its?.summary && other?.summary && areErrorsUnlike(its.summary, other.summary))
    marks.push('unlikeErrors');
  return inOrder(marks);
}

export function stateOf({ arms }: CellView): CellState {
  if (arms.every(({ summary }) => summary === null)) return 'unmeasured';
  return arms.some(({ marks }) => marks.includes('invalid')) ? 'invalid' : 'sound';
}

/** Comparisons on the metric that decides under the cell's load; of the null client, which only shows the noise, where there is no other. */
export function decidingComparisons({ comparisons, scenario }: CellResult): Comparison[] {
  const deciding = headlineOf(scenario.load).metric;
  const all = comparisons.filter(({ metric }) => metric === deciding);
  const others = all.filter(({ candidate }) => !isNullArm(candidate, scenario));
  return others.length === 0 ? all : others;
}

/** Whether no audit failed for either client. */
export function isReliable(comparison: Comparison, view: Pick<CellView, 'arms'>): boolean {
  return !comparisonMarks(comparison, view).includes('invalid');
}

export function figureMarks(arm: ArmView, metric: ExpectedMetric): Mark[] {
  const { shareBeyond } = METRIC_TABLE[metric];
  const marks = arm.marks.filter(mark => mark !== 'censored' || isBound(arm, metric));
  return inOrder([
    ...marks,
    ...(metric === 'capacityPerSec' ? ownLimitMarks(arm) : []),
    ...quantileMarks(shareBeyond, countResponses(arm.trials)),
  ]);
}

/**
 * Whether the client's own process ended a search for its capacity, in any replicate: the rate is then a lower bound of what
 * the server sustains with such connections.
 */
export function hasOwnLimit({ trials }: Pick<ArmView, 'trials'>): boolean {
  return trials.some(
    ({ measurement }) =>
      capacityOf(measurement) !== null && limitOfSearch(measurement.capacity!) === 'generator',
  );
}

/** Marks of a client's capacity beside those of all its figures. */
export function ownLimitMarks(arm: Pick<ArmView, 'trials'>): Mark[] {
  return hasOwnLimit(arm) ? ['ownLimit'] : [];
}

/** Whether requests without a response make a figure a bound: a quantile only where it is as long as their shortest wait. */
function isBound({ trials }: ArmView, metric: ExpectedMetric): boolean {
  const { isBoundByUnanswered, shareBeyond, ofTrial } = METRIC_TABLE[metric];
  if (!isBoundByUnanswered || shareBeyond === undefined) return isBoundByUnanswered;
  return trials.some(trial => (ofTrial(trial) ?? 0) >= leastCensoredUs(trial.measurement));
}

/** The most serious first, each once. */
function inOrder(marks: readonly Mark[]): Mark[] {
  return (['invalid', 'unlikeErrors', 'censored', 'ownLimit', 'fewBeyond'] as const).filter(mark =>
    marks.includes(mark),
  );
}

/** Marks of a figure of so many requests, if it is a quantile: `shareBeyond` of them take longer. */
export function quantileMarks(shareBeyond: number | undefined, requestCount: number): Mark[] {
  return hasFewBeyond(shareBeyond, requestCount) ? ['fewBeyond'] : [];
}

/** At or above this value its quantiles are lower bounds (a histogram keeps three digits); Infinity if none is. */
export function leastCensoredUs(summary: Pick<ArmSummary, 'censored'> | null): number {
  return summary?.censored ? summary.censored.leastUs * 0.999 : Infinity;
}

/** The marks of a response time of a client: requests without a response make it a bound only from their shortest wait on. */
export function latencyMarks({ marks, summary }: Pick<ArmView, 'marks' | 'summary'>, us: number): Mark[] {
  return marks.filter(mark => mark !== 'censored' || us >= leastCensoredUs(summary));
}

/** Names of all arms of a run, each once, each cell's baseline before its other arms. The index selects the arm's colour and shape. */
export function armNames(run: Run): string[] {
  return [...new Set(run.cells.flatMap(cell => [cell.scenario.baseline, ...listArms(cell)]))];
}

export function viewCell(
  stored: CellResult,
  trials: readonly TrialResult[],
  names: readonly string[],
  { isTargetElsewhere = false }: Partial<Pick<CellView, 'isTargetElsewhere'>> = {},
): CellView {
  const arms = listArms(stored);
  const own = orderTrials(
    trials.filter(({ trial }) => trial.cell === stored.cell),
    arms,
  );
  const result = orderCell(stored, own);
  const invalidTrials = new Set(
    result.findings.flatMap(({ state, trial }) => (state === 'fail' && trial !== undefined ? [trial] : [])),
  );
  const view = { result, trials: own, invalidTrials, isTargetElsewhere };
  return { ...view, arms: arms.map(name => viewArm(name, view, names)) };
}

function viewArm(name: string, view: Omit<CellView, 'arms'>, names: readonly string[]): ArmView {
  const { result } = view;
  const isBaseline = name === result.scenario.baseline;
  const isCompared = Object.keys(result.scenario.clients).length > 1;
  const trials = view.trials.filter(
    (trial): trial is CompletedTrial => trial.state === 'completed' && trial.trial.arm === name,
  );
  const summary = result.arms.find(({ arm }) => arm === name);
  const marks: Mark[] = [
    ...(isInvalid(name, view) ? (['invalid'] as const) : []),
    ...(summary?.censored ? (['censored'] as const) : []),
  ];
  return {
    name,
    label: `${name}${isBaseline && isCompared ? ' (baseline)' : ''}${signsOf(marks)}`,
    look: names.indexOf(name),
    isBaseline,
    marks,
    bound: boundOf(trials, result.serviceMs),
    summary: summary === undefined || summary.trials === 0 ? null : summary,
    client: own(result.scenario.clients, name),
    trials,
  };
}

/** A failed audit invalidates the arm of its trial; one that names neither arm nor trial invalidates all. */
function isInvalid(name: string, { result, trials }: Omit<CellView, 'arms'>): boolean {
  return result.findings.some(({ state, arm, trial: id }) => {
    if (state !== 'fail') return false;
    const culprit = arm ?? trials.find(({ trial }) => trial.id === id)?.trial.arm;
    return culprit === undefined || culprit === name;
  });
}
