// Table: how far requests piled up in each client while its server was at fault, and how long it took afterwards; null if that is unknown.
import { MOST_AT_REST_RATIO, REST_MS, type Recovery, recoveryOf } from '../../results/faults.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { formatSeconds } from '../words/conditions.ts';
import { formatCount, formatDecimals, formatValues } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, words } from './table.ts';

export function recoveryTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm => {
    const recoveries = arm.trials.flatMap(trial => recoveryOf(trial) ?? []);
    return recoveries.length === 0 ? [] : [{ arm, recoveries }];
  });
  const everyMs = arms.flatMap(({ trials }) =>
    trials.flatMap(({ measurement }) => measurement.held?.everyMs ?? []),
  );
  if (rows.length === 0) return null;
  return createTable({
    name: 'recovery',
    title: 'Time to recover',
    columns: [
      keyColumn('client', 'client'),
      figureColumn('inFlightBeforeCount', 'in flight before', 'most'),
      figureColumn('inFlightSinceCount', 'in flight since', 'most'),
      figureColumn('recoveredAfterSec', 'recovered after', 's'),
    ],
    rows: rows.map(({ arm, recoveries }) => [
      words(arm.label, arm.name),
      countsCell(recoveries, 'before', arm),
      countsCell(recoveries, 'most', arm),
      afterCell(recoveries, arm),
    ]),
    notes: [
      `By replicate. Recovered: from then on, for ${formatSeconds(REST_MS)} or longer, at most ${MOST_AT_REST_RATIO} times as many requests are in flight as at most before the faults; counted from the end of the last fault, and 0 if that was so by then. By samples ${Math.max(...everyMs)} ms apart or more, so it may have been so earlier by as much.`,
    ],
  });
}

function countsCell(recoveries: readonly Recovery[], name: 'before' | 'most', { marks }: ArmView): TableCell {
  const counts = recoveries.map(recovery => recovery[name]);
  return figure(formatValues(counts, '', formatCount), counts, marks);
}

/** `0.2, 0.4, 1 not in time`. */
function afterCell(recoveries: readonly Recovery[], { marks }: ArmView): TableCell {
  const times = recoveries.map(({ afterMs }) => (afterMs === null ? null : afterMs / 1_000));
  const known = times.filter(time => time !== null);
  const missing = times.length - known.length;
  const text = known.length === 0 ? 'not in time' : formatValues(known, '', sec => formatDecimals(sec, 1));
  return figure(missing === 0 || known.length === 0 ? text : `${text}, ${missing} not in time`, times, marks);
}
