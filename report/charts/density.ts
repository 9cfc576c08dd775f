// Chart: how the response times of each client are distributed, one above the other, with p50 and p99 marked.
import { countBetween, mergeHistograms, quantileUs } from '../../results/histogram.ts';
import { countResponses, hasFewBeyond } from '../../results/metrics.ts';
import type { ArmSummary } from '../../results/model/run.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { type ArmView, type CellView, latencyMarks } from '../cell-view.ts';
import { clientColumn, figureColumn, type ReadColumn, tabulate, timeCell } from '../tables/table.ts';
import { formatMs } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armColour, figureLayer, framed, INK, type Layer, logAxis, rowAxis, silentLayer } from './theme.ts';

/** The two quantiles that are marked, which have at least 10 slower requests each. */
const MARKED = [
  { name: 'p50', shareBeyond: 0.5, dash: [1, 0], read: ({ p50Us }: ArmSummary) => p50Us },
  { name: 'p99', shareBeyond: 0.01, dash: [4, 3], read: ({ p99Us }: ArmSummary) => p99Us },
] as const;

/** Share of the requests that lies below the axis, and above it. */
const OUTSIDE = 0.005;
/** Intervals of the axis, if it is wide enough. */
const MAX_BINS = 72;
const FEWEST_BINS = 8;
/** An interval spans at least this factor: stored latencies have three digits, and whole microseconds. */
const MIN_STEP = 1.01;
const ROW_PX = 58;
/** Share of a row that its hill takes at its highest. */
const HILL = 0.82;

const chart: Chart = {
  name: 'latency-density',
  title: 'Distribution of the latency',
  section: 'latency',
  applies: view => listRidges(view).length > 0,
  caption: view =>
    [
      'How many requests took how long, all replicates merged: the higher, the more. Each hill is drawn to the same height; two peaks are two kinds of requests, or replicates that differ. The axis spans the middle 99 % of each client, and each factor takes the same width on it. Lines: p50, and p99 dashed.',
      ...describeUndrawn(view),
    ].join(' '),
  spec(view) {
    const ridges = listRidges(view);
    const edgesUs = edgesOf(ridges);
    const ends = [edgesUs[0]! / 1_000, edgesUs.at(-1)! / 1_000] as const;
    const names = ridges.map(({ arm, summary }) => `${arm.label}\n${describeQuantiles(summary)}`);
    const strokeDash = {
      field: 'name',
      type: 'nominal',
      scale: { domain: MARKED.map(({ name }) => name), range: MARKED.map(({ dash }) => [...dash]) },
      legend: null,
    } as const;
    return framed({
      heightPx: ridges.length * ROW_PX + 54,
      encoding: { y: rowAxis('top', names), x: logAxis('ms', ends, 'response time (ms)') },
      layer: [
        ...ridges.map((ridge, row) => hillLayer(ridge, { row, edgesUs })),
        figureLayer(
          ridges.flatMap(listMarks),
          { type: 'rule', strokeWidth: 2, color: INK },
          { y2: { field: 'foot' }, strokeDash },
        ),
      ],
    });
  },
  table: view =>
    tabulate(listRidges(view), {
      name: 'latency-density',
      title: 'Distribution of the latency',
      columns: [
        clientColumn,
        ...MARKED.map(
          ({ name, read }): ReadColumn<Ridge> => [
            figureColumn(`${name}Ms`, name, 'ms'),
            ({ arm, summary }) => timeCell(read(summary), latencyMarks(arm, read(summary))),
          ],
        ),
      ],
    }),
};
export default chart;

/** A client with enough requests. */
interface Ridge {
  arm: ArmView;
  summary: ArmSummary;
  merged: Histogram;
}

function listRidges({ arms, result }: CellView): Ridge[] {
  // Each client is at a rate of its own.
  if (result.scenario.load.model === 'capacity') return [];
  return arms.flatMap(arm => {
    const { summary, trials } = arm;
    if (summary === null || isOfFew(arm)) return [];
    return [{ arm, summary, merged: mergeHistograms(trials.map(({ measurement }) => measurement.response)) }];
  });
}

function isOfFew({ trials }: ArmView): boolean {
  const count = countResponses(trials);
  return MARKED.some(({ shareBeyond }) => hasFewBeyond(shareBeyond, count));
}

function describeUndrawn({ arms }: CellView): string[] {
  const few = arms.filter(arm => arm.summary !== null && isOfFew(arm)).map(({ name }) => name);
  return few.length === 0 ? [] : [`Without ${few.join(', ')}, of fewer than 1,000 requests.`];
}

/** `p50 4.65 ms`, and p99 below it. */
function describeQuantiles(summary: ArmSummary): string {
  return MARKED.map(({ name, read }) => `${name} ${formatMs(read(summary))} ms`).join('\n');
}

/** Ends of the intervals of the axis, µs, which all clients share: equal factors. */
function edgesOf(ridges: readonly Ridge[]): number[] {
  const lowestUs = Math.min(...ridges.map(({ merged }) => quantileUs(merged, OUTSIDE)));
  // An interval does not include its lower end.
  const lowUs = Math.max(0.5, lowestUs - 1);
  const highUs = Math.max(...ridges.map(({ merged }) => quantileUs(merged, 1 - OUTSIDE)));
  const leastStep = Math.max(MIN_STEP, 1 + 2 / lowUs);
  const possible = Math.floor(Math.log(highUs / lowUs) / Math.log(leastStep));
  const bins = Math.min(MAX_BINS, Math.max(FEWEST_BINS, possible));
  // Where all took nearly the same time, the axis is wider than that.
  const step = Math.max((highUs / lowUs) ** (1 / bins), leastStep);
  const middleUs = Math.sqrt(lowUs * highUs);
  return Array.from({ length: bins + 1 }, (_, index) => middleUs * step ** (index - bins / 2));
}

/** The foot of a row's hill. */
function footOf(row: number): number {
  return row + (1 + HILL) / 2;
}

function hillLayer(
  { arm, merged }: Ridge,
  { row, edgesUs }: { row: number; edgesUs: readonly number[] },
): Layer {
  const counts = countBetween(merged, edgesUs);
  const highest = Math.max(...counts, 1);
  const foot = footOf(row);
  const values = counts.map((count, index) => ({
    ms: Math.sqrt(edgesUs[index]! * edgesUs[index + 1]!) / 1_000,
    top: foot - (HILL * count) / highest,
    foot,
  }));
  // Where there is nothing, a line at the foot would look like something.
  const first = values.findIndex(({ top }) => top < foot);
  const last = values.findLastIndex(({ top }) => top < foot);
  return silentLayer(
    values.slice(Math.max(0, first - 1), last + 2),
    { type: 'area', color: armColour(arm), opacity: 0.5 },
    { y2: { field: 'foot' } },
  );
}

function listMarks({ arm, summary }: Ridge, row: number) {
  const foot = footOf(row);
  return MARKED.map(({ name, read }) => ({
    name,
    ms: read(summary) / 1_000,
    top: foot - HILL,
    foot,
    tip: `${arm.label}: ${name} ${formatMs(read(summary))} ms`,
  }));
}
