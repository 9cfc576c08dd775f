// What all charts share: colours and shapes of clients, axes, text, readable in light and dark.
import type { TopLevelSpec } from 'vega-lite';
import type { Interval } from '../../results/stats.ts';
import type { ArmView } from '../cell-view.ts';

/**
 * Looks of clients: colours after Okabe and Ito (2008), distinguishable with any kind of colour vision, darkened to a contrast of at
 * least 3 on white and lightened on dark; a shape and a dash, for print. Charts name the colours by variables of their page.
 */
const LOOKS = [
  { light: '#c75300', dark: '#ff8a3d', shape: 'circle', dash: [1, 0] },
  { light: '#0072b2', dark: '#56b4e9', shape: 'square', dash: [1, 0] },
  { light: '#00805c', dark: '#2fc79a', shape: 'triangle-up', dash: [6, 3] },
  { light: '#a8508a', dark: '#e08fc2', shape: 'diamond', dash: [2, 3] },
  { light: '#85690a', dark: '#e0b83a', shape: 'cross', dash: [9, 3, 2, 3] },
  { light: '#4f5b66', dark: '#b4bfca', shape: 'triangle-down', dash: [4, 2] },
  { light: '#1f8ac0', dark: '#9bdcff', shape: 'triangle-right', dash: [12, 4] },
  { light: '#7a4a21', dark: '#d9a066', shape: 'triangle-left', dash: [2, 6] },
];

export const ARM_COLOURS = { light: LOOKS.map(({ light }) => light), dark: LOOKS.map(({ dark }) => dark) };

/** Colours of the values of a second swept setting: none is a client's, and their order shows that of the values. */
export const STEP_COLOURS = {
  light: ['#5b2a86', '#3d4fa3', '#22739c', '#0e8076', '#3f7f2a', '#837300', '#a35a00', '#a8324a'],
  dark: ['#c79bf0', '#9fb0f5', '#74bfe6', '#4fd0c0', '#8fd676', '#e0cf55', '#f5aa5c', '#ff8fa3'],
};

export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
/** Colour of a limit that was missed. */
export const FAILED = 'var(--bad)';
/** Colour of what became worse, which fails nothing. */
export const WORSE = 'var(--unsure)';
const GRID = 'var(--grid)';

/** No name contains it, because it would break the name in two. */
export const LINE_BREAK = '\n';

/** One row per client, in the order of the data, `(baseline)` on a line of its own. */
export const armRows = {
  field: 'arm',
  type: 'ordinal',
  sort: null,
  title: null,
  axis: {
    domain: false,
    grid: false,
    labelExpr: `replace(datum.label, ' (baseline)', '${'\\n'}(baseline)')`,
  },
} as const;

/** A line to compare figures with. */
export const guideLine = { type: 'rule' as const, color: MUTED, strokeDash: [4, 3] };

/**
 * Width at which every chart is drawn, once: a phone shows it somewhat smaller and a desk somewhat larger. Letters are measured
 * at the size of the drawing, by an estimate that leaves a quarter of room, and the page sets them so that they can be read
 * at either width.
 */
export const CHART_PX = 480;
const FONT_PX = 11;
/** The most width that a character takes. */
export const CHARACTER_PX = 8;
/** Longer names of clients at an axis are cut. */
export const LABEL_PX = 150;

export function armColour({ look }: Pick<ArmView, 'look'>): string {
  return `var(--arm-${look % LOOKS.length})`;
}

/** Maps a client's label to its colour, shape and dash, which are the same in every chart. */
export function armScales(arms: readonly Pick<ArmView, 'label' | 'look'>[]) {
  const domain = arms.map(({ label }) => label);
  const looks = arms.map(({ look }) => LOOKS[look % LOOKS.length]!);
  return {
    colour: { domain, range: arms.map(armColour) },
    shape: { domain, range: looks.map(({ shape }) => shape) },
    dash: { domain, range: looks.map(({ dash }) => dash) },
  };
}

/** The same for the values of a second swept setting; few values are spread over all colours. */
export function stepScales(labels: readonly string[]) {
  const domain = [...labels];
  const count = STEP_COLOURS.light.length;
  const place = (index: number): number =>
    labels.length <= count
      ? Math.round((index * (count - 1)) / Math.max(1, labels.length - 1))
      : index % count;
  return {
    colour: { domain, range: labels.map((_, index) => `var(--step-${place(index)})`) },
    shape: { domain, range: labels.map((_, index) => LOOKS[index % LOOKS.length]!.shape) },
    dash: { domain, range: labels.map(() => [1, 0]) },
  };
}

