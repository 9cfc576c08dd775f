// Charts of the deciding metric by client, as bars with intervals; of a search for the capacity, also the rates that were tried.

import type { TopLevelSpec } from 'vega-lite';
import { figureInterval } from '../../results/compare.ts';
import { headlineOf, METRIC_TABLE, summaryFigure } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import type { Probe } from '../../results/model/trial.ts';
import { INTERVAL_NAME, type Interval } from '../../results/stats.ts';
import { type ArmView, type CellView, figureMarks } from '../cell-view.ts';
import type { Table } from '../model.ts';
import {
  CENTRE_NOTE,
  cellsIn,
  clientColumn,
  figure,
  hasTwoEstimators,
  keyColumn,
  metricColumn,
  plainColumn,
  roundedColumn,
  shareColumn,
  tabulate,
  timeColumn,
  wordColumn,
  words,
} from '../tables/table.ts';
import { capacitySign } from '../words/bound.ts';
import { clockStart, describeObjective, describeSent, formatRate } from '../words/load.ts';
import { signsOf } from '../words/marks.ts';
import { formatInterval, formatLatency, isKnown, roundInterval, toShownUnit } from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import type { Chart } from './chart.ts';
import {
  armLegend,
  armMarks,
  armRows,
  arrowLayers,
  clip,
  either,
  endWithRoom,
  figureLayer,
  framed,
  guideLine,
  INK,
  type Layer,
  LEFT,
  linearAxis,
  logAxis,
  quantity,
  RIGHT,
  silentLayer,
  tippedLayer,
} from './theme.ts';

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
  /** The name of the chart and its table. */
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
  return tabulate(listRows(view, metric), {
    name,
    title,
    columns: [
      [keyColumn('arm', 'client'), row => words(row.arm, row.name)],
      [
        metricColumn(metric),
        ({ sign, interval, marks }) => figure(`${sign}${formatInterval(interval)}`, { ...interval }, marks),
      ],
    ],
    notes: [hasTwoEstimators(metric) && CENTRE_NOTE],
  });
}

