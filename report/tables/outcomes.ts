// In: the trials of a cell. Out: how exchanges failed, by arm and kind, with a sample message; null when none did.
import { OUTCOME_WORDS } from '../../bench/core/outcome-words.ts';
import type { CompletedTrial, Outcome } from '../../results/model/trial.ts';
import { OUTCOMES } from '../../results/model/trial.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { countText, msText, percentText } from '../words/numbers.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

export function errorTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm =>
    OUTCOMES.filter(kind => kind !== 'ok').flatMap(kind => errorRow(arm, kind)),
  );
  if (rows.length === 0) return null;
  return createTable({
    name: 'errors',
    title: 'Errors by kind',
    columns: [
      keyColumn('arm', 'arm'),
      keyColumn('kind', 'kind'),
      figureColumn('errorCount', 'count'),
      figureColumn('errorRatio', 'of all exchanges'),
      figureColumn('meanMs', 'mean time', 'ms'),
      figureColumn('longestMs', 'longest', 'ms'),
      wordColumn('sample', 'for example'),
    ],
    rows,
  });
}

/** One row, or none. */
function errorRow({ label, name, trials, marks }: ArmView, kind: Outcome): TableCell[][] {
  const all = trials.flatMap(({ measurement }) => Object.values(measurement.outcomes));
  const total = all.reduce((sum, outcome) => sum + (outcome?.count ?? 0), 0);
  const own = trials.flatMap(({ measurement }) => measurement.outcomes[kind] ?? []);
  const count = own.reduce((sum, outcome) => sum + outcome.count, 0);
  if (count === 0) return [];
  const sample = own.find(outcome => outcome.sample !== undefined)?.sample;
  const invalid = marks.filter(mark => mark === 'invalid');
  return [
    [
      words(label, name),
      words(OUTCOME_WORDS[kind], kind),
      figure(countText(count), count, invalid),
      figure(percentText(count / total), count / total, invalid),
      timeCell(meanUsOf(own), invalid),
      timeCell(longestUsOf(own), invalid),
      words(sample ?? '', sample ?? null),
    ],
  ];
}

type Failures = NonNullable<CompletedTrial['measurement']['outcomes'][Outcome]>;

/** Runs of older versions do not know how long failures took. */
function timeCell(us: number | null, marks: readonly Mark[]): TableCell {
  return us === null ? nothing : figure(msText(us), us / 1_000, marks);
}

function meanUsOf(failures: readonly Failures[]): number | null {
  const timed = failures.flatMap(({ count, meanUs }) => (meanUs === undefined ? [] : [{ count, meanUs }]));
  const count = timed.reduce((sum, one) => sum + one.count, 0);
  return count === 0 ? null : timed.reduce((sum, one) => sum + one.meanUs * one.count, 0) / count;
}

function longestUsOf(failures: readonly Failures[]): number | null {
  const longest = failures.flatMap(({ maxUs }) => maxUs ?? []);
  return longest.length === 0 ? null : Math.max(...longest);
}
