// Table of the origins of a target that has several: requests and connections of each, by client and target.
import { sumOf } from '../../results/stats.ts';
import { nameOfOrigin, originCount } from '../../scenarios/model/facts.ts';
import { isExternal, type Target } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, onlyInvalid } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatCount } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

/** null for a single origin. */
export function originTable({ arms, result }: CellView): Table | null {
  const { target } = result.scenario;
  if (originCount(target) === 1) return null;
  const rows = arms.flatMap(arm => originRows(arm, target));
  if (rows.length === 0) return null;
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
      ...(isExternal(target)
        ? [
            'Counted by the client: the servers are external, so what each of them received and accepted is unknown.',
          ]
        : []),
    ],
  });
}

const COUNTS = ['requestsSent', 'requestsSeen', 'opened', 'accepted'] as const;

function originRows({ label, name, trials, marks }: ArmView, target: Target): TableCell[][] {
  if (trials.length === 0) return [];
  const invalid = onlyInvalid(marks);
  return Array.from({ length: originCount(target) }, (_, index) => [
    words(label, name),
    words(isExternal(target) ? nameOfOrigin(target, index) : String(index + 1)),
    ...COUNTS.map(key => {
      const counts = trials.map(({ measurement }) => measurement.ledger.origins[index]?.[key] ?? null);
      return countCell(counts, invalid);
    }),
  ]);
}

/** Nothing where one of the counts is unknown. */
function countCell(counts: readonly (number | null)[], marks: readonly Mark[]): TableCell {
  const known = counts.filter(count => count !== null);
  if (known.length < counts.length) return nothing;
  const sum = sumOf(known, count => count);
  return figure(formatCount(sum), sum, marks);
}
