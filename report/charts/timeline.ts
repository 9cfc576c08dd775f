// Chart: requests per second over the time of a replicate, one line per trial.
import type { CompletedTrial } from '../../results/model/trial.ts';
import type { CellView } from '../cell-view.ts';
import { createTable, figure, figureColumn, keyColumn, words } from '../tables/table.ts';
import { formatCount, formatMs, formatSignificant } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armLegend, armMarks, framed } from './theme.ts';

/** A bucket of which the client's slices cover less than this share of the best covered one is mostly noise. */
const LEAST_COVER = 0.1;

const chart: Chart = {
  name: 'timeline',
  section: 'course',
  title: 'Over time',
  applies: view => rowsOf(view).length > 0,
  caption: ({ result }) =>
    `${result.imported === undefined ? 'Requests per second of steady time in each second of a replicate' : 'Requests per second in the periods of 10 s that a turn fills'}, one line per trial. A line that drifts suggests a warm-up that was too short; lines that lie apart suggest modes. Trials that failed an audit are dashed.`,
  spec(view) {
    const rows = rowsOf(view);
    const arms = view.arms.filter(({ trials }) => trials.length > 0);
    const { colour, shape } = armMarks(arms, armLegend(arms));
    return framed(
      {
        encoding: {
          x: {
            field: 'atSec',
            type: 'quantitative',
            scale: { zero: false, nice: true },
            axis: {
              title: 'time since the start of the replicate (s)',
              grid: false,
              tickCount: 6,
            },
          },
          y: {
            field: 'rate',
            type: 'quantitative',
            scale: { zero: true, nice: true },
            axis: { title: 'requests per second', tickCount: 6, format: ',~r' },
          },
        },
        layer: [
          {
            data: { values: rows },
            mark: { type: 'line', strokeWidth: 1.6, opacity: 0.75, aria: false },
            encoding: {
              color: colour,
              detail: { field: 'trial', type: 'nominal' },
              strokeDash: { condition: { test: 'datum.isInvalid', value: [4, 3] }, value: [1, 0] },
            },
          },
          {
            data: { name: 'figures', values: rows },
            mark: { type: 'point', filled: true, size: 28, opacity: 0.9 },
            encoding: {
              color: colour,
              shape,
              description: { field: 'tip' },
            },
          },
        ],
      },
      { heightPx: 290 },
    );
  },
  table: view =>
    createTable({
      name: 'timeline',
      title: 'Over time',
      columns: [
        keyColumn('arm', 'client'),
        keyColumn('replicate', 'replicate'),
        keyColumn('atSec', 'at (s)'),
        figureColumn('requestsPerSec', 'requests/s'),
        figureColumn('meanMs', 'mean', 'ms'),
        figureColumn('maxMs', 'max', 'ms'),
        figureColumn('failedCount', 'failed'),
      ],
      rows: rowsOf(view).map(row => [
        words(row.arm, row.name),
        words(String(row.replicate + 1), row.replicate),
        words(String(Number(row.atSec.toFixed(3))), row.atSec),
        figure(formatSignificant(row.rate), row.rate, row.marks),
        figure(formatMs(row.meanUs), row.meanUs / 1000, row.marks),
        figure(formatMs(row.maxUs), row.maxUs / 1000, row.marks),
        figure(formatCount(row.failed), row.failed, row.marks),
      ]),
    }),
};
export default chart;

function rowsOf({ arms, invalidTrials }: CellView) {
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
    .filter(({ coveredMs }) => coveredMs > 0 && coveredMs >= LEAST_COVER * best)
    .map(({ atMs, completed, failed, meanUs, maxUs, coveredMs }) => ({
      atSec: atMs / 1000,
      rate: (completed / coveredMs) * 1000,
      failed,
      meanUs,
      maxUs,
    }));
}
