// Tables of clients relative to the baseline: the ratios with their verdicts, and how far load tools disagree.
import { comparedMetrics, isSetByLoad, METRIC_TABLE, summaryFigure } from '../../results/metrics.ts';
import type { Comparison, Metric } from '../../results/model/run.ts';
import { ERROR_PERCENT, INTERVAL_NAME, LEVEL_PERCENT, sumOf } from '../../results/stats.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { type ArmView, type CellView, comparisonMarks, figureMarks, onlyInvalid } from '../cell-view.ts';
import type { Column, Table, TableCell } from '../model.ts';
import { comparesLoadTools, formatDeviation } from '../words/clients.ts';
import {
  describeVerdict,
  FEW_NOTE,
  formatComparison,
  formatCount,
  knownRatio,
  toShownUnit,
} from '../words/numbers.ts';
import { compact } from '../words/text.ts';
import {
  createTable,
  figure,
  figureCell,
  figureColumn,
  keyColumn,
  nothing,
  valueCell,
  wordColumn,
  words,
} from './table.ts';

/** null for a single client. */
export function ratioTable(view: CellView): Table | null {
  const { comparisons, scenario } = view.result;
  if (comparisons.length === 0) return null;
  return createTable({
    name: 'ratios',
    title: `Relative to ${scenario.baseline}`,
    columns: [
      keyColumn('metric', 'metric'),
      keyColumn('arm', 'client'),
      figureColumn('ratio', 'ratio', INTERVAL_NAME),
      figureColumn('replicateCount', 'replicates'),
      wordColumn('verdict', 'verdict'),
    ],
    rows: byMetric(comparisons, scenario.load).map(comparison => [
      words(METRIC_TABLE[comparison.metric].title, comparison.metric),
      words(comparison.candidate),
      ratioCell(comparison, view),
      words(formatCount(comparison.replicateRatios.length), comparison.replicateRatios.length),
      words(describeVerdict(comparison), comparison.isDeciding ? comparison.verdict : null),
    ]),
    notes: compact([
      `A ratio is the client's figure divided by that of ${scenario.baseline} in the same replicate; the interval is over the replicates.`,
      verdictNote(comparisons),
      comparisons.some(comparison => knownRatio(comparison) === null) && FEW_NOTE,
      scenario.load.model === 'capacity' &&
        'All metrics but the capacity compare clients at different rates: each at the one found for it.',
    ]),
  });
}

/** Groups rows by metric, so that the arms can be compared with each other too; without the rate that an open load sets. */
function byMetric(comparisons: readonly Comparison[], load: Load): Comparison[] {
  return comparedMetrics(load)
    .filter(metric => !isSetByLoad(metric, load))
    .flatMap(metric => comparisons.filter(comparison => comparison.metric === metric));
}

/** Which metric gets a verdict, and how certain it is. */
function verdictNote(comparisons: readonly Comparison[]): string {
  const deciding = comparisons.filter(({ isDeciding }) => isDeciding);
  const [first] = deciding;
  if (first === undefined) return 'None of these is the deciding metric, so there is no verdict.';
  const one = `Only ${METRIC_TABLE[first.metric].title}, the deciding metric of this scenario, gets a verdict: with several metrics at ${LEVEL_PERCENT} each, one of them would soon be wrong. Unsure: the interval includes 1`;
  return deciding.length === 1
    ? `${one}.`
    : `${one}, or the wider interval for ${formatCount(deciding.length)} clients together (Holm's method) does, which limits the chance of any wrong verdict to ${ERROR_PERCENT}.`;
}

function ratioCell(comparison: Comparison, view: CellView): TableCell {
  const { ratio, replicateRatios } = comparison;
  if (replicateRatios.length === 0 && ratio === null) return nothing;
  return figure(
    formatComparison(comparison),
    ratio ?? [...replicateRatios],
    comparisonMarks(comparison, view),
  );
}

