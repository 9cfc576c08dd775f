// Charts of what generator and target held in the course of a replicate: requests and descriptors, and sockets by state; a panel per client.
import type { Held } from '../../results/model/process.ts';
import type { CompletedTrial } from '../../results/model/trial.ts';
import { type ArmView, type CellView, onlyInvalid } from '../cell-view.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../tables/table.ts';
import { describeLeaks } from '../words/leak.ts';
import { formatCount } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armLegend, CHARACTER_PX, framed, MUTED, stepScales } from './theme.ts';

const MIB = 2 ** 20;
const PANEL_PX = 92;
/** Of a panel; the rest is for the name of its client. */
const PLOT_SHARE = 0.74;
/** Of a line; the line itself has all samples. */
const MOST_POINTS = 40;

interface Shown {
  arm: ArmView;
  trial: CompletedTrial;
  held: Held;
}

interface Point {
  arm: ArmView;
  series: string;
  atSec: number;
  value: number;
  /** Whether it has a mark and words of its own. */
  isFigure: boolean;
}

/** The first replicate of each client that has samples. */
function shownIn({ arms }: CellView): Shown[] {
  return arms.flatMap(arm => {
    const trial = arm.trials.find(({ measurement }) => measurement.held !== undefined);
    return trial === undefined ? [] : { arm, trial, held: trial.measurement.held! };
  });
}

/** Each client's samples in a panel of its own, all on the same scale. */
function panels(points: readonly Point[]) {
  const arms = [...new Set(points.map(({ arm }) => arm))];
  const series = [...new Set(points.map(point => point.series))];
  const most = Math.max(1, ...points.map(({ value }) => value));
  const floorOf = (arm: ArmView) => arms.length - 1 - arms.indexOf(arm);
  const rows = points.map(({ arm, series, atSec, value, isFigure }) => ({
    arm: arm.name,
    line: `${arm.name}/${series}`,
    series,
    isServer: series.startsWith('server'),
    atSec,
    y: floorOf(arm) + (PLOT_SHARE * value) / most,
    isFigure,
    tip: `${arm.label}, ${formatSec(atSec)} s: ${series} ${formatCount(value)}`,
  }));
  const { colour } = stepScales(series);
  const legend = armLegend(series.map(label => ({ label })));
  const firstSec = Math.min(...points.map(({ atSec }) => atSec));
  const bySeries = { field: 'series', type: 'nominal', scale: colour, legend } as const;
  return framed(
    {
      encoding: {
        x: {
          field: 'atSec',
          type: 'quantitative',
          scale: { zero: false, nice: false },
          axis: { title: "time since the start of the client's slice (s)", grid: false, tickCount: 6 },
        },
        y: {
          field: 'y',
          type: 'quantitative',
          scale: { domain: [0, arms.length], nice: false },
          axis: {
            title: null,
            values: arms.flatMap(arm => [floorOf(arm), floorOf(arm) + PLOT_SHARE]),
            labelExpr: `datum.value - floor(datum.value) > 0.1 ? '${formatCount(most)}' : '0'`,
          },
        },
      },
      layer: [
        {
          data: { values: rows },
          mark: { type: 'line', strokeWidth: 1.6, aria: false },
          encoding: {
            color: bySeries,
            detail: { field: 'line', type: 'nominal' },
            strokeDash: { condition: { test: 'datum.isServer', value: [4, 3] }, value: [1, 0] },
          },
        },
        {
          data: { name: 'figures', values: rows.filter(row => row.isFigure) },
          mark: { type: 'point', filled: true, size: 14 },
          encoding: { color: bySeries, description: { field: 'tip' } },
        },
        {
          data: {
            values: arms.map(arm => ({ atSec: firstSec, y: floorOf(arm) + PLOT_SHARE, label: arm.label })),
          },
          mark: { type: 'text', align: 'left', dy: -CHARACTER_PX, color: MUTED, aria: false },
          encoding: { text: { field: 'label' } },
        },
      ],
    },
    { heightPx: arms.length * PANEL_PX + 80 },
  );
}

/** Samples of both processes, paired by time. */
function samplesOf({ client, server }: Held) {
  const step = Math.ceil(client.atMs.length / MOST_POINTS);
  return client.atMs.map((atMs, place) => {
    const at = server === null || server.atMs.length === 0 ? null : nearest(server.atMs, atMs);
    return {
      atSec: (atMs - client.atMs[0]!) / 1_000,
      isFigure: place % step === 0,
      inFlight: client.inFlight[place]!,
      sent: client.sent[place]!,
      clientDescriptors: client.descriptors[place]!,
      serverDescriptors: at === null ? null : server!.descriptors[at]!,
      clientRssBytes: client.rssBytes[place] ?? null,
      clientHeapBytes: client.heapBytes[place] ?? null,
      serverRssBytes: at === null ? null : server!.rssBytes[at]!,
    };
  });
}

