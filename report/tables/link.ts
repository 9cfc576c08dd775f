// Tables of an emulated link: what its relay did for each client, and the measurement beside the model and published figures.
import { isPrediction, type Modelled, modelArm, type Prediction } from '../../results/link-model.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import { type LinkReading, MAX_LATENESS_US } from '../../results/model/trial.ts';
import { INTERVAL_NAME, replicateInterval, sumOf } from '../../results/stats.ts';
import type { Published } from '../../scenarios/model/scenario.ts';
import { type ArmView, type CellView, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { formatCount, formatInterval, formatPercent, formatSignificant } from '../words/numbers.ts';
import { capitalize, compact } from '../words/text.ts';
import {
  CENTRE_NOTE,
  clientColumn,
  countColumn,
  figure,
  figureColumn,
  nothing,
  type ReadColumn,
  roundedColumn,
  shareColumn,
  tabulate,
  words,
} from './table.ts';

interface Row {
  arm: ArmView;
  /** null if the arm has no figures, or its settings are not in the stored run. */
  modelled: Modelled | null;
  published: Published['rows'][number] | undefined;
}

/** What the model says of a client that it covers. */
function modelCell(
  read: (model: Prediction, arm: ArmView) => number | null,
  text: (value: number) => string,
) {
  return ({ arm, modelled }: Row): TableCell => {
    const value = modelled !== null && isPrediction(modelled) ? read(modelled, arm) : null;
    return value === null ? nothing : words(text(value), value);
  };
}

function publishedCell(key: 'meanMs' | 'requestsPerSec' | 'errorRatio', text: (value: number) => string) {
  return ({ published }: Row): TableCell => {
    const value = published?.[key];
    return value === undefined ? nothing : words(text(value), value);
  };
}

export function predictionTable({ arms, result }: CellView): Table | null {
  const { link, published } = result.scenario;
  const [hasModel, hasPublished] = [link !== undefined, published !== undefined];
  if (!hasModel && !hasPublished) return null;
  const rows = arms.map(
    (arm): Row => ({
      arm,
      modelled:
        arm.summary !== null && arm.client !== undefined && hasModel
          ? modelArm(result, arm.client, arm.trials)
          : null,
      published: published?.rows.find(row => row.arm === arm.name),
    }),
  );
  const sides = compact([hasPublished && 'published figures', hasModel && 'model']).join(', ');
  return tabulate(rows, {
    name: 'prediction',
    title: `${capitalize(sides)} and measurement`,
    columns: [
      clientColumn,
      hasModel && [
        figureColumn('roundTrips', 'round trips', 'per request'),
        modelCell(
          ({ roundTrips }) => roundTrips,
          trips => trips.toFixed(2),
        ),
      ],
      hasPublished && [
        figureColumn('publishedMeanMs', 'published mean', 'ms'),
        publishedCell('meanMs', formatPublished),
      ],
      hasModel && [
        figureColumn('predictedMeanMs', 'model mean', 'ms'),
        modelCell(({ meanUs }) => meanUs / 1_000, formatSignificant),
      ],
      [figureColumn('measuredMeanMs', 'measured mean', `ms, ${INTERVAL_NAME}`), meanCell],
      hasModel && [figureColumn('excessMs', 'above the model', 'ms'), modelCell(excessMs, formatSignedMs)],
      hasPublished && [
        figureColumn('publishedPerSec', 'published QPS'),
        publishedCell('requestsPerSec', formatCount),
      ],
      hasModel && [
        figureColumn('predictedPerSec', 'model QPS'),
        modelCell(({ requestsPerSec }) => requestsPerSec, formatSignificant),
      ],
      [figureColumn('measuredPerSec', 'measured QPS', INTERVAL_NAME), rateCell],
      hasPublished && [
        figureColumn('publishedErrorRatio', 'published errors'),
        publishedCell('errorRatio', formatPercent),
      ],
      shareColumn('measuredErrorRatio', 'measured errors', ({ arm }) => arm.summary?.errorRatio ?? null),
    ],
    notes: [
      published !== undefined && `Published: ${published.source}.`,
      ...(hasModel ? modelNotes(result.serviceMs, rows) : []),
      CENTRE_NOTE,
    ],
  });
}

function modelNotes(serviceMs: number | null, rows: readonly Row[]): string[] {
  const service =
    serviceMs === null
      ? 'the service time, which is unknown and taken as 0'
      : `${serviceMs} ms of service time`;
  const isHttp2 = rows.some(
    ({ arm: { client } }) => client?.protocol === 'h2' && typeof client.pool.maxConnections !== 'number',
  );
  return compact([
    `Model: a request takes one round trip and ${service}. Opening its connection takes one more for TCP and those of the TLS handshake, shared by the requests on it (connections and handshakes as counted). QPS = users / mean latency. The model is a lower bound for this link; anything measured above it is CPU and queueing.`,
    isHttp2 && 'HTTP/2 without a limit on connections: the model assumes that no request waits for a stream.',
    ...rows.flatMap(({ arm, modelled }) =>
      modelled === null || isPrediction(modelled) ? [] : [`No model for ${arm.name}: ${modelled.why}.`],
    ),
  ]);
}

/** The mean over all requests with its interval over replicates; without width for a single replicate. */
function meanCell({ arm: { summary, trials, marks } }: Row): TableCell {
  if (summary === null) return nothing;
  const means = trials.map(({ measurement }) => measurement.response.meanUs).filter(mean => mean > 0);
  const { meanUs } = summary;
  const { low, high } = replicateInterval(means.map(Math.log)) ?? { low: meanUs, high: meanUs };
  const value = meanUs / 1_000;
  const interval = { value, low: Math.min(low / 1_000, value), high: Math.max(high / 1_000, value) };
  return figure(formatInterval(interval), interval, marks);
}

function rateCell({ arm: { summary, marks } }: Row): TableCell {
  const rate = summary?.requestsPerSec;
  return rate == null ? nothing : figure(formatInterval(rate), rate, marks);
}

function excessMs({ meanUs }: Prediction, { summary }: ArmView): number | null {
  return summary === null ? null : (summary.meanUs - meanUs) / 1_000;
}

/** To a tenth of a millisecond, which is the precision of the relay. */
function formatSignedMs(ms: number): string {
  const rounded = Number(ms.toFixed(1));
  return `${rounded < 0 ? '−' : ''}${Math.abs(rounded).toLocaleString('en-US', { minimumFractionDigits: 1 })}`;
}

/** With as many digits as published. */
function formatPublished(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

interface LinkRow {
  arm: ArmView;
  /** What the relay did in all trials of the client, at least one. */
  readings: readonly LinkReading[];
}

/** @param shareBeyond of a quantile of the lateness of pieces: it is marked where few of that replicate were later */
function worstCell(
  read: (reading: LinkReading) => number,
  text: (value: number) => string,
  shareBeyond?: number,
) {
  return ({ arm, readings }: LinkRow): TableCell => {
    const worst = readings.reduce((most, next) => (read(next) > read(most) ? next : most));
    const { latenessCount } = worst;
    return figure(text(read(worst)), read(worst), [
      ...onlyInvalid(arm.marks),
      ...(latenessCount === null ? [] : quantileMarks(shareBeyond, latenessCount)),
    ]);
  };
}

/** Lateness is measured to a tenth of a millisecond, up to the end of its scale. */
function formatLateness(ms: number): string {
  return `${ms * 1_000 >= MAX_LATENESS_US ? '≥' : ''}${ms.toFixed(1)}`;
}

const MIB = 2 ** 20;

const LINK_COLUMNS: readonly ReadColumn<LinkRow>[] = [
  clientColumn,
  countColumn('connectionCount', 'connections', row => sumOf(row.readings, ({ connections }) => connections)),
  roundedColumn('carriedMiB', 'carried', row => sumOf(row.readings, ({ bytes }) => bytes / MIB), 'MiB'),
  [figureColumn('cpuRatio', 'CPU', 'of a core'), worstCell(({ relay }) => relay.cpuRatio, formatPercent)],
  [
    figureColumn('runDelayRatio', 'waited for core', 'of the time'),
    worstCell(({ relay }) => relay.runDelayRatio, formatPercent),
  ],
  [
    figureColumn('lateP50Ms', 'late p50', 'ms'),
    worstCell(({ latenessP50Us }) => latenessP50Us / 1_000, formatLateness, METRIC_TABLE.p50Us.shareBeyond),
  ],
  [
    figureColumn('lateP99Ms', 'late p99', 'ms'),
    worstCell(({ latenessP99Us }) => latenessP99Us / 1_000, formatLateness, METRIC_TABLE.p99Us.shareBeyond),
  ],
  [
    figureColumn('lateMaxMs', 'late max', 'ms'),
    worstCell(({ latenessMaxUs }) => latenessMaxUs / 1_000, formatLateness),
  ],
];

export function linkTable({ arms }: CellView): Table | null {
  const rows = arms
    .map(
      (arm): LinkRow => ({ arm, readings: arm.trials.flatMap(({ measurement }) => measurement.link ?? []) }),
    )
    .filter(({ readings }) => readings.length > 0);
  if (rows.length === 0) return null;
  const isFew = (row: LinkRow): boolean =>
    LINK_COLUMNS.some(([, read]) => read(row).marks.includes('fewBeyond'));
  return tabulate(rows, {
    name: 'link',
    title: 'Link relay',
    columns: LINK_COLUMNS,
    notes: [
      'Late: how long after its due time the relay forwarded data. CPU, waiting and lateness are those of the worst replicate; connections and bytes are totals. Warm-up is not included.',
      rows.some(isFew) &&
        'What ‡ counts here are the pieces of data that the relay forwarded in that replicate.',
    ],
  });
}
