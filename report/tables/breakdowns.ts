// Tables that break the figures of a client down: by request, by origin, by backend and by machine; null where there is only one.
import { errorRatioOf } from '../../results/compare.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import { connectionsPer1k, METRIC_TABLE } from '../../results/metrics.ts';
import type { RequestSummary } from '../../results/model/run.ts';
import type { MachineShare } from '../../results/model/trial.ts';
import { EVEN_RATIO, SHARE_MS, type Shares, type Spread, spreadOf } from '../../results/spread.ts';
import { meanOf, sumOf } from '../../results/stats.ts';
import { isExternal, type Target } from '../../scenarios/model/target.ts';
import { nameOfOrigin, originCount } from '../../scenarios/model/target-facts.ts';
import { type ArmView, type CellView, leastCensoredUs, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatRate } from '../words/load.ts';
import {
  formatCount,
  formatMs,
  formatPercent,
  formatSeconds,
  formatSignificant,
  formatValues,
} from '../words/numbers.ts';
import { compact } from '../words/text.ts';
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
    notes: compact([
      'Sent: in all, warm-up included. The other figures are of the steady windows of all replicates together.',
      hasUnknown && 'wrk does not report which of its requests a response belongs to.',
    ]),
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
    notes: compact([
      'Over whole trials, warm-up included. A limit per host (pool.maxConnections) applies to each origin, pool.maxTotalConnections to all together.',
      isExternal(target) &&
        'Counted by the client: the servers are external, so what each of them received and accepted is unknown.',
    ]),
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
    columns: compact([
      keyColumn('client', 'client'),
      figureColumn('requestShares', 'requests', 'by backend'),
      figureColumn('busiestBackendRatio', 'busiest', '/ mean'),
      figureColumn('connectionShares', 'connections', 'by backend'),
      figureColumn('mostConnectionsRatio', 'most', '/ mean'),
      isGrowing && figureColumn('evenAfterSec', 'even after', 's'),
      figureColumn('connectionsPer1000Count', 'opened', 'per 1,000 requests'),
    ]),
    rows: rows.map(({ arm, spreads }) =>
      compact([
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
        isGrowing && evenCell(spreads, arm),
        openedCell(arm),
      ]),
    ),
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

/** null where the machine of the run sent all of it. */
export function machineTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(armRows);
  if (rows.length === 0) return null;
  return createTable({
    name: 'machines',
    title: 'Machines',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('machine', 'machine'),
      figureColumn('shareRatio', 'share of the load'),
      figureColumn('completedCount', 'requests completed'),
      figureColumn('p50Us', 'median', 'ms'),
      figureColumn('p99Us', 'p99', 'ms'),
      figureColumn('cpuRatio', 'CPU of its generators'),
      figureColumn('errorMs', 'clock known to', 'ms'),
      figureColumn('skewMs', 'window off its time by', 'ms'),
    ],
    rows,
    notes: [
      'Over all requests of the measured windows. CPU is that of the time of one core for each generator. The window of a slice opens at one moment by the clocks of all machines.',
    ],
  });
}

function armRows({ label, name, trials, marks }: ArmView): TableCell[][] {
  const shares = trials.flatMap(({ measurement }) => measurement.machines ?? []);
  if (shares.length === 0) return [];
  const invalid = onlyInvalid(marks);
  const { p50Us, p99Us, count } = mergeHistograms(trials.map(({ measurement }) => measurement.response));
  const all = [
    words(label, name),
    words('all together', null),
    figure(formatPercent(1), 1, invalid),
    figure(formatCount(count), count, invalid),
    figure(formatMs(p50Us), p50Us, invalid),
    figure(formatMs(p99Us), p99Us, invalid),
    nothing,
    nothing,
    nothing,
  ];
  const each = [...Map.groupBy(shares, share => share.name)].map(([machine, own]) => [
    words(label, name),
    words(machine),
    ...machineFigures(own, invalid),
  ]);
  return each.length === 1 ? each : [...each, all];
}

function machineFigures(shares: readonly MachineShare[], marks: readonly Mark[]): TableCell[] {
  const completed = sumOf(shares, share => share.completed);
  const ratio = (read: (share: MachineShare) => number): TableCell => {
    const mean = meanOf(shares.map(read));
    return figure(formatPercent(mean), mean, marks);
  };
  const { p50Us, p99Us } = mergeHistograms(shares.map(({ response }) => response));
  const errorMs = Math.max(...shares.map(share => share.errorMs));
  const worst = shares.flatMap(share => share.worst ?? []);
  const skewMs = Math.max(0, ...worst.map(step => Math.abs(step.skewMs)));
  return [
    ratio(({ shareRatio }) => shareRatio),
    figure(formatCount(completed), completed, marks),
    figure(formatMs(p50Us), p50Us, marks),
    figure(formatMs(p99Us), p99Us, marks),
    ratio(({ cpuRatio }) => cpuRatio),
    figure(formatMs(errorMs * 1_000), errorMs, marks),
    worst.length === 0 ? nothing : figure(formatMs(skewMs * 1_000), skewMs, marks),
  ];
}
