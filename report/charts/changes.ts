// Picture of a gate: how much each ratio and rate changed, in the direction that is better, with the limit and the noise as bands.
import type { TopLevelSpec } from 'vega-lite';
import type { GateLine } from '../../results/gate.ts';
import { isHigherBetter } from '../../results/metrics.ts';
import type { Metric } from '../../results/model/run.ts';
import { INTERVAL_NAME } from '../../results/stats.ts';
import type { Figure, Table } from '../model.ts';
import { framed, guideLine, INK, isNarrow, type Layer, MUTED } from './theme.ts';

/** Widths in px: the column of a page, and a phone held upright. */
const WIDE_PX = 1040;
const NARROW_PX = 340;
const ROW_PX = 26;
/** Below the rows. */
const AXIS_PX = 44;
/** An interval may reach beyond the values and the limits by this factor; a longer one is cut off. */
const WIDEST_WHISKER = 1.3;
/** Right of the data, of the width that they take: for the figures. */
const TEXT_SHARE = 0.55;

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
    caption: `Further right is better. Points and lines: the change and its ${INTERVAL_NAME}; cut off where it reaches far beyond. Grey: changes below the limit, which do not count; dotted: the noise between two copies of the same client, where it was measured.`,
    wide: specOf(rows, WIDE_PX),
    narrow: specOf(rows, NARROW_PX),
    table,
  };
}

const COLOURS: Record<GateLine['state'], string> = {
  regression: 'var(--bad, #b3261e)',
  improvement: 'var(--good, #00694a)',
  unsure: MUTED,
  within: INK,
};

function rowOf({ line, name, change }: NamedChange, index: number) {
  const { metric, state, effect, noiseFloor } = line;
  const isUp = isHigherBetter(metric as Metric);
  const { value, low, high } = line.change;
  const noise = noiseFloor ?? 0;
  return {
    at: index + 0.5,
    top: index + 0.12,
    bottom: index + 0.88,
    name,
    text: change,
    brief: change.replace(/ \(.*/, ''),
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

function specOf(rows: readonly Row[], widthPx: number): TopLevelSpec {
  const near = rows.flatMap(({ value, limitLow, limitHigh, noiseLow, noiseHigh }) => [
    value,
    limitLow,
    limitHigh,
    noiseLow,
    noiseHigh,
  ]);
  const low = Math.max(Math.min(...near, ...rows.map(row => row.low)), Math.min(...near) / WIDEST_WHISKER);
  const high = Math.min(Math.max(...near, ...rows.map(row => row.high)), Math.max(...near) * WIDEST_WHISKER);
  const isSmall = isNarrow(widthPx);
  const values = rows.map(row => ({ ...row, low: Math.max(low, row.low), high: Math.min(high, row.high) }));
  const x = {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain: [low, high * (high / low) ** TEXT_SHARE], nice: false },
    axis: {
      title: 'better →',
      values: ticksOf(low, high, isSmall ? 3 : 6),
      labelExpr:
        "datum.value == 1 ? 'unchanged' : format(abs(datum.value - 1), '.0%') + (datum.value < 1 ? ' worse' : ' better')",
      labelOverlap: 'greedy' as const,
    },
  };
  const y = {
    field: 'at',
    type: 'quantitative' as const,
    scale: { domain: [0, rows.length], reverse: true, nice: false },
    axis: {
      title: null,
      domain: false,
      grid: false,
      values: rows.map(({ at }) => at),
      labelExpr: `${JSON.stringify(rows.map(({ name }) => name))}[floor(datum.value)]`,
      labelLimit: isSmall ? 130 : 420,
      labelOverlap: false,
    },
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
        {
          data: { name: 'figures', values },
          mark: { type: 'point', filled: true, opacity: 1, size: isSmall ? 60 : 80 },
          encoding: { x: { ...x, field: 'value' }, y, color: colour, description: { field: 'tip' } },
        },
        {
          data: { values },
          mark: { type: 'text', align: 'right', aria: false, fill: INK },
          encoding: { x: { value: 'width' }, y, text: { field: isSmall ? 'brief' : 'text' } },
        },
      ],
    },
    { widthPx, heightPx: rows.length * ROW_PX + AXIS_PX },
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
