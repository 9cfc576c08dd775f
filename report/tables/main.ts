// Tables of results by client: rate, latency, errors, connections and CPU, in full and in brief.
import { askedPerSec, requestsPerSec } from '../../results/metrics.ts';
import type { ArmSummary } from '../../results/model/run.ts';
import type { CompletedTrial, Ledger } from '../../results/model/trial.ts';
import { LEAST_REPLICATES } from '../../results/stats.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { usesTls } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, leastCensoredUs } from '../cell-view.ts';
import type { Column, JsonValue, Table, TableCell } from '../model.ts';
import { BOUND_WORDS } from '../words/bound.ts';
import { describeCounting, knownAccepted, knownOpened } from '../words/caveats.ts';
import { describePolicy } from '../words/conditions.ts';
import { reuseRatio } from '../words/headline.ts';
import { formatRate } from '../words/load.ts';
import {
  formatCount,
  formatMs,
  formatPercent,
  formatReplicates,
  formatSignificant,
  NO_FIGURE,
  roundInterval,
} from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

/** The columns known from the literature: connection policy, concurrency (or rate), latency, QPS, errors. */
export function articleTable({ arms, result }: CellView): Table {
  const { load } = result.scenario;
  return createTable({
    name: 'article',
    title: 'Summary',
    columns: [
      keyColumn('mode', 'connection policy'),
      load.model === 'closed'
        ? figureColumn('concurrency', 'concurrency')
        : figureColumn('askedPerSec', 'requested rate', 'requests/s'),
      figureColumn('meanMs', 'mean latency', 'ms'),
      figureColumn('requestsPerSec', 'QPS'),
      figureColumn('errorRatio', 'error rate'),
    ],
    rows: arms.map(({ name, client, summary, marks }) => {
      const policy = describePolicy(client);
      return [
        words(policy === name ? policy : `${name} (${policy})`, policy),
        loadCell(load, summary),
        ...(summary === null
          ? [nothing, nothing, nothing]
          : [
              summary.completed === 0
                ? nothing
                : figure(formatMs(summary.meanUs), summary.meanUs / 1000, marks),
              summary.requestsPerSec === null
                ? nothing
                : figure(roundInterval(summary.requestsPerSec).value, summary.requestsPerSec.value, marks),
              figure(
                formatPercent(summary.errorRatio),
                summary.errorRatio,
                marks.filter(mark => mark === 'invalid'),
              ),
            ]),
      ];
    }),
  });
}

/** The number of users, or the requested rate of an open load. */
function loadCell(load: Load, summary: ArmSummary | null): TableCell {
  if (load.model === 'closed') return words(formatCount(load.concurrency), load.concurrency);
  if (load.model === 'capacity') {
    const rate = summary?.capacityPerSec ?? null;
    return rate === null ? nothing : words(roundInterval(rate).value, rate.value);
  }
  const perSec = askedPerSec(load, null)!;
  return words(formatRate(perSec), perSec);
}

interface Measure {
  column: Column;
  read: (summary: ArmSummary, trials: readonly CompletedTrial[]) => { text: string; value: JsonValue };
  /** Whether requests without a response make this figure a bound. */
  isCensored?: (summary: ArmSummary) => boolean;
  /** Shown only where there are TLS handshakes. */
  isOfTls?: true;
}

const latency = (
  key: string,
  heading: string,
  read: (summary: ArmSummary) => number,
  isCensored = (summary: ArmSummary) => read(summary) >= leastCensoredUs(summary),
): Measure => ({
  column: figureColumn(`${key}Ms`, heading, 'ms'),
  read: summary =>
    summary.completed === 0
      ? { text: NO_FIGURE, value: null }
      : { text: formatMs(read(summary)), value: read(summary) / 1000 },
  isCensored,
});

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
function known(value: number | null, toText: (value: number) => string) {
  return { text: value === null ? NO_FIGURE : toText(value), value };
}

