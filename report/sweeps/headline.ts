// In: a sweep. Out: how the answer goes from one end of it to the other, in sentences that are no surer than the intervals.
import { failureCauses } from '../../results/audits/index.ts';
import { type Verdict, verdictsOf } from '../../results/compare.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import type { SweepPoint } from '../../scenarios/model/scenario.ts';
import { subsetText } from '../../scenarios/model/sweep.ts';
import { type CellView, comparisonMarks, signsOf } from '../cell-view.ts';
import type { Mark } from '../model.ts';
import { describeErrorGaps, hasErrorGap, suggestNextStep } from '../words/headline.ts';
import { formatPercent } from '../words/numbers.ts';
import {
  armFigures,
  baselineOf,
  candidatesOf,
  decidingMetric,
  formatValue,
  type Measure,
  measureOf,
  ratioFigures,
  type SweepFigure,
  type SweepView,
  type SweptSetting,
} from './view.ts';

// From one figure with its interval for each value of a swept setting, in order. Out: what the intervals show of its course.

export type Trend =
  /** Fewer than two figures. */
  | { kind: 'alone' }
  /** No two figures are apart. */
  | { kind: 'unshown' }
  /** Figures that are apart are so in one direction only. */
  | {
      kind: 'rises' | 'falls';
      /** Whether every figure is apart from the one before. */
      isEveryStep: boolean;
      /** From which index on no two figures are apart; null where that is only the last. */
      level: Level | null;
    }
  /** It rises somewhere and falls elsewhere. */
  | { kind: 'mixed' };

interface Level {
  from: number;
  /** How far any two of its figures may still differ, as a share: 0.08 is 8 %; null where that of one is not known. */
  most: number | null;
}

/**
 * Two figures are apart when their 95 % intervals do not touch: for independent ones that is far stricter than 95 %, which
 * a sweep needs, because it looks at many pairs. A figure without an interval is apart from none.
 *
 *     rises at every step       rises, level from the 2nd       mixed
 *                 |*|                  |--*--|                   |*|
 *           |*|                    |--*--|                 |*|         |*|
 *     |*|                      |*|
 */
export function trendOf(figures: readonly Interval[]): Trend {
  if (figures.length < 2) return { kind: 'alone' };
  const pairs = figures.flatMap((earlier, from) =>
    figures.slice(from + 1).map((later, gap) => ({ earlier, later, from, gap })),
  );
  const rises = pairs.filter(({ earlier, later }) => isBelow(earlier, later));
  const falls = pairs.filter(({ earlier, later }) => isBelow(later, earlier));
  if (rises.length > 0 && falls.length > 0) return { kind: 'mixed' };
  const shown = rises.length > 0 ? rises : falls;
  if (shown.length === 0) return { kind: 'unshown' };
  const levelFrom = Math.max(...shown.map(({ from }) => from)) + 1;
  return {
    kind: rises.length > 0 ? 'rises' : 'falls',
    isEveryStep: shown.filter(({ gap }) => gap === 0).length === figures.length - 1,
    level: levelFrom < figures.length - 1 ? levelOf(figures, levelFrom) : null,
  };
}

function levelOf(figures: readonly Interval[], from: number): Level {
  const level = figures.slice(from);
  if (!level.every(({ low, high }) => high > low && low > 0)) return { from, most: null };
  const most = level.flatMap((one, index) =>
    level.filter((_, other) => other !== index).map(other => one.high / other.low - 1),
  );
  return { from, most: Math.max(...most) };
}

/** Whether one figure could be shown to be below the other. */
function isBelow(lower: Interval, higher: Interval): boolean {
  return lower.high > lower.low && higher.high > higher.low && lower.high < higher.low;
}

/** The figures of one arm over the sweep, with the words for them. */
interface Course {
  /** `the ratio of persistent to short in requests/s`. */
  subject: string;
  /** What stands behind a figure. */
  unit: string;
  figures: readonly SweepFigure[];
}

/** What came out of a sweep, in a sentence. */
export function sweepHeadline(sweep: SweepView): string {
  const [largest] = coursesOf(sweep);
  if (largest === undefined) return `Could not be measured${describeCauses(sweep)}.`;
  const { other, cells } = sweep;
  const gaps = describeErrorGaps(cells.filter(({ view }) => hasErrorGap(view)).map(({ place }) => place));
  return `${gaps}${other === undefined ? describeAlong(largest, sweep.x) : describeOverall(largest, sweep)}`;
}

