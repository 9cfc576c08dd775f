// In: a run held against a baseline. Out: the smallest changes that the comparison could have seen, and whether it is blind.
import { NULL_ARM } from '../bench/core/null-arm.ts';
import type { Metric } from './model/run.ts';
import { BLIND_ABOVE, type GateLine, type GateResult, gateRun } from './gate.ts';
import type { RunSummary } from './run-summary.ts';

/** A ratio that a baseline guards. */
export interface GuardedRatio {
  cell: string;
  metric: Metric;
  arm: string;
  /** Whether it is of the metric that decides in its cell. */
  isDeciding: boolean;
  /** The smallest change that would have been a regression; Infinity where there is no interval. */
  detectable: number;
  /** No change was shown, and one of BLIND_ABOVE would not have been. */
  isBlind: boolean;
}

export interface Sight {
  /** From the one that sees best to the one that sees worst. */
  ratios: GuardedRatio[];
  blind: GuardedRatio[];
  /** Whether all ratios are blind, or all of the metric that decides. */
  isBlind: boolean;
}

/** Of the cells that were compared: what of the others is missing is a gap. */
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

/** What a run could see in another that is as sure as it is. */
export function ownSight(run: RunSummary, minEffect: number): Sight {
  return sightOf(gateRun(run, run, { minEffect }), run);
}

function seenBy(line: GateLine | undefined): Pick<GuardedRatio, 'detectable' | 'isBlind'> {
  if (line === undefined) return { detectable: Number.POSITIVE_INFINITY, isBlind: true };
  const { detectable, state } = line;
  return { detectable, isBlind: state === 'unsure' && detectable > BLIND_ABOVE };
}
