// Chart: the ratio of the deciding metric in each replicate, with the interval over all; modes show as groups.

import { headlineOf } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { INTERVAL_NAME } from '../../results/stats.ts';
import { type CellView, comparisonMarks, signsOf } from '../cell-view.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../tables/table.ts';
import { headlinePhrases } from '../words/load.ts';
import {
  formatComparison,
  formatMissing,
  formatSignificant,
  knownRatio,
  missingReplicates,
} from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import type { Chart } from './chart.ts';
import {
  armAxis,
  armMarks,
  arrowLayers,
  clip,
  framed,
  guideLine,
  INK,
  type Layer,
  logTicks,
} from './theme.ts';

/** If ratios come nearer to 1 than this factor, the picture includes the baseline. */
const NEAR_BASELINE = 1.5;
/** Beyond this spread, a linear axis would squeeze the small ratios. */
const LOG_SPREAD = 2;
/** Share of a row's height that its band takes. */
const BAND = 0.8;

const chart: Chart = {
  name: 'replicate-ratios',
  section: 'course',
  title: 'Ratios by replicate',
  applies: view => dotsOf(view).length > 0,
  caption: ({ result }) =>
    `${capitalize(headlinePhrases(result.scenario.load).noun)} relative to ${result.scenario.baseline}, one dot per replicate, the first at the top; 1 is the baseline. The band is the ${INTERVAL_NAME}, with an arrow where it goes on, the line its value. Dots in two groups are processes in two modes.`,
  spec(view) {
    const dots = dotsOf(view);
    const {
      rows: bands,
      arrows,
      extent,
    } = clip(
      bandsOf(view),
      dots.map(({ ratio }) => ratio),
    );
    const { domain, isLog } = domainOf(extent);
    const scale = { type: isLog ? ('log' as const) : ('linear' as const), domain, nice: false };
    const arms = ratesOf(view).map(comparison => axisLabelOf(comparison, view));
    const replicates = Math.max(...ratesOf(view).map(({ replicateRatios }) => replicateRatios.length));
    return framed(
      {
        encoding: {
          y: {
            field: 'top',
            type: 'quantitative',
            scale: { domain: [0, arms.length], reverse: true, nice: false },
            title: null,
            axis: {
              ...armAxis,
              values: arms.map((_, index) => index + 0.5),
              labelExpr: nameExpression(arms),
            },
          },
        },
        layer: [
          ...baselineLayers(domain, view),
          {
            data: { values: bands },
            mark: { type: 'rect', opacity: 0.2, cornerRadius: 3 },
            encoding: {
              y2: { field: 'bottom' },
              x: {
                field: 'low',
                type: 'quantitative',
                scale,
                axis: {
                  title: `ratio of ${headlineOf(view.result.scenario.load).noun}`,
                  ...(isLog ? { values: logTicks(...domain) } : { tickCount: 5 }),
                  format: ',~r',
                },
              },
              x2: { field: 'high' },
              color: armMarks(view.arms).colour,
              description: { field: 'tip' },
            },
          },
          {
            data: { values: bands },
            mark: { type: 'rule', strokeWidth: 2, color: INK, aria: false },
            encoding: { x: { field: 'value', type: 'quantitative' }, y2: { field: 'bottom' } },
          },
          ...arrowLayers(
            arrows.map(({ at, ...arrow }) => ({ ...arrow, top: at })),
            { x: { scale }, color: armMarks(view.arms).colour },
          ),
          {
            data: { name: 'figures', values: dots },
            mark: { type: 'point', filled: true, size: 56, opacity: 0.95 },
            encoding: {
              x: { field: 'ratio', type: 'quantitative', scale },
              y: { field: 'at', type: 'quantitative' },
              color: armMarks(view.arms).colour,
              shape: { condition: { test: 'datum.isInvalid', value: 'cross' }, value: 'circle' },
              description: { field: 'tip' },
            },
          },
        ],
      },
      { heightPx: arms.length * Math.max(46, Math.min(120, replicates * 12)) + 54 },
    );
  },
  table(view) {
    const dots = dotsOf(view);
    const replicates = [...new Set(dots.map(({ replicate }) => replicate))].sort((a, b) => a - b);
    const rates = ratesOf(view).filter(({ replicateRatios }) => replicateRatios.length > 0);
    return createTable({
      name: 'replicate-ratios',
      title: 'Ratios by replicate',
      columns: [
        keyColumn('replicate', 'replicate'),
        ...rates.map(({ candidate, baseline }) =>
          figureColumn(`${candidate}Ratio`, `${candidate} / ${baseline}`),
        ),
      ],
      rows: [
        ...replicates.map(replicate => [
          words(String(replicate + 1), replicate + 1),
          ...rates.map(comparison => {
            const ratio = comparison.replicateRatios[replicate];
            return ratio === undefined
              ? nothing
              : figure(`${formatSignificant(ratio)}×`, ratio, comparisonMarks(comparison, view));
          }),
        ]),
        [
          words(`all, with ${INTERVAL_NAME}`, 'all'),
          ...rates.map(comparison =>
            knownRatio(comparison) === null
              ? words(
                  comparison.ratio === null
                    ? `${formatMissing(missingReplicates(comparison.replicateRatios.length))} needed`
                    : 'unknown',
                  [...comparison.replicateRatios],
                )
              : figure(formatComparison(comparison), comparison.ratio, comparisonMarks(comparison, view)),
          ),
        ],
      ],
      notes: ['Replicates are those in which both clients completed.'],
    });
  },
};
export default chart;