/** The other arms, the lines of a second setting, and where the arms differ: what the headline has no room for. */
export function courseRemarks(sweep: SweepView): string[] {
  const [largest, ...others] = coursesOf(sweep);
  if (largest === undefined) return [];
  return [
    ...(sweep.other === undefined ? [] : describeLines(largest, sweep, sweep.other)),
    ...others.map(course =>
      sweep.other === undefined ? describeAlong(course, sweep.x) : describeOverall(course, sweep),
    ),
    ...describeVerdicts(sweep),
  ];
}

/** Ratios where there is a baseline to compare with, else what the arm did; the one that changes most comes first. */
function coursesOf(sweep: SweepView): Course[] {
  const measure = measureOf(decidingMetric(sweep));
  const baseline = baselineOf(sweep);
  const ratios = candidatesOf(sweep).map(
    (candidate): Course => ({
      subject: `the ratio of ${candidate} to ${baseline} in ${measure.title}`,
      unit: '',
      figures: ratioFigures(sweep, candidate, measure),
    }),
  );
  const courses = ratios.length > 0 ? ratios : sweep.arms.map(({ name }) => armCourse(name, sweep, measure));
  return courses
    .filter(({ figures }) => figures.length > 0)
    .toSorted((a, b) => spanOf(b.figures) - spanOf(a.figures));
}

function armCourse(name: string, sweep: SweepView, measure: Measure): Course {
  return {
    subject: `the figure of ${name} in ${measure.title}`,
    unit: measure.unit === undefined ? '' : ` ${measure.unit}`,
    figures: armFigures(sweep, name, measure),
  };
}

function formatFigure({ text, marks }: SweepFigure): string {
  return `${text}${signsOf(marks)}`;
}

/** How many times the highest figure is the lowest, as a logarithm. */
function spanOf(figures: readonly SweepFigure[]): number {
  const values = figures.map(({ interval }) => Math.log(interval.value));
  return Math.max(...values) - Math.min(...values);
}

function describeAlong(course: Course, x: SweptSetting): string {
  const { figures, subject } = course;
  const first = figures[0]!;
  const last = figures.at(-1)!;
  if (figures.length === 1) {
    return `With ${x.name} = ${formatValue(first.x)}, ${subject} is at ${formatFigure(first)}${course.unit}.`;
  }
  if (!x.isNumeric)
    return `Over the values of ${x.name}, ${describeExtremes(course, figure => formatValue(figure.x))}.`;
  const ends = `As ${x.name} rises from ${formatValue(first.x)} to ${formatValue(last.x)}, ${subject} goes from ${formatFigure(first)} to ${formatFigure(last)}${course.unit}`;
  return `${ends}${describeTrend(course)}${graveSigns(figures)}.`;
}

/** How it gets from one end to the other, as far as the intervals show. */
function describeTrend(course: Course): string {
  const { figures } = course;
  const trend = trendOf(figures.map(({ interval }) => interval));
  switch (trend.kind) {
    case 'alone':
      return '';
    case 'unshown':
      return '; no change along the way could be shown';
    case 'mixed': {
      const { highest, lowest } = extremesOf(figures);
      return `, but it rises on part of the way and falls on another: it is highest at ${formatValue(highest.x)}, ${formatFigure(highest)}, and lowest at ${formatValue(lowest.x)}, ${formatFigure(lowest)}`;
    }
    case 'rises':
    case 'falls': {
      const verb = trend.kind === 'rises' ? 'rising' : 'falling';
      if (trend.isEveryStep) return `, ${verb} at every step`;
      if (trend.level === null) return `, ${verb}, though not at every step that could be shown`;
      return `, ${verb}; ${describeLevel(trend.level, course)}`;
    }
    default:
      return trend satisfies never;
  }
}

/** A level is one only where the figures are known to lie close together. */
const LEVEL_RATIO = 0.25;

/** That no change was shown says nothing by itself: how large a change it could still be does. */
function describeLevel({ from, most }: Level, { figures }: Course): string {
  const start = formatValue(figures[from]!.x);
  return most !== null && most <= LEVEL_RATIO
    ? `from ${start} on it changes by ${formatPercent(most)} at most`
    : `whether it still changes from ${start} on could not be told`;
}

/** Of the figures that are known; of all where none is. */
function extremesOf(figures: readonly SweepFigure[]): { highest: SweepFigure; lowest: SweepFigure } {
  const known = figures.filter(({ interval }) => interval.high > interval.low);
  const sorted = (known.length === 0 ? figures : known).toSorted(
    (a, b) => a.interval.value - b.interval.value,
  );
  return { lowest: sorted[0]!, highest: sorted.at(-1)! };
}

