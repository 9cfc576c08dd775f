// In: a cell with a capacity search. Out: the highest rate that each arm bears, with their intervals.

import { summaryFigure } from '../../results/metrics.ts';
import { describeObjective } from '../words/load.ts';
import { type BarFigure, barsSpec, barsTable, hasBars } from './bars.ts';
import type { Chart } from './chart.ts';

const FIGURE: BarFigure = {
  name: 'capacity',
  title: 'Capacity',
  axisTitle: 'highest rate borne (requests per second)',
  column: { key: 'capacityPerSec', heading: 'capacity', unit: 'requests/s, 95 % interval' },
  tipUnit: ' requests/s',
  read: ({ summary }) => summaryFigure('capacityPerSec', summary),
};

const chart: Chart = {
  name: FIGURE.name,
  title: FIGURE.title,
  applies: view => hasBars(view, FIGURE),
  caption({ result: { scenario } }) {
    const { load } = scenario;
    const objective = load.model === 'capacity' ? ` at which ${describeObjective(load.objective)}` : '';
    return `The highest rate${objective}; bars are means over the replicates, with their 95 % intervals. More is better.`;
  },
  spec: (view, widthPx) => barsSpec(view, widthPx, FIGURE),
  table: view => barsTable(view, FIGURE),
};
export default chart;