/** Metrics that clients must agree on. */
const AGREED = ['requestsPerSec', 'meanUs', 'p99Us'] as const satisfies readonly Metric[];

/** How far load tools and clients with the same connection policy disagree; null for other cells. */
export function agreementTable(view: CellView): Table | null {
  const { arms, result } = view;
  const { load, baseline } = result.scenario;
  if (load.model !== 'closed' || !comparesLoadTools(view) || arms.every(({ summary }) => summary === null))
    return null;
  return createTable({
    name: 'agreement',
    title: 'Agreement of load tools',
    columns: [
      keyColumn('driver', 'client'),
      ...AGREED.flatMap(agreedColumns),
      figureColumn('busyUsers', `busy users of ${formatCount(load.concurrency)}`),
      figureColumn('connectionsPerThousand', 'connections', 'per 1,000 requests'),
    ],
    rows: arms.map(arm => [
      words(arm.label, arm.name),
      ...AGREED.flatMap(metric => [centreCell(metric, arm), deviationCell(metric, arm, view)]),
      busyUsersCell(arm, load.thinkMs),
      connectionsCell(arm),
    ]),
    notes: [
      `Deviation: how much more (+) or less (−) than ${baseline} in the same replicate. If the clients agree, the intervals include 0; where a client's own CPU is the limit, it measures itself rather than the server.`,
      "Busy users are rate × mean latency (Little's law). If they are fewer than the users of the load, latencies are incomplete or users waited unobserved.",
      'Connections are counted by the target over all requests, warm-up included.',
    ],
  });
}

function agreedColumns(metric: Metric): Column[] {
  const { columnKey, resultColumn, title, unit } = METRIC_TABLE[metric];
  const heading = resultColumn?.heading ?? title;
  return [
    figureColumn(columnKey, heading, unit === title ? undefined : unit),
    figureColumn(`${metric.replace(/Us$/, '')}Ratio`, 'deviation', INTERVAL_NAME),
  ];
}

function centreCell(metric: Metric, arm: ArmView): TableCell {
  const found = summaryFigure(metric, arm.summary);
  if (found === null) return nothing;
  const shown = (bound: number): number => toShownUnit(metric, bound);
  const interval = { value: shown(found.value), low: shown(found.low), high: shown(found.high) };
  return valueCell(interval, figureMarks(arm, metric));
}

/** The baseline has no deviation. */
function deviationCell(metric: Metric, { name, isBaseline, summary }: ArmView, view: CellView): TableCell {
  if (summary === null) return nothing;
  if (isBaseline) return words('baseline', { value: 1, low: 1, high: 1 });
  const comparison = view.result.comparisons.find(
    ({ candidate, metric: compared }) => candidate === name && compared === metric,
  );
  if (comparison?.ratio == null) return nothing;
  return figure(formatDeviation(comparison.ratio), comparison.ratio, comparisonMarks(comparison, view));
}

function busyUsersCell({ trials, summary, marks }: ArmView, thinkMs: number): TableCell {
  const steadyMs = sumOf(trials, ({ measurement }) => measurement.steadyMs);
  if (summary === null || steadyMs === 0) return nothing;
  const users = (summary.completed / steadyMs) * (summary.meanUs / 1000 + thinkMs);
  return figureCell(users, onlyInvalid(marks));
}

/** Empty if the target did not count. */
function connectionsCell({ trials, marks }: ArmView): TableCell {
  const ledgers = trials.map(({ measurement }) => measurement.ledger);
  const requests = sumOf(ledgers, ({ requestsSeen, requestsSent }) => requestsSeen ?? requestsSent);
  if (requests === 0 || ledgers.some(({ acceptedBy }) => acceptedBy !== 'target')) return nothing;
  const perThousand = (1000 * sumOf(ledgers, ({ accepted }) => accepted ?? 0)) / requests;
  return figureCell(perThousand, onlyInvalid(marks));
}
