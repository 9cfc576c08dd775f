// Combines a run with its re-measurement, for a verdict by both.
import type { ArmFigures, CellFigures, RatioFigures, RunSummary } from './baselines.ts';
import { holding, intervalOfParts } from './stats.ts';

/**
 * Combines a run with one that re-measured some of its cells. Counts are added. Ratios get the interval of all replicates,
 * widened to hold the value of each run; otherwise two runs that differ would be taken for two modes of a process, and the
 * smaller one be ignored. A client's own figures, the id and the time are those of the first run. Cells that were not
 * re-measured, or under different conditions, stay as they were.
 */
export function joinRuns(first: RunSummary, fresh: RunSummary): RunSummary {
  return {
    ...first,
    cells: first.cells.map(cell => {
      const again = fresh.cells.find(
        other => other.cell === cell.cell && other.conditions === cell.conditions,
      );
      return again === undefined ? cell : joinCells(cell, again);
    }),
  };
}

function joinCells(first: CellFigures, again: CellFigures): CellFigures {
  return {
    ...first,
    arms: first.arms.map(arm => {
      const other = again.arms.find(candidate => candidate.arm === arm.arm);
      return other === undefined ? arm : joinArms(arm, other);
    }),
    ratios: first.ratios.map(ratio => {
      const other = again.ratios.find(
        ({ metric, candidate }) => metric === ratio.metric && candidate === ratio.candidate,
      );
      return other === undefined ? ratio : joinRatios(ratio, other);
    }),
  };
}

function joinRatios(first: RatioFigures, again: RatioFigures): RatioFigures {
  const replicateRatios = [...first.replicateRatios, ...again.replicateRatios];
  const own = [first, again].flatMap(({ interval }) => interval?.value ?? []);
  const joint = intervalOfParts([first, again]);
  return { ...first, replicateRatios, interval: joint === null ? null : own.reduce(holding, joint) };
}

function joinArms(first: ArmFigures, again: ArmFigures): ArmFigures {
  const whyNeedUnknown = again.whyNeedUnknown ?? first.whyNeedUnknown;
  return {
    ...first,
    ...(whyNeedUnknown === undefined ? {} : { whyNeedUnknown }),
    completed: first.completed + again.completed,
    failed: first.failed + again.failed,
    requestsSent: first.requestsSent + again.requestsSent,
    opened: first.opened + again.opened,
    mostNeeded:
      first.mostNeeded === null || again.mostNeeded === null ? null : first.mostNeeded + again.mostNeeded,
  };
}
