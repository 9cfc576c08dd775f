// Compares a run with a baseline: what changed, by how much, how certain that is, and whether it is a regression.
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { type ArmFigures, type CellFigures, joinRuns, type RunSummary } from './baselines.ts';
import { WHY_UNCOUNTED } from './connections.ts';
import { isHigherBetter } from './metrics.ts';
import type { Metric } from './model/run.ts';
import {
  CONFIDENCE_LEVEL,
  difference,
  exactly,
  type Interval,
  levelOf,
  MIN_REPLICATES,
  ratioOfRatios,
  ratioOfRatiosAt,
  shareInterval,
  shownTogether,
} from './stats.ts';

/** An increase of the error rate by more than this share of requests is a regression, whatever the rate was. */
const ERROR_EFFECT = 0.0005;
/** An increase of unnecessary connections per request that is a regression: one per 1,000 requests. */
export const EXCESS_EFFECT = 0.001;

/**
 * Where nothing says how many connections are needed, those per request vary inversely with the rate: only this many times
 * as many are more than any slowdown explains.
 */
const MAX_CONNECTIONS_RATIO = 10;
/** And only an increase by this many per request: of a pool that is opened once, ten times as many may still be few. */
const MIN_MORE_CONNECTIONS = 0.1;

/** A comparison that can detect only larger changes is blind: that nothing was detected means nothing. */
export const BLIND_ABOVE = 0.25;

type GateState = 'regression' | 'improvement' | 'within' | 'unsure';

/** One figure compared with the same figure of the baseline. */
export interface GateLine {
  cell: string;
  /** `ratio`: a client relative to its cell's baseline client; `count`: a share of requests; `absolute`: a client's own figure. */
  kind: 'ratio' | 'count' | 'absolute';
  metric: Metric | 'errorRatio' | 'excessConnections' | 'openedConnections';
  arm: string;
  before: Interval;
  after: Interval;
  /** after / before for ratios and absolute figures, after - before for counts. */
  change: Interval;
  /** The change that is significant: the minimum effect, or the noise floor if that is higher. */
  effect: number;
  /** The A/A noise of both runs, as a relative change; null if a run has no null arm. */
  noiseFloor: number | null;
  /** The smallest change that this line could have shown to be a regression. */
  detectable: number;
  state: GateState;
  /** Whether a regression here fails the gate. Absolute figures never do, because machines drift more than code does. */
  isBinding: boolean;
}

export interface GateResult {
  lines: GateLine[];
  /** Why figures of the baseline, or whole cells, could not be compared. A sentence each. */
  gaps: string[];
  /** Why a figure is not compared that neither run can have. A sentence each; they leave the outcome as it is. */
  unknown: string[];
  hasSameMachine: boolean;
  /** `nothing`: nothing could be compared. */
  state: 'pass' | 'regression' | 'unsure' | 'nothing';
}

interface GateOptions {
  /** Smallest relative change that counts (0.05 = 5 %); never below the noise floor. */
  minEffect: number;
}

/**
 * Compares a run with a baseline. Ratios between clients and counts are always compared, because they are comparable between
 * machines; absolute figures only on the same machine, and only for information.
 *
 *          -effect   0   +effect            (a metric where higher is worse)
 *             |      |      |  |--*--|      regression
 *             |      |   |--*--|            unsure
 *             |    |--*--|  |               within
 *     |--*--| |      |      |               improvement
 */
export function gateRun(baseline: RunSummary, current: RunSummary, { minEffect }: GateOptions): GateResult {
  const hasSameMachine = machineOf(baseline) === machineOf(current);
  const gaps: string[] = [];
  const pairs = baseline.cells.flatMap(before => {
    const after = current.cells.find(({ cell }) => cell === before.cell);
    const gap = cellGap(before, baseline, current);
    if (gap !== undefined) gaps.push(gap);
    return after === undefined || gap !== undefined ? [] : [{ before, after }];
  });
  const lines = heldTogether(level => {
    const unknown: string[] = [];
    const found = pairs.flatMap(({ before, after }) =>
      cellLines(before, after, { minEffect, hasSameMachine, level, gaps: unknown }),
    );
    if (level === CONFIDENCE_LEVEL) gaps.push(...unknown);
    return found;
  });
  const unknown = pairs.flatMap(({ before, after }) => unknownNeeds(before, after));
  return { lines, gaps, unknown, hasSameMachine, state: gateStateOf(lines, gaps) };
}

