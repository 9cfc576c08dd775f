// Table: how far load tools and clients with the same connection policy disagree; null for other cells.
import type { Metric } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import { type ArmView, type CellView, comparisonMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { comparesLoadTools, formatDeviation } from '../words/headline.ts';
import { formatCount, formatMs, formatSignificant } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

const METRICS = ['requestsPerSec', 'meanUs', 'p99Us'] as const satisfies readonly Metric[];

export function agreementTable(view: CellView): Table | null {
  const { arms, result } = view;
  const { load, baseline } = result.scenario;
  if (load.model !== 'closed' || !comparesLoadTools(arms) || arms.every(({ summary }) => summary === null))
    return null;
  const users = load.concurrency;
  return createTable({
    name: 'agreement',
    title: 'Agreement of load tools',
    columns: [
      keyColumn('driver', 'client'),
      figureColumn('requestsPerSec', 'requests/s'),
      figureColumn('requestsPerSecRatio', 'deviation', '95 % interval'),
      figureColumn('meanMs', 'mean', 'ms'),
      figureColumn('meanRatio', 'deviation', '95 % interval'),
      figureColumn('p99Ms', 'p99', 'ms'),
      figureColumn('p99Ratio', 'deviation', '95 % interval'),
      figureColumn('busyUsers', `busy users of ${formatCount(users)}`),
      figureColumn('connectionsPerThousand', 'connections', 'per 1,000 requests'),
    ],
    rows: arms.map(arm => {
      const marks = arm.marks;
      const [rate, mean, p99] = METRICS.map(metric => deviationCell(metric, arm, view));
      return [
        words(arm.label, arm.name),
        ...(arm.summary === null || rate === undefined || mean === undefined || p99 === undefined
          ? Array.from({ length: 6 }, () => nothing)
          : [
              rateCell(arm.summary.requestsPerSec, marks),
              rate,
              figure(formatMs(arm.summary.meanUs), arm.summary.meanUs / 1000, marks),
              mean,
              figure(formatMs(arm.summary.p99Us), arm.summary.p99Us / 1000, marks),
              p99,
            ]),
        busyUsersCell(arm, load.thinkMs),
        connectionsCell(arm),
      ];
    }),
    notes: [
      `Deviation: how much more (+) or less (−) than ${baseline} in the same replicate. If the clients agree, the intervals include 0; where a client's own CPU is the limit, it measures itself rather than the server.`,
      "Busy users are rate × mean latency (Little's law). If they are fewer than the users of the load, latencies are incomplete or users waited unobserved.",
      'Connections are counted by the target over all requests, warm-up included.',
    ],
  });
}

function rateCell(rate: Interval | null, marks: readonly Mark[]): TableCell {
  return rate === null ? nothing : figure(formatSignificant(rate.value), rate.value, marks);
}

/** The baseline deviates from nothing. */
function deviationCell(metric: Metric, { name, isBaseline }: ArmView, view: CellView): TableCell {
  if (isBaseline) return words('baseline', { value: 1, low: 1, high: 1 });
  const comparison = view.result.comparisons.find(
    ({ candidate, metric: compared }) => candidate === name && compared === metric,
  );
  if (comparison?.ratio == null) return nothing;
  return figure(formatDeviation(comparison.ratio), comparison.ratio, comparisonMarks(comparison, view));
}

function busyUsersCell({ trials, summary, marks }: ArmView, thinkMs: number): TableCell {
  const steadyMs = sum(trials, ({ measurement }) => measurement.steadyMs);
  if (summary === null || steadyMs === 0) return nothing;
  const users = (summary.completed / steadyMs) * (summary.meanUs / 1000 + thinkMs);
  return figure(
    formatSignificant(users),
    users,
    marks.filter(mark => mark === 'invalid'),
  );
}

/** Empty where the target did not count. */
function connectionsCell({ trials, marks }: ArmView): TableCell {
  const ledgers = trials.map(({ measurement }) => measurement.ledger);
  const requests = sum(ledgers, ({ requestsSeen, requestsSent }) => requestsSeen ?? requestsSent);
  if (requests === 0 || ledgers.some(({ acceptedBy }) => acceptedBy !== 'target')) return nothing;
  const perThousand = (1000 * sum(ledgers, ({ accepted }) => accepted ?? 0)) / requests;
  return figure(
    formatSignificant(perThousand),
    perThousand,
    marks.filter(mark => mark === 'invalid'),
  );
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}
