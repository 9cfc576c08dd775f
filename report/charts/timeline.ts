// Charts of the course of a replicate: requests per second, what client and server held, and sockets by state.
import { judgeLeak, type Leak } from '../../results/leak.ts';
import type { Held } from '../../results/model/process.ts';
import type { CompletedTrial } from '../../results/model/trial.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import {
  cellsIn,
  clientColumn,
  countCell,
  countColumn,
  figureCell,
  figureColumn,
  keyColumn,
  plainColumn,
  type ReadColumn,
  tabulate,
  timeCell,
  words,
} from '../tables/table.ts';
import { formatCount, formatMs, formatSignificant } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import {
  armLegend,
  armMarks,
  CHARACTER_PX,
  either,
  figureLayer,
  framed,
  MUTED,
  quantity,
  silentLayer,
  stepScales,
} from './theme.ts';

/** A bucket of which the client's slices cover less than this share of the best covered one is mostly noise. */
const MIN_COVER = 0.1;

/** Requests per second, one line per trial. */
export const timeline: Chart = {
  name: 'timeline',
  section: 'course',
  title: 'Over time',
  applies: view => listBuckets(view).length > 0,
  caption: ({ result }) =>
    `${result.imported === undefined ? 'Requests per second of steady time in each second of a replicate' : 'Requests per second in the periods of 10 s that a turn fills'}, one line per trial. A line that drifts suggests a warm-up that was too short; lines that lie apart suggest modes. Trials that failed an audit are dashed.`,
  spec(view) {
    const rows = listBuckets(view);
    const arms = view.arms.filter(({ trials }) => trials.length > 0);
    const { colour: color, shape } = armMarks(arms, armLegend(arms));
    return framed({
      heightPx: 290,
      encoding: {
        x: timeAxis('time since the start of the replicate (s)', { nice: true }),
        y: {
          ...quantity('rate'),
          scale: { zero: true, nice: true },
          axis: { title: 'requests per second', tickCount: 6, format: ',~r' },
        },
      },
      layer: [
        silentLayer(
          rows,
          { type: 'line', strokeWidth: 1.6, opacity: 0.75 },
          {
            color,
            detail: { field: 'trial', type: 'nominal' },
            strokeDash: either('datum.isInvalid', [4, 3], [1, 0]),
          },
        ),
        figureLayer(rows, { type: 'point', filled: true, size: 28, opacity: 0.9 }, { color, shape }),
      ],
    });
  },
  table: view =>
    tabulate(listBuckets(view), {
      name: 'timeline',
      title: 'Over time',
      columns: [
        [keyColumn('arm', 'client'), row => words(row.arm, row.name)],
        [keyColumn('replicate', 'replicate'), row => words(String(row.replicate + 1), row.replicate)],
        [keyColumn('atSec', 'at (s)'), row => words(String(Number(row.atSec.toFixed(3))), row.atSec)],
        [figureColumn('requestsPerSec', 'requests/s'), row => figureCell(row.rate, row.marks)],
        [figureColumn('meanMs', 'mean', 'ms'), row => timeCell(row.meanUs, row.marks)],
        [figureColumn('maxMs', 'max', 'ms'), row => timeCell(row.maxUs, row.marks)],
        [figureColumn('failedCount', 'failed'), row => countCell(row.failed, row.marks)],
      ],
    }),
};

function timeAxis(title: string, { nice }: { nice: boolean }) {
  return {
    ...quantity('atSec'),
    scale: { zero: false, nice },
    axis: { title, grid: false, tickCount: 6 },
  };
}

function listBuckets({ arms, invalidTrials }: CellView) {
  return arms.flatMap(({ name, label, trials }) =>
    trials.flatMap(trial => {
      const isInvalid = invalidTrials.has(trial.trial.id);
      return ratesOf(trial).map(bucket => ({
        ...bucket,
        name,
        arm: label,
        trial: trial.trial.id,
        replicate: trial.trial.replicate,
        isInvalid,
        marks: isInvalid ? (['invalid'] as const) : [],
        tip: `${label}, replicate ${trial.trial.replicate + 1}, ${Number(bucket.atSec.toFixed(1))} s: ${formatSignificant(bucket.rate)} requests/s, mean ${formatMs(bucket.meanUs)} ms`,
      }));
    }),
  );
}