const handshakes = (
  key: string,
  heading: string,
  read: (ledger: Ledger, isByTarget: boolean) => number,
): Measure => ({
  column: figureColumn(`${key}Count`, heading, 'TLS handshakes'),
  isOfTls: true,
  read(_summary, trials) {
    const sum = trials.reduce(
      (total, { measurement: { ledger } }) => total + read(ledger, ledger.acceptedBy === 'target'),
      0,
    );
    return { text: formatCount(sum), value: sum };
  },
});

const MEASURES: readonly Measure[] = [
  {
    column: figureColumn('requestsPerSec', 'requests/s', '95 % interval'),
    read({ requestsPerSec: rate }, trials) {
      const rates = trials.flatMap(trial => requestsPerSec(trial) ?? []);
      if (rate === null) return { text: NO_FIGURE, value: null };
      return {
        text: formatReplicates(rate, rates),
        value: rates.length < LEAST_REPLICATES ? rates : rate,
      };
    },
    isCensored: hasCensored,
  },
  latency('mean', 'mean', summary => summary.meanUs, hasCensored),
  latency('p50', 'p50', summary => summary.p50Us),
  latency('p90', 'p90', summary => summary.p90Us),
  latency('p99', 'p99', summary => summary.p99Us),
  latency('p999', 'p99.9', summary => summary.p999Us),
  latency('max', 'max', summary => summary.maxUs),
  {
    column: figureColumn('errorRatio', 'error rate'),
    read: ({ errorRatio }) => ({ text: formatPercent(errorRatio), value: errorRatio }),
  },
  count('requestsSent', 'sent', 'requests', summary => summary.requestsSent),
  count('opened', 'opened', 'connections', knownOpened),
  {
    column: figureColumn('reuseRatio', 'reused', 'of requests'),
    read: summary => known(reuseRatio(summary), formatPercent),
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
  {
    column: figureColumn('generatorCpuUsPerRequest', 'client CPU', 'µs/request'),
    read: summary => ({
      text: formatSignificant(summary.generatorCpuUsPerRequest),
      value: summary.generatorCpuUsPerRequest,
    }),
  },
  {
    column: figureColumn('targetCpuUsPerRequest', 'target CPU', 'µs/request'),
    read: summary => known(summary.targetCpuUsPerRequest, formatSignificant),
  },
];

export function mainTable({ arms, result }: CellView): Table {
  const hasTls = usesTls(result.scenario.target);
  const measures = MEASURES.filter(({ isOfTls }) => isOfTls !== true || hasTls);
  return createTable({
    name: 'main',
    title: 'Results by client',
    columns: [
      keyColumn('arm', 'client'),
      ...measures.map(({ column }) => column),
      wordColumn('boundBy', 'bound by'),
    ],
    rows: arms.map(arm => [
      words(arm.label, arm.name),
      ...measures.map(measure => read(measure, arm)),
      boundEntry(arm),
    ]),
    notes: [
      'Latency is response time over all replicates: from the moment a request was due until the last byte of its response.',
      `Requests sent and connections are totals over all replicates, warm-up included. Connections ${describeCounting({ arms })}; needed: what the settings require.`,
      ...(result.scenario.target.url === undefined
        ? []
        : ['The server is external, so its CPU use is unknown.']),
      ...(hasTls
        ? [
            `A full TLS handshake verifies the certificate; a resumed one continues an earlier session. ${
              result.scenario.target.url === undefined
                ? 'Client and target count both kinds, and the ledger audit compares them.'
                : 'They are counted by the client.'
            }`,
          ]
        : []),
    ],
  });
}

function boundEntry({ bound }: ArmView): TableCell {
  return bound === null ? nothing : words(BOUND_WORDS[bound], bound);
}

function read({ read, isCensored }: Measure, { summary, marks, trials }: ArmView): TableCell {
  if (summary === null) return nothing;
  const { text, value } = read(summary, trials);
  if (value === null) return nothing;
  const shown = marks.filter(mark => mark !== 'censored' || isCensored?.(summary) === true);
  return figure(text, value, shown);
}

/** `1,000`, `1 to 100`, `at least 1`. */
export function formatNeeded({ least, most }: ArmSummary['needed']): string {
  if (most === null) return `at least ${formatCount(least)}`;
  return least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;
}
