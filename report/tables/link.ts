// Tables of an emulated link: what its relay did for each client, and the measurement beside the model and published figures.
import { isPrediction, type Modelled, modelArm, type Prediction } from '../../results/link-model.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import { type LinkReading, MOST_LATENESS_US } from '../../results/model/trial.ts';
import { INTERVAL_NAME, type Interval, replicateInterval } from '../../results/stats.ts';
import type { Published } from '../../scenarios/model/scenario.ts';
import { type ArmView, type CellView, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Column, Mark, Table, TableCell } from '../model.ts';
import { formatCount, formatInterval, formatMs, formatPercent, formatSignificant } from '../words/numbers.ts';
import { capitalize, compact } from '../words/text.ts';
import { CENTRE_NOTE, createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

interface Row {
  arm: ArmView;
  /** null if the arm has no figures, or its settings are not in the stored run. */
  modelled: Modelled | null;
  published: Published['rows'][number] | undefined;
}

interface PredictedMeasure {
  column: Column;
  of: 'published' | 'model' | 'measured';
  read(row: Row): TableCell;
}

const fromModel = (
  column: Column,
  read: (model: Prediction, row: Row) => { text: string; value: number } | null,
): PredictedMeasure => ({
  column,
  of: 'model',
  read: row => {
    if (row.modelled === null || !isPrediction(row.modelled)) return nothing;
    const found = read(row.modelled, row);
    return found === null ? nothing : words(found.text, found.value);
  },
});

const fromPublished = (
  column: Column,
  key: 'meanMs' | 'requestsPerSec' | 'errorRatio',
  text: (value: number) => string,
): PredictedMeasure => ({
  column,
  of: 'published',
  read: ({ published }) => {
    const value = published?.[key];
    return value === undefined ? nothing : words(text(value), value);
  },
});

const PREDICTED_MEASURES: readonly PredictedMeasure[] = [
  fromModel(figureColumn('roundTrips', 'round trips', 'per request'), ({ roundTrips }) => ({
    text: roundTrips.toFixed(2),
    value: roundTrips,
  })),
  fromPublished(figureColumn('publishedMeanMs', 'published mean', 'ms'), 'meanMs', formatPublished),
  fromModel(figureColumn('predictedMeanMs', 'model mean', 'ms'), ({ meanUs }) => ({
    text: formatMs(meanUs),
    value: meanUs / 1_000,
  })),
  {
    column: figureColumn('measuredMeanMs', 'measured mean', `ms, ${INTERVAL_NAME}`),
    of: 'measured',
    read: ({ arm }) => {
      const interval = meanInterval(arm);
      return interval === null ? nothing : figure(formatInterval(interval), { ...interval }, arm.marks);
    },
  },
  fromModel(figureColumn('excessMs', 'above the model', 'ms'), ({ meanUs }, { arm: { summary } }) => {
    if (summary === null) return null;
    const excessMs = (summary.meanUs - meanUs) / 1_000;
    return { text: formatSignedMs(excessMs), value: excessMs };
  }),
  fromPublished(figureColumn('publishedPerSec', 'published QPS'), 'requestsPerSec', formatCount),
  fromModel(figureColumn('predictedPerSec', 'model QPS'), ({ requestsPerSec: value }) =>
    value === null ? null : { text: formatSignificant(value), value },
  ),
  {
    column: figureColumn('measuredPerSec', 'measured QPS', INTERVAL_NAME),
    of: 'measured',
    read: ({ arm: { summary, marks } }) => {
      const rate = summary?.requestsPerSec;
      return rate == null ? nothing : figure(formatInterval(rate), rate, marks);
    },
  },
  fromPublished(figureColumn('publishedErrorRatio', 'published errors'), 'errorRatio', formatPercent),
  {
    column: figureColumn('measuredErrorRatio', 'measured errors'),
    of: 'measured',
    read: ({ arm: { summary, marks } }) =>
      summary === null
        ? nothing
        : figure(formatPercent(summary.errorRatio), summary.errorRatio, onlyInvalid(marks)),
  },
];

export function predictionTable({ arms, result }: CellView): Table | null {
  const { link, published } = result.scenario;
  if (link === undefined && published === undefined) return null;
  const rows = arms.map(
    (arm): Row => ({
      arm,
      modelled:
        arm.summary === null || arm.client === undefined || link === undefined
          ? null
          : modelArm(result, arm.client, arm.trials),
      published: published?.rows.find(row => row.arm === arm.name),
    }),
  );
  const isShown = { published: published !== undefined, model: link !== undefined, measured: true };
  const measures = PREDICTED_MEASURES.filter(({ of }) => isShown[of]);
  const sides = compact([isShown.published && 'published figures', isShown.model && 'model']).join(', ');
  return createTable({
    name: 'prediction',
    title: `${capitalize(sides)} and measurement`,
    columns: [keyColumn('arm', 'client'), ...measures.map(({ column }) => column)],
    rows: rows.map(row => [
      words(row.arm.label, row.arm.name),
      ...measures.map(measure => measure.read(row)),
    ]),
    notes: compact([
      published !== undefined && `Published: ${published.source}.`,
      ...(link === undefined ? [] : modelNotes(result.serviceMs, rows)),
      CENTRE_NOTE,
    ]),
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
function meanInterval({ summary, trials }: ArmView): Interval | null {
  if (summary === null) return null;
  const means = trials.map(({ measurement }) => measurement.response.meanUs).filter(mean => mean > 0);
  const { low, high } = replicateInterval(means.map(Math.log)) ?? {
    low: summary.meanUs,
    high: summary.meanUs,
  };
  const valueMs = summary.meanUs / 1_000;
  return { value: valueMs, low: Math.min(low / 1_000, valueMs), high: Math.max(high / 1_000, valueMs) };
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

interface Measure {
  column: Column;
  /** @param readings of all trials of an arm, at least one */
  read(readings: readonly LinkReading[]): { text: string; value: number; marks?: readonly Mark[] };
}

/** @param shareBeyond of a quantile of the lateness of pieces: it is marked where few of that replicate were later */
const worst = (
  column: Column,
  read: (reading: LinkReading) => number,
  text: (value: number) => string,
  shareBeyond?: number,
) => ({
  column,
  read: (readings: readonly LinkReading[]) => {
    const [first, ...others] = readings as [LinkReading, ...LinkReading[]];
    const found = others.reduce((most, next) => (read(next) > read(most) ? next : most), first);
    const { latenessCount } = found;
    const marks = latenessCount === null ? [] : quantileMarks(shareBeyond, latenessCount);
    return { text: text(read(found)), value: read(found), marks };
  },
});

const sum = (column: Column, read: (reading: LinkReading) => number, text: (value: number) => string) => ({
  column,
  read: (readings: readonly LinkReading[]) => {
    const value = readings.reduce((total, reading) => total + read(reading), 0);
    return { text: text(value), value };
  },
});

/** Lateness is measured to a tenth of a millisecond, up to the end of its scale. */
const formatLateness = (ms: number): string => `${ms * 1_000 >= MOST_LATENESS_US ? '≥' : ''}${ms.toFixed(1)}`;
const MIB = 2 ** 20;

const MEASURES: readonly Measure[] = [
  sum(figureColumn('connectionCount', 'connections'), ({ connections }) => connections, formatCount),
  sum(figureColumn('carriedMiB', 'carried', 'MiB'), ({ bytes }) => bytes / MIB, formatSignificant),
  worst(figureColumn('cpuRatio', 'CPU', 'of a core'), ({ relay }) => relay.cpuRatio, formatPercent),
  worst(
    figureColumn('runDelayRatio', 'waited for core', 'of the time'),
    ({ relay }) => relay.runDelayRatio,
    formatPercent,
  ),
  worst(
    figureColumn('lateP50Ms', 'late p50', 'ms'),
    ({ latenessP50Us }) => latenessP50Us / 1_000,
    formatLateness,
    METRIC_TABLE.p50Us.shareBeyond,
  ),
  worst(
    figureColumn('lateP99Ms', 'late p99', 'ms'),
    ({ latenessP99Us }) => latenessP99Us / 1_000,
    formatLateness,
    METRIC_TABLE.p99Us.shareBeyond,
  ),
  worst(
    figureColumn('lateMaxMs', 'late max', 'ms'),
    ({ latenessMaxUs }) => latenessMaxUs / 1_000,
    formatLateness,
  ),
];

export function linkTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm => rowOf(arm));
  if (rows.length === 0) return null;
  return createTable({
    name: 'link',
    title: 'Link relay',
    columns: [keyColumn('arm', 'client'), ...MEASURES.map(({ column }) => column)],
    rows,
    notes: compact([
      'Late: how long after its due time the relay forwarded data. CPU, waiting and lateness are those of the worst replicate; connections and bytes are totals. Warm-up is not included.',
      rows.flat().some(({ marks }) => marks.includes('fewBeyond')) &&
        'What ‡ counts here are the pieces of data that the relay forwarded in that replicate.',
    ]),
  });
}

/** One row, or none without readings. */
function rowOf({ label, name, trials, marks }: ArmView): TableCell[][] {
  const readings = trials.flatMap(({ measurement }) => measurement.link ?? []);
  if (readings.length === 0) return [];
  const invalid = onlyInvalid(marks);
  const cells = MEASURES.map(({ read }) => {
    const { text, value, marks = [] } = read(readings);
    return figure(text, value, [...invalid, ...marks]);
  });
  return [[words(label, name), ...cells]];
}
