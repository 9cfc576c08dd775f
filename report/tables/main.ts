// Tables of the results of clients: rate, latency, errors, connections and CPU, in full and in brief; ratios to the baseline; how far load tools agree.
import { reuseOf } from '../../results/connections.ts';
import {
  askedPerSec,
  comparedMetrics,
  countResponses,
  isSetByLoad,
  METRIC_TABLE,
  summaryFigure,
} from '../../results/metrics.ts';
import type { ArmSummary, CellResult, Comparison, Metric } from '../../results/model/run.ts';
import type { CompletedTrial } from '../../results/model/trial.ts';
import { ERROR_PERCENT, INTERVAL_NAME, LEVEL_PERCENT, MIN_REPLICATES, sumOf } from '../../results/stats.ts';
import { originCount, usesTls } from '../../scenarios/model/facts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { isBuiltIn, isExternal } from '../../scenarios/model/target.ts';
import {
  type ArmView,
  type CellView,
  comparisonMarks,
  figureMarks,
  leastCensoredUs,
  onlyInvalid,
  ownLimitMarks,
  quantileMarks,
} from '../cell-view.ts';
import type { Column, JsonValue, Table, TableCell } from '../model.ts';
import { capacitySign, nameLimit } from '../words/bound.ts';
import { describeCounting, knownAccepted, knownOpened } from '../words/caveats.ts';
import { comparesLoadTools, describePolicy, formatDeviation } from '../words/clients.ts';
import { clockStart, formatRate } from '../words/load.ts';
import {
  describeVerdict,
  FEW_NOTE,
  formatComparison,
  formatCount,
  formatMs,
  formatOwnFigure,
  formatPercent,
  formatSignificant,
  knownRatio,
  roundInterval,
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
  shareCell,
  timeCell,
  valueCell,
  wordColumn,
  words,
} from './table.ts';

/** Reports show errors rather than successes. */
const ERRORS = METRIC_TABLE.successRatio.complement!;

/** The columns known from the literature: connection policy, concurrency (or rate), latency, QPS, errors. */
export function articleTable({ arms, result }: CellView): Table {
  const { load } = result.scenario;
  const { columnKey, title, unit } = METRIC_TABLE.meanUs;
  return createTable({
    name: 'article',
    title: 'Summary',
    columns: [
      keyColumn('mode', 'connection policy'),
      load.model === 'closed'
        ? figureColumn('concurrency', 'concurrency')
        : figureColumn('askedPerSec', 'requested rate', 'requests/s'),
      figureColumn(columnKey, title, unit),
      figureColumn('requestsPerSec', 'QPS'),
      figureColumn('errorRatio', ERRORS.title),
    ],
    rows: arms.map(arm => {
      const { name, client, summary, marks } = arm;
      const policy = describePolicy(client);
      return [
        words(policy === name ? policy : `${name} (${policy})`, policy),
        loadCell(load, arm),
        timeCell(summary === null || summary.completed === 0 ? null : summary.meanUs, marks),
        valueCell(summary?.requestsPerSec ?? null, marks),
        shareCell(summary?.errorRatio ?? null, onlyInvalid(marks)),
      ];
    }),
  });
}

/** The number of users, or the requested rate of an open load. */
function loadCell(load: Load, arm: ArmView): TableCell {
  if (load.model === 'closed') return words(formatCount(load.concurrency), load.concurrency);
  if (load.model === 'capacity') {
    const cell = valueCell(arm.summary?.capacityPerSec ?? null, figureMarks(arm, 'capacityPerSec'));
    return { ...cell, text: `${cell.value === null ? '' : capacitySign(arm)}${cell.text}` };
  }
  const perSec = askedPerSec(load, null)!;
  return words(formatRate(perSec), perSec);
}

interface Measure {
  column: Column;
  /** null means unknown, which is not 0. */
  read: (summary: ArmSummary, trials: readonly CompletedTrial[]) => { text: string; value: JsonValue } | null;
  /** Whether requests without a response make this figure a bound. */
  isCensored?: (summary: ArmSummary) => boolean;
  /** The share of requests that take longer; of quantiles only. */
  shareBeyond?: number;
  /** Whether the client's own process may be its limit. */
  isCapacity?: boolean;
  /** Shown only where there are TLS handshakes, or clients that do not send each request exactly once. */
  only?: 'tls' | 'attempts';
}

