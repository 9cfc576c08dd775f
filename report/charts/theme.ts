// What all charts share: colours and shapes of clients, axes, text, readable in light and dark.
import type { TopLevelSpec } from 'vega-lite';
import type { Interval } from '../../results/stats.ts';
import type { ArmView } from '../cell-view.ts';

/**
 * Colours of clients: after Okabe and Ito (2008), distinguishable with any kind of colour vision, darkened to a contrast of at
 * least 3 on white. Each comes with a shape and a dash, for print. A page may override them by CSS variables.
 */
export const ARM_COLOURS = [
  '#c75300',
  '#0072b2',
  '#00805c',
  '#a8508a',
  '#85690a',
  '#4f5b66',
  '#1f8ac0',
  '#7a4a21',
];
/** The same on a dark background. */
export const ARM_COLOURS_DARK = [
  '#ff8a3d',
  '#56b4e9',
  '#2fc79a',
  '#e08fc2',
  '#e0b83a',
  '#b4bfca',
  '#9bdcff',
  '#d9a066',
];

/** Colours of the values of a second swept setting: none is a client's, and their order shows that of the values. On a light background. */
export const STEP_COLOURS = [
  '#5b2a86',
  '#3d4fa3',
  '#22739c',
  '#0e8076',
  '#3f7f2a',
  '#837300',
  '#a35a00',
  '#a8324a',
];
/** The same on a dark background. */
export const STEP_COLOURS_DARK = [
  '#c79bf0',
  '#9fb0f5',
  '#74bfe6',
  '#4fd0c0',
  '#8fd676',
  '#e0cf55',
  '#f5aa5c',
  '#ff8fa3',
];

const SHAPES = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'cross',
  'triangle-down',
  'triangle-right',
  'triangle-left',
];
const DASHES = [
  [1, 0],
  [1, 0],
  [6, 3],
  [2, 3],
  [9, 3, 2, 3],
  [4, 2],
  [12, 4],
  [2, 6],
];

export const INK = 'var(--ink, #1b1f24)';
export const MUTED = 'var(--muted, #59636e)';
const GRID = 'var(--grid, #e3e7eb)';

/** No name contains it, because it would break the name in two. */
const LINE_BREAK = '\n';

/** Clients at the y axis, `(baseline)` on a line of its own. */
export const armAxis = {
  domain: false,
  grid: false,
  labelExpr: `replace(datum.label, ' (baseline)', '${'\\n'}(baseline)')`,
} as const;

/** One row per client, in the order of the data. */
export const armRows = {
  field: 'arm',
  type: 'ordinal',
  sort: null,
  title: null,
  axis: armAxis,
} as const;

/** A line to compare figures with. */
export const guideLine = { type: 'rule' as const, color: MUTED, strokeDash: [4, 3] };

/** Below this width labels shrink to what a phone can show. */
const NARROW_PX = 500;

export function isNarrow(widthPx: number): boolean {
  return widthPx < NARROW_PX;
}

export function armColour({ look }: Pick<ArmView, 'look'>): string {
  const index = look % ARM_COLOURS.length;
  return `var(--arm-${index}, ${ARM_COLOURS[index]})`;
}

/** Maps a client's label to its colour, shape and dash, which are the same in every chart. */
export function armScales(arms: readonly Pick<ArmView, 'label' | 'look'>[]) {
  const domain = arms.map(({ label }) => label);
  const by = <T>(list: readonly T[]) => arms.map(({ look }) => list[look % list.length]!);
  return {
    colour: { domain, range: arms.map(armColour) },
    shape: { domain, range: by(SHAPES) },
    dash: { domain, range: by(DASHES) },
  };
}

/** The same for the values of a second swept setting; few values are spread over all colours. */
export function stepScales(labels: readonly string[]) {
  const place = (index: number): number =>
    labels.length <= STEP_COLOURS.length
      ? Math.round((index * (STEP_COLOURS.length - 1)) / Math.max(1, labels.length - 1))
      : index % STEP_COLOURS.length;
  const cycled = <T>(list: readonly T[]) => labels.map((_, index) => list[index % list.length]!);
  return {
    colour: {
      domain: [...labels],
      range: labels.map((_, index) => `var(--step-${place(index)}, ${STEP_COLOURS[place(index)]})`),
    },
    shape: { domain: [...labels], range: cycled(SHAPES) },
    dash: { domain: [...labels], range: labels.map(() => [1, 0]) },
  };
}

/** A legend of clients above the picture, in as many columns as the longest label permits. */
export function armLegend(arms: readonly Pick<ArmView, 'label'>[], widthPx: number, symbolType?: 'stroke') {
  const longest = Math.max(...arms.map(({ label }) => label.length));
  const labelPx = Math.min(longest, 30) * 7 + 44;
  return {
    title: null,
    orient: 'top' as const,
    direction: 'horizontal' as const,
    columns: Math.max(1, Math.min(arms.length, Math.floor(widthPx / labelPx))),
    labelLimit: 240,
    symbolStrokeWidth: 2,
    ...(symbolType === undefined ? {} : { symbolType, symbolSize: 300 }),
  };
}

