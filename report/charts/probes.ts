// Chart: every rate that a capacity search tried, with its latency, and the limit.
import type { Probe } from '../../results/model/trial.ts';
import { type ArmView, type CellView, onlyInvalid } from '../cell-view.ts';
import { createTable, figure, figureColumn, keyColumn, wordColumn, words } from '../tables/table.ts';
import { formatRate } from '../words/load.ts';
import { formatLatency, formatMs, formatPercent, formatSignificant } from '../words/numbers.ts';
import type { Chart } from './chart.ts';
import { armLegend, armScales, framed, type Layer, logAxis, MUTED } from './theme.ts';

/** Of a logarithmic axis, beyond the outermost points: a factor. */
const MARGIN = 1.15;

interface Tried {
  arm: ArmView;
  replicate: number;
  probe: Probe;
}

const chart: Chart = {
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
    const times = [...rows.map(({ ms }) => ms), ...limitsOf(view)];
    const ends = (values: readonly number[]) =>
      [Math.min(...values) / MARGIN, Math.max(...values) * MARGIN] as const;
    const [xEnds, yEnds] = [ends(rates), ends(times)];
    return framed(
      {
        layer: [
          ...limitLayers(view),
          {
            data: { name: 'figures', values: rows },
            mark: { type: 'point', filled: true, size: 56, opacity: 0.85 },
            encoding: {
              x: {
                field: 'ratePerSec',
                type: 'quantitative',
                scale: { type: 'log', domain: [...xEnds], nice: false },
                axis: logAxis(...xEnds, 'requested rate (requests per second)'),
              },
              y: {
                field: 'ms',
                type: 'quantitative',
                scale: { type: 'log', domain: [...yEnds], nice: false },
                axis: logAxis(...yEnds, 'p99 response time (ms)'),
              },
              color: {
                field: 'arm',
                type: 'nominal',
                scale: armScales(arms).colour,
                legend: armLegend(arms),
              },
              shape: { condition: { test: '!datum.isKept', value: 'cross' }, value: 'circle' },
              description: { field: 'tip' },
            },
          },
        ],
      },
      { heightPx: 320 },
    );
  },
  table: view =>
    createTable({
      name: 'capacity-probes',
      title: 'Rates tried',
      columns: [
        keyColumn('arm', 'client'),
        keyColumn('replicate', 'replicate'),
        figureColumn('ratePerSec', 'rate', 'requests/s'),
        wordColumn('isKept', 'sustained'),
        figureColumn('p50Ms', 'p50', 'ms'),
        figureColumn('p99Ms', 'p99', 'ms'),
        figureColumn('errorRatio', 'error rate'),
        figureColumn('achievedPerSec', 'finished', 'requests/s'),
        wordColumn('why', 'reason'),
      ],
      rows: triedIn(view).map(({ arm, replicate, probe }) => {
        const invalid = onlyInvalid(arm.marks);
        return [
          words(arm.label, arm.name),
          words(String(replicate + 1), replicate + 1),
          figure(formatRate(probe.ratePerSec), probe.ratePerSec, invalid),
          words(probe.isKept ? 'yes' : 'no', probe.isKept),
          figure(formatMs(probe.p50Us), probe.p50Us / 1_000, invalid),
          figure(formatMs(probe.p99Us), probe.p99Us / 1_000, invalid),
          figure(formatPercent(probe.errorRatio), probe.errorRatio, invalid),
          figure(formatSignificant(probe.achievedPerSec), probe.achievedPerSec, invalid),
          words(probe.why),
        ];
      }),
      notes: ['Rates are listed in the order in which they were tried.'],
    }),
};
export default chart;

function triedIn({ arms }: CellView): Tried[] {
  return arms.flatMap(arm =>
    arm.trials.flatMap(({ trial, measurement }) =>
      (measurement.capacity?.probes ?? []).map(probe => ({ arm, replicate: trial.replicate, probe })),
    ),
  );
}

/** The limit on p99, if the objective has one. */
function limitsOf({ result }: CellView): number[] {
  const { load } = result.scenario;
  const limitMs = load.model === 'capacity' ? load.objective.p99Ms : undefined;
  return limitMs === undefined ? [] : [limitMs];
}

function limitLayers(view: CellView): Layer[] {
  return limitsOf(view).map(limitMs => ({
    data: { values: [{ limitMs, tip: `p99 at most ${limitMs} ms` }] },
    mark: { type: 'rule', color: MUTED, strokeDash: [4, 3], strokeWidth: 1.5 },
    encoding: { y: { field: 'limitMs', type: 'quantitative' }, description: { field: 'tip' } },
  }));
}
