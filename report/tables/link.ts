// In: the arms of a cell behind an emulated link. Out: what its relay did for each: load, lateness; null without a link.
import { isPrediction, type Modelled, modelArm, type Prediction } from '../../results/link-model.ts';
import type { LinkReading } from '../../results/model/trial.ts';
import { type Interval, replicateInterval } from '../../results/stats.ts';
import type { Published } from '../../scenarios/model/scenario.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import type { Column, Table, TableCell } from '../model.ts';
import { countText, intervalText, msText, percentText, significantText } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

// From a cell behind a link, or one whose figures are published. Out: published figures, the model's and the measured, side by
// side; null without either.

interface Row {
  arm: ArmView;
  /** null: the arm has no figures, or its settings are not in the stored run. */
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

const fromElsewhere = (
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
  fromElsewhere(figureColumn('publishedMeanMs', 'published mean', 'ms'), 'meanMs', plainText),
  fromModel(figureColumn('predictedMeanMs', 'model mean', 'ms'), ({ meanUs }) => ({
    text: msText(meanUs),
    value: meanUs / 1_000,
  })),
  {
    column: figureColumn('measuredMeanMs', 'measured mean', 'ms, 95 % interval'),
    of: 'measured',
    read: ({ arm }) => {
      const interval = meanInterval(arm);
      return interval === null ? nothing : figure(intervalText(interval), { ...interval }, arm.marks);
    },
  },
  fromModel(figureColumn('excessMs', 'above the model', 'ms'), ({ meanUs }, { arm: { summary } }) => {
    if (summary === null) return null;
    const excessMs = (summary.meanUs - meanUs) / 1_000;
    return { text: signedText(excessMs), value: excessMs };
  }),
  fromElsewhere(figureColumn('publishedPerSec', 'published QPS'), 'requestsPerSec', countText),
  fromModel(figureColumn('predictedPerSec', 'model QPS'), ({ requestsPerSec: value }) =>
    value === null ? null : { text: significantText(value), value },
  ),
  {
    column: figureColumn('measuredPerSec', 'measured QPS', '95 % interval'),
    of: 'measured',
    read: ({ arm: { summary, marks } }) => {
      const rate = summary?.requestsPerSec;
      return rate == null ? nothing : figure(intervalText(rate), rate, marks);
    },
  },
  fromElsewhere(figureColumn('publishedErrorRatio', 'published errors'), 'errorRatio', percentText),
  {
    column: figureColumn('measuredErrorRatio', 'measured errors'),
    of: 'measured',
    read: ({ arm: { summary, marks } }) =>
      summary === null
        ? nothing
        : figure(
            percentText(summary.errorRatio),
            summary.errorRatio,
            marks.filter(mark => mark === 'invalid'),
          ),
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
  const sides = [
    ...(isShown.published ? ['published'] : []),
    ...(isShown.model ? ['model'] : []),
    'measurement',
  ].join(', ');
  return createTable({
    name: 'prediction',
    title: `Side by side: ${sides}`,
    columns: [keyColumn('arm', 'arm'), ...measures.map(({ column }) => column)],
    rows: rows.map(row => [
      words(row.arm.label, row.arm.name),
      ...measures.map(measure => measure.read(row)),
    ]),
    notes: [
      ...(published === undefined ? [] : [`Published: ${published.source}.`]),
      ...(link === undefined ? [] : modelNotes(result.serviceMs, rows)),
    ],
  });
}

function modelNotes(serviceMs: number | null, rows: readonly Row[]): string[] {
  const service =
    serviceMs === null ? 'the service, which is not known and taken as 0' : `${serviceMs} ms of service`;
  const isHttp2 = rows.some(
    ({ arm: { client } }) => client?.protocol === 'h2' && typeof client.pool.maxConnections !== 'number',
  );
  return [
    `Model: a request takes one round trip and ${service}; opening its connection one more for TCP and those of the TLS handshake, shared by the requests on it (connections and handshakes as they were counted). QPS = users / mean latency. It is the least that the link allows: what was measured above it is CPU and queueing.`,
    ...(isHttp2
      ? [
          'HTTP/2 without a stated number of connections: the model takes it that no request waits for a stream.',
        ]
      : []),
    ...rows.flatMap(({ arm, modelled }) =>
      modelled === null || isPrediction(modelled) ? [] : [`No model for ${arm.name}: ${modelled.why}.`],
    ),
  ];
}

/** The mean over all requests, as everywhere, with the interval over replicates; without width where there is one only. */
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

/** To a tenth of a millisecond, which is what the relay is exact to. */
function signedText(ms: number): string {
  const rounded = Number(ms.toFixed(1));
  return `${rounded < 0 ? '−' : ''}${Math.abs(rounded).toLocaleString('en-US', { minimumFractionDigits: 1 })}`;
}

/** As it was published: with as many digits. */
function plainText(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

interface Measure {
  column: Column;
  /** Of all trials of an arm, at least one. */
  read(readings: readonly LinkReading[]): { text: string; value: number };
}

const worst = (column: Column, read: (reading: LinkReading) => number, text: (value: number) => string) => ({
  column,
  read: (readings: readonly LinkReading[]) => {
    const value = Math.max(...readings.map(read));
    return { text: text(value), value };
  },
});

const sum = (column: Column, read: (reading: LinkReading) => number, text: (value: number) => string) => ({
  column,
  read: (readings: readonly LinkReading[]) => {
    const value = readings.reduce((total, reading) => total + read(reading), 0);
    return { text: text(value), value };
  },
});

/** Lateness is known to a tenth of a millisecond. */
const lateText = (ms: number): string => ms.toFixed(1);
const MIB = 2 ** 20;

const MEASURES: readonly Measure[] = [
  sum(figureColumn('connectionCount', 'connections'), ({ connections }) => connections, countText),
  sum(figureColumn('carriedMiB', 'carried', 'MiB'), ({ bytes }) => bytes / MIB, significantText),
  worst(figureColumn('cpuRatio', 'CPU', 'of a core'), ({ relay }) => relay.cpuRatio, percentText),
  worst(
    figureColumn('runDelayRatio', 'waited for it', 'of the time'),
    ({ relay }) => relay.runDelayRatio,
    percentText,
  ),
  worst(
    figureColumn('lateP50Ms', 'late at p50', 'ms'),
    ({ latenessP50Us }) => latenessP50Us / 1_000,
    lateText,
  ),
  worst(
    figureColumn('lateP99Ms', 'late at p99', 'ms'),
    ({ latenessP99Us }) => latenessP99Us / 1_000,
    lateText,
  ),
  worst(
    figureColumn('lateMaxMs', 'late at most', 'ms'),
    ({ latenessMaxUs }) => latenessMaxUs / 1_000,
    lateText,
  ),
];

export function linkTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm => rowOf(arm));
  if (rows.length === 0) return null;
  return createTable({
    name: 'link',
    title: "The link's relay",
    columns: [keyColumn('arm', 'arm'), ...MEASURES.map(({ column }) => column)],
    rows,
    notes: [
      'Late: how much after its due time the relay passed a piece on. CPU, waiting and lateness are those of the worst replicate, connections and bytes of all together, warm-up not included.',
    ],
  });
}

/** One row, or none. */
function rowOf({ label, name, trials, marks }: ArmView): TableCell[][] {
  const readings = trials.flatMap(({ measurement }) => measurement.link ?? []);
  if (readings.length === 0) return [];
  const invalid = marks.filter(mark => mark === 'invalid');
  const cells = MEASURES.map(({ read }) => {
    const { text, value } = read(readings);
    return figure(text, value, invalid);
  });
  return [[words(label, name), ...cells]];
}
