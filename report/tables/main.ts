// Tables of results by client: rate, latency, errors, connections and CPU, in full and in brief.
import { reuseOf } from '../../results/connections.ts';
import { askedPerSec, countResponses, METRIC_TABLE, summaryFigure } from '../../results/metrics.ts';
import type { ArmSummary, CellResult, Metric } from '../../results/model/run.ts';
import type { CompletedTrial, Ledger } from '../../results/model/trial.ts';
import { INTERVAL_NAME, LEAST_REPLICATES } from '../../results/stats.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { isBuiltIn, isExternal } from '../../scenarios/model/target.ts';
import { originCount, usesTls } from '../../scenarios/model/target-facts.ts';
import {
  type ArmView,
  type CellView,
  figureMarks,
  leastCensoredUs,
  onlyInvalid,
  ownLimitMarks,
  quantileMarks,
} from '../cell-view.ts';
import type { Column, JsonValue, Table, TableCell } from '../model.ts';
import { capacitySign, nameLimit } from '../words/bound.ts';
import { describeCounting, knownAccepted, knownOpened } from '../words/caveats.ts';
import { describePolicy } from '../words/clients.ts';
import { clockStart, formatRate } from '../words/load.ts';
import {
  formatCount,
  formatMs,
  formatPercent,
  formatReplicates,
  formatSignificant,
  NO_FIGURE,
  roundInterval,
  toShownUnit,
} from '../words/numbers.ts';
import { compact } from '../words/text.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

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
        ...(summary === null
          ? [nothing, nothing, nothing]
          : [
              summary.completed === 0
                ? nothing
                : figure(formatMs(summary.meanUs), summary.meanUs / 1000, marks),
              summary.requestsPerSec === null
                ? nothing
                : figure(roundInterval(summary.requestsPerSec).value, summary.requestsPerSec.value, marks),
              figure(formatPercent(summary.errorRatio), summary.errorRatio, onlyInvalid(marks)),
            ]),
      ];
    }),
  });
}

/** The number of users, or the requested rate of an open load. */
function loadCell(load: Load, arm: ArmView): TableCell {
  if (load.model === 'closed') return words(formatCount(load.concurrency), load.concurrency);
  if (load.model === 'capacity') {
    const rate = arm.summary?.capacityPerSec ?? null;
    return rate === null
      ? nothing
      : figure(
          `${capacitySign(arm)}${roundInterval(rate).value}`,
          rate.value,
          figureMarks(arm, 'capacityPerSec'),
        );
  }
  const perSec = askedPerSec(load, null)!;
  return words(formatRate(perSec), perSec);
}

interface Measure {
  column: Column;
  read: (summary: ArmSummary, trials: readonly CompletedTrial[]) => { text: string; value: JsonValue };
  /** Whether requests without a response make this figure a bound. */
  isCensored?: (summary: ArmSummary) => boolean;
  /** Of a quantile: the share of requests that take longer. */
  shareBeyond?: number;
  /** Whether the client's own process may be its limit. */
  isCapacity?: boolean;
  /** Shown only where there are TLS handshakes, or clients that do not send each request exactly once. */
  only?: 'tls' | 'attempts';
}

const UNKNOWN = { text: NO_FIGURE, value: null };

/** A column of the table of metrics. */
function metricMeasure(metric: Metric | 'targetCpuUsPerRequest'): Measure {
  const { columnKey, resultColumn, title, unit, isIntervalStored, ofTrial, shareBeyond } =
    METRIC_TABLE[metric];
  const { key = columnKey, heading, unit: ownUnit = unit } = resultColumn ?? { heading: title };
  return {
    ...(shareBeyond === undefined ? {} : { shareBeyond }),
    column: figureColumn(key, heading, isIntervalStored === true ? INTERVAL_NAME : ownUnit),
    read(summary, trials) {
      const found = summaryFigure(metric, summary);
      if (found === null) return UNKNOWN;
      if (isIntervalStored !== true) {
        const value = toShownUnit(metric, found.value);
        return { text: formatSignificant(value), value };
      }
      const values = trials.flatMap(trial => ofTrial(trial) ?? []);
      return {
        text: formatReplicates(found, values),
        value: values.length < LEAST_REPLICATES ? values : { ...found },
      };
    },
  };
}

/** A quantile is a bound only if it is as long as the shortest wait of a request without a response. */
function quantile(measure: Measure, read: (summary: ArmSummary) => number): Measure {
  return { ...measure, isCensored: summary => read(summary) >= leastCensoredUs(summary) };
}

/** A quantile on which clients are not compared. */
function otherQuantile(shareBeyond: number, heading: string, read: (summary: ArmSummary) => number): Measure {
  return quantile(
    {
      shareBeyond,
      column: figureColumn(`${heading.replace('.', '')}Ms`, heading, 'ms'),
      read: summary => latencyOf(summary, read(summary)),
    },
    read,
  );
}

/** The slowest request, which is what it is of any number of them. */
const maximum: Measure = {
  column: figureColumn('maxMs', 'max', 'ms'),
  read: summary => latencyOf(summary, summary.maxUs),
  isCensored: summary => summary.maxUs >= leastCensoredUs(summary),
};

function latencyOf({ completed }: ArmSummary, us: number) {
  return completed === 0 ? UNKNOWN : { text: formatMs(us), value: us / 1000 };
}

