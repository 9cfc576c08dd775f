// In: a cell behind a link, or one whose figures are published. Out: published figures, the model's and the measured, side by
// side; null without either.
import type { Published } from '../../bench/core/published.ts';
import type { Modelled, Prediction } from '../../results/link-model.ts';
import { isPrediction, modelArm } from '../../results/link-model.ts';
import type { Interval } from '../../results/stats.ts';
import { replicateInterval } from '../../results/stats.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { countText, intervalText, msText, percentText, significantText } from '../words/numbers.ts';
import type { Column, Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

interface Row {
  arm: ArmView;
  /** null: the arm has no figures, or its settings are not in the stored run. */
  modelled: Modelled | null;
  published: Published['rows'][number] | undefined;
}

interface Measure {
  column: Column;
  of: 'published' | 'model' | 'measured';
  read(row: Row): TableCell;
}

const fromModel = (
  column: Column,
  read: (model: Prediction, row: Row) => { text: string; value: number } | null,
): Measure => ({
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
): Measure => ({
  column,
  of: 'published',
  read: ({ published }) => {
    const value = published?.[key];
    return value === undefined ? nothing : words(text(value), value);
  },
});

const MEASURES: readonly Measure[] = [
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
  const measures = MEASURES.filter(({ of }) => isShown[of]);
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
