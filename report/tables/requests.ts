// Table of the requests of a scenario that has several: counts, rate, errors and latency of each, by client.
import { errorRatioOf } from '../../results/compare.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { RequestSummary } from '../../results/model/run.ts';
import { type ArmView, type CellView, leastCensoredUs, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatRate } from '../words/load.ts';
import { formatCount, formatMs, formatPercent } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

/** null where every client sends one request only. */
export function requestTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm => (arm.summary?.requests ?? []).map(request => requestRow(arm, request)));
  if (rows.length === 0) return null;
  const hasUnknown = arms.some(({ summary }) =>
    summary?.requests.some(({ completed }) => completed === null),
  );
  return createTable({
    name: 'requests',
    title: 'Requests by name',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('request', 'request'),
      figureColumn('sentCount', 'sent'),
      figureColumn('completedCount', 'completed'),
      figureColumn('requestsPerSec', 'rate', 'requests/s'),
      figureColumn('errorRatio', METRIC_TABLE.successRatio.complement!.title),
      figureColumn('meanMs', 'mean', 'ms'),
      figureColumn('p50Ms', 'p50', 'ms'),
      figureColumn('p99Ms', 'p99', 'ms'),
    ],
    rows,
    notes: [
      'Sent: in all, warm-up included. The other figures are of the steady windows of all replicates together.',
      ...(hasUnknown ? ['wrk does not report which of its requests a response belongs to.'] : []),
    ],
  });
}

function requestRow({ name, label, marks }: ArmView, request: RequestSummary): TableCell[] {
  const { completed, failed, requestsPerSec, meanUs, p50Us, p99Us, censored } = request;
  const invalid = onlyInvalid(marks);
  /** Only what is a bound is marked as one. */
  const bounded = (isBound: boolean): Mark[] => [...invalid, ...(isBound ? (['censored'] as const) : [])];
  const leastUs = leastCensoredUs({ censored });
  const few = (metric: 'p50Us' | 'p99Us'): Mark[] =>
    quantileMarks(METRIC_TABLE[metric].shareBeyond, (completed ?? 0) + (censored?.count ?? 0));
  return [
    words(label, name),
    words(request.name),
    figure(formatCount(request.sent), request.sent, invalid),
    completed === null ? nothing : figure(formatCount(completed), completed, invalid),
    requestsPerSec === null
      ? nothing
      : figure(formatRate(requestsPerSec), requestsPerSec, bounded(censored !== null)),
    errorCell(completed, failed, invalid),
    timeCell(meanUs, bounded(censored !== null)),
    timeCell(p50Us, [...bounded(p50Us !== null && p50Us >= leastUs), ...few('p50Us')]),
    timeCell(p99Us, [...bounded(p99Us !== null && p99Us >= leastUs), ...few('p99Us')]),
  ];
}

function errorCell(completed: number | null, failed: number | null, marks: readonly Mark[]): TableCell {
  if (completed === null || failed === null || completed + failed === 0) return nothing;
  const ratio = errorRatioOf({ completed, failed });
  return figure(formatPercent(ratio), ratio, marks);
}

function timeCell(us: number | null, marks: readonly Mark[]): TableCell {
  return us === null ? nothing : figure(formatMs(us), us / 1_000, marks);
}
