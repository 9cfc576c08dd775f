// Bar charts of the deciding metric by client: requests per second, mean response time, and capacity, each with its interval.
import type { TopLevelSpec } from 'vega-lite';
import { figureInterval } from '../../results/compare.ts';
import { headlineOf, METRIC_TABLE, summaryFigure } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import { type ArmView, type CellView, figureMarks, signsOf } from '../cell-view.ts';
import type { Table } from '../model.ts';
import {
  CENTRE_NOTE,
  createTable,
  figure,
  hasTwoEstimators,
  keyColumn,
  metricColumn,
  words,
} from '../tables/table.ts';
import { capacitySign } from '../words/bound.ts';
import { clockStart, describeObjective, describeSent } from '../words/load.ts';
import { formatInterval, isKnown, roundInterval, toShownUnit } from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import type { Chart } from './chart.ts';
import { armRows, armScales, arrowLayers, clip, endWithRoom, framed, INK, LEFT, RIGHT } from './theme.ts';

const BARS = `bars are centres over the replicates, with their ${INTERVAL_NAME}s, which end in an arrow where they go on`;

export const requestsPerSec = barChart({
  name: 'requests-per-sec',
  title: 'Requests per second',
  metric: 'requestsPerSec',
  caption: () => `${capitalize(BARS)}.`,
});

export const meanResponse = barChart({
  name: 'mean-response',
  title: 'Mean response time',
  metric: 'meanUs',
  caption({ result }) {
    const { load } = result.scenario;
    const sent =
      load.model === 'open' || load.model === 'burst'
        ? `Every client ${result.imported === undefined ? 'sent' : 'was asked for'} ${describeSent(load)}. `
        : '';
    return `${sent}Times count from when a request was ${clockStart(result)}; ${BARS}.`;
  },
});

export const capacity = barChart({
  name: 'capacity',
  title: 'Capacity',
  metric: 'capacityPerSec',
  caption({ result: { scenario } }) {
    const { load } = scenario;
    const objective = load.model === 'capacity' ? ` at which ${describeObjective(load.objective)}` : '';
    return `The highest rate${objective}; ${BARS}.`;
  },
});

interface BarFigure {
  /** Of the chart and its table. */
  name: string;
  title: string;
  metric: Metric;
  caption(view: CellView): string;
}

function barChart(of: BarFigure): Chart {
  const { name, title, metric } = of;
  const direction = METRIC_TABLE[metric].isHigherBetter ? 'Higher' : 'Lower';
  return {
    name,
    title,
    // Beside the ratios it would say the same again.
    section: 'course',
    applies: view =>
      headlineOf(view.result.scenario.load).metric === metric &&
      view.arms.some(arm => readInterval(arm, metric) !== null),
    caption: view => `${of.caption(view)} ${direction} is better.`,
    spec: view => drawBars(view, of),
    table: view => tabulateBars(view, of),
  };
}

/** In the unit shown; null if the arm has no figure. */
function readInterval({ summary, trials }: ArmView, metric: Metric): Interval | null {
  const { isIntervalStored, ofTrial } = METRIC_TABLE[metric];
  const stored = isIntervalStored === true ? summaryFigure(metric, summary) : figureInterval(trials, ofTrial);
  if (stored === null) return null;
  const { value, low, high } = stored;
  const shown = (bound: number) => toShownUnit(metric, bound);
  return { value: shown(value), low: shown(low), high: shown(high) };
}

function tabulateBars(view: CellView, { name, title, metric }: BarFigure): Table {
  return createTable({
    name,
    title,
    columns: [keyColumn('arm', 'client'), metricColumn(metric)],
    rows: listRows(view, metric).map(({ name: arm, arm: label, sign, interval, marks }) => [
      words(label, arm),
      figure(`${sign}${formatInterval(interval)}`, { ...interval }, marks),
    ]),
    notes: hasTwoEstimators(metric) ? [CENTRE_NOTE] : [],
  });
}

function drawBars(view: CellView, { title, metric }: BarFigure): TopLevelSpec {
  const { rows, arrows } = clip(listRows(view, metric));
  const limit = endWithRoom(rows.map(({ high, text }) => ({ value: high, text })));
  const { unit } = METRIC_TABLE[metric];
  const axisTitle = metric === 'requestsPerSec' ? title.toLowerCase() : `${title.toLowerCase()} (${unit})`;
  return framed(
    {
      encoding: { y: armRows },
      layer: [
        {
          data: { name: 'figures', values: rows },
          mark: { type: 'bar', height: { band: 0.62 } },
          encoding: {
            x: {
              field: 'value',
              type: 'quantitative',
              scale: { domain: [0, limit], nice: false },
              axis: { title: axisTitle, tickCount: 4, format: ',~r' },
            },
            color: { field: 'arm', type: 'nominal', scale: armScales(view.arms).colour, legend: null },
            opacity: { condition: { test: 'datum.isInvalid', value: 0.4 }, value: 0.85 },
            description: { field: 'tip' },
          },
        },
        {
          data: { values: rows },
          mark: { type: 'rule', strokeWidth: 2, color: INK },
          encoding: {
            x: { field: 'low', type: 'quantitative' },
            x2: { field: 'high' },
            description: { field: 'tip' },
          },
        },
        ...([LEFT, RIGHT] as const).map(side => ({
          data: {
            values: rows.filter(({ arm }) => !arrows.some(cut => cut.arm === arm && cut.shape === side)),
          },
          mark: { type: 'tick', thickness: 2, size: 12, color: INK, aria: false } as const,
          encoding: { x: { field: side === LEFT ? 'low' : 'high', type: 'quantitative' } } as const,
        })),
        ...arrowLayers(arrows, { y: armRows, color: { value: INK } }),
        {
          data: { values: rows },
          mark: { type: 'text', align: 'left', dx: 8, aria: false },
          encoding: { x: { field: 'high', type: 'quantitative' }, text: { field: 'text' } },
        },
      ],
    },
    { heightPx: rows.length * 38 + 50 },
  );
}

function listRows({ arms }: CellView, metric: Metric) {
  const { unit } = METRIC_TABLE[metric];
  return arms.flatMap(view => {
    const interval = readInterval(view, metric);
    if (interval === null) return [];
    const { name, label } = view;
    const marks = figureMarks(view, metric);
    const sign = metric === 'capacityPerSec' ? capacitySign(view) : '';
    const { value } = interval;
    // An interval too wide to be useful would squeeze all figures into a corner of the picture.
    const { low, high } = isKnown(interval) ? interval : { low: value, high: value };
    return {
      name,
      arm: label,
      sign,
      interval,
      marks,
      value,
      low,
      high,
      text: `${sign}${roundInterval(interval).value}${signsOf(marks)}`,
      isInvalid: marks.includes('invalid'),
      tip: `${label}: ${sign}${formatInterval(interval)}${signsOf(marks)} ${unit}`,
    };
  });
}
