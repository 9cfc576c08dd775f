// In: a cell of a baseline, and a run. Out: why they, or an arm of them, can't be compared, in a sentence without its dot.
import { NULL_ARM } from '../bench/core/null-arm.ts';
import type { ArmFigures, CellFigures, RunSummary } from './run-summary.ts';

/** Why nothing of the cell can be compared; undefined: it can. */
export function cellGap(
  before: CellFigures,
  baseline: RunSummary,
  { cells }: RunSummary,
): string | undefined {
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
    return `${cell} has no arm ${lost.join(', ')} in this run, only ${now.join(', ')}: save a new baseline`;
  if (hasNullArm(after) !== hasNullArm(before))
    return `${cell} has a null arm in ${hasNullArm(after) ? 'this run' : 'the baseline'} alone: measure both with --null-arm, or neither`;
  if (after.conditions !== before.conditions)
    return `${cell} was measured under other conditions than the baseline: save a new one`;
  if (after.baseline !== before.baseline)
    return `${cell} compares with ${after.baseline}, and did with ${before.baseline} in the baseline: save a new one`;
  return undefined;
}

/** Why an arm's own figures show nothing; undefined: they do. */
export function armGap(cell: string, before: ArmFigures, after: ArmFigures): string | undefined {
  if (before.completed === 0)
    return `${cell}: ${before.arm} has no good answer in the baseline: save a new one`;
  return after.completed + after.failed === 0
    ? `${cell}: ${after.arm} has no figures in this run`
    : undefined;
}

/** Of ratios without an interval in one of the runs, those of an arm in one sentence. */
export function ratioGaps(
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