/** Marks a ratio of 1, if that is within the picture. */
function baselineLayers([low, high]: readonly [number, number], { result }: CellView): Layer[] {
  if (low >= 1 || high <= 1) return [];
  return [
    {
      data: { values: [{ one: 1, tip: `1: the same as ${result.scenario.baseline}` }] },
      mark: { ...guideLine, strokeWidth: 1.5 },
      encoding: {
        x: { field: 'one', type: 'quantitative' },
        y: { value: 0 },
        y2: { value: 'height' },
        description: { field: 'tip' },
      },
    },
  ];
}

function ratesOf({ result }: CellView) {
  const deciding = headlineOf(result.scenario.load).metric;
  return result.comparisons.filter(({ metric }) => metric === deciding);
}

function labelOf(name: string, { arms }: CellView): string {
  return arms.find(arm => arm.name === name)?.label ?? name;
}

/** The name of a client, with the marks that only its ratio has. */
function axisLabelOf(comparison: Comparison, view: CellView): string {
  const own = view.arms.find(({ name }) => name === comparison.candidate)?.marks ?? [];
  const further = comparisonMarks(comparison, view).filter(mark => !own.includes(mark));
  return `${labelOf(comparison.candidate, view)}${signsOf(further)}`;
}

function dotsOf(view: CellView) {
  return ratesOf(view).flatMap((comparison, row) => {
    const arm = labelOf(comparison.candidate, view);
    const marks = comparisonMarks(comparison, view);
    return comparison.replicateRatios.map((ratio, replicate) => ({
      arm,
      ratio,
      replicate,
      at: row + (1 - BAND) / 2 + (BAND * (replicate + 0.5)) / comparison.replicateRatios.length,
      isInvalid: marks.includes('invalid'),
      tip: `${arm}, replicate ${replicate + 1}: ${formatSignificant(ratio)}×${signsOf(marks)}`,
    }));
  });
}

function bandsOf(view: CellView) {
  return ratesOf(view).flatMap((comparison, row) => {
    const { candidate } = comparison;
    const ratio = knownRatio(comparison);
    if (ratio === null) return [];
    const arm = labelOf(candidate, view);
    const edge = (1 - BAND) / 2;
    const tip = `${arm}: ${formatComparison(comparison)}${signsOf(comparisonMarks(comparison, view))}`;
    return [{ arm, ...ratio, top: row + edge, at: row + 0.5, bottom: row + 1 - edge, tip }];
  });
}

/** Rows are numbers, so that dots can be placed within them; the axis shows their names. */
function nameExpression(names: readonly string[]): string {
  return `${JSON.stringify(names)}[floor(datum.value)]`;
}

/** Slightly more than the figures span, and the baseline if it is near. */
function domainOf(extent: { low: number; high: number }): { domain: [number, number]; isLog: boolean } {
  const low = extent.low > 1 && extent.low < NEAR_BASELINE ? 1 : extent.low;
  const high = extent.high < 1 && extent.high > 1 / NEAR_BASELINE ? 1 : extent.high;
  const margin = Math.max((high / low) ** 0.08, 1.005);
  return { domain: [low / margin, high * margin], isLog: high / low > LOG_SPREAD };
}
