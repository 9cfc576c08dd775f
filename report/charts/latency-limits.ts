// Limits on percentiles of latency, for the pictures of latency by percentile: which there are, and how they are drawn and worded.
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { CellView } from '../cell-view.ts';
import { describeExpectation } from '../tables/expectations.ts';
import { armColour, INK, type Layer } from './theme.ts';

/** Of p50, where the axis of percentiles begins: one in two requests is slower. */
export const FIRST_RARITY = 2;

export interface LatencyLimit {
  /** One in `rarity` requests may be slower. */
  rarity: number;
  /** Where its stroke begins and ends. */
  startRarity: number;
  endRarity: number;
  ms: number;
  colour: string;
  text: string;
}

/** Of the expectations of single clients, and of the objective of a capacity search. */
export function limitsOf({ arms, result }: CellView): LatencyLimit[] {
  const { load } = result.scenario;
  const expected = result.expectations.flatMap(({ expectation }): LatencyLimit[] => {
    const { metric, of, over, atMost } = expectation;
    const { shareBeyond } = METRIC_TABLE[metric];
    const arm = arms.find(({ name }) => name === of);
    if (shareBeyond === undefined || over !== undefined || atMost === undefined || arm === undefined)
      return [];
    const text = describeExpectation(expectation);
    return [createLimit({ rarity: 1 / shareBeyond, ms: atMost / 1_000, colour: armColour(arm), text })];
  });
  if (load.model !== 'capacity') return expected;
  const { p50Ms, p99Ms } = load.objective;
  const asked = [
    { name: 'p50', rarity: 2, ms: p50Ms },
    { name: 'p99', rarity: 100, ms: p99Ms },
  ].flatMap(({ name, rarity, ms }) =>
    ms === undefined ? [] : [createLimit({ rarity, ms, colour: INK, text: `${name} latency ≤ ${ms} ms` })],
  );
  return [...expected, ...asked];
}

/** To either side of a limit, as a factor of the rarity. */
const STROKE = 1.35;

function createLimit(limit: Omit<LatencyLimit, 'startRarity' | 'endRarity'>): LatencyLimit {
  const { rarity } = limit;
  return {
    ...limit,
    startRarity: Math.max(FIRST_RARITY, rarity / STROKE),
    endRarity: rarity * STROKE,
  };
}

/** Behind a caption. */
export function describeLimits(limits: readonly LatencyLimit[]): string[] {
  const texts = [...new Set(limits.map(({ text }) => text))];
  return texts.length === 0
    ? []
    : [`Strokes across are limits, with an arrow where one lies beyond the picture: ${texts.join('; ')}.`];
}

/** How many times as high as the highest time, or as low as the lowest, a limit may be for the axis to include it. */
const REACH = 2;

/** The ends of the axis, ms: those of the times, and of the limits that are near. */
export function reachWith(
  limits: readonly LatencyLimit[],
  [lowestMs, highestMs]: readonly [number, number],
): [number, number] {
  const near = limits.map(({ ms }) => ms).filter(ms => ms <= highestMs * REACH && ms >= lowestMs / REACH);
  return [Math.min(lowestMs, ...near), Math.max(highestMs, ...near)];
}

/** @param ends of the axis, ms */
export function limitLayers(limits: readonly LatencyLimit[], ends: readonly [number, number]): Layer[] {
  return limits.map((limit): Layer => {
    const { colour, text } = limit;
    const tip = `limit: ${text}`;
    const [lowestMs, highestMs] = ends;
    const ms = Math.min(Math.max(limit.ms, lowestMs), highestMs);
    if (ms !== limit.ms) {
      const shape = limit.ms > ms ? 'triangle-up' : 'triangle-down';
      return {
        data: { values: [{ rarity: limit.rarity, ms, tip }] },
        mark: { type: 'point', shape, filled: true, size: 70, color: colour, opacity: 1 },
        encoding: { description: { field: 'tip' } },
      };
    }
    return {
      data: { values: [{ rarity: limit.startRarity, to: limit.endRarity, ms, tip }] },
      mark: { type: 'rule', strokeWidth: 3, color: colour },
      encoding: { x2: { field: 'to' }, description: { field: 'tip' } },
    };
  });
}
