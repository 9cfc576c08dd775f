// In: the arms of a cell. Out: what each did: rate, latency, errors, connections, CPU.
import { askedPerSec, requestsPerSec } from '../../results/metrics.ts';
import type { ArmSummary } from '../../results/model/run.ts';
import type { CompletedTrial, Ledger } from '../../results/model/trial.ts';
import { LEAST_REPLICATES } from '../../results/stats.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { usesTls } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, leastCensoredUs } from '../cell-view.ts';
import type { Column, JsonValue, Mark, Table, TableCell } from '../model.ts';
import { acceptedOf, countedByText, openedOf } from '../words/caveats.ts';
import { modeText } from '../words/conditions.ts';
import { reuseRatio } from '../words/headline.ts';
import { rateText } from '../words/load.ts';
import {
  countText,
  intervalTexts,
  msText,
  NO_FIGURE,
  percentText,
  replicatesText,
  significantText,
} from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

// From the arms of a cell. Out: the columns that are known from the literature: mode, concurrency (or rate), latency, QPS, errors.

export function articleTable({ arms, result }: CellView): Table {
  const { load } = result.scenario;
  return createTable({
    name: 'article',
    title: 'In brief',
    columns: [
      keyColumn('mode', 'connection mode'),
      load.model === 'closed'
        ? figureColumn('concurrency', 'concurrency')
        : figureColumn('askedPerSec', 'rate asked', 'requests/s'),
      figureColumn('meanMs', 'mean latency', 'ms'),
      figureColumn('requestsPerSec', 'QPS'),
      figureColumn('errorRatio', 'error rate'),
    ],
    rows: arms.map(({ name, client, summary, marks }) => {
      const mode = modeText(client);
      return [
        words(mode === name ? mode : `${name} (${mode})`, mode),
        loadCell(load, summary),
        ...(summary === null
          ? [nothing, nothing, nothing]
          : [
              summary.completed === 0
                ? nothing
                : figure(msText(summary.meanUs), summary.meanUs / 1000, marks),
              summary.requestsPerSec === null
                ? nothing
                : figure(intervalTexts(summary.requestsPerSec).value, summary.requestsPerSec.value, marks),
              figure(
                percentText(summary.errorRatio),
                summary.errorRatio,
                marks.filter(mark => mark === 'invalid'),
              ),
            ]),
      ];
    }),
  });
}

/** What the load was: users, or the rate that an open load was to have. */
function loadCell(load: Load, summary: ArmSummary | null): TableCell {
  if (load.model === 'closed') return words(countText(load.concurrency), load.concurrency);
  if (load.model === 'capacity') {
    const rate = summary?.capacityPerSec ?? null;
    return rate === null ? nothing : words(intervalTexts(rate).value, rate.value);
  }
  const perSec = askedPerSec(load, null)!;
  return words(rateText(perSec), perSec);
}

interface Measure {
  column: Column;
  read: (summary: ArmSummary, trials: readonly CompletedTrial[]) => { text: string; value: JsonValue };
  /** Whether a generator that is the bottleneck bounds this figure. */
  isBoundByClient?: true;
  /** Whether requests without an answer make it a bound only. */
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
      : { text: msText(read(summary)), value: read(summary) / 1000 },
  isBoundByClient: true,
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
  read: summary => known(read(summary), countText),
});

/** null is not known: no figure, and never 0. */
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
    return { text: countText(sum), value: sum };
  },
});

const MEASURES: readonly Measure[] = [
  {
    column: figureColumn('requestsPerSec', 'requests/s', '95 % interval'),
    read({ requestsPerSec: rate }, trials) {
      const rates = trials.flatMap(trial => requestsPerSec(trial) ?? []);
      if (rate === null) return { text: NO_FIGURE, value: null };
      return {
        text: replicatesText(rate, rates),
        value: rates.length < LEAST_REPLICATES ? rates : rate,
      };
    },
    isBoundByClient: true,
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
    read: ({ errorRatio }) => ({ text: percentText(errorRatio), value: errorRatio }),
  },
  count('requestsSent', 'sent', 'requests', summary => summary.requestsSent),
  count('opened', 'opened', 'connections', openedOf),
  {
    column: figureColumn('reuseRatio', 'reused', 'of requests'),
    read: summary => known(reuseRatio(summary), percentText),
  },
  count('accepted', 'accepted', 'connections', acceptedOf),
  {
    column: figureColumn('neededCount', 'needed', 'connections'),
    read: ({ needed }) => ({ text: neededText(needed), value: needed }),
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
      text: significantText(summary.generatorCpuUsPerRequest),
      value: summary.generatorCpuUsPerRequest,
    }),
  },
  {
    column: figureColumn('targetCpuUsPerRequest', 'target CPU', 'µs/request'),
    read: summary => known(summary.targetCpuUsPerRequest, significantText),
  },
];

export function mainTable({ arms, result }: CellView): Table {
  const hasTls = usesTls(result.scenario.target);
  const measures = MEASURES.filter(({ isOfTls }) => isOfTls !== true || hasTls);
  return createTable({
    name: 'main',
    title: 'What each client did',
    columns: [keyColumn('arm', 'arm'), ...measures.map(({ column }) => column)],
    rows: arms.map(arm => [words(arm.label, arm.name), ...measures.map(measure => read(measure, arm))]),
    notes: [
      'Latency is response time, from when a request should have gone to the last byte of its answer, over all replicates.',
      `Requests sent and connections are sums over the replicates, warm-up included: ${countedByText({ arms })}, needed if every setting works.`,
      ...(result.scenario.target.url === undefined
        ? []
        : ['conntax did not start the server, so the CPU of the target is not known.']),
      ...(hasTls
        ? [
            `A full TLS handshake proves the certificate; a resumed one continues an earlier session. ${
              result.scenario.target.url === undefined
                ? 'Both ends count both, and the ledger audit compares them.'
                : 'They are counted by the client.'
            }`,
          ]
        : []),
    ],
  });
}

function read(
  { read, isBoundByClient, isCensored }: Measure,
  { summary, marks, trials }: ArmView,
): TableCell {
  if (summary === null) return nothing;
  const { text, value } = read(summary, trials);
  if (value === null) return nothing;
  const isShown = (mark: Mark): boolean => {
    if (mark === 'clientBound') return isBoundByClient === true;
    return mark !== 'censored' || isCensored?.(summary) === true;
  };
  const shown = marks.filter(isShown);
  return figure(text, value, shown);
}

/** `1,000`, `1 to 100`, `at least 1`. */
export function neededText({ least, most }: ArmSummary['needed']): string {
  if (most === null) return `at least ${countText(least)}`;
  return least === most ? countText(least) : `${countText(least)} to ${countText(most)}`;
}