function metricMeasure(metric: Metric | 'targetCpuUsPerRequest'): Measure {
  const { columnKey, resultColumn, title, unit, isIntervalStored, ofTrial, shareBeyond } =
    METRIC_TABLE[metric];
  const { key = columnKey, heading, unit: ownUnit = unit } = resultColumn ?? { heading: title };
  return {
    ...(shareBeyond === undefined ? {} : { shareBeyond }),
    column: figureColumn(key, heading, isIntervalStored === true ? INTERVAL_NAME : ownUnit),
    read(summary, trials) {
      const found = summaryFigure(metric, summary);
      if (found === null) return null;
      if (isIntervalStored !== true) {
        const value = toShownUnit(metric, found.value);
        return { text: formatSignificant(value), value };
      }
      const values = trials.flatMap(trial => ofTrial(trial) ?? []);
      return {
        text: formatOwnFigure(found, values),
        value: values.length < MIN_REPLICATES ? values : { ...found },
      };
    },
  };
}

type Latency = 'p50Us' | 'p90Us' | 'p99Us' | 'p999Us' | 'maxUs';

/** A quantile is a bound only if it is as long as the shortest wait of a request without a response. */
function isBoundOf(latency: Latency) {
  return (summary: ArmSummary): boolean => summary[latency] >= leastCensoredUs(summary);
}

/** A latency on which clients are not compared. @param shareBeyond absent for the slowest request, which is what it is of any number of them */
function otherLatency(latency: Latency, heading: string, shareBeyond?: number): Measure {
  return {
    ...(shareBeyond === undefined ? {} : { shareBeyond }),
    column: figureColumn(`${heading.replace('.', '')}Ms`, heading, 'ms'),
    read: ({ completed, [latency]: us }) =>
      completed === 0 ? null : { text: formatMs(us), value: us / 1000 },
    isCensored: isBoundOf(latency),
  };
}

function hasCensored({ censored }: ArmSummary): boolean {
  return censored !== null;
}

function count(
  key: string,
  heading: string,
  unit: string,
  read: (summary: ArmSummary) => number | null,
): Measure {
  return {
    column: figureColumn(`${key}Count`, heading, unit),
    read(summary) {
      const value = read(summary);
      return value === null ? null : { text: formatCount(value), value };
    },
  };
}

/** As counted by the target, else by the client. */
function handshakes(kind: 'Full' | 'Resumed'): Measure {
  return {
    column: figureColumn(`handshakes${kind}Count`, kind.toLowerCase(), 'TLS handshakes'),
    only: 'tls',
    read(_summary, trials) {
      const sum = sumOf(trials, ({ measurement: { ledger } }) => {
        const byTarget = ledger.acceptedBy === 'target' ? ledger[`handshakes${kind}`] : null;
        return byTarget ?? ledger[`clientHandshakes${kind}`];
      });
      return { text: formatCount(sum), value: sum };
    },
  };
}

/** `25.3 %`; `0 to 12 %` where some requests may have had no connection. */
function reuseFigure(trials: readonly CompletedTrial[]): ReturnType<Measure['read']> {
  const ratio = reuseOf(trials.map(({ measurement }) => measurement.ledger))?.ratio;
  if (ratio === undefined) return null;
  const [least, most] = [formatPercent(ratio.least), formatPercent(ratio.most)];
  if (least === most) return { text: most, value: ratio.most };
  return { text: `${least.replace(/ %$/, '')} to ${most}`, value: ratio };
}

const MEASURES: readonly Measure[] = [
  { ...metricMeasure('requestsPerSec'), isCensored: hasCensored },
  { ...metricMeasure('meanUs'), isCensored: hasCensored },
  { ...metricMeasure('p50Us'), isCensored: isBoundOf('p50Us') },
  otherLatency('p90Us', 'p90', 0.1),
  { ...metricMeasure('p99Us'), isCensored: isBoundOf('p99Us') },
  otherLatency('p999Us', 'p99.9', METRIC_TABLE.p999Us.shareBeyond!),
  otherLatency('maxUs', 'max'),
  {
    column: figureColumn('errorRatio', ERRORS.title),
    read: ({ errorRatio }) => ({ text: formatPercent(errorRatio), value: errorRatio }),
  },
  count('requestsSent', 'sent', 'requests', ({ requestsSent }) => requestsSent),
  {
    ...count('attemptsSent', 'attempts', 'sent for them', sent => sent.attemptsSent ?? sent.requestsSent),
    only: 'attempts',
  },
  count('opened', 'opened', 'connections', knownOpened),
  {
    column: figureColumn('reuseRatio', 'reused', 'of requests'),
    read: (_summary, trials) => reuseFigure(trials),
  },
  count('accepted', 'accepted', 'connections', knownAccepted),
  {
    column: figureColumn('neededCount', 'needed', 'connections'),
    read: ({ needed }) => ({ text: formatNeeded(needed), value: needed }),
  },
  handshakes('Full'),
  handshakes('Resumed'),
  metricMeasure('cpuUsPerRequest'),
  metricMeasure('targetCpuUsPerRequest'),
];