/** Clients are interleaved, so counts are divided by the part of a bucket that the client's slices cover. */
function ratesOf({ measurement: { timeline, slices } }: CompletedTrial) {
  const buckets = timeline.buckets.map(bucket => ({
    ...bucket,
    coveredMs: slices.reduce((sum, { atMs, windowMs }) => {
      const overlap = Math.min(atMs + windowMs, bucket.atMs + timeline.widthMs) - Math.max(atMs, bucket.atMs);
      return sum + Math.max(0, overlap);
    }, 0),
  }));
  const best = Math.max(0, ...buckets.map(({ coveredMs }) => coveredMs));
  return buckets
    .filter(({ coveredMs }) => coveredMs > 0 && coveredMs >= MIN_COVER * best)
    .map(({ atMs, completed, failed, meanUs, maxUs, coveredMs }) => ({
      atSec: atMs / 1000,
      rate: (completed / coveredMs) * 1000,
      failed,
      meanUs,
      maxUs,
    }));
}

const MIB = 2 ** 20;
const PANEL_PX = 92;
/** The share of a panel's height that is plotted; the rest is for the name of its client. */
const PLOT_SHARE = 0.74;
/** Most points of a line that have a mark and words; the line itself has all samples. */
const MAX_POINTS = 40;

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
function drawPanels(points: readonly Point[]) {
  const arms = [...new Set(points.map(({ arm }) => arm))];
  const series = [...new Set(points.map(point => point.series))];
  const most = Math.max(1, ...points.map(({ value }) => value));
  const floorOf = (arm: ArmView) => arms.length - 1 - arms.indexOf(arm);
  const rows = points.map(({ arm, series, atSec, value, isFigure }) => ({
    line: `${arm.name}/${series}`,
    series,
    isServer: series.startsWith('server'),
    atSec,
    y: floorOf(arm) + (PLOT_SHARE * value) / most,
    isFigure,
    tip: `${arm.label}, ${formatSec(atSec)} s: ${series} ${formatCount(value)}`,
  }));
  const legend = armLegend(series.map(label => ({ label })));
  const color = { field: 'series', type: 'nominal', scale: stepScales(series).colour, legend } as const;
  const firstSec = Math.min(...points.map(({ atSec }) => atSec));
  const titles = arms.map(arm => ({ atSec: firstSec, y: floorOf(arm) + PLOT_SHARE, label: arm.label }));
  return framed({
    heightPx: arms.length * PANEL_PX + 80,
    encoding: {
      x: timeAxis("time since the start of the client's slice (s)", { nice: false }),
      y: {
        ...quantity('y'),
        scale: { domain: [0, arms.length], nice: false },
        axis: {
          title: null,
          values: arms.flatMap(arm => [floorOf(arm), floorOf(arm) + PLOT_SHARE]),
          labelExpr: `datum.value - floor(datum.value) > 0.1 ? '${formatCount(most)}' : '0'`,
        },
      },
    },
    layer: [
      silentLayer(
        rows,
        { type: 'line', strokeWidth: 1.6 },
        {
          color,
          detail: { field: 'line', type: 'nominal' },
          strokeDash: either('datum.isServer', [4, 3], [1, 0]),
        },
      ),
      figureLayer(
        rows.filter(row => row.isFigure),
        { type: 'point', filled: true, size: 14 },
        { color },
      ),
      silentLayer(
        titles,
        { type: 'text', align: 'left', dy: -CHARACTER_PX, color: MUTED },
        { text: { field: 'label' } },
      ),
    ],
  });
}

