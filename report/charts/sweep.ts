// Charts of a sweep: what each client did along the swept setting, and relative to the baseline, as lines with interval bands.

import type { TopLevelSpec } from 'vega-lite';
import { METRIC_TABLE } from '../../results/metrics.ts';
import { INTERVAL_NAME } from '../../results/stats.ts';
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import type { Mark } from '../model.ts';
import {
  armFigures,
  baselineOf,
  candidatesOf,
  type Measure,
  ratioFigures,
  type SweepFigure,
  type SweepView,
  type SweptSetting,
} from '../sweeps/view.ts';
import { describeExpectation, describeWanted } from '../tables/expectations.ts';
import { formatValue, nameWithUnit } from '../words/dimensions.ts';
import { signsOf } from '../words/marks.ts';
import { toShownUnit } from '../words/numbers.ts';
import { capitalize } from '../words/text.ts';
import type { SweepChart, SweepPicture } from './chart.ts';
import {
  armLegend,
  armScales,
  CHART_PX,
  either,
  extentOf,
  FAILED,
  figureAxis,
  figureLayer,
  framed,
  INK,
  type Layer,
  MUTED,
  quantity,
  silentLayer,
  stepScales,
  tippedLayer,
  within,
  type X,
} from './theme.ts';

/** What each client did. */
export const valueLines: SweepChart = {
  name: 'values',
  pictures(sweep, measure) {
    const { arms } = sweep;
    return drawCourses(sweep, {
      courses: arms.map(({ name, label }) => ({
        name,
        label,
        figures: armFigures(sweep, name, measure),
        title: label,
        axisTitle: measure.unit === undefined ? measure.title : `${measure.title} (${measure.unit})`,
      })),
      title: arms.length === 1 ? arms[0]!.label : 'Each client',
      caption: `${capitalize(measure.title)} by ${sweep.x.words}: ${measure.hasInterval ? `the centre over the replicates, with its ${INTERVAL_NAME}` : 'over all replicates together'}.`,
      describeTip: ({ text }) => describeValue(measure, text),
      limits: expectedLimitsOf(sweep, measure),
      isRatio: false,
    });
  },
};

function describeValue(measure: Measure, text: string): string {
  const unit = measure.unit === undefined || measure.unit === '%' ? '' : ` ${measure.unit}`;
  return `${measure.title.toLowerCase()} ${text}${unit}`;
}

/** Each client relative to the baseline. */
export const ratioLines: SweepChart = {
  name: 'ratios',
  pictures(sweep, measure) {
    const baseline = baselineOf(sweep);
    const candidates = candidatesOf(sweep).map(name => ({
      name,
      figures: ratioFigures(sweep, name, measure),
    }));
    const shown = candidates.filter(({ figures }) => figures.length > 0);
    const isOnly = shown.length === 1 || sweep.other !== undefined;
    return drawCourses(sweep, {
      courses: shown.map(({ name, figures }) => ({
        name,
        label: name,
        figures,
        title: `${name} relative to ${baseline}`,
        axisTitle: `${isOnly ? name : 'ratio'} / ${baseline}`,
      })),
      title: `Relative to ${baseline}`,
      caption: `${capitalize(measure.title)} divided by that of ${baseline}, by ${sweep.x.words}, with ${INTERVAL_NAME}s, paired within each cell. 1: the same as the baseline.`,
      describeTip: ({ text }) => text,
      limits: expectedLimitsOf(sweep, measure, baseline),
      isRatio: true,
    });
  },
};

/** The figures of a client along the sweep. */
interface Course {
  name: string;
  label: string;
  figures: readonly SweepFigure[];
  /** The title of a picture of this client alone. */
  title: string;
  axisTitle: string;
}

interface Courses {
  courses: readonly Course[];
  /** The title of a picture of all clients. */
  title: string;
  caption: string;
  describeTip(figure: SweepFigure): string;
  limits: readonly Limit[];
  isRatio: boolean;
}

