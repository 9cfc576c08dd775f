// In: the arms of a cell. Out: how far drivers of the same mode disagree on it; null where they differ in more than that.
import type { Metric } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import { type ArmView, type CellView, comparisonMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { isOfDrivers, offText } from '../words/headline.ts';
import { countText, msText, significantText } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

const METRICS = ['requestsPerSec', 'meanUs', 'p99Us'] as const satisfies readonly Metric[];

export function agreementTable(view: CellView): Table | null {
  const { arms, result } = view;
  const { load, baseline } = result.scenario;
  if (load.model !== 'closed' || !isOfDrivers(arms) || arms.every(({ summary }) => summary === null))
    return null;
  const users = load.concurrency;
  return createTable({
    name: 'agreement',
    title: 'Agreement of the drivers',
    columns: [
      keyColumn('driver', 'driver'),
      figureColumn('requestsPerSec', 'requests/s'),
      figureColumn('requestsPerSecRatio', 'off by', '95 % interval'),
      figureColumn('meanMs', 'mean', 'ms'),
      figureColumn('meanRatio', 'off by', '95 % interval'),
      figureColumn('p99Ms', 'p99', 'ms'),
      figureColumn('p99Ratio', 'off by', '95 % interval'),
      figureColumn('busyUsers', `busy users of ${countText(users)}`),
      figureColumn('connectionsPerThousand', 'connections', 'per 1,000 requests'),
    ],
    rows: arms.map(arm => {
      const marks = arm.marks;
      const [rate, mean, p99] = METRICS.map(metric => offCell(metric, arm, view));
      return [
        words(arm.label, arm.name),
        ...(arm.summary === null || rate === undefined || mean === undefined || p99 === undefined
          ? Array.from({ length: 6 }, () => nothing)
          : [
              rateCell(arm.summary.requestsPerSec, marks),
              rate,
              figure(msText(arm.summary.meanUs), arm.summary.meanUs / 1000, marks),
              mean,
              figure(msText(arm.summary.p99Us), arm.summary.p99Us / 1000, marks),
              p99,
            ]),
        busyUsersCell(arm, load.thinkMs),
        connectionsCell(arm),
      ];
    }),
    notes: [
      `Off by: how much more (+) or less (−) than ${baseline} in the same replicate. Drivers that agree on the server are off by no more than their intervals; where a driver's own CPU sets the pace, they measure themselves.`,
      "Busy users are rate × mean latency (Little's law): fewer than there are means that latencies lack something, or that users waited unseen.",
      "Connections by the target's count, over all requests, warm-up included.",
    ],
  });
}

function rateCell(rate: Interval | null, marks: readonly Mark[]): TableCell {
  return rate === null ? nothing : figure(significantText(rate.value), rate.value, marks);
}

/** The baseline is off from nothing. */
function offCell(metric: Metric, { name, isBaseline }: ArmView, view: CellView): TableCell {
  if (isBaseline) return words('baseline', { value: 1, low: 1, high: 1 });
  const comparison = view.result.comparisons.find(
    ({ candidate, metric: compared }) => candidate === name && compared === metric,
  );
  if (comparison?.ratio == null) return nothing;
  return figure(offText(comparison.ratio), comparison.ratio, comparisonMarks(comparison, view));
}

function busyUsersCell({ trials, summary, marks }: ArmView, thinkMs: number): TableCell {
  const steadyMs = sum(trials, ({ measurement }) => measurement.steadyMs);
  if (summary === null || steadyMs === 0) return nothing;
  const users = (summary.completed / steadyMs) * (summary.meanUs / 1000 + thinkMs);
  return figure(
    significantText(users),
    users,
    marks.filter(mark => mark === 'invalid'),
  );
}

/** Nothing where nobody counted at the other end. */
function connectionsCell({ trials, marks }: ArmView): TableCell {
  const ledgers = trials.map(({ measurement }) => measurement.ledger);
  const requests = sum(ledgers, ({ requestsSeen, requestsSent }) => requestsSeen ?? requestsSent);
  if (requests === 0 || ledgers.some(({ acceptedBy }) => acceptedBy !== 'target')) return nothing;
  const perThousand = (1000 * sum(ledgers, ({ accepted }) => accepted ?? 0)) / requests;
  return figure(
    significantText(perThousand),
    perThousand,
    marks.filter(mark => mark === 'invalid'),
  );
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}