function nearest(timesMs: readonly number[], atMs: number): number {
  const after = timesMs.findIndex(timeMs => timeMs >= atMs);
  if (after === -1) return timesMs.length - 1;
  return after > 0 && atMs - timesMs[after - 1]! < timesMs[after]! - atMs ? after - 1 : after;
}

const SERIES = {
  inFlight: 'requests in flight',
  clientDescriptors: "client's descriptors",
  serverDescriptors: "server's descriptors",
} as const;

function heldPoints(view: CellView): Point[] {
  return shownIn(view).flatMap(({ arm, held }) => {
    const samples = samplesOf(held);
    return (Object.keys(SERIES) as (keyof typeof SERIES)[]).flatMap(name =>
      samples.flatMap(({ [name]: value, atSec, isFigure }) =>
        value === null ? [] : { arm, series: SERIES[name], atSec, value, isFigure },
      ),
    );
  });
}

/** A state that was seen once is 0 in all other counts. */
function socketPoints(view: CellView): Point[] {
  return shownIn(view).flatMap(({ arm, held: { client, sockets } }) =>
    (['client', 'server'] as const).flatMap(end => {
      const states = [...new Set(sockets.flatMap(counts => Object.keys(counts[end])))].sort();
      return states.flatMap(state =>
        sockets.map(counts => ({
          arm,
          series: `${end} ${state}`,
          atSec: Math.max(0, counts.atMs - client.atMs[0]!) / 1_000,
          value: counts[end][state] ?? 0,
          isFigure: true,
        })),
      );
    }),
  );
}

export const held: Chart = {
  name: 'held',
  section: 'course',
  title: 'Held over time',
  applies: view => heldPoints(view).length > 0,
  caption: view =>
    [
      'Requests in flight and open descriptors in the course of one replicate, its first, on the same scale for all clients. A descriptor is a socket, or one of some twenty of the process itself; the server (dashed) has those of all clients.',
      describeLeaks(view.arms),
    ]
      .join(' ')
      .trim(),
  spec: view => panels(heldPoints(view)),
  table: view =>
    createTable({
      name: 'held',
      title: 'Held over time',
      columns: [
        keyColumn('arm', 'client'),
        keyColumn('atSec', 'at (s)'),
        figureColumn('inFlightCount', 'in flight'),
        figureColumn('sentCount', 'requests begun'),
        figureColumn('clientDescriptorCount', 'client: descriptors'),
        figureColumn('serverDescriptorCount', 'server: descriptors'),
        figureColumn('clientRssMiB', 'client: memory', 'MiB'),
        figureColumn('clientHeapMiB', 'client: heap in use', 'MiB'),
        figureColumn('serverRssMiB', 'server: memory', 'MiB'),
      ],
      rows: shownIn(view).flatMap(({ arm, held }) => {
        const invalid = onlyInvalid(arm.marks);
        const count = (value: number | null) =>
          value === null ? nothing : figure(formatCount(value), value, invalid);
        const mib = (bytes: number | null) =>
          bytes === null ? nothing : figure((bytes / MIB).toFixed(1), bytes / MIB, invalid);
        return samplesOf(held)
          .filter(({ isFigure }) => isFigure)
          .map(sample => [
            words(arm.label, arm.name),
            words(formatSec(sample.atSec), sample.atSec),
            count(sample.inFlight),
            count(sample.sent),
            count(sample.clientDescriptors),
            count(sample.serverDescriptors),
            mib(sample.clientRssBytes),
            mib(sample.clientHeapBytes),
            mib(sample.serverRssBytes),
          ]);
      }),
      notes: ['Requests begun include those of the warm-up. The stored run has all samples.'],
    }),
};

export const sockets: Chart = {
  name: 'sockets',
  section: 'course',
  title: 'Sockets by state',
  applies: view => socketPoints(view).length > 0,
  caption: () =>
    "The client's connections at both ends, by the kernel's list, in the course of one replicate (the server's dashed): those that were open when the slice began, and those opened in it. Reading the list takes milliseconds, so it is read as often as 0.4 % of a core permits; what came and went between two readings is not seen, and while connections are being opened, the two ends of one reading can differ by some.",
  spec: view => panels(socketPoints(view)),
  table: view =>
    createTable({
      name: 'sockets',
      title: 'Sockets by state',
      columns: [
        keyColumn('arm', 'client'),
        keyColumn('end', 'end and state'),
        keyColumn('atSec', 'at (s)'),
        figureColumn('socketCount', 'sockets'),
      ],
      rows: socketPoints(view).map(({ arm, series, atSec, value }) => [
        words(arm.label, arm.name),
        words(series),
        words(formatSec(atSec), atSec),
        figure(formatCount(value), value, onlyInvalid(arm.marks)),
      ]),
    }),
};

function formatSec(atSec: number): string {
  return atSec.toFixed(2);
}