/** What a figure of a client was to keep. */
interface Limit {
  of: string;
  value: number;
  /** `≥ 3×`. */
  text: string;
  hasFailed: boolean;
  /** The points that it is for; null: all of them. */
  xs: readonly SweepValue[] | null;
}

/** The limits on a measure: of ratios to `over`, or of the clients' own figures. */
function expectedLimitsOf({ cells }: SweepView, { of: metric }: Measure, over?: string): Limit[] {
  // An error rate is limited by the success rate, which it is not drawn as.
  if (over === undefined && METRIC_TABLE[metric].complement !== undefined) return [];
  const found = cells.flatMap(({ x, view }) =>
    view.result.expectations
      .filter(({ expectation }) => expectation.metric === metric && expectation.over === over)
      .map(({ expectation, state }) => ({ x, state, expectation })),
  );
  return [...Map.groupBy(found, ({ expectation }) => describeExpectation(expectation)).values()].flatMap(
    own => {
      const { atLeast, atMost, ...limited } = own[0]!.expectation;
      return [{ atLeast }, { atMost }].flatMap(bound => {
        const value = bound.atLeast ?? bound.atMost;
        if (value === undefined) return [];
        return {
          of: limited.of,
          value: over === undefined ? toShownUnit(metric, value) : value,
          text: describeWanted({ ...limited, ...bound }),
          hasFailed: own.some(({ state }) => state === 'fail'),
          xs: own.length === cells.length ? null : own.map(({ x }) => x),
        };
      });
    },
  );
}

/** One setting: one picture, with a line per client. Two settings: a picture per client, with a line per value of the other one. */
function drawCourses(sweep: SweepView, of: Courses): SweepPicture[] {
  const { other, x, arms } = sweep;
  const { courses, isRatio } = of;
  const [first] = courses;
  if (first === undefined) return [];
  const lineOf = (label: string, figures: readonly SweepFigure[]): Line => ({
    label: `${label}${signsOf(sharedMarks(figures))}`,
    figures,
    tip: figure => `${label}, ${figure.cell.place}: ${of.describeTip(figure)}${signsOf(figure.marks)}`,
  });
  const drawn = (
    { title, lineIs }: { title: string; lineIs: string },
    picture: Omit<LinePicture, 'x' | 'isRatio'>,
  ): SweepPicture => ({
    title,
    caption: `${of.caption} One line per ${lineIs}.${describeLimits(picture.limits)}`,
    spec: () => lineSpec({ ...picture, x, isRatio }),
  });
  const hasFigures = ({ figures }: Pick<Line, 'figures'>) => figures.length > 0;
  if (other === undefined) {
    const lines = courses.map(({ label, figures }) => lineOf(label, figures));
    const looks = courses.map(({ name }, index) => ({
      label: lines[index]!.label,
      look: arms.find(arm => arm.name === name)!.look,
    }));
    return [
      drawn(
        { title: of.title, lineIs: 'client' },
        {
          lines: lines.filter(hasFigures),
          scales: armScales(looks),
          limits: of.limits.filter(limit => courses.some(({ name }) => name === limit.of)),
          title: first.axisTitle,
        },
      ),
    ];
  }
  return courses.filter(hasFigures).map(({ name, figures, title, axisTitle }) => {
    const lines = other.values
      .map(value =>
        lineOf(
          formatValue(value),
          figures.filter(figure => figure.cell.other === value),
        ),
      )
      .filter(hasFigures);
    return drawn(
      { title, lineIs: `value of ${other.words}` },
      {
        lines,
        scales: stepScales(lines.map(({ label }) => label)),
        limits: of.limits.filter(limit => limit.of === name),
        legendTitle: nameWithUnit(other.path),
        title: axisTitle,
      },
    );
  });
}

/** Behind a caption. */
function describeLimits(limits: readonly Limit[]): string {
  const texts = [...new Set(limits.map(({ of, text }) => `${of} ${text}`))];
  return texts.length === 0
    ? ''
    : ` Lines across are limits, where they do not lie far beyond the figures: ${texts.join('; ')}.`;
}

