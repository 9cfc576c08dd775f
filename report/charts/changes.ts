// Picture of a gate: how much each ratio and rate changed, in the direction that is better, with the limit and the noise as bands.
import type { TopLevelSpec } from 'vega-lite';
import type { GateLine } from '../../results/gate.ts';
import { isHigherBetter } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME } from '../../results/stats.ts';
import type { Figure, Table } from '../model.ts';
import { arrowLayers, CHART_PX, clip, framed, guideLine, INK, type Layer, MUTED } from './theme.ts';

/** A line with the name, one with the change, and below them the interval. */
const ROW_PX = 58;
/** Names that are cut take no more than the picture, of which their estimated width is more. */
const NAME_PX = 1.1 * CHART_PX;
/** Below the rows. */
const AXIS_PX = 44;

/** What a line is called and how its change reads: chosen by the report. */
export interface NamedChange {
  line: GateLine;
  name: string;
  change: string;
}

/** null where no line is about a ratio or a rate. @param table the same changes as a table */
export function changesFigure(changes: readonly NamedChange[], table: Table): Figure | null {
  const rows = changes.filter(({ line }) => line.kind !== 'count').map(rowOf);
  if (rows.length === 0) return null;
  return {
    name: 'changes',
    section: 'answer',
    title: 'How much each figure changed',
    caption: `Further right is better. Points and lines: the change and its ${INTERVAL_NAME}, with an arrow where it goes on. Grey: changes below the limit, which do not count; dotted: the noise between two copies of the same client, where it was measured.`,
    spec: specOf(rows),
    table,
  };
}

const COLOURS: Record<GateLine['state'], string> = {
  regression: 'var(--bad)',
  improvement: 'var(--good)',
  unsure: MUTED,
  within: INK,
};

function rowOf({ line, name, change }: NamedChange, index: number) {
  const { metric, state, effect, noiseFloor } = line;
  const isUp = isHigherBetter(metric as Metric);
  const { value, low, high } = line.change;
  const noise = noiseFloor ?? 0;
  return {
    at: index + 0.76,
    top: index + 0.6,
    bottom: index + 0.92,
    nameAt: index + 0.15,
    textAt: index + 0.42,
    name,
    text: change,
    colour: COLOURS[state],
    tip: `${name}: ${change}`,
    value: isUp ? value : 1 / value,
    low: isUp ? low : 1 / high,
    high: isUp ? high : 1 / low,
    limitLow: 1 / (1 + effect),
    limitHigh: 1 + effect,
    noiseLow: 1 / (1 + noise),
    noiseHigh: 1 + noise,
    hasNoise: noise > 0,
  };
}

type Row = ReturnType<typeof rowOf>;

function specOf(rows: readonly Row[]): TopLevelSpec {
  const near = rows.flatMap(({ value, limitLow, limitHigh, noiseLow, noiseHigh }) => [
    value,
    limitLow,
    limitHigh,
    noiseLow,
    noiseHigh,
  ]);
  const { extent, rows: values, arrows } = clip(rows, near);
  const { low, high } = extent;
  const x = {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain: [low, high], nice: false, padding: 8 },
    axis: {
      title: 'better →',
      values: ticksOf(low, high, 4),
      labelExpr:
        "datum.value == 1 ? 'unchanged' : format(abs(datum.value - 1), '.0%') + (datum.value < 1 ? ' worse' : ' better')",
      labelOverlap: 'greedy' as const,
    },
  };
  const y = {
    field: 'at',
    type: 'quantitative' as const,
    scale: { domain: [0, rows.length], reverse: true, nice: false },
    axis: null,
  };
  const band = (from: string, to: string, mark: object, shown = values): Layer => ({
    data: { values: shown },
    mark: { type: 'rect', aria: false, ...mark },
    encoding: {
      x: { ...x, field: from },
      x2: { field: to },
      y: { ...y, field: 'top' },
      y2: { field: 'bottom' },
    },
  });
  const colour = { field: 'colour', type: 'nominal' as const, scale: null };
  return framed(
    {
      layer: [
        band('limitLow', 'limitHigh', { color: MUTED, opacity: 0.18 }),
        band(
          'noiseLow',
          'noiseHigh',
          { filled: false, stroke: MUTED, strokeDash: [2, 3] },
          values.filter(row => row.hasNoise),
        ),
        {
          data: { values: [{ one: 1 }] },
          mark: { ...guideLine, strokeDash: [1, 0], aria: false },
          encoding: { x: { ...x, field: 'one' }, y: { value: 0 }, y2: { value: 'height' } },
        },
        {
          data: { values },
          mark: { type: 'rule', strokeWidth: 2, aria: false },
          encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, color: colour },
        },
        ...arrowLayers(arrows, { x, y, color: colour }),
        {
          data: { name: 'figures', values },
          mark: { type: 'point', filled: true, opacity: 1, size: 80 },
          encoding: { x: { ...x, field: 'value' }, y, color: colour, description: { field: 'tip' } },
        },
        {
          data: { values },
          mark: { type: 'text', align: 'left', aria: false, fill: MUTED, limit: NAME_PX },
          encoding: { x: { value: 0 }, y: { ...y, field: 'nameAt' }, text: { field: 'name' } },
        },
        {
          data: { values },
          mark: { type: 'text', align: 'left', aria: false, fill: INK },
          encoding: { x: { value: 0 }, y: { ...y, field: 'textAt' }, text: { field: 'text' } },
        },
      ],
    },
    { heightPx: rows.length * ROW_PX + AXIS_PX },
  );
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 100];

/** 1 and round changes on both sides of it, with the finest step that gives at most `most` of them. */
function ticksOf(low: number, high: number, most: number): number[] {
  for (const step of STEPS) {
    const count = Math.floor((high - low) / step);
    if (count > most) continue;
    const from = Math.ceil((low - 1) / step);
    const to = Math.floor((high - 1) / step);
    return Array.from({ length: to - from + 1 }, (_, index) => 1 + (from + index) * step).filter(
      tick => tick > 0,
    );
  }
  return [1];
}