/** A legend of clients above the picture, in as many columns as the longest label permits. */
export function armLegend(arms: readonly Pick<ArmView, 'label'>[], symbolType?: 'stroke') {
  const longest = Math.max(...arms.map(({ label }) => label.length));
  const labelPx = Math.min(longest, 30) * CHARACTER_PX + 44;
  return {
    title: null,
    orient: 'top' as const,
    direction: 'horizontal' as const,
    columns: Math.max(1, Math.min(arms.length, Math.floor(CHART_PX / labelPx))),
    labelLimit: 240,
    symbolStrokeWidth: 2,
    ...(symbolType === undefined ? {} : { symbolType, symbolSize: 300 }),
  };
}

type Layered = Extract<TopLevelSpec, { layer: unknown }>;
/** One layer of a picture. */
export type Layer = Layered['layer'][number];
type Unit = Extract<Layer, { mark: unknown }>;
type MarkDef = Exclude<Unit['mark'], string>;
type Encoding = NonNullable<Unit['encoding']>;
/** A place on one of the axes. */
export type X = NonNullable<Encoding['x']>;
export type Y = NonNullable<Encoding['y']>;

/** Marks with words of their own, which are the field `tip` of each value. */
export function tippedLayer(values: readonly object[], mark: MarkDef, encoding: Encoding = {}): Layer {
  return { data: { values }, mark, encoding: { ...encoding, description: { field: 'tip' } } } as Layer;
}

/** The marks that the picture is about, each with its `tip`. */
export function figureLayer(values: readonly object[], mark: MarkDef, encoding: Encoding = {}): Layer {
  return { ...tippedLayer(values, mark, encoding), data: { name: 'figures', values } } as Layer;
}

/** Marks that belong to others, so that they are not read out. */
export function silentLayer(values: readonly object[], mark: MarkDef, encoding: Encoding = {}): Layer {
  return { data: { values }, mark: { ...mark, aria: false }, encoding } as Layer;
}

export function quantity<Field extends string>(field: Field) {
  return { field, type: 'quantitative' } as const;
}

/** One look of marks or another, by a test of `datum`. */
export function either<Look>(test: string, yes: Look, no: Look) {
  return { condition: { test, value: yes }, value: no };
}

/** Colour, shape and dash of marks with a client's label in their field `arm`. No legend if names are shown at an axis or beside the marks. */
export function armMarks(arms: readonly ArmView[], legend: ReturnType<typeof armLegend> | null = null) {
  const { colour, shape, dash } = armScales(arms);
  const by = <Scale>(scale: Scale) => ({ field: 'arm', type: 'nominal', scale, legend }) as const;
  return { colour: by(colour), shape: by(shape), dash: by(dash) };
}

/** The gap before a text. */
const TEXT_GAP_PX = 12;
/** Share of a picture that is left between its axes. */
const PLOT_SHARE = 0.7;

/** End of an axis of bars that leaves room for the longest text behind the longest bar. */
export function endWithRoom(bars: readonly { value: number; text: string }[]): number {
  const longest = Math.max(...bars.map(({ text }) => text.length));
  const share = (longest * CHARACTER_PX + TEXT_GAP_PX) / (CHART_PX * PLOT_SHARE);
  return Math.max(...bars.map(({ value }) => value)) / (1 - Math.min(0.5, share)) || 1;
}

/** A layered picture, axes and legend included. */
export function framed({
  heightPx,
  ...spec
}: Pick<Layered, 'layer' | 'encoding'> & { heightPx: number }): Layered {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'transparent',
    width: CHART_PX,
    height: heightPx,
    autosize: { type: 'fit', contains: 'padding' },
    padding: { left: 7, right: 12, top: 8, bottom: 6 },
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
        labelFontSize: FONT_PX,
        labelLineHeight: 15,
        labelLimit: LABEL_PX,
        labelOverlap: 'greedy',
        tickColor: MUTED,
        ticks: false,
        labelPadding: 9,
        titleColor: MUTED,
        titleFontSize: FONT_PX,
        titleFontWeight: 'normal',
        titlePadding: 10,
      },
      legend: {
        labelColor: INK,
        labelFontSize: FONT_PX,
        rowPadding: 5,
        titleColor: MUTED,
        titleFontSize: FONT_PX,
        titleFontWeight: 'normal',
      },
      text: { fill: INK, fontSize: FONT_PX },
    },
  };
}

/** The whisker of a figure may reach beyond all figures by this factor; a longer one is cut off, with an arrow. */
export const WIDEST_WHISKER = 1.8;

/** Beyond this ratio of the highest to the lowest figure, a linear axis would squeeze the low ones. */
const LOG_RATIO = { figures: 15, ratios: 3 };
const LOG_MARGIN = 1.12;
interface Extent {
  low: number;
  high: number;
}