type AxisScale =
  | { type: 'point' }
  | { type: 'linear' }
  | { type: 'log' }
  /** Linear near 0, logarithmic beyond the constant: for increasing steps that start at 0. */
  | { type: 'symlog'; constant: number };

/** Linear scales are easier to read, so another scale must be more even by this factor. */
const MIN_GAIN = 1.5;

/** The scale on which the values lie most evenly. Words, a mixture, and a single value get equal places. */
export function axisScale({ values, isNumeric }: Pick<SweptSetting, 'values' | 'isNumeric'>): AxisScale {
  const numbers = values.map(Number);
  const [least] = numbers;
  const smallest = numbers.find(number => number > 0);
  if (!isNumeric || numbers.length < 2 || least === undefined) return { type: 'point' };
  if (least < 0 || smallest === undefined) return { type: 'linear' };
  const linear = narrowestGap(numbers);
  if (least > 0) {
    const log = narrowestGap(numbers.map(Math.log));
    return log > linear * MIN_GAIN ? { type: 'log' } : { type: 'linear' };
  }
  const symlog = narrowestGap(numbers.map(number => Math.log1p(number / smallest)));
  return symlog > linear * MIN_GAIN ? { type: 'symlog', constant: smallest } : { type: 'linear' };
}

/** Between neighbours, as a share of the whole. */
function narrowestGap(places: readonly number[]): number {
  const gaps = places.slice(1).map((place, index) => place - places[index]!);
  return Math.min(...gaps) / (places.at(-1)! - places[0]!);
}

/** One line of a picture. */
interface Line {
  label: string;
  figures: readonly SweepFigure[];
  /** Describes a figure, followed by its marks. */
  tip(figure: SweepFigure): string;
}

interface LinePicture {
  x: SweptSetting;
  lines: readonly Line[];
  /** Colours and shapes by label. */
  scales: ReturnType<typeof armScales>;
  limits: readonly Limit[];
  /** Above the legend; absent if its labels need none. */
  legendTitle?: string;
  /** The title of the y axis. */
  title: string;
  /** Ratios are read against 1 rather than from 0. */
  isRatio: boolean;
}

/** A band is cut off where it reaches further than this factor beyond all figures. */
const WIDEST_BAND = 3;
const HEIGHT_PX = 240;

type Row = ReturnType<typeof listRows>[number];

function lineSpec(picture: LinePicture): TopLevelSpec {
  const { x: setting, scales, lines, isRatio, legendTitle } = picture;
  const isContinuous = axisScale(setting).type !== 'point';
  const points = lines.flatMap(line => listRows(line, isContinuous));
  const limits = nearLimits(picture.limits, points);
  const extent = extentOf(points, {
    alsoShown: [...(isRatio ? [1] : []), ...limits.map(({ value }) => value)],
    widestBand: WIDEST_BAND,
  });
  const rows = points.map(row => within(extent, row));
  const legend =
    lines.length < 2 && legendTitle === undefined
      ? null
      : { ...armLegend(lines), title: legendTitle ?? null, titleLimit: CHART_PX, symbolOpacity: 1 };
  const byLine = <Scale>(scale: Scale) => ({ field: 'line', type: 'nominal', scale, legend }) as const;
  return framed({
    heightPx: HEIGHT_PX,
    encoding: {
      x: axisOf(setting),
      y: figureAxis(extent, picture),
      color: byLine(scales.colour),
    },
    layer: [
      ...(isRatio ? [evenLayer] : []),
      silentLayer(
        rows,
        // Between words a band has no meaning.
        isContinuous ? { type: 'area', opacity: 0.18 } : { type: 'rule', strokeWidth: 7, opacity: 0.3 },
        { y: quantity('low'), y2: { field: 'high' } },
      ),
      silentLayer(
        rows,
        { type: 'line', strokeWidth: isContinuous ? 2 : 1.2 },
        { strokeDash: byLine(scales.dash) },
      ),
      figureLayer(
        rows,
        { type: 'point', filled: true, size: 50 },
        {
          shape: byLine(scales.shape),
          opacity: either('datum.isInvalid', 0.45, 1),
        },
      ),
      ...signLayers(rows),
      ...limits.flatMap(limit => limitLayers(limit, isContinuous)),
    ],
  });
}

