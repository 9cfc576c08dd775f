// In: a run's summary, and that of a run that has measured some of its cells again. Out: one summary of all their replicates.
import type { ArmFigures, CellFigures, RatioFigures, RunSummary } from './run-summary.ts';
import { holding, replicateInterval } from './stats.ts';

/**
 * Counts are added. Ratios have the interval of all replicates, widened to hold what each run measured by itself: else two
 * runs that differ would be taken for two modes of a process, and the smaller one left out. What an arm did by itself, and id
 * and time, are those of the first run. Cells that were not measured again, or under other conditions, stay as they were.
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
  const joint = replicateInterval(replicateRatios.map(Math.log));
  return { ...first, replicateRatios, interval: joint === null ? null : own.reduce(holding, joint) };
}

function joinArms(first: ArmFigures, again: ArmFigures): ArmFigures {
  return {
    ...first,
    completed: first.completed + again.completed,
    failed: first.failed + again.failed,
    requestsSent: first.requestsSent + again.requestsSent,
    opened: first.opened + again.opened,
    mostNeeded:
      first.mostNeeded === null || again.mostNeeded === null ? null : first.mostNeeded + again.mostNeeded,
  };
}
