// In: a cell under an open load. Out: the mean response time of each arm, with their intervals.
import { figureInterval } from '../../results/compare.ts';
import { headlineFigure, headlineOf } from '../../results/metrics.ts';
import { describeSent } from '../words/load.ts';
import { type BarFigure, barsSpec, barsTable, hasBars } from './bars.ts';
import type { Chart } from './chart.ts';

const FIGURE: BarFigure = {
  name: 'mean-response',
  title: 'Mean response time',
  axisTitle: 'mean response time (ms)',
  column: { key: 'meanMs', heading: 'mean response time', unit: 'ms, 95 % interval' },
  tipUnit: ' ms',
  read({ trials }) {
    const us = figureInterval(trials, headlineFigure);
    return us === null ? null : { value: us.value / 1_000, low: us.low / 1_000, high: us.high / 1_000 };
  },
};

const chart: Chart = {
  name: FIGURE.name,
  title: FIGURE.title,
  applies: view => headlineOf(view.result.scenario.load).metric === 'meanUs' && hasBars(view, FIGURE),
  caption({ result: { scenario } }) {
    const { load } = scenario;
    const sent =
      load.model === 'open' || load.model === 'burst' ? `All arms got ${describeSent(load)}. ` : '';
    return `${sent}Bars are means over the replicates, with their 95 % intervals, counted from when a request was due. Less is better.`;
  },
  spec: (view, widthPx) => barsSpec(view, widthPx, FIGURE),
  table: view => barsTable(view, FIGURE),
};
export default chart;