/** How many times as high as the highest figure, or as low as the lowest, a limit may be for the axis to include it. */
const LIMIT_REACH = 2;

function nearLimits(limits: readonly Limit[], figures: readonly Row[]): Limit[] {
  const values = figures.map(({ value }) => value);
  return limits.filter(
    ({ value }) => value <= Math.max(...values) * LIMIT_REACH && value >= Math.min(...values) / LIMIT_REACH,
  );
}

/** A line across with what it limits; where it is for some points only, a stroke at each. */
function limitLayers({ of, value: limit, text, hasFailed, xs }: Limit, isContinuous: boolean): Layer[] {
  const color = { value: hasFailed ? FAILED : INK };
  const tip = `limit: ${of} ${text}`;
  const y = quantity('limit');
  if (xs !== null) {
    const values = xs.map(x => ({ x: isContinuous ? Number(x) : formatValue(x), limit, tip }));
    return [
      tippedLayer(values, { type: 'tick', orient: 'horizontal', size: 36, thickness: 3 }, { y, color }),
    ];
  }
  const values = [{ limit, tip }];
  return [
    tippedLayer(
      values,
      { type: 'rule', strokeWidth: 1.5, strokeDash: [8, 3] },
      { x: { value: 0 }, x2: { value: 'width' }, y, color },
    ),
    silentLayer(
      values,
      { type: 'text', align: 'right', dy: -6, dx: -2, text: `limit ${text}` },
      { x: { value: 'width' }, y, color },
    ),
  ];
}

/** Above the points whose marks differ from those of their line. */
function signLayers(rows: readonly Row[]): Layer[] {
  const values = rows.filter(({ signs }) => signs !== '');
  return values.length === 0
    ? []
    : [
        silentLayer(
          values,
          { type: 'text', dy: -11, fontSize: 11 },
          { text: { field: 'signs' }, color: { value: INK } },
        ),
      ];
}

/** Marks that all points of a line share; its label shows them. */
function sharedMarks(figures: readonly SweepFigure[]): Mark[] {
  const [first, ...others] = figures;
  return (first?.marks ?? []).filter(mark => others.every(({ marks }) => marks.includes(mark)));
}

function listRows({ label, figures, tip }: Line, isContinuous: boolean) {
  const shared = sharedMarks(figures);
  return figures.map(figure => ({
    x: isContinuous ? Number(figure.cell.x) : formatValue(figure.cell.x),
    line: label,
    ...figure.interval,
    tip: tip(figure),
    signs: signsOf(figure.marks.filter(mark => !shared.includes(mark))),
    isInvalid: figure.marks.includes('invalid'),
  }));
}

function axisOf({ path, values, isNumeric }: SweptSetting): X {
  const scale = axisScale({ values, isNumeric });
  const title = nameWithUnit(path);
  if (scale.type === 'point')
    return {
      field: 'x',
      type: 'ordinal',
      scale: { type: 'point', padding: 0.4 },
      sort: values.map(formatValue),
      axis: { title, labelAngle: 0, grid: false },
    };
  return {
    ...quantity('x'),
    scale: { ...scale, nice: false, zero: false, padding: 14 },
    axis: { title, values: values.map(Number), format: ',~r', grid: false },
  };
}

/** Marks a ratio of 1. */
const evenLayer = tippedLayer(
  [{ one: 1, tip: '1: the same as the baseline' }],
  { type: 'rule', strokeDash: [4, 3], strokeWidth: 1.5 },
  { x: { value: 0 }, x2: { value: 'width' }, y: quantity('one'), color: { value: MUTED } },
);