/** The outcome of a gate with these lines. */
function gateStateOf(lines: readonly GateLine[], gaps: readonly string[]): GateResult['state'] {
  const binding = lines.filter(({ isBinding }) => isBinding);
  if (binding.length === 0) return 'nothing';
  if (binding.some(({ state }) => state === 'regression')) return 'regression';
  return gaps.length > 0 || binding.some(({ state }) => state === 'unsure') ? 'unsure' : 'pass';
}

/** Whether the change itself is for the worse by more than an effect, regardless of its interval. */
function isWorse({ metric, change: { value } }: GateLine, effect: number): boolean {
  if (metric === 'errorRatio' || metric === 'excessConnections' || metric === 'openedConnections')
    return value > effect;
  return isHigherBetter(metric) ? value < 1 / (1 + effect) : value > 1 + effect;
}

/** What must be equal for absolute times to be comparable. */
function machineOf({ host }: RunSummary): string {
  return JSON.stringify([host.cpuModel, host.cpuCount, host.kernel, host.node]);
}

/** Why a cell cannot be compared, as a sentence without its full stop; undefined if it can. */
function cellGap(before: CellFigures, baseline: RunSummary, { cells }: RunSummary): string | undefined {
  const { cell } = before;
  const after = cells.find(found => found.cell === cell);
  if (after === undefined) {
    const unknown = cells.map(found => found.cell).filter(name => !baseline.cells.some(b => b.cell === name));
    const instead = unknown.length === 0 ? '' : `, which has ${unknown.join(', ')} instead`;
    return `${cell} was not measured in this run${instead}`;
  }
  const [old, now] = [armsOf(before), armsOf(after)];
  const lost = old.filter(arm => !now.includes(arm));
  if (lost.length > 0)
    return `${cell} has no client ${lost.join(', ')} in this run, only ${now.join(', ')}; save a new baseline`;
  if (hasNullArm(after) !== hasNullArm(before))
    return `${cell} has a null arm only in ${hasNullArm(after) ? 'this run' : 'the baseline'}; measure either both or neither with --null-arm`;
  if (after.conditions !== before.conditions)
    return `${cell} was measured under different conditions from the baseline; save a new one`;
  if (after.baseline !== before.baseline)
    return `${cell} is compared with ${after.baseline}, but with ${before.baseline} in the baseline; save a new one`;
  return undefined;
}

/** Why a client's own figures cannot be compared; undefined if they can. */
function armGap(cell: string, before: ArmFigures, after: ArmFigures): string | undefined {
  if (before.completed === 0)
    return `${cell}: ${before.arm} has no successful response in the baseline; save a new one`;
  return after.completed + after.failed === 0
    ? `${cell}: ${after.arm} has no figures in this run`
    : undefined;
}

/** One sentence per reason for which the unnecessary connections of clients are not compared, and what is compared instead. */
function unknownNeeds(before: CellFigures, after: CellFigures): string[] {
  const found = before.arms.flatMap(({ arm, whyNeedUnknown }) => {
    const why = after.arms.find(one => one.arm === arm)?.whyNeedUnknown ?? whyNeedUnknown;
    return why === undefined || arm === NULL_ARM ? [] : [{ arm, why }];
  });
  return [...Map.groupBy(found, ({ why }) => why)].map(
    ([why, own]) =>
      `${before.cell}: unnecessary connections of ${own.map(({ arm }) => arm).join(', ')} are not compared, because ${why}${
        why === WHY_UNCOUNTED
          ? ''
          : `; all that were opened are, by a limit of ${MAX_CONNECTIONS_RATIO} times`
      }`,
  );
}

/** One sentence per client whose ratios have no interval in one of the runs. */
function ratioGaps(
  cell: string,
  ratios: readonly { metric: string; candidate: string; interval: unknown; now: unknown }[],
): string[] {
  const lacking = ratios.flatMap(({ metric, candidate, interval, now }) => {
    if (interval !== null && now != null) return [];
    return [
      {
        metric,
        lack: `of ${candidate} has no interval in ${interval === null ? 'the baseline' : 'this run'}`,
      },
    ];
  });
  return [...Map.groupBy(lacking, ({ lack }) => lack)].map(
    ([lack, own]) => `${cell}: ${own.map(({ metric }) => metric).join(', ')} ${lack}`,
  );
}

function armsOf({ arms }: CellFigures): string[] {
  return arms.map(({ arm }) => arm).filter(arm => arm !== NULL_ARM);
}

function hasNullArm({ ratios }: CellFigures): boolean {
  return ratios.some(({ candidate }) => candidate === NULL_ARM);
}

type Judged = Pick<GateLine, 'change' | 'effect' | 'detectable' | 'state'>;

