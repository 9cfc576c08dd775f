// In: a cell under a closed load. Out: requests per second of each arm, with their intervals.

import { summaryFigure } from '../../results/metrics.ts';
import { type BarFigure, barsSpec, barsTable, hasBars } from './bars.ts';
import type { Chart } from './chart.ts';

const FIGURE: BarFigure = {
  name: 'requests-per-sec',
  title: 'Requests per second',
  axisTitle: 'requests per second',
  column: { key: 'requestsPerSec', heading: 'requests/s', unit: '95 % interval' },
  tipUnit: ' requests/s',
  read: ({ summary }) => summaryFigure('requestsPerSec', summary),
};

const chart: Chart = {
  name: FIGURE.name,
  title: FIGURE.title,
  // An open load sets the rate itself.
  applies: view => view.result.scenario.load.model === 'closed' && hasBars(view, FIGURE),
  caption: () => 'Bars are means over the replicates, with their 95 % intervals. More is better.',
  spec: (view, widthPx) => barsSpec(view, widthPx, FIGURE),
  table: view => barsTable(view, FIGURE),
};
export default chart;
