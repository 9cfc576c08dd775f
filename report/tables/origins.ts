// Table of the origins of a target that has several: requests and connections of each, by client and target.
import { sumOf } from '../../results/stats.ts';
import { originCount } from '../../scenarios/model/origins.ts';
import { type ArmView, type CellView, onlyInvalid } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatCount } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, words } from './table.ts';

/** null for a single origin. */
export function originTable({ arms, result }: CellView): Table | null {
  const count = originCount(result.scenario.target);
  const rows = arms.flatMap(arm => originRows(arm, count));
  if (count === 1 || rows.length === 0) return null;
  return createTable({
    name: 'origins',
    title: 'Connections by origin',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('origin', 'origin'),
      figureColumn('sentCount', 'requests sent'),
      figureColumn('seenCount', 'requests seen by the target'),
      figureColumn('openedCount', 'connections opened'),
      figureColumn('acceptedCount', 'connections accepted'),
    ],
    rows,
    notes: [
      'Over whole trials, warm-up included. A limit per host (pool.maxConnections) applies to each origin, pool.maxTotalConnections to all together.',
    ],
  });
}

function originRows({ label, name, trials, marks }: ArmView, count: number): TableCell[][] {
  if (trials.length === 0) return [];
  const invalid = onlyInvalid(marks);
  return Array.from({ length: count }, (_, index) => {
    const total = (key: 'requestsSent' | 'requestsSeen' | 'opened' | 'accepted'): TableCell =>
      countCell(
        sumOf(trials, ({ measurement }) => measurement.ledger.origins[index]?.[key] ?? 0),
        invalid,
      );
    return [
      words(label, name),
      words(String(index + 1)),
      total('requestsSent'),
      total('requestsSeen'),
      total('opened'),
      total('accepted'),
    ];
  });
}

function countCell(count: number, marks: readonly Mark[]): TableCell {
  return figure(formatCount(count), count, marks);
}
