// In: a cell under a closed load. Out: response time by percentile, a curve an arm.
import { mergeHistograms } from '../../results/histogram.ts';
import type { CellView } from '../cell-view.ts';
import { leastCensoredUs } from '../cell-view.ts';
import type { Chart } from './chart.ts';
import { percentileAxes, percentileRows, percentileTable } from './percentiles.ts';
import { armLegend, armMarks, framed, isNarrow } from './theme.ts';

const chart: Chart = {
  name: 'latency-percentiles',
  title: 'Latency by percentile',
  // Under an open load, response and service time have a picture of their own.
  applies: view => view.result.scenario.load.model === 'closed' && curvesOf(view).length > 0,
  caption: () =>
    'Response time that a share of the requests does not exceed, all replicates merged; each step to the right is ten times rarer. Lower is better.',
  spec(view, widthPx) {
    const curves = curvesOf(view);
    const arms = curves.map(({ arm }) => arm);
    const rows = curves.flatMap(({ rows }) => rows);
    const { colour, dash } = armMarks(arms, armLegend(arms, widthPx, 'stroke'));
    return framed(
      {
        encoding: percentileAxes(
          curves.map(({ rows }) => rows),
          widthPx,
          'response time (ms)',
        ),
        layer: [
          {
            data: { values: rows },
            mark: { type: 'line', strokeWidth: 2.2, aria: false },
            encoding: {
              color: colour,
              strokeDash: dash,
            },
          },
          {
            data: { name: 'figures', values: rows },
            mark: { type: 'point', filled: true, size: 60, opacity: 0 },
            encoding: {
              color: colour,
              description: { field: 'tip' },
            },
          },
        ],
      },
      { widthPx, heightPx: isNarrow(widthPx) ? 300 : 380 },
    );
  },
  table: view =>
    percentileTable({
      name: 'latency-percentiles',
      title: 'Latency by percentile',
      columns: curvesOf(view).map(({ arm, rows }) => ({
        key: arm.name,
        heading: arm.label,
        marks: arm.marks,
        censoredFromMs: leastCensoredUs(arm.summary) / 1_000,
        rows,
      })),
    }),
};
export default chart;

function curvesOf({ arms }: CellView) {
  return arms.flatMap(arm => {
    const merged = mergeHistograms(arm.trials.map(({ measurement }) => measurement.response));
    const rows = percentileRows(merged, arm.label).map(row => ({ ...row, arm: arm.label }));
    return rows.length === 0 ? [] : [{ arm, rows }];
  });
}