function drawBars(view: CellView, { title, metric }: BarFigure): TopLevelSpec {
  const { rows, arrows } = clip(listRows(view, metric));
  const end = endWithRoom(rows.map(({ high, text }) => ({ value: high, text })));
  const { unit } = METRIC_TABLE[metric];
  const axisTitle = metric === 'requestsPerSec' ? title.toLowerCase() : `${title.toLowerCase()} (${unit})`;
  const isCut = (arm: string, side: string) => arrows.some(cut => cut.arm === arm && cut.shape === side);
  const endTicks = ([LEFT, RIGHT] as const).map(side =>
    silentLayer(
      rows.filter(({ arm }) => !isCut(arm, side)),
      { type: 'tick', thickness: 2, size: 12, color: INK },
      { x: quantity(side === LEFT ? 'low' : 'high') },
    ),
  );
  return framed({
    heightPx: rows.length * 38 + 50,
    encoding: { y: armRows },
    layer: [
      figureLayer(
        rows,
        { type: 'bar', height: { band: 0.62 } },
        {
          x: linearAxis('value', [0, end], { title: axisTitle, ticks: 4 }),
          color: armMarks(view.arms).colour,
          opacity: either('datum.isInvalid', 0.4, 0.85),
        },
      ),
      tippedLayer(
        rows,
        { type: 'rule', strokeWidth: 2, color: INK },
        { x: quantity('low'), x2: { field: 'high' } },
      ),
      ...endTicks,
      ...arrowLayers(arrows, { y: armRows, color: { value: INK } }),
      silentLayer(
        rows,
        { type: 'text', align: 'left', dx: 8 },
        { x: quantity('high'), text: { field: 'text' } },
      ),
    ],
  });
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

/** The factor by which a logarithmic axis goes beyond the outermost points. */
const MARGIN = 1.15;

interface Tried {
  arm: ArmView;
  replicate: number;
  probe: Probe;
}

/** Every rate that a capacity search tried, with its latency, and the limit. */
export const capacityProbes: Chart = {
  name: 'capacity-probes',
  section: 'course',
  title: 'Rates tried',
  applies: view => triedIn(view).length > 0,
  caption: view =>
    `Each point is a rate tried with a client, at its 99th percentile of response time. Circles were sustained; crosses were not, for this or another reason. ${
      limitLayers(view).length > 0 ? 'The line is the limit.' : 'The objective sets no limit on p99.'
    }`,
  spec(view) {
    const tried = triedIn(view);
    const arms = [...new Set(tried.map(({ arm }) => arm))];
    const rows = tried.map(({ arm, replicate, probe }) => ({
      arm: arm.label,
      ratePerSec: probe.ratePerSec,
      ms: Math.max(probe.p99Us, 1) / 1_000,
      isKept: probe.isKept,
      tip: `${arm.label}, replicate ${replicate + 1}: ${formatRate(probe.ratePerSec)}/s, p99 ${formatLatency(probe.p99Us)}, ${probe.why}`,
    }));
    const rates = rows.map(({ ratePerSec }) => ratePerSec);
    const times = [...rows.map(({ ms }) => ms), ...p99LimitsOf(view)];
    return framed({
      heightPx: 320,
      layer: [
        ...limitLayers(view),
        figureLayer(
          rows,
          { type: 'point', filled: true, size: 56, opacity: 0.85 },
          {
            x: logAxis('ratePerSec', aroundAll(rates), 'requested rate (requests per second)'),
            y: logAxis('ms', aroundAll(times), 'p99 response time (ms)'),
            color: armMarks(arms, armLegend(arms)).colour,
            shape: either('!datum.isKept', 'cross', 'circle'),
          },
        ),
      ],
    });
  },
  table: view =>
    tabulate(triedIn(view), {
      name: 'capacity-probes',
      title: 'Rates tried',
      columns: [
        clientColumn,
        [keyColumn('replicate', 'replicate'), ({ replicate }) => words(String(replicate + 1), replicate + 1)],
        rateColumn('ratePerSec', 'rate', ({ probe }) => probe.ratePerSec, 'requests/s'),
        [wordColumn('isKept', 'sustained'), ({ probe }) => words(probe.isKept ? 'yes' : 'no', probe.isKept)],
        timeColumn('p50Ms', 'p50', ({ probe }) => probe.p50Us),
        timeColumn('p99Ms', 'p99', ({ probe }) => probe.p99Us),
        shareColumn('errorRatio', 'error rate', ({ probe }) => probe.errorRatio),
        roundedColumn('achievedPerSec', 'finished', ({ probe }) => probe.achievedPerSec, 'requests/s'),
        [wordColumn('why', 'reason'), ({ probe }) => words(probe.why)],
      ],
      notes: ['Rates are listed in the order in which they were tried.'],
    }),
};

const rateColumn = plainColumn(cellsIn(formatRate));

function aroundAll(values: readonly number[]): [number, number] {
  return [Math.min(...values) / MARGIN, Math.max(...values) * MARGIN];
}

function triedIn({ arms }: CellView): Tried[] {
  return arms.flatMap(arm =>
    arm.trials.flatMap(({ trial, measurement }) =>
      (measurement.capacity?.probes ?? []).map(probe => ({ arm, replicate: trial.replicate, probe })),
    ),
  );
}

/** The limit on p99, if the objective has one. */
function p99LimitsOf({ result }: CellView): number[] {
  const { load } = result.scenario;
  const limitMs = load.model === 'capacity' ? load.objective.p99Ms : undefined;
  return limitMs === undefined ? [] : [limitMs];
}

function limitLayers(view: CellView): Layer[] {
  return p99LimitsOf(view).map(limitMs =>
    tippedLayer(
      [{ limitMs, tip: `p99 at most ${limitMs} ms` }],
      { ...guideLine, strokeWidth: 1.5 },
      { y: quantity('limitMs') },
    ),
  );
}