function describeExtremes(course: Course, place: (figure: SweepFigure) => string): string {
  const { highest, lowest } = extremesOf(course.figures);
  if (highest === lowest)
    return `${course.subject} is known with ${place(lowest)} only: ${formatFigure(lowest)}${course.unit}`;
  const high = `${formatFigure(highest)}${course.unit}`;
  const low = `${formatFigure(lowest)}${course.unit}`;
  return isBelow(lowest.interval, highest.interval)
    ? `${course.subject} is highest with ${place(highest)}, at ${high}, and lowest with ${place(lowest)}, at ${low}`
    : `no change of ${course.subject} could be shown: it is at ${low} with ${place(lowest)} and at ${high} with ${place(highest)}`;
}

function describeOverall(course: Course, { x, other }: SweepView): string {
  const names = other === undefined ? x.name : `${x.name} and ${other.name}`;
  return `Over ${names}, ${describeExtremes(course, ({ cell }) => cell.place)}.`;
}

/** Along the axis, for each value of the other setting. */
function describeLines(course: Course, { x }: SweepView, other: SweptSetting): string[] {
  return other.values.flatMap(value => {
    const figures = course.figures.filter(figure => figure.other === value);
    if (figures.length === 0) return [];
    const along = lowerFirst(describeAlong({ ...course, subject: 'it', figures }, x));
    return [`With ${other.name} = ${formatValue(value)}, ${along}`];
  });
}

const VERDICT_ORDER = ['better', 'worse', 'unsure'] as const;

/** Where each arm is better than the baseline, where it is worse, where that could not be told, and what would tell it. */
function describeVerdicts(sweep: SweepView): string[] {
  const deciding = decidingMetric(sweep);
  const found = sweep.cells.flatMap(({ points, view }) =>
    view.result.comparisons
      .filter(({ metric }) => metric === deciding)
      .map(comparison => ({ points, view, comparison })),
  );
  // They are read as one sentence, so their error is held for all cells and arms together.
  const verdicts = verdictsOf(found.map(({ comparison }) => comparison));
  const judged = found.map(each => ({ ...each, verdict: verdicts.get(each.comparison) ?? 'unsure' }));
  const open = judged.filter(({ verdict }) => verdict === 'unsure');
  const nextStep = suggestNextStep(
    open.map(({ view, comparison }) => ({ result: view.result, comparison })),
    sweep.cells.map(({ view }) => view.result),
  );
  return [
    ...candidatesOf(sweep).flatMap(candidate =>
      describeVerdict(
        candidate,
        judged.filter(({ comparison }) => comparison.candidate === candidate),
        sweep,
      ),
    ),
    ...(nextStep === undefined ? [] : [nextStep]),
  ];
}

interface Judged {
  points: readonly SweepPoint[];
  view: CellView;
  comparison: Comparison;
  verdict: Verdict;
}

function describeVerdict(candidate: string, cells: readonly Judged[], sweep: SweepView): string[] {
  const baseline = baselineOf(sweep);
  const parts = VERDICT_ORDER.flatMap(verdict => {
    const own = cells.filter(cell => cell.verdict === verdict);
    const subset = own.map(({ points }) => points);
    if (subset.length === 0) return [];
    const isAll = subset.length === cells.length;
    const signs = graveSigns(
      own.map(({ comparison, view }) => ({ marks: comparisonMarks(comparison, view) })),
    );
    const places = isAll ? 'at every value measured' : `with ${subsetText(sweep.axes, subset)}`;
    return verdict === 'unsure'
      ? [`no difference to ${baseline} could be shown ${isAll ? 'at any value measured' : places}${signs}`]
      : [`${candidate} is ${verdict} than ${baseline} ${places}${signs}`];
  });
  return parts.length === 0 ? [] : [`In ${METRIC_TABLE[decidingMetric(sweep)].title}, ${parts.join('; ')}.`];
}

/** Of what rests on several figures: the marks that make it doubtful. */
function graveSigns(figures: readonly { marks: readonly Mark[] }[]): string {
  const grave = ['invalid', 'unlikeErrors'] as const;
  return signsOf(grave.filter(mark => figures.some(({ marks }) => marks.includes(mark))));
}

function describeCauses({ cells }: SweepView): string {
  const causes = failureCauses(cells.flatMap(({ view }) => view.trials));
  return causes.length === 0 ? '' : `: ${causes.join('; ')}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