type Layered = Extract<TopLevelSpec, { layer: unknown }>;
/** One layer of a picture. */
export type Layer = Layered['layer'][number];
type Encoding = NonNullable<Extract<Layer, { mark: unknown }>['encoding']>;
/** A place on one of the axes. */
export type X = NonNullable<Encoding['x']>;
export type Y = NonNullable<Encoding['y']>;

/** Colour, shape and dash of marks with a client's label in their field `arm`. No legend if names are shown at an axis or beside the marks. */
export function armMarks(arms: readonly ArmView[], legend: ReturnType<typeof armLegend> | null = null) {
  const { colour, shape, dash } = armScales(arms);
  const by = <Scale>(scale: Scale) => ({ field: 'arm', type: 'nominal', scale, legend }) as const;
  return { colour: by(colour), shape: by(shape), dash: by(dash) };
}

/** The most width that a character and the gap before a text take. */
const CHARACTER_PX = 7.5;
const TEXT_GAP_PX = 12;
/** Share of a picture that is left between its axes. */
const PLOT_SHARE = 0.8;

/** End of an axis of bars that leaves room for the longest text behind the longest bar. */
export function endWithRoom(bars: readonly { value: number; text: string }[], widthPx: number): number {
  const longest = Math.max(...bars.map(({ text }) => text.length));
  const share = (longest * CHARACTER_PX + TEXT_GAP_PX) / (widthPx * PLOT_SHARE);
  return Math.max(...bars.map(({ value }) => value)) / (1 - Math.min(0.5, share)) || 1;
}

/** A layered picture that is `widthPx` wide, axes and legend included. */
export function framed(
  spec: Pick<Layered, 'layer' | 'encoding' | 'resolve'>,
  size: { widthPx: number; heightPx: number },
): Layered {
  const isSmall = isNarrow(size.widthPx);
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'transparent',
    width: size.widthPx,
    height: size.heightPx,
    autosize: { type: 'fit', contains: 'padding' },
    padding: { left: 2, right: isSmall ? 8 : 16, top: 4, bottom: 4 },
    ...spec,
    config: {
      lineBreak: LINE_BREAK,
      font: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
      view: { stroke: null },
      axis: {
        domainColor: MUTED,
        gridColor: GRID,
        labelColor: INK,
        labelFlush: false,
        labelFontSize: isSmall ? 11 : 12,
        labelLimit: isSmall ? 110 : 240,
        labelOverlap: 'greedy',
        tickColor: MUTED,
        ticks: false,
        labelPadding: 6,
        titleColor: MUTED,
        titleFontSize: isSmall ? 11 : 12,
        titleFontWeight: 'normal',
        titlePadding: 8,
      },
      legend: { labelColor: INK, labelFontSize: isSmall ? 11 : 12, titleColor: MUTED },
      text: { fill: INK, fontSize: isSmall ? 11 : 12 },
    },
  };
}

/** Beyond this ratio of the highest to the lowest figure, a linear axis would squeeze the low ones. */
const LOG_RATIO = { figures: 15, ratios: 3 };
const LOG_MARGIN = 1.12;
/** With more decades, an axis has no room for steps in between. */
const MOST_DECADES = 3;

interface Extent {
  low: number;
  high: number;
}

/** Spans all figures and `alsoShown`, and the bands as far as they reach beyond these by at most the factor `widestBand`. */
export function extentOf(
  rows: readonly Interval[],
  { alsoShown, widestBand }: { alsoShown: readonly number[]; widestBand: number },
): Extent {
  const values = [...rows.map(({ value }) => value), ...alsoShown];
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  return {
    low: Math.max(Math.min(lowest, ...rows.map(({ low }) => low)), lowest / widestBand),
    high: Math.min(Math.max(highest, ...rows.map(({ high }) => high)), highest * widestBand),
  };
}

/** The same figure, its band cut off at the ends of the extent. */
export function within<Row extends Interval>(extent: Extent, row: Row): Row {
  return { ...row, low: Math.max(row.low, extent.low), high: Math.min(row.high, extent.high) };
}

/** The axis of the field `value`. That of ratios need not start at 0. */
export function figureAxis(
  { low, high }: Extent,
  { title, isRatio }: { title: string; isRatio: boolean },
  widthPx: number,
): Y {
  const isLog = low > 0 && high / low > LOG_RATIO[isRatio ? 'ratios' : 'figures'];
  if (!isLog) {
    return {
      field: 'value',
      type: 'quantitative',
      scale: { zero: !isRatio, nice: true },
      axis: { title, tickCount: isNarrow(widthPx) ? 4 : 5, format: ',~r' },
    };
  }
  const domain = [low / LOG_MARGIN, high * LOG_MARGIN] as const;
  return {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', domain: [...domain], nice: false },
    axis: { title, values: logTicks(...domain), format: ',~r' },
  };
}

/** 1, 2, 5, 10 ..., or only powers of ten if there are many. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Math.ceil(Math.log10(high)) - first;
  const steps = decades > MOST_DECADES ? [1] : [1, 2, 5];
  return Array.from({ length: decades + 1 }, (_, decade) =>
    steps.map(step => Number(`${step}e${first + decade}`)),
  )
    .flat()
    .filter(tick => tick >= low && tick <= high);
}
