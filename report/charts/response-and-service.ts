// In: a cell under an open load. Out: response and service time by percentile: what lies between the two is the wait to be sent.
import { mergeHistograms } from '../../results/histogram.ts';
import type { CellView } from '../cell-view.ts';
import { leastCensoredUs } from '../cell-view.ts';
import type { Chart } from './chart.ts';
import { percentileAxes, percentileRows, percentileTable } from './percentiles.ts';
import { armLegend, armScales, framed, INK, isNarrow } from './theme.ts';

const CLOCKS = ['response', 'service'] as const;
const DASHES = { response: [1, 0], service: [3, 4] };
/** Width of their legend, beside that of the arms. */
const CLOCKS_PX = 240;
const CLOCK_LEGEND = {
  title: null,
  orient: 'top',
  direction: 'horizontal',
  symbolType: 'stroke',
  symbolSize: 300,
  symbolStrokeColor: INK,
} as const;

const chart: Chart = {
  name: 'response-and-service',
  title: 'Response and service time',
  applies: view => view.result.scenario.load.model !== 'closed' && curvesOf(view).length > 0,
  caption: () =>
    'Time that a share of the requests does not exceed, all replicates merged; each step to the right is ten times rarer. Full lines: response time, from when a request was due; dotted lines: service time, from when it was sent. Where they part, requests waited to be sent, and service time alone would hide it.',
  spec(view, widthPx) {
    const curves = curvesOf(view);
    const arms = [...new Set(curves.map(({ arm }) => arm))];
    const rows = curves.flatMap(({ rows }) => rows);
    const legend = armLegend(arms, isNarrow(widthPx) ? widthPx : widthPx - CLOCKS_PX, 'stroke');
    const colour = { field: 'arm', type: 'nominal', scale: armScales(arms).colour, legend } as const;
    return framed(
      {
        encoding: percentileAxes(
          curves.map(({ rows }) => rows),
          widthPx,
          'time (ms)',
        ),
        layer: [
          {
            data: { values: rows },
            mark: { type: 'line', strokeWidth: 2.2, aria: false },
            encoding: {
              color: colour,
              strokeDash: {
                field: 'clock',
                type: 'nominal',
                scale: { domain: [...CLOCKS], range: CLOCKS.map(clock => DASHES[clock]) },
                // Where there is no room for it, the caption says the same.
                legend: isNarrow(widthPx) ? null : CLOCK_LEGEND,
              },
            },
          },
          {
            data: { name: 'figures', values: rows },
            mark: { type: 'point', filled: true, size: 60, opacity: 0 },
            encoding: { color: colour, description: { field: 'tip' } },
          },
        ],
      },
      { widthPx, heightPx: isNarrow(widthPx) ? 320 : 400 },
    );
  },
  table: view =>
    percentileTable({
      name: 'response-and-service',
      title: 'Response and service time',
      columns: curvesOf(view).map(({ arm, clock, rows }) => ({
        key: `${arm.name}${clock === 'response' ? 'Response' : 'Service'}`,
        heading: `${arm.label} ${clock}`,
        marks: arm.marks,
        censoredFromMs: leastCensoredUs(arm.summary) / 1_000,
        rows,
      })),
    }),
};
export default chart;

function curvesOf({ arms }: CellView) {
  return arms.flatMap(arm =>
    CLOCKS.flatMap(clock => {
      const merged = mergeHistograms(arm.trials.map(({ measurement }) => measurement[clock]));
      const rows = percentileRows(merged, `${arm.label}, ${clock}`).map(row => ({
        ...row,
        arm: arm.label,
        clock,
      }));
      return rows.length === 0 ? [] : [{ arm, clock, rows }];
    }),
  );
}
