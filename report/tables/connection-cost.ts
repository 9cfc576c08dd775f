// Table: CPU time that opening a connection costs, by pairs of clients that differ only in connections; null without such pairs.
import { type ConnectionCost, type Cost, connectionCosts } from '../../results/connection-cost.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import type { CellView } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { roundTripsOf } from '../words/connection-cost.ts';
import {
  FEW_NOTE,
  formatDecimals,
  formatInterval,
  formatMissing,
  isKnown,
  listValues,
  missingReplicates,
  roundInterval,
} from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

export function connectionCostTable(view: CellView): Table | null {
  const costs = connectionCosts(view.trials);
  if (costs.length === 0) return null;
  return createTable({
    name: 'connectionCost',
    title: 'What a connection costs',
    columns: [
      keyColumn('more', 'client'),
      keyColumn('fewer', 'against'),
      figureColumn('clientUs', 'client CPU', 'µs'),
      figureColumn('serverUs', 'server CPU', 'µs'),
      figureColumn('roundTripsCount', 'round trips'),
      figureColumn('aloneUs', 'one user waits', 'µs'),
      figureColumn('servedRatio', 'reuse serves', '× requests/s'),
      figureColumn('servedByCpuRatio', 'by CPU time', '× requests'),
      figureColumn('savedCores', 'reuse saves', 'cores'),
    ],
    rows: costs.map(cost => [
      words(cost.more),
      words(cost.fewer),
      costCell(cost.client, cost, view),
      cost.server === null ? nothing : costCell(cost.server, cost, view),
      tripsCell(roundTripsOf(cost, view)),
      cost.alone === null ? nothing : costCell(cost.alone.added, cost, view),
      ratioCell(cost.served, cost, view),
      ratioCell(cost.servedByCpu, cost, view),
      savedCell(cost, view),
    ]),
    notes: [
      `CPU time per new connection, with its ${INTERVAL_NAME}: in each replicate, the difference in CPU time per request divided by the difference in connections per request. Round trips are those that the protocols need before the first request. What one user waits for a new connection is the difference of median response times with one user instead of all, so nothing in it is a queue. How many more requests reuse serves is computed from the rates, and from the CPU time of client and server together, which other programs on the machine disturb less. The last column is what reuse saves at 1,000 requests/s, client and server together.`,
      ...(costs.some(({ client }) => client.interval === null) ? [FEW_NOTE] : []),
    ],
  });
}

function ratioCell(ratio: Interval | null, pair: ConnectionCost, view: CellView): TableCell {
  return ratio === null || !isKnown(ratio)
    ? nothing
    : figure(formatInterval(ratio), { ...ratio }, marksOf(pair, view));
}

function tripsCell(trips: number | null): TableCell {
  return trips === null ? nothing : figure(`${trips}`, trips);
}

function costCell(cost: Cost, pair: ConnectionCost, view: CellView): TableCell {
  const { interval, replicateUs } = cost;
  return figure(
    describeCost(cost),
    interval === null ? [...replicateUs] : { ...interval },
    marksOf(pair, view),
  );
}

/**
 * `163 (150 to 176)`; without an interval, the replicates: `158, 167 (1 more replicate needed)`. A difference may be near or below
 * 0, whose bounds are figures too.
 */
export function describeCost({ interval, replicateUs }: Cost): string {
  if (interval === null) return listValues(replicateUs);
  const { value, low, high } = roundInterval(interval, 0);
  return high === low ? value : `${value} (${low} to ${high})`;
}

/** `0.20`; from too few replicates `0.20 (1 more replicate needed)`; where the interval includes 0, that none is shown. */
function savedCell(cost: ConnectionCost, view: CellView): TableCell {
  const { savedCoresAt1kPerSec: cores, client } = cost;
  if (cores === null) return words('none shown', null);
  const missing = missingReplicates(client.replicateUs.length);
  const text = `${formatDecimals(cores, 2)}${missing === 0 ? '' : ` (${formatMissing(missing)} needed)`}`;
  return figure(text, cores, marksOf(cost, view));
}

/** Marks of either client. */
function marksOf({ more, fewer }: ConnectionCost, { arms }: CellView) {
  const marks = arms.filter(({ name }) => name === more || name === fewer).flatMap(arm => arm.marks);
  return [...new Set(marks)];
}