/** By where the interval of a relative change lies. A decrease by `effect` is one to 1 / (1 + effect), which is as far in logarithms. */
function judged(change: Interval, effect: number, isMoreBetter: boolean): Judged {
  const { value, low, high } = change;
  const detectable = (1 + effect) * (isMoreBetter ? high / value : value / low) - 1;
  const isMore = low > 1 + effect;
  const isLess = high < 1 / (1 + effect);
  const isWithin = detectable <= BLIND_ABOVE && high <= 1 + effect && low >= 1 / (1 + effect);
  const state =
    isMore || isLess
      ? isMore === isMoreBetter
        ? 'improvement'
        : 'regression'
      : isWithin
        ? 'within'
        : 'unsure';
  return { change, effect, detectable, state };
}

/**
 * The lines of a gate, by their 95 % intervals. The chance that any binding one is wrongly called a regression or an improvement
 * is at most 5 % (Holm's method), so a line whose 95 % interval lies beyond the effect can be unsure. For *within*, the 95 %
 * interval suffices: a gate passes only if all lines are within, so errors do not add up. The detectable change of a line is
 * that of a single change among all of them.
 *
 * @param linesAt the lines by their intervals at a level; always the same ones in the same order
 */
function heldTogether(linesAt: (level: number) => GateLine[]): GateLine[] {
  const lines = linesAt(CONFIDENCE_LEVEL);
  const known = new Map([[CONFIDENCE_LEVEL, lines]]);
  const linesOf = (level: number): GateLine[] => {
    const found = known.get(level) ?? linesAt(level);
    known.set(level, found);
    return found;
  };
  const binding = [...lines.keys()].filter(index => isJudgedTogether(lines[index]!));
  const shown = shownTogether(binding, (index, level) => isChange(linesOf(level)[index]!));
  const widest = linesOf(levelOf(binding.length));
  return lines.map((line, index) =>
    isJudgedTogether(line)
      ? {
          ...line,
          detectable: widest[index]!.detectable,
          state: isChange(line) && !shown.has(index) ? 'unsure' : line.state,
        }
      : line,
  );
}

/** A count without an interval is not judged by chance, and makes no other line less certain. */
function isJudgedTogether({ isBinding, metric }: GateLine): boolean {
  return isBinding && metric !== 'openedConnections';
}

function isChange({ state }: GateLine): boolean {
  return state === 'regression' || state === 'improvement';
}

interface CellOptions {
  minEffect: number;
  hasSameMachine: boolean;
  /** Level of the intervals that lines are judged by. */
  level: number;
  gaps: string[];
}

function cellLines(before: CellFigures, after: CellFigures, options: CellOptions): GateLine[] {
  const lost = new Set<string>();
  const arms = before.arms
    .filter(({ arm }) => arm !== NULL_ARM)
    .flatMap(old => {
      const now = after.arms.find(({ arm }) => arm === old.arm);
      if (now === undefined) return [];
      const gap = armGap(before.cell, old, now);
      if (gap !== undefined) {
        options.gaps.push(gap);
        lost.add(old.arm);
      }
      return [
        ...countLines(before.cell, old, now, options),
        ...openedLines(before.cell, old, now),
        ...(options.hasSameMachine ? rateLines(before.cell, old, now, options) : []),
      ];
    });
  const guarded = before.ratios
    .filter(({ candidate }) => candidate !== NULL_ARM)
    .map(old => {
      const now = after.ratios.find(
        ({ metric, candidate }) => metric === old.metric && candidate === old.candidate,
      );
      const counts = { before: old.replicateRatios.length, after: now?.replicateRatios.length ?? 0 };
      return { ...old, interval: intervalOf(old), now: now === undefined ? null : intervalOf(now), counts };
    });
  const unknown = guarded.filter(({ candidate }) => !lost.has(candidate) && !lost.has(before.baseline));
  options.gaps.push(...ratioGaps(before.cell, unknown));
  const ratios = guarded.flatMap(({ metric, candidate, interval, now, counts }) =>
    interval === null || now === null
      ? []
      : [
          ratioLine({ metric, arm: candidate, before: interval, after: now }, counts, {
            before,
            after,
            ...options,
          }),
        ],
  );
  return [...ratios, ...arms];
}