/** Where the whiskers of rows are cut off: the rows as they are drawn, and the ends at which arrows show that they go on. */
export function clip<Row extends Interval>(rows: readonly Row[], alsoShown: readonly number[] = []) {
  const extent = extentOf(rows, { alsoShown, widestBand: WIDEST_WHISKER });
  return { extent, rows: rows.map(row => within(extent, row)), arrows: arrowsBeyond(extent, rows) };
}

/** The ends of the axis at which the whiskers of rows go on. */
export function arrowsBeyond<Row extends Interval>({ low, high }: Extent, rows: readonly Row[]) {
  return [
    ...rows.filter(row => row.low < low).map(row => ({ ...row, end: low, shape: LEFT })),
    ...rows.filter(row => row.high > high).map(row => ({ ...row, end: high, shape: RIGHT })),
  ];
}

export const LEFT = 'triangle-left' as const;
export const RIGHT = 'triangle-right' as const;

/** Arrows at the ends of whiskers that go on. */
export function arrowLayers(
  arrows: readonly { end: number; shape: typeof LEFT | typeof RIGHT }[],
  { x, ...encoding }: Encoding,
): Layer[] {
  return [LEFT, RIGHT].flatMap(shape => {
    const values = arrows.filter(arrow => arrow.shape === shape);
    const end = { type: 'quantitative', ...x, field: 'end' } as X;
    return values.length === 0
      ? []
      : silentLayer(
          values,
          { type: 'point', filled: true, size: 60, shape, opacity: 1 },
          { ...encoding, x: end },
        );
  });
}

/** Spans all figures and `alsoShown`, and the bands as far as they reach beyond these by at most the factor `widestBand`. */
export function extentOf(
  rows: readonly Interval[],
  { alsoShown = [], widestBand }: { alsoShown?: readonly number[]; widestBand: number },
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
): Y {
  if (low > 0 && high / low > LOG_RATIO[isRatio ? 'ratios' : 'figures'])
    return logAxis('value', [low / LOG_MARGIN, high * LOG_MARGIN], title);
  return {
    ...quantity('value'),
    scale: { zero: !isRatio, nice: true },
    axis: { title, tickCount: 5, format: ',~r' },
  };
}

type Ends = readonly [low: number, high: number];

export function linearAxis(field: string, domain: Ends, { title, ticks }: { title: string; ticks: number }) {
  return {
    ...quantity(field),
    scale: { domain: [...domain], nice: false },
    axis: { title, tickCount: ticks, format: ',~r' },
  };
}

/** An axis on which each factor takes the same width, its labels evenly spaced. */
export function logAxis(field: string, domain: Ends, title: string) {
  return {
    ...quantity(field),
    scale: { type: 'log' as const, domain: [...domain], nice: false },
    axis: { title, values: logTicks(...domain), format: ',~r' },
  };
}

/** Rows as numbers, from 0 at the top, so that marks can be placed within them; the axis shows their names. */
export function rowAxis(field: string, names: readonly string[], more: object = {}) {
  return {
    ...quantity(field),
    scale: { domain: [0, names.length], reverse: true, nice: false },
    axis: {
      title: null,
      domain: false,
      grid: false,
      values: names.map((_, row) => row + 0.5),
      labelExpr: `${JSON.stringify(names)}[floor(datum.value)]`,
      ...more,
    },
  };
}

/** With fewer, steps of a factor say too little; with more, labels have no room. */
const TICKS = { least: 3, most: 8 };

/** 1, 10, 100 ..., from a power of ten to another. */
export function powersOfTen(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => 10 ** (first + index));
}

/** 1, 2, 5, 10 ..., or only powers of ten if there are many; equal steps where the axis spans less than these. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Math.ceil(Math.log10(high)) - first;
  const factors = [[1, 2, 5], [1]].map(steps =>
    Array.from({ length: decades + 1 }, (_, decade) => steps.map(step => Number(`${step}e${first + decade}`)))
      .flat()
      .filter(tick => tick >= low && tick <= high),
  );
  return factors.find(({ length }) => length >= TICKS.least && length <= TICKS.most) ?? evenTicks(low, high);
}

/** Multiples of 1, 2 or 5, as fine as there is room for. */
function evenTicks(low: number, high: number): number[] {
  const magnitude = Math.floor(Math.log10(high - low)) - 1;
  const step = [1, 2, 5, 10, 20, 50]
    .map(factor => Number(`${factor}e${magnitude}`))
    .find(step => Math.floor(high / step) - Math.ceil(low / step) < TICKS.most - 2)!;
  const from = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - from + 1 }, (_, index) =>
    Number(((from + index) * step).toPrecision(12)),
  );
}
