// In: the trials of a cell. Out: how many answers had which status, by arm; null where all are of one status that is expected.
import { isExpectedStatus } from '../../bench/core/statuses.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { countText, percentText } from '../words/numbers.ts';
import type { Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

export function statusTable({ arms, result }: CellView): Table | null {
  const { expectStatus } = result.scenario.target;
  const counts = arms.map(arm => ({ arm, statuses: countStatuses(arm) }));
  const seen = new Set(counts.flatMap(({ statuses }) => [...statuses.keys()]));
  const isGood = (status: string): boolean => isExpectedStatus(expectStatus, Number(status));
  if (seen.size < 2 && [...seen].every(isGood)) return null;
  return createTable({
    name: 'statuses',
    title: 'Answers by status',
    columns: [
      keyColumn('arm', 'arm'),
      keyColumn('status', 'status'),
      figureColumn('answerCount', 'count'),
      figureColumn('answerRatio', 'of all whole answers'),
      wordColumn('counts', 'counts as'),
    ],
    rows: counts.flatMap(({ arm, statuses }) => statusRows(arm, statuses, isGood)),
    notes: [
      `Whole answers of the steady windows, as each client reports them. target.expectStatus makes ${expectStatus.join(', ')} good answers.`,
    ],
  });
}

function countStatuses({ trials }: ArmView): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { measurement } of trials) {
    for (const [status, count] of Object.entries(measurement.statuses)) {
      counts.set(status, (counts.get(status) ?? 0) + count);
    }
  }
  return new Map([...counts].toSorted(([left], [right]) => Number(left) - Number(right)));
}

/** A row for each status; one that says so where none is known. */
function statusRows(
  { label, name, trials, marks }: ArmView,
  statuses: ReadonlyMap<string, number>,
  isGood: (status: string) => boolean,
): TableCell[][] {
  if (statuses.size === 0) {
    return trials.length === 0
      ? []
      : [[words(label, name), words('not known', null), nothing, nothing, words('', null)]];
  }
  const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
  const invalid = marks.filter(mark => mark === 'invalid');
  return [...statuses].map(([status, count]) => [
    words(label, name),
    words(status),
    figure(countText(count), count, invalid),
    figure(percentText(count / total), count / total, invalid),
    isGood(status) ? words('good', 'good') : words('failed', 'failed'),
  ]);
}