function ratioLine(
  ratio: Pick<GateLine, 'arm' | 'before' | 'after'> & { metric: Metric },
  counts: { before: number; after: number },
  { before, after, minEffect, level }: CellOptions & { before: CellFigures; after: CellFigures },
): GateLine {
  const { metric } = ratio;
  const noiseFloor = greatest(floorOf(before, metric), floorOf(after, metric));
  const change = ratioOfRatiosAt(level, { before: ratio.before, after: ratio.after, counts });
  return {
    cell: before.cell,
    kind: 'ratio',
    ...ratio,
    ...judged(change, Math.max(minEffect, noiseFloor ?? 0), isHigherBetter(metric)),
    noiseFloor,
    isBinding: true,
  };
}

/** null for too few replicates, for which older baselines still have intervals. */
function intervalOf({ interval, replicateRatios }: CellFigures['ratios'][number]): Interval | null {
  return replicateRatios.length < MIN_REPLICATES ? null : interval;
}

/** How far the null arm's interval reaches from 1: a change that this run would have reported although there was none. */
function floorOf({ ratios }: CellFigures, metric: Metric): number | null {
  const own = ratios.find(ratio => ratio.metric === metric && ratio.candidate === NULL_ARM);
  const interval = own === undefined ? null : intervalOf(own);
  return interval === null ? null : Math.max(interval.high, 1 / interval.low) - 1;
}

function greatest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.max(one, other);
}

function countLines(cell: string, before: ArmFigures, after: ArmFigures, { level }: CellOptions): GateLine[] {
  const counts = [
    { metric: 'errorRatio', effect: ERROR_EFFECT, read: errorsOf },
    { metric: 'excessConnections', effect: EXCESS_EFFECT, read: excessOf },
  ] as const;
  return counts.flatMap(({ metric, effect, read }) => {
    const old = read(before, level);
    const now = read(after, level);
    if (old === null || now === null) return [];
    const change = difference(old, now);
    const state =
      change.low > effect
        ? 'regression'
        : change.high < -effect
          ? 'improvement'
          : change.high <= effect
            ? 'within'
            : 'unsure';
    const line = { cell, kind: 'count', metric, arm: before.arm, before: old, after: now } as const;
    const detectable = effect + change.value - change.low;
    return [{ ...line, change, effect, noiseFloor: null, detectable, state, isBinding: true }];
  });
}

function errorsOf({ completed, failed }: ArmFigures, level: number): Interval | null {
  return shareInterval(failed, completed + failed, level);
}

/** Unnecessary connections per request, which is comparable between fast and slow machines. null if they are not known. */
function excessOf({ opened, mostNeeded, requestsSent }: ArmFigures, level: number): Interval | null {
  if (mostNeeded === null) return null;
  return shareInterval(Math.min(requestsSent, Math.max(0, opened - mostNeeded)), requestsSent, level);
}

/** All connections per request, where it is not known how many are needed. They are counted, not estimated, so there is no interval. */
function openedLines(cell: string, before: ArmFigures, after: ArmFigures): GateLine[] {
  const old = openedOf(before);
  const now = openedOf(after);
  const isNeedKnown = before.mostNeeded !== null && after.mostNeeded !== null;
  if (isNeedKnown || old === null || now === null) return [];
  const limitOver = (share: number): number =>
    Math.max((MAX_CONNECTIONS_RATIO - 1) * share, MIN_MORE_CONNECTIONS);
  const effect = limitOver(old);
  const more = now - old;
  const state = more > effect ? 'regression' : -more > limitOver(now) ? 'improvement' : 'within';
  const line = { cell, kind: 'count', metric: 'openedConnections', arm: before.arm } as const;
  return [
    {
      ...line,
      before: exactly(old),
      after: exactly(now),
      change: exactly(more),
      effect,
      noiseFloor: null,
      detectable: effect,
      state,
      isBinding: true,
    },
  ];
}

/** null where they are not counted, and without a request. */
function openedOf({ opened, requestsSent, whyNeedUnknown }: ArmFigures): number | null {
  return whyNeedUnknown === WHY_UNCOUNTED || requestsSent === 0 ? null : opened / requestsSent;
}

/** Only rates have an interval of their own in a summary. */
function rateLines(
  cell: string,
  before: ArmFigures,
  after: ArmFigures,
  { minEffect }: CellOptions,
): GateLine[] {
  const [old, now] = [before.requestsPerSec, after.requestsPerSec];
  const hasInterval = (of: Interval) => of.low > 0 && of.low < of.high;
  if (old === null || now === null || !hasInterval(old) || !hasInterval(now)) return [];
  const line = {
    cell,
    kind: 'absolute',
    metric: 'requestsPerSec',
    arm: before.arm,
    before: old,
    after: now,
  } as const;
  return [
    {
      ...line,
      ...judged(ratioOfRatios(old, now), minEffect, isHigherBetter(line.metric)),
      noiseFloor: null,
      isBinding: false,
    },
  ];
}

