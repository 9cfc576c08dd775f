// Tables that break the figures of a client down: by request, by origin, by backend and by machine; null where there is only one.
import { errorRatioOf } from '../../results/compare.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import { connectionsPer1k, METRIC_TABLE } from '../../results/metrics.ts';
import type { RequestSummary } from '../../results/model/run.ts';
import type { MachineShare } from '../../results/model/trial.ts';
import { EVEN_RATIO, SHARE_MS, type Spread, spreadOf } from '../../results/spread.ts';
import { meanOf, sumOf } from '../../results/stats.ts';
import { nameOfOrigin, originCount } from '../../scenarios/model/facts.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, leastCensoredUs, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatRate } from '../words/load.ts';
import { formatPercent, formatSeconds, formatSignificant, formatValues } from '../words/numbers.ts';
import {
  clientColumn,
  countColumn,
  figure,
  figureCell,
  figureColumn,
  keyColumn,
  nothing,
  roundedColumn,
  shareColumn,
  tabulate,
  timeCell,
  timeColumn,
  timesCell,
  words,
} from './table.ts';

interface RequestRow {
  arm: ArmView;
  request: RequestSummary;
}

/** null where every client sends one request only. */
export function requestTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm =>
    (arm.summary?.requests ?? []).map((request): RequestRow => ({ arm, request })),
  );
  if (rows.length === 0) return null;
  return tabulate(rows, {
    name: 'requests',
    title: 'Requests by name',
    columns: [
      clientColumn,
      [keyColumn('request', 'request'), ({ request }) => words(request.name)],
      countColumn('sentCount', 'sent', ({ request }) => request.sent),
      countColumn('completedCount', 'completed', ({ request }) => request.completed),
      [figureColumn('requestsPerSec', 'rate', 'requests/s'), rateCell],
      shareColumn('errorRatio', METRIC_TABLE.successRatio.complement!.title, errorRatio),
      [figureColumn('meanMs', 'mean', 'ms'), row => timeCell(row.request.meanUs, censoredMarks(row))],
      [figureColumn('p50Ms', 'p50', 'ms'), row => quantileCell(row, 'p50Us')],
      [figureColumn('p99Ms', 'p99', 'ms'), row => quantileCell(row, 'p99Us')],
    ],
    notes: [
      'Sent: in all, warm-up included. The other figures are of the steady windows of all replicates together.',
      rows.some(({ request }) => request.completed === null) &&
        'wrk does not report which of its requests a response belongs to.',
    ],
  });
}

/** The marks of a figure that requests without an answer make a bound. */
function censoredMarks({ arm, request }: RequestRow, isBound = request.censored !== null): Mark[] {
  return [...onlyInvalid(arm.marks), ...(isBound ? (['censored'] as const) : [])];
}

function rateCell(row: RequestRow): TableCell {
  const { requestsPerSec } = row.request;
  return requestsPerSec === null
    ? nothing
    : figure(formatRate(requestsPerSec), requestsPerSec, censoredMarks(row));
}

function errorRatio({ request: { completed, failed } }: RequestRow): number | null {
  return completed !== null && failed !== null && completed + failed > 0
    ? errorRatioOf({ completed, failed })
    : null;
}

function quantileCell(row: RequestRow, metric: 'p50Us' | 'p99Us'): TableCell {
  const { completed, censored, [metric]: us } = row.request;
  const count = (completed ?? 0) + (censored?.count ?? 0);
  return timeCell(us, [
    ...censoredMarks(row, us !== null && us >= leastCensoredUs({ censored })),
    ...quantileMarks(METRIC_TABLE[metric].shareBeyond, count),
  ]);
}

interface OriginRow {
  arm: ArmView;
  index: number;
}

/** null for a single origin. */
export function originTable({ arms, result }: CellView): Table | null {
  const { target } = result.scenario;
  const count = originCount(target);
  const rows = arms
    .filter(({ trials }) => trials.length > 0)
    .flatMap(arm => Array.from({ length: count }, (_, index): OriginRow => ({ arm, index })));
  if (count === 1 || rows.length === 0) return null;
  return tabulate(rows, {
    name: 'origins',
    title: 'Connections by origin',
    columns: [
      clientColumn,
      [
        keyColumn('origin', 'origin'),
        ({ index }) => words(isExternal(target) ? nameOfOrigin(target, index) : String(index + 1)),
      ],
      countColumn('sentCount', 'requests sent', row => totalOf(row, 'requestsSent')),
      countColumn('seenCount', 'requests seen by the server', row => totalOf(row, 'requestsSeen')),
      countColumn('openedCount', 'connections opened', row => totalOf(row, 'opened')),
      countColumn('acceptedCount', 'connections accepted', row => totalOf(row, 'accepted')),
    ],
    notes: [
      'Over whole trials, warm-up included. A limit per host (pool.maxConnections) applies to each origin, pool.maxTotalConnections to all together.',
      isExternal(target) &&
        'Counted by the client: the servers are external, so what each of them received and accepted is unknown.',
    ],
  });
}

/** null where it is unknown for one of the trials. */
function totalOf(
  { arm, index }: OriginRow,
  key: 'requestsSent' | 'requestsSeen' | 'opened' | 'accepted',
): number | null {
  const counts = arm.trials.map(({ measurement }) => measurement.ledger.origins[index]?.[key] ?? null);
  return counts.includes(null) ? null : sumOf(counts, count => count!);
}

interface SpreadRow {
  arm: ArmView;
  spreads: readonly Spread[];
}