function hasCensored({ censored }: ArmSummary): boolean {
  return censored !== null;
}

const count = (
  key: string,
  heading: string,
  unit: string,
  read: (summary: ArmSummary) => number | null,
): Measure => ({
  column: figureColumn(`${key}Count`, heading, unit),
  read: summary => known(read(summary), formatCount),
});

/** null means unknown, which is not 0. */
function known(value: number | null, format: (value: number) => string) {
  return value === null ? UNKNOWN : { text: format(value), value };
}

const handshakes = (
  key: string,
  heading: string,
  read: (ledger: Ledger, isByTarget: boolean) => number,
): Measure => ({
  column: figureColumn(`${key}Count`, heading, 'TLS handshakes'),
  only: 'tls',
  read(_summary, trials) {
    const sum = trials.reduce(
      (total, { measurement: { ledger } }) => total + read(ledger, ledger.acceptedBy === 'target'),
      0,
    );
    return { text: formatCount(sum), value: sum };
  },
});

/** `25.3 %`; `0 to 12 %` where some requests may have had no connection. */
function reuseFigure(trials: readonly CompletedTrial[]): ReturnType<Measure['read']> {
  const ratio = reuseOf(trials.map(({ measurement }) => measurement.ledger))?.ratio;
  if (ratio === undefined) return UNKNOWN;
  const [least, most] = [formatPercent(ratio.least), formatPercent(ratio.most)];
  if (least === most) return { text: most, value: ratio.most };
  return { text: `${least.replace(/ %$/, '')} to ${most}`, value: ratio };
}

const MEASURES: readonly Measure[] = [
  { ...metricMeasure('requestsPerSec'), isCensored: hasCensored },
  { ...metricMeasure('meanUs'), isCensored: hasCensored },
  quantile(metricMeasure('p50Us'), summary => summary.p50Us),
  otherQuantile(0.1, 'p90', summary => summary.p90Us),
  quantile(metricMeasure('p99Us'), summary => summary.p99Us),
  otherQuantile(METRIC_TABLE.p999Us.shareBeyond!, 'p99.9', summary => summary.p999Us),
  maximum,
  {
    column: figureColumn('errorRatio', ERRORS.title),
    read: ({ errorRatio }) => ({ text: formatPercent(errorRatio), value: errorRatio }),
  },
  count('requestsSent', 'sent', 'requests', summary => summary.requestsSent),
  {
    ...count(
      'attemptsSent',
      'attempts',
      'sent for them',
      ({ attemptsSent, requestsSent }) => attemptsSent ?? requestsSent,
    ),
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
  handshakes(
    'handshakesFull',
    'full',
    (ledger, isByTarget) => (isByTarget ? ledger.handshakesFull : null) ?? ledger.clientHandshakesFull,
  ),
  handshakes(
    'handshakesResumed',
    'resumed',
    (ledger, isByTarget) => (isByTarget ? ledger.handshakesResumed : null) ?? ledger.clientHandshakesResumed,
  ),
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
    rows: arms.map(arm => [
      words(arm.label, arm.name),
      ...measures.map(measure => read(measure, arm)),
      boundEntry(arm),
    ]),
    notes: compact([
      `Latency is response time over all requests of all replicates: from the moment a request was ${clockStart(result)} until the last byte of its response.`,
      `Requests sent and connections are totals over all replicates, warm-up included. Connections ${describeCounting({ arms })}; needed: what the settings require. Reused: of the requests that had a connection, a range where some may have had none.`,
      ...externalNotes(result),
      hasAttempts &&
        'Attempts are what a client library was given to send for its requests: a retry sends one several times, and a cache or an open breaker sends none. Latency and errors are those of the requests, connections those of the attempts.',
      hasTls &&
        `A full TLS handshake verifies the certificate; a resumed one continues an earlier session. ${
          isBuiltIn(result.scenario.target)
            ? 'Client and target count both kinds, and the ledger audit compares them.'
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
        if (found === null) return UNKNOWN;
        const sign = rate === 'capacityPerSec' ? capacitySign({ trials }) : '';
        return { text: `${sign}${roundInterval(found).value}`, value: found.value };
      },
      isCensored: hasCensored,
      isCapacity: rate === 'capacityPerSec',
    },
    { ...metricMeasure('meanUs'), isCensored: hasCensored },
    quantile(metricMeasure('p99Us'), summary => summary.p99Us),
    {
      column: figureColumn('errorRatio', 'errors'),
      read: ({ errorRatio }) => ({ text: formatPercent(errorRatio), value: errorRatio }),
    },
    {
      column: figureColumn('connectionsPer1000Count', 'connections', 'per 1,000'),
      read(summary) {
        const found = summaryFigure('connectionsPer1kRequests', summary);
        return found === null ? UNKNOWN : { text: formatSignificant(found.value), value: found.value };
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

function boundEntry(arm: ArmView): TableCell {
  const name = nameLimit(arm);
  return name === null ? nothing : words(name, arm.bound);
}

function read(
  { read, isCensored, isCapacity = false, shareBeyond }: Measure,
  { summary, marks, trials }: ArmView,
): TableCell {
  if (summary === null) return nothing;
  const { text, value } = read(summary, trials);
  if (value === null) return nothing;
  const shown = marks.filter(mark => mark !== 'censored' || isCensored?.(summary) === true);
  return figure(text, value, [
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