/** Samples of both processes, paired by time. */
function samplesOf({ client, server }: Held) {
  const step = Math.ceil(client.atMs.length / MAX_POINTS);
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
  spec: view => drawPanels(heldPoints(view)),
  table(view) {
    const rows = shownIn(view).flatMap(({ arm, held }) =>
      samplesOf(held)
        .filter(({ isFigure }) => isFigure)
        .map(sample => ({ ...sample, arm })),
    );
    return tabulate(rows, {
      name: 'held',
      title: 'Held over time',
      columns: [
        clientColumn,
        timeOfSample,
        countColumn('inFlightCount', 'in flight', row => row.inFlight),
        countColumn('sentCount', 'requests begun', row => row.sent),
        countColumn('clientDescriptorCount', 'client: descriptors', row => row.clientDescriptors),
        countColumn('serverDescriptorCount', 'server: descriptors', row => row.serverDescriptors),
        memoryColumn('clientRssMiB', 'client: memory', row => row.clientRssBytes, 'MiB'),
        memoryColumn('clientHeapMiB', 'client: heap in use', row => row.clientHeapBytes, 'MiB'),
        memoryColumn('serverRssMiB', 'server: memory', row => row.serverRssBytes, 'MiB'),
      ],
      notes: ['Requests begun include those of the warm-up. The stored run has all samples.'],
    });
  },
};

const timeOfSample: ReadColumn<{ atSec: number }> = [
  keyColumn('atSec', 'at (s)'),
  ({ atSec }) => words(formatSec(atSec), atSec),
];

const memoryColumn = plainColumn(cellsIn(bytes => (bytes / MIB).toFixed(1), MIB));

/** `ignored leaks 1.0 descriptors per request (…), and its memory grows by 29 MiB per 1,000 requests (…).` Empty if there is too little to tell. */
export function describeLeaks(arms: readonly Pick<ArmView, 'label' | 'trials'>[]): string {
  return arms
    .flatMap(({ label, trials }) => {
      const descriptors = judgeLeak(trials, 'descriptors');
      if (descriptors === null) return [];
      const memory = judgeLeak(trials, 'rssBytes');
      return `${label} ${describeDescriptors(descriptors)}${describeMemory(descriptors, memory)}.`;
    })
    .join(' ');
}

function describeDescriptors({ verdict, exceedsPool, value, low, high }: Leak): string {
  if (verdict === 'steady') {
    return `shows no leak: its descriptors grow by at most ${formatSignificant(Math.max(0, high))} per 1,000 requests`;
  }
  if (verdict === 'unsure') {
    return 'may leak: its descriptors kept growing in some replicates, and not in all';
  }
  if (exceedsPool) {
    const perRequest = [value, low, high].map(per1k => formatSignificant(per1k / 1_000));
    return `leaks ${perRequest[0]} descriptors per request (${perRequest[1]} to ${perRequest[2]})`;
  }
  return `fills its pool: ${formatSignificant(value)} more descriptors per 1,000 requests (${formatSignificant(low)} to ${formatSignificant(high)}), and not more than twice the requests that were in flight at once`;
}

/** Memory grows for many reasons in the first seconds of a process: it is only said of one that leaks. */
function describeMemory(descriptors: Leak, memory: Leak | null): string {
  if (descriptors.verdict !== 'grows' || !descriptors.exceedsPool || memory?.verdict !== 'grows') return '';
  const [value, low, high] = [memory.value, memory.low, memory.high].map(bytes =>
    formatSignificant(bytes / MIB),
  );
  return `, and its memory grows by ${value} MiB per 1,000 requests (${low} to ${high})`;
}

export const sockets: Chart = {
  name: 'sockets',
  section: 'course',
  title: 'Sockets by state',
  applies: view => socketPoints(view).length > 0,
  caption: () =>
    "The client's connections at both ends, by the kernel's list, in the course of one replicate (the server's dashed): those that were open when the slice began, and those opened in it. Reading the list takes milliseconds, so it is read as often as 0.4 % of a core permits; what came and went between two readings is not seen, and while connections are being opened, the two ends of one reading can differ by some.",
  spec: view => drawPanels(socketPoints(view)),
  table: view =>
    tabulate(socketPoints(view), {
      name: 'sockets',
      title: 'Sockets by state',
      columns: [
        clientColumn,
        [keyColumn('end', 'end and state'), ({ series }) => words(series)],
        timeOfSample,
        countColumn('socketCount', 'sockets', ({ value }) => value),
      ],
    }),
};

function formatSec(atSec: number): string {
  return atSec.toFixed(2);
}
