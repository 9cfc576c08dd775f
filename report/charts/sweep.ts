// In: figures along a swept setting, by line. Out: the picture: lines with interval bands, on the scale that fits.
import type { TopLevelSpec } from 'vega-lite';
import { signsOf } from '../cell-view.ts';
import type { Mark } from '../model.ts';
import { type SweepFigure, type SweptSetting, valueText } from '../sweeps/view.ts';
import {
  armLegend,
  type armScales,
  extentOf,
  figureAxis,
  framed,
  INK,
  isNarrow,
  type Layer,
  MUTED,
  within,
  type X,
} from './theme.ts';

// From the values of a swept setting. Out: the scale on which they lie most evenly.

type AxisScale =
  | { type: 'point' }
  | { type: 'linear' }
  | { type: 'log' }
  /** Linear near 0, logarithmic beyond the constant: for rising steps that begin at 0. */
  | { type: 'symlog'; constant: number };

/** Equal steps are easier to read, so another scale has to be so much more even. */
const LEAST_GAIN = 1.5;

/** Words, a mixture, and a single value get equal places. */
export function axisScale({ values, isNumeric }: Pick<SweptSetting, 'values' | 'isNumeric'>): AxisScale {
  const numbers = values.map(Number);
  const [least] = numbers;
  const smallest = numbers.find(number => number > 0);
  if (!isNumeric || numbers.length < 2 || least === undefined) return { type: 'point' };
  if (least < 0 || smallest === undefined) return { type: 'linear' };
  const linear = narrowestGap(numbers);
  if (least > 0) {
    const log = narrowestGap(numbers.map(Math.log));
    return log > linear * LEAST_GAIN ? { type: 'log' } : { type: 'linear' };
  }
  const symlog = narrowestGap(numbers.map(number => Math.log1p(number / smallest)));
  return symlog > linear * LEAST_GAIN ? { type: 'symlog', constant: smallest } : { type: 'linear' };
}

/** Between neighbours, as a share of the whole. */
function narrowestGap(places: readonly number[]): number {
  const gaps = places.slice(1).map((place, index) => place - places[index]!);
  return Math.min(...gaps) / (places.at(-1)! - places[0]!);
}

/** One line of a picture. */
export interface Line {
  label: string;
  figures: readonly SweepFigure[];
  /** A figure in words, its marks behind it. */
  tip(figure: SweepFigure): string;
}

interface LinePicture {
  x: SweptSetting;
  lines: readonly Line[];
  /** Looks by label. */
  scales: ReturnType<typeof armScales>;
  /** Over the legend; absent where its labels speak for themselves. */
  legendTitle?: string;
  /** Of the axis of figures. */
  title: string;
  /** Ratios are read against 1 rather than from 0. */
  isRatio: boolean;
}

/** A band that reaches further beyond all figures than by this factor is cut off there. */
const WIDEST_BAND = 3;
const HEIGHT_PX = 300;

interface Row {
  x: number | string;
  line: string;
  value: number;
  low: number;
  high: number;
  tip: string;
  signs: string;
  isInvalid: boolean;
}

export function lineSpec(picture: LinePicture, widthPx: number): TopLevelSpec {
  const { x: setting, scales, lines } = picture;
  const isContinuous = axisScale(setting).type !== 'point';
  const figures = lines.flatMap(line => rowsOf(line, isContinuous));
  const extent = extentOf(figures, { alsoShown: picture.isRatio ? [1] : [], widestBand: WIDEST_BAND });
  const rows = figures.map(row => within(extent, row));
  const legend =
    lines.length < 2 && picture.legendTitle === undefined
      ? null
      : {
          ...armLegend(lines, widthPx),
          title: picture.legendTitle ?? null,
          titleFontWeight: 'normal' as const,
          titleLimit: widthPx,
          symbolOpacity: 1,
        };
  const color = { field: 'line', type: 'nominal', scale: scales.colour, legend } as const;
  return framed(
    {
      encoding: { x: xOf(setting), y: figureAxis(extent, picture, widthPx), color },
      layer: [
        ...(picture.isRatio ? [evenLayer] : []),
        {
          // Between words there is nothing that a band could say.
          data: { values: rows },
          mark: isContinuous
            ? { type: 'area', opacity: 0.18, aria: false }
            : { type: 'rule', strokeWidth: 7, opacity: 0.3, aria: false },
          encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
        },
        {
          data: { values: rows },
          mark: { type: 'line', strokeWidth: isContinuous ? 2 : 1.2, aria: false },
          encoding: {
            strokeDash: { field: 'line', type: 'nominal', scale: scales.dash, legend },
          },
        },
        {
          data: { name: 'figures', values: rows },
          mark: { type: 'point', filled: true, size: isNarrow(widthPx) ? 44 : 56 },
          encoding: {
            shape: { field: 'line', type: 'nominal', scale: scales.shape, legend },
            opacity: { condition: { test: 'datum.isInvalid', value: 0.45 }, value: 1 },
            description: { field: 'tip' },
          },
        },
        ...signLayers(rows),
      ],
    },
    { widthPx, heightPx: HEIGHT_PX },
  );
}

/** Over the figures that have marks of their own. */
function signLayers(rows: readonly Row[]): Layer[] {
  const values = rows.filter(({ signs }) => signs !== '');
  if (values.length === 0) return [];
  return [
    {
      data: { values },
      mark: { type: 'text', dy: -11, fontSize: 11, aria: false },
      encoding: { text: { field: 'signs' }, color: { value: INK } },
    },
  ];
}

/** Marks that all points of a line share stand in its label. */
export function sharedMarks(figures: readonly SweepFigure[]): Mark[] {
  const [first, ...others] = figures;
  return (first?.marks ?? []).filter(mark => others.every(({ marks }) => marks.includes(mark)));
}

function rowsOf({ label, figures, tip }: Line, isContinuous: boolean): Row[] {
  const shared = sharedMarks(figures);
  return figures.map(figure => ({
    x: isContinuous ? Number(figure.x) : valueText(figure.x),
    line: label,
    ...figure.interval,
    tip: tip(figure),
    signs: signsOf(figure.marks.filter(mark => !shared.includes(mark))),
    isInvalid: figure.marks.includes('invalid'),
  }));
}

function xOf(setting: SweptSetting): X {
  const scale = axisScale(setting);
  if (scale.type === 'point') {
    return {
      field: 'x',
      type: 'ordinal',
      scale: { type: 'point', padding: 0.4 },
      sort: setting.values.map(valueText),
      axis: { title: setting.path, labelAngle: 0, grid: false },
    };
  }
  return {
    field: 'x',
    type: 'quantitative',
    scale: { ...scale, nice: false, zero: false, padding: 14 },
    axis: { title: setting.path, values: setting.values.map(Number), format: ',~r', grid: false },
  };
}

/** Where an arm does as well as the baseline. */
const evenLayer: Layer = {
  data: { values: [{ one: 1, tip: '1: as the baseline' }] },
  mark: { type: 'rule', strokeDash: [4, 3], strokeWidth: 1.5 },
  encoding: {
    x: { value: 0 },
    x2: { value: 'width' },
    y: { field: 'one', type: 'quantitative' },
    color: { value: MUTED },
    description: { field: 'tip' },
  },
};
