// In: a figure of a gate, and the two runs. Out: the marks of each side, and what the headline has to say of them.
import type { GateLine } from '../results/gate.ts';
import type { RunSummary } from '../results/run-summary.ts';
import { areErrorsUnlike, errorRatioOf } from '../results/unlike-errors.ts';
import { signsOf } from './cell-view.ts';
import { percentText } from './words/numbers.ts';
import type { Mark } from './model.ts';

type Place = Pick<GateLine, 'kind' | 'cell' | 'arm'>;

/** Of a ratio in one run, by the error rates of its two arms there. */
export function sideMarks(line: Place, run: RunSummary): Mark[] {
  const pair = line.kind === 'ratio' ? pairOf(line, run) : undefined;
  return pair !== undefined && areErrorsUnlike(...pair) ? ['unlikeErrors'] : [];
}

/** Of the change: it is as good as the worse of its two sides. */
export function changeMarks(line: Place, sides: { before: RunSummary; after: RunSummary }): Mark[] {
  return [...new Set([...sideMarks(line, sides.before), ...sideMarks(line, sides.after)])];
}

/** Of which pairs the error rates differ, in either run; a sentence each. */
export function errorGapRemarks(
  lines: readonly GateLine[],
  { before, after }: { before: RunSummary; after: RunSummary },
): string[] {
  const texts = lines.flatMap(line =>
    (
      [
        ['the baseline', before],
        ['this run', after],
      ] as const
    ).flatMap(([where, run]) => {
      const pair = sideMarks(line, run).length === 0 ? undefined : pairOf(line, run);
      if (pair === undefined) return [];
      const rates = pair.map(arm => `${arm.arm} ${percentText(errorRatioOf(arm))}`).join(', ');
      return [
        `Error rates differ in ${where} (${line.cell}: ${rates}), so changes of ratios marked ${signsOf(['unlikeErrors'])} compare different work.`,
      ];
    }),
  );
  return [...new Set(texts)];
}

function pairOf({ cell: name, arm }: Place, { cells }: RunSummary) {
  const cell = cells.find(({ cell }) => cell === name);
  const own = cell?.arms.find(one => one.arm === arm);
  const other = cell?.arms.find(one => one.arm === cell.baseline);
  return own === undefined || other === undefined ? undefined : ([other, own] as const);
}
