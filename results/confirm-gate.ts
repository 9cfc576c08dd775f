// In: a baseline, a run with regressions, and a run that has measured their cells again. Out: which of them are borne out.
import { type GateLine, type GateOptions, type GateResult, gateRun, gateStateOf, isWorse } from './gate.ts';
import { joinRuns } from './join-runs.ts';
import type { RunSummary } from './run-summary.ts';

/** A regression, and what was measured again of it. */
export interface Confirmation {
  first: GateLine;
  /** On the fresh run alone; undefined where that has no such figure. */
  fresh: GateLine | undefined;
  together: GateLine;
  isBorneOut: boolean;
}

export interface ConfirmedGate {
  /** Of both runs together: its regressions are those that are borne out, any other is unsure. */
  result: GateResult;
  together: RunSummary;
  /** Of each regression of the first run, in its order. */
  confirmations: Confirmation[];
}

/**
 * A regression is borne out where the fresh run by itself is worse by more than the effect too, and both runs together show
 * it by the whole interval: the rule of expectations (`confirmed` in expect.ts).
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
    const isBorneOut = both.state === 'regression' && again !== undefined && isWorse(again, both.effect);
    return { first: line, fresh: again, together: both, isBorneOut };
  });
  const isFinal = (line: GateLine): boolean =>
    confirmations.some(({ together: own, isBorneOut }) => own === line && isBorneOut);
  const lines = joined.lines.map(line =>
    line.isBinding && line.state === 'regression' && !isFinal(line)
      ? { ...line, state: 'unsure' as const }
      : line,
  );
  return { result: { ...joined, lines, state: gateStateOf(lines, joined.gaps) }, together, confirmations };
}

/** Those that fail a gate. */
export function regressionsOf({ lines }: GateResult): GateLine[] {
  return lines.filter(({ state, isBinding }) => state === 'regression' && isBinding);
}

function isSame({ cell, arm, metric, kind }: GateLine): (other: GateLine) => boolean {
  return other => other.cell === cell && other.arm === arm && other.metric === metric && other.kind === kind;
}