/** How requests and connections are spread over the backends of the target. */
export function spreadTable(view: CellView): Table | null {
  const rows = view.arms
    .map((arm): SpreadRow => ({ arm, spreads: arm.trials.flatMap(trial => spreadOf(trial) ?? []) }))
    .filter(({ spreads }) => spreads.length > 0);
  if (rows.length === 0) return null;
  const isGrowing = rows.some(({ spreads }) => spreads.some(({ evenAfterMs }) => evenAfterMs !== undefined));
  return tabulate(rows, {
    name: 'spread',
    title: 'Spread over the backends',
    columns: [
      [keyColumn('client', 'client'), ({ arm }) => words(arm.name)],
      [figureColumn('requestShares', 'requests', 'by backend'), row => sharesCell(row, 'requests')],
      [figureColumn('busiestBackendRatio', 'busiest', '/ mean'), row => busiestCell(row, 'requests')],
      [figureColumn('connectionShares', 'connections', 'by backend'), row => sharesCell(row, 'connections')],
      [figureColumn('mostConnectionsRatio', 'most', '/ mean'), row => busiestCell(row, 'connections')],
      isGrowing && [figureColumn('evenAfterSec', 'even after', 's'), evenCell],
      [figureColumn('connectionsPer1000Count', 'opened', 'per 1,000 requests'), openedCell],
    ],
    notes: [
      `Shares of the backends that had least and most, means over replicates; busiest and most: the largest share over the mean, by replicate (1: all are equal). A new connection goes to the next backend, and a request to the one that its connection leads to.${isGrowing ? ` Shares of requests are those of the last ${formatSeconds(SHARE_MS)} of the window. Even after: the time from the adding of backends to the first second from which on the busiest had at most ${EVEN_RATIO} times the mean.` : ''} What is paid for it are the connections that were opened, each with its handshakes.`,
    ],
  });
}

/** `11.9 % to 13.1 %`: for machines the mean share of each backend. */
function sharesCell({ spreads, arm }: SpreadRow, of: 'requests' | 'connections'): TableCell {
  const means = spreads[0]![of].shares.map((_, backend) =>
    meanOf(spreads.map(spread => spread[of].shares[backend]!)),
  );
  const [least, most] = [Math.min(...means), Math.max(...means)];
  return figure(`${formatPercent(least)} to ${formatPercent(most)}`, means, arm.marks);
}

function busiestCell({ spreads, arm }: SpreadRow, of: 'requests' | 'connections'): TableCell {
  const ratios = spreads.map(spread => spread[of].busiestRatio);
  return figure(formatValues(ratios), ratios, arm.marks);
}

function evenCell({ spreads, arm }: SpreadRow): TableCell {
  const times = spreads.map(({ evenAfterMs }) => (evenAfterMs == null ? null : evenAfterMs / 1_000));
  return timesCell(times, sec => formatSignificant(Math.round(sec * 10) / 10), arm.marks);
}

function openedCell({ arm: { trials, marks } }: SpreadRow): TableCell {
  return trials.length === 0 ? nothing : figureCell(meanOf(trials.map(connectionsPer1k)), marks);
}

/** Percentiles beside the merged ones, and how a machine kept step; null where the machine of the run sent all of the load. */
export function machineTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(machineRows);
  if (rows.length === 0) return null;
  return tabulate(rows, {
    name: 'machines',
    title: 'Machines',
    columns: [
      clientColumn,
      [
        keyColumn('machine', 'machine'),
        ({ machine }) => (machine === null ? words('all together', null) : words(machine)),
      ],
      shareColumn('shareRatio', 'share of the load', ({ shareRatio }) => shareRatio),
      countColumn('completedCount', 'requests completed', ({ completed }) => completed),
      timeColumn('p50Ms', 'median', ({ p50Us }) => p50Us),
      timeColumn('p99Ms', 'p99', ({ p99Us }) => p99Us),
      shareColumn('cpuRatio', 'CPU of its generators', ({ cpuRatio }) => cpuRatio),
      roundedColumn('errorMs', 'clock known to', ({ errorMs }) => errorMs, 'ms'),
      roundedColumn('skewMs', 'window off its time by', ({ skewMs }) => skewMs, 'ms'),
    ],
    notes: [
      'Over all requests of the measured windows. CPU is that of the time of one core for each generator. The window of a slice opens at one moment by the clocks of all machines.',
    ],
  });
}

/** One for each machine, and one for all of them if there are several. */
function machineRows(arm: ArmView) {
  const { trials } = arm;
  const shares = trials.flatMap(({ measurement }) => measurement.machines ?? []);
  if (shares.length === 0) return [];
  const each = [...Map.groupBy(shares, share => share.name)].map(([machine, own]) => ({
    arm,
    machine,
    ...machineFigures(own),
  }));
  if (each.length === 1) return each;
  const { p50Us, p99Us, count } = mergeHistograms(trials.map(({ measurement }) => measurement.response));
  const unknown = { cpuRatio: null, errorMs: null, skewMs: null };
  return [...each, { arm, machine: null, shareRatio: 1, completed: count, p50Us, p99Us, ...unknown }];
}

function machineFigures(shares: readonly MachineShare[]) {
  const { p50Us, p99Us } = mergeHistograms(shares.map(({ response }) => response));
  const skews = shares.flatMap(({ worst }) => (worst ? [Math.abs(worst.skewMs)] : []));
  return {
    shareRatio: meanOf(shares.map(share => share.shareRatio)),
    completed: sumOf(shares, share => share.completed),
    p50Us,
    p99Us,
    cpuRatio: meanOf(shares.map(share => share.cpuRatio)),
    errorMs: Math.max(...shares.map(share => share.errorMs)),
    skewMs: skews.length === 0 ? null : Math.max(...skews),
  };
}