/** A regression, and its re-measurement. */
export interface Confirmation {
  first: GateLine;
  /** By the new run alone; undefined if that has no such figure. */
  fresh: GateLine | undefined;
  together: GateLine;
  isConfirmed: boolean;
}

interface ConfirmedGate {
  /** By both runs together: regressions that were not confirmed are unsure. */
  result: GateResult;
  together: RunSummary;
  /** One per regression of the first run, in its order. */
  confirmations: Confirmation[];
}

/**
 * A regression is confirmed if the new run by itself is also worse by more than the effect, and the whole interval of both runs
 * together shows it: the rule of expectations (`confirmed` in expect.ts).
 */
export function confirmGate(
  baseline: RunSummary,
  { first, fresh }: { first: RunSummary; fresh: RunSummary },
  options: GateOptions,
): ConfirmedGate {
  const together = joinRuns(first, fresh);
  const joined = gateRun(baseline, together, options);
  const freshLines = gateRun(baseline, fresh, options).lines;
  const confirmations = regressionsOf(gateRun(baseline, first, options)).flatMap(line => {
    const both = joined.lines.find(isSame(line));
    if (both === undefined) return [];
    const again = freshLines.find(isSame(line));
    const isConfirmed = both.state === 'regression' && again !== undefined && isWorse(again, both.effect);
    return { first: line, fresh: again, together: both, isConfirmed };
  });
  const isFinal = (line: GateLine): boolean =>
    confirmations.some(({ together: own, isConfirmed }) => own === line && isConfirmed);
  const lines = joined.lines.map(line =>
    line.isBinding && line.state === 'regression' && !isFinal(line)
      ? { ...line, state: 'unsure' as const }
      : line,
  );
  return { result: { ...joined, lines, state: gateStateOf(lines, joined.gaps) }, together, confirmations };
}

/** The regressions that fail a gate. */
export function regressionsOf({ lines }: GateResult): GateLine[] {
  return lines.filter(({ state, isBinding }) => state === 'regression' && isBinding);
}

function isSame({ cell, arm, metric, kind }: GateLine): (other: GateLine) => boolean {
  return other => other.cell === cell && other.arm === arm && other.metric === metric && other.kind === kind;
}

/** A ratio that a baseline guards. */
export interface GuardedRatio {
  cell: string;
  metric: Metric;
  arm: string;
  /** Whether its metric decides in its cell. */
  isDeciding: boolean;
  /** The smallest change that would have been a regression; Infinity without an interval. */
  detectable: number;
  /** No change was detected, and one of BLIND_ABOVE would not have been. */
  isBlind: boolean;
}

export interface Sight {
  /** By detectable change, the smallest first. */
  ratios: GuardedRatio[];
  blind: GuardedRatio[];
  /** Whether all ratios of the deciding metric are blind. */
  isBlind: boolean;
}

/** What a comparison could have detected, in the cells that were compared; the others are gaps. */
export function sightOf({ lines }: Pick<GateResult, 'lines'>, baseline: RunSummary): Sight {
  const compared = baseline.cells.filter(({ cell }) => lines.some(line => line.cell === cell));
  const ratios = compared
    .flatMap(({ cell, ratios: own }) =>
      own
        .filter(({ candidate }) => candidate !== NULL_ARM)
        .map(({ metric, candidate: arm }): GuardedRatio => {
          const line = lines.find(
            one => one.kind === 'ratio' && one.cell === cell && one.metric === metric && one.arm === arm,
          );
          const isDeciding = metric === own[0]?.metric;
          return { cell, metric, arm, isDeciding, ...seenBy(line) };
        }),
    )
    .toSorted((a, b) => a.detectable - b.detectable);
  const blind = ratios.filter(({ isBlind }) => isBlind);
  const deciding = ratios.filter(({ isDeciding }) => isDeciding);
  return {
    ratios,
    blind,
    isBlind: deciding.length > 0 && deciding.every(({ isBlind }) => isBlind),
  };
}

/** What a run could detect in another one of the same precision. */
export function ownSight(run: RunSummary, minEffect: number): Sight {
  return sightOf(gateRun(run, run, { minEffect }), run);
}

function seenBy(line: GateLine | undefined): Pick<GuardedRatio, 'detectable' | 'isBlind'> {
  if (line === undefined) return { detectable: Number.POSITIVE_INFINITY, isBlind: true };
  const { detectable, state } = line;
  return { detectable, isBlind: state === 'unsure' && detectable > BLIND_ABOVE };
}
