// Table: how each client's requests and connections are spread over the backends of the target; null with a single one.
import { connectionsPer1k } from '../../results/metrics.ts';
import { EVEN_RATIO, SHARE_MS, type Shares, type Spread, spreadOf } from '../../results/spread.ts';
import { meanOf } from '../../results/stats.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { formatSeconds } from '../words/conditions.ts';
import { formatPercent, formatSignificant, formatValues } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

export function spreadTable(view: CellView): Table | null {
  const rows = view.arms.flatMap(arm => {
    const spreads = arm.trials.flatMap(trial => spreadOf(trial) ?? []);
    return spreads.length === 0 ? [] : [{ arm, spreads }];
  });
  if (rows.length === 0) return null;
  const isGrowing = rows.some(({ spreads }) => spreads.some(({ evenAfterMs }) => evenAfterMs !== undefined));
  return createTable({
    name: 'spread',
    title: 'Spread over the backends',
    columns: [
      keyColumn('client', 'client'),
      figureColumn('requestShares', 'requests', 'by backend'),
      figureColumn('busiestBackendRatio', 'busiest', '/ mean'),
      figureColumn('connectionShares', 'connections', 'by backend'),
      figureColumn('mostConnectionsRatio', 'most', '/ mean'),
      ...(isGrowing ? [figureColumn('evenAfterSec', 'even after', 's')] : []),
      figureColumn('connectionsPer1000Count', 'opened', 'per 1,000 requests'),
    ],
    rows: rows.map(({ arm, spreads }) => [
      words(arm.name),
      sharesCell(
        spreads.map(({ requests }) => requests),
        arm,
      ),
      ratioCell(
        spreads.map(({ requests }) => requests.busiestRatio),
        arm,
      ),
      sharesCell(
        spreads.map(({ connections }) => connections),
        arm,
      ),
      ratioCell(
        spreads.map(({ connections }) => connections.busiestRatio),
        arm,
      ),
      ...(isGrowing ? [evenCell(spreads, arm)] : []),
      openedCell(arm),
    ]),
    notes: [
      `Shares of the backends that had least and most, means over replicates; busiest and most: the largest share over the mean, by replicate (1: all are equal). A new connection goes to the next backend, and a request to the one that its connection leads to.${isGrowing ? ` Shares of requests are those of the last ${formatSeconds(SHARE_MS)} of the window. Even after: the time from the adding of backends to the first second from which on the busiest had at most ${EVEN_RATIO} times the mean.` : ''} What is paid for it are the connections that were opened, each with its handshakes.`,
    ],
  });
}

/** `11.9 % to 13.1 %`: for machines the mean share of each backend. */
function sharesCell(all: readonly Shares[], { marks }: ArmView): TableCell {
  const means = all[0]!.shares.map((_, backend) => meanOf(all.map(({ shares }) => shares[backend]!)));
  return figure(`${formatPercent(Math.min(...means))} to ${formatPercent(Math.max(...means))}`, means, marks);
}

function ratioCell(ratios: readonly number[], { marks }: ArmView): TableCell {
  return figure(formatValues(ratios), [...ratios], marks);
}

function evenCell(spreads: readonly Spread[], { marks }: ArmView): TableCell {
  const times = spreads.map(({ evenAfterMs }) => evenAfterMs ?? null);
  const known = times.filter(time => time !== null).map(ms => Math.round(ms / 100) / 10);
  const missing = times.length - known.length;
  const text = known.length === 0 ? 'not in time' : formatValues(known);
  const rest = missing === 0 || known.length === 0 ? '' : `, ${missing} not in time`;
  return figure(
    `${text}${rest}`,
    times.map(ms => (ms === null ? null : ms / 1_000)),
    marks,
  );
}

function openedCell({ trials, marks }: ArmView): TableCell {
  if (trials.length === 0) return nothing;
  const mean = meanOf(trials.map(connectionsPer1k));
  return figure(formatSignificant(mean), mean, marks);
}
