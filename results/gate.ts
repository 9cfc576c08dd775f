// In: the figures of a baseline run and of a new one. Out: what changed, by how much, how sure, and whether it is a regression.

import { NULL_ARM } from '../bench/core/null-arm.ts';
import { LEAST_REPLICATES } from '../bench/core/replicates.ts';
import type { Metric } from './model/run.ts';
import { difference, ratioOfRatios, ratioOfRatiosAt } from './change.ts';
import { armGap, cellGap, ratioGaps } from './gate-gaps.ts';
import { heldTogether, judged } from './gate-judgement.ts';
import { isHigherBetter } from './metrics.ts';
import type { ArmFigures, CellFigures, RunSummary } from './run-summary.ts';
import { shareInterval } from './share.ts';
import { type Interval, LEVEL } from './stats.ts';

/** Changes below this are not worth an alarm, unless stated otherwise: 5 %. */
export const DEFAULT_MIN_EFFECT = 0.05;

/** More errors than this, as a share of requests, are a regression whatever the share was before. */
const ERROR_EFFECT = 0.0005;
/** More connections than the mode needs, per request, that are a regression: one per 1,000 requests. */
const EXCESS_EFFECT = 0.001;

/** Where only changes above this could have been seen, the comparison is blind: that nothing showed says nothing. */
export const BLIND_ABOVE = 0.25;

export type GateState = 'regression' | 'improvement' | 'within' | 'unsure';

/** One figure held against the same figure of the baseline. */
export interface GateLine {
  cell: string;
  /** `ratio`: an arm against its cell's baseline arm; `count`: a share of requests; `absolute`: an arm's own figure. */
  kind: 'ratio' | 'count' | 'absolute';
  metric: Metric | 'errorRatio' | 'excessConnections';
  arm: string;
  before: Interval;
  after: Interval;
  /** after / before for ratios and absolute figures, after - before for counts. */
  change: Interval;
  /** What a change has to exceed: the least effect asked for, or the noise floor where that is higher. */
  effect: number;
  /** The A/A noise of both runs, as a relative change; null where a run had no null arm. */
  noiseFloor: number | null;
  /** The smallest change that this line could have called a regression. */
  detectable: number;
  state: GateState;
  /** Whether a regression here fails the gate. Absolute figures never do: machines drift by more than code does. */
  isBinding: boolean;
}

export interface GateResult {
  lines: GateLine[];
  /** Why a figure of the baseline, or a whole cell, has nothing to be held against. A sentence each. */
  gaps: string[];
  hasSameMachine: boolean;
  /** `nothing`: there was nothing to judge by. */
  state: 'pass' | 'regression' | 'unsure' | 'nothing';
}

export interface GateOptions {
  /** Smallest relative change that counts (0.05 = 5 %); never below the noise floor. */
  minEffect: number;
}

/**
 * Holds a run against a baseline. Ratios between arms and counts are compared always, for machines agree on them; absolute
 * figures only where the machine is the same, and then they inform.
 *
 *          -effect   0   +effect            (a metric where more is worse)
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
    if (level === LEVEL) gaps.push(...unknown);
    return found;
  });
  return { lines, gaps, hasSameMachine, state: gateStateOf(lines, gaps) };
}

/** What a gate says that has these lines. */
export function gateStateOf(lines: readonly GateLine[], gaps: readonly string[]): GateResult['state'] {
  const binding = lines.filter(({ isBinding }) => isBinding);
  if (binding.length === 0) return 'nothing';
  if (binding.some(({ state }) => state === 'regression')) return 'regression';
  return gaps.length > 0 || binding.some(({ state }) => state === 'unsure') ? 'unsure' : 'pass';
}

/** Whether the change itself is for the worse by more than an effect, its interval aside. */
export function isWorse({ metric, change: { value } }: GateLine, effect: number): boolean {
  if (metric === 'errorRatio' || metric === 'excessConnections') return value > effect;
  return isHigherBetter(metric) ? value < 1 / (1 + effect) : value > 1 + effect;
}

/** What makes times comparable at all. */
function machineOf({ host }: RunSummary): string {
  return JSON.stringify([host.cpuModel, host.cpuCount, host.kernel, host.node]);
}

interface CellOptions {
  minEffect: number;
  hasSameMachine: boolean;
  /** Of the intervals that a line is judged by. */
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

/** null of too few replicates, which older baselines have intervals of. */
function intervalOf({ interval, replicateRatios }: CellFigures['ratios'][number]): Interval | null {
  return replicateRatios.length < LEAST_REPLICATES ? null : interval;
}

/** How far the null arm's interval reaches from 1: what this run would have called a change where there was none. */
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

/** Connections beyond what the mode needs, per request: fast and slow machines agree on it. null without a bound. */
function excessOf({ opened, mostNeeded, requestsSent }: ArmFigures, level: number): Interval | null {
  if (mostNeeded === null) return null;
  return shareInterval(Math.min(requestsSent, Math.max(0, opened - mostNeeded)), requestsSent, level);
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
    { ...line, ...judged(ratioOfRatios(old, now), minEffect, true), noiseFloor: null, isBinding: false },
  ];
}