export function mainTable({ arms, result }: CellView): Table {
  const hasTls = usesTls(result.scenario.target);
  const hasAttempts = arms.some(({ summary }) => summary !== null && summary.attemptsSent !== null);
  const isShown = { tls: hasTls, attempts: hasAttempts };
  const measures = MEASURES.filter(({ only }) => only === undefined || isShown[only]);
  return createTable({
    name: 'main',
    title: 'Results by client',
    columns: [
      keyColumn('arm', 'client'),
      ...measures.map(({ column }) => column),
      wordColumn('boundBy', 'bottleneck'),
    ],
    rows: arms.map(arm => {
      const limit = nameLimit(arm);
      return [
        words(arm.label, arm.name),
        ...measures.map(measure => read(measure, arm)),
        limit === null ? nothing : words(limit, arm.bound),
      ];
    }),
    notes: compact([
      `Latency is response time over all requests of all replicates: from the moment a request was ${clockStart(result)} until the last byte of its response.`,
      `Requests sent and connections are totals over all replicates, warm-up included. Connections ${describeCounting({ arms })}; needed: what the settings require. Reused: of the requests that had a connection, a range where some may have had none.`,
      ...externalNotes(result),
      hasAttempts &&
        'Attempts are what a client library was given to send for its requests: a retry sends one several times, and a cache or an open breaker sends none. Latency and errors are those of the requests, connections those of the attempts.',
      hasTls &&
        `A full TLS handshake verifies the certificate; a resumed one continues an earlier session. ${
          isBuiltIn(result.scenario.target)
            ? 'Client and server count both kinds, and the ledger audit compares them.'
            : 'They are counted by the client.'
        }`,
    ]),
  });
}

/** The figures that are asked for first, in six columns; under a search for the capacity, that instead of the rate. */
export function briefTable({ arms, result }: CellView): Table {
  const rate = result.scenario.load.model === 'capacity' ? 'capacityPerSec' : 'requestsPerSec';
  const { columnKey, title } = METRIC_TABLE[rate];
  const measures: Measure[] = [
    {
      column: figureColumn(columnKey, title),
      read(summary, trials) {
        const found = summaryFigure(rate, summary);
        if (found === null) return null;
        const sign = rate === 'capacityPerSec' ? capacitySign({ trials }) : '';
        return { text: `${sign}${roundInterval(found).value}`, value: found.value };
      },
      isCensored: hasCensored,
      isCapacity: rate === 'capacityPerSec',
    },
    { ...metricMeasure('meanUs'), isCensored: hasCensored },
    { ...metricMeasure('p99Us'), isCensored: isBoundOf('p99Us') },
    {
      column: figureColumn('errorRatio', 'errors'),
      read: ({ errorRatio }) => ({ text: formatPercent(errorRatio), value: errorRatio }),
    },
    {
      column: figureColumn('connectionsPer1000Count', 'connections', 'per 1,000'),
      read(summary) {
        const found = summaryFigure('connectionsPer1kRequests', summary);
        return found === null ? null : { text: formatSignificant(found.value), value: found.value };
      },
    },
  ];
  return createTable({
    name: 'brief',
    title: 'By client',
    columns: [keyColumn('arm', 'client'), ...measures.map(({ column }) => column)],
    rows: arms.map(arm => [words(arm.label, arm.name), ...measures.map(measure => read(measure, arm))]),
  });
}

function read(
  { read, isCensored, isCapacity = false, shareBeyond }: Measure,
  { summary, marks, trials }: ArmView,
): TableCell {
  if (summary === null) return nothing;
  const found = read(summary, trials);
  if (found === null) return nothing;
  const shown = marks.filter(mark => mark !== 'censored' || isCensored?.(summary) === true);
  return figure(found.text, found.value, [
    ...shown,
    ...(isCapacity ? ownLimitMarks({ trials }) : []),
    ...quantileMarks(shareBeyond, countResponses(trials)),
  ]);
}

/** `1,000`, `1 to 100`, `at least 1`. */
export function formatNeeded({ least, most }: ArmSummary['needed']): string {
  if (most === null) return `at least ${formatCount(least)}`;
  return least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;
}

function externalNotes({ scenario: { target }, arms }: CellResult): string[] {
  const isCpuKnown = arms.some(({ targetCpuUsPerRequest }) => targetCpuUsPerRequest !== null);
  if (!isExternal(target) || isCpuKnown) return [];
  return originCount(target) === 1
    ? ['The server is external, so its CPU use is unknown.']
    : ['The servers are external, so their CPU use is unknown.'];
}

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
      "Busy users are rate × mean latency of good answers (Little's law). If they are fewer than the users of the load, requests failed, latencies are incomplete, or users waited unobserved.",
      'Connections are counted by the server over all requests, warm-up included.',
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
