// The answer of a sweep: its verdict, headline and remarks, which say how the result changes along it as far as the intervals show.
import { failureCauses } from '../../results/audits/index.ts';
import { type Verdict, verdictsOf } from '../../results/compare.ts';
import { joinWords } from '../../results/figures.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import type { SweepPoint } from '../../scenarios/model/scenario.ts';
import { isNullArm, shortNames } from '../../scenarios/model/sweep.ts';
import { type CellView, comparisonMarks, stateOf } from '../cell-view.ts';
import type { Answer, Badge, Mark } from '../model.ts';
import { describeFailedLimit, describeSetting } from '../words/answer.ts';
import { limitBadges } from '../words/badges.ts';
import { boundRemarks, describeBounds, lacksCapacities } from '../words/bound.ts';
import { describeSweptClients } from '../words/clients.ts';
import {
  type Dimension,
  describeAt,
  describePlaces,
  dimensionOf,
  formatValue,
  formatWithUnit,
} from '../words/dimensions.ts';
import { describeErrorGaps, hasErrorGap, suggestNextStep } from '../words/doubts.ts';
import { describeNullArm } from '../words/headline.ts';
import { signsOf } from '../words/marks.ts';
import { countReplicates, formatCount, formatPercent, withoutBounds } from '../words/numbers.ts';
import { compact } from '../words/text.ts';
import {
  armFigures,
  baselineOf,
  candidatesOf,
  decidingMetric,
  hasWidth,
  measureOf,
  ratioFigures,
  type SweepFigure,
  type SweepView,
  type SweptSetting,
} from './view.ts';

/** @param notes what limits it, and what to do about it */
export function sweepAnswer(sweep: SweepView, notes: readonly string[]): Answer {
  const { cells, axes } = sweep;
  const views = cells.map(({ view }) => view);
  const failed = describeFailedLimit(
    cells.map(({ view, points }) => ({ view, where: cells.length === 1 ? '' : describeWhere(points) })),
  );
  const said = boundRemarks(views);
  const limitedBy = describeBounds(cells, some =>
    describePlaces(
      axes,
      some.map(({ points }) => points),
    ),
  );
  return {
    question: sweep.question,
    clients: describeSweptClients(views, axes),
    ...(limitedBy === undefined ? {} : { limitedBy }),
    verdict: failed ?? sweepVerdict(sweep),
    precision: sweepHeadline(sweep),
    context: describeSettings(sweep),
    badges: [...limitBadges(views.flatMap(({ result }) => result.expectations)), ...doubtBadges(sweep)],
    // What set the pace is beside the badges, and with each point.
    notes: notes.filter(note => !said.includes(note)),
  };
}

/** `at 80 ms round trip`. */
function describeWhere(points: readonly SweepPoint[]): string {
  const names = shortNames(points.map(({ path }) => path));
  return `at ${joinWords(points.map(({ value }, index) => describeAt(value, dimensionOf(names[index]!))))}`;
}

/** Empty where they differ between points: then they are in the table of points. */
function describeSettings({ cells }: SweepView): string {
  const settings = new Set(cells.map(({ view }) => describeSetting(view)));
  return settings.size === 1 ? `Conditions: ${[...settings][0]}.` : '';
}

function doubtBadges({ cells, missing }: SweepView): Badge[] {
  const states = cells.map(({ view }) => stateOf(view));
  const invalid = states.filter(state => state === 'invalid').length;
  const lost = states.filter(state => state === 'unmeasured').length + missing.length;
  const all = formatCount(cells.length + missing.length);
  return [
    ...(invalid === 0
      ? []
      : [{ text: `not reliable: audits failed at ${invalid} of ${all} points`, tone: 'fail' } as const]),
    ...(lost === 0 ? [] : [{ text: `${lost} of ${all} points not measured`, tone: 'doubt' } as const]),
    ...(invalid + lost > 0
      ? []
      : [{ text: `${all} points, ${describeReplicates(cells)} each`, tone: 'plain' } as const]),
  ];
}

/** `4 replicates`, `3 to 5 replicates`. */
function describeReplicates(cells: SweepView['cells']): string {
  const counts = cells.map(({ view }) => view.result.replicates);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? countReplicates(most) : `${formatCount(least)} to ${countReplicates(most)}`;
}

function sweepVerdict(sweep: SweepView): string {
  const [largest] = coursesOf(sweep);
  if (largest === undefined)
    return sweep.cells.some(({ view }) => lacksCapacities(view))
      ? 'No capacity was found'
      : 'Could not be measured';
  const { x, other } = sweep;
  if (other !== undefined || !x.isNumeric || largest.figures.length === 1)
    return describeSpan(largest, sweep);
  return describeCourse(largest, x);
}

/** `persistent / short rises from 3.0× to 7.1× as roundTripMs goes from 0 to 80`. */
function describeCourse({ name, figures }: Course, x: SweptSetting): string {
  const [first, last] = [figures[0]!, figures.at(-1)!];
  const trend = trendOf(figures.map(({ interval }) => interval));
  const between = `${x.words} ${formatValue(first.cell.x)} and ${formatWithUnit(last.cell.x, x)}`;
  switch (trend.kind) {
    case 'alone':
    case 'unshown':
      return figures.every(({ interval }) => !hasWidth(interval))
        ? `Undecided: no interval of ${name} is known, so no change can be shown`
        : `No change in ${name} shown between ${between}`;
    case 'mixed':
      return `${name} rises and falls between ${between}`;
    case 'rises':
    case 'falls':
      return trend.level !== null && isLevelKnown(trend.level)
        ? `${name} ${trend.kind} up to ${x.words} ${formatWithUnit(figures[trend.level.from]!.cell.x, x)}, then stays level`
        : `${name} ${trend.kind} from ${brief(first)} to ${brief(last)} as ${x.words} reaches ${formatWithUnit(last.cell.x, x)}`;
    default:
      return trend satisfies never;
  }
}

/** Over two settings, or one without an order. */
function describeSpan({ name, figures, unit }: Course, { x, other }: SweepView): string {
  const { highest, lowest } = extremesOf(figures);
  return highest === lowest
    ? `${name} is ${brief(lowest)}${unit}`
    : `${name} is between ${brief(lowest)} and ${brief(highest)}${unit} over ${nameSettings({ x, other })}`;
}

function brief({ text }: SweepFigure): string {
  return withoutBounds(text);
}

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
      /** Index from which on no two figures are apart; null if that is only the last. */
      level: Level | null;
    }
  /** It rises in part and falls in part. */
  | { kind: 'mixed' };

interface Level {
  from: number;
  /** How far any two of its figures may still differ, as a share (0.08 is 8 %); null if one is unknown. */
  most: number | null;
}

/**
 * Two figures are apart if their intervals do not touch. For independent figures that is far stricter than 95 %, which a
 * sweep needs because it compares many pairs. A figure without an interval is apart from none.
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
  if (!level.every(figure => hasWidth(figure) && figure.low > 0)) return { from, most: null };
  const most = level.flatMap((one, index) =>
    level.filter((_, other) => other !== index).map(other => one.high / other.low - 1),
  );
  return { from, most: Math.max(...most) };
}

/** Whether one figure is significantly below the other. */
function isBelow(lower: Interval, higher: Interval): boolean {
  return hasWidth(lower) && hasWidth(higher) && lower.high < higher.low;
}

/** The figures of one client over the sweep, and how to name them. */
interface Course {
  /** In few words: `persistent / short`, `requests/s of pooled`. */
  name: string;
  /** `the ratio of persistent to short in requests/s`. */
  subject: string;
  /** Follows a figure. */
  unit: string;
  figures: readonly SweepFigure[];
}

/** The result of a sweep in one sentence. */
export function sweepHeadline(sweep: SweepView): string {
  const [largest] = coursesOf(sweep);
  if (largest === undefined)
    return sweep.cells.some(({ view }) => lacksCapacities(view))
      ? 'There are no capacities to compare at any point.'
      : `Could not be measured${describeCauses(sweep)}.`;
  const { other, cells } = sweep;
  const gaps = describeErrorGaps(cells.filter(({ view }) => hasErrorGap(view)).map(({ place }) => place));
  const course = other === undefined ? describeAlong(largest, sweep.x) : describeOverall(largest, sweep);
  return compact([gaps, course]).join(' ');
}

/** The other clients, the values of a second setting, and where clients differ: what the headline has no room for. */
export function courseRemarks(sweep: SweepView): string[] {
  const [largest, ...others] = coursesOf(sweep);
  if (largest === undefined) return [];
  return [
    ...describeKnee(largest, sweep),
    ...(sweep.other === undefined ? [] : describeLines(largest, sweep, sweep.other)),
    ...others.map(course =>
      sweep.other === undefined ? describeAlong(course, sweep.x) : describeOverall(course, sweep),
    ),
    ...describeVerdicts(sweep),
  ];
}

/** Ratios if there is a baseline to compare with, else the clients' own figures; the one that changes most comes first. */
function coursesOf(sweep: SweepView): Course[] {
  const measure = measureOf(decidingMetric(sweep));
  const baseline = baselineOf(sweep);
  const ratios = candidatesOf(sweep).map(
    (candidate): Course => ({
      name: `${candidate} / ${baseline}`,
      subject: `the ratio of ${candidate} to ${baseline} in ${measure.title}`,
      unit: '',
      figures: ratioFigures(sweep, candidate, measure),
    }),
  );
  const unit = measure.unit === undefined ? '' : ` ${measure.unit}`;
  const own = sweep.arms.map(({ name }): Course => {
    const subject = `${measure.title} of ${name}`;
    return { name: subject, subject, unit, figures: armFigures(sweep, name, measure) };
  });
  return (ratios.length > 0 ? ratios : own)
    .filter(({ figures }) => figures.length > 0)
    .toSorted((a, b) => spanOf(b.figures) - spanOf(a.figures));
}

function formatFigure({ text, marks }: SweepFigure): string {
  return `${text}${signsOf(marks)}`;
}

/** The ratio of the highest figure to the lowest, as a logarithm. */
function spanOf(figures: readonly SweepFigure[]): number {
  const values = figures.map(({ interval }) => Math.log(interval.value));
  return Math.max(...values) - Math.min(...values);
}

function describeAlong(course: Course, x: SweptSetting): string {
  const { figures, subject } = course;
  const first = figures[0]!;
  const last = figures.at(-1)!;
  if (figures.length === 1) {
    return `With ${x.words} ${formatWithUnit(first.cell.x, x)}, ${subject} is ${formatFigure(first)}${course.unit}.`;
  }
  if (!x.isNumeric)
    return `Over the values of ${x.words}, ${describeExtremes(course, figure => formatWithUnit(figure.cell.x, x))}.`;
  const ends = `As ${x.words} rises from ${formatValue(first.cell.x)} to ${formatWithUnit(last.cell.x, x)}, ${subject} goes from ${formatFigure(first)} to ${formatFigure(last)}${course.unit}`;
  return `${ends}${describeTrend(course, x)}${graveSigns(figures)}.`;
}

/** How it develops between the ends, as far as the intervals show. */
function describeTrend(course: Course, x: Dimension): string {
  const { figures } = course;
  const trend = trendOf(figures.map(({ interval }) => interval));
  switch (trend.kind) {
    case 'alone':
      return '';
    case 'unshown':
      return '; no change in between is significant';
    case 'mixed': {
      const { highest, lowest } = extremesOf(figures);
      return `, rising in part and falling in part: it is highest at ${formatWithUnit(highest.cell.x, x)}, ${formatFigure(highest)}, and lowest at ${formatWithUnit(lowest.cell.x, x)}, ${formatFigure(lowest)}`;
    }
    case 'rises':
    case 'falls': {
      const verb = trend.kind === 'rises' ? 'rising' : 'falling';
      if (trend.isEveryStep) return `, ${verb} at every step`;
      if (trend.level === null) return `, ${verb}, though not significantly at every step`;
      return `, ${verb}; ${describeLevel(trend.level, course, x)}`;
    }
    default:
      return trend satisfies never;
  }
}

/** Figures are called level only if they are known to lie close together. */
const LEVEL_RATIO = 0.25;

function isLevelKnown({ most }: Level): boolean {
  return most !== null && most <= LEVEL_RATIO;
}

/** That no change was detected means little by itself, so this says how large a change may still be. */
function describeLevel({ from, most }: Level, { figures }: Course, x: Dimension): string {
  const start = formatWithUnit(figures[from]!.cell.x, x);
  return isLevelKnown({ from, most })
    ? `from ${start} on, it changes by at most ${formatPercent(most!)}`
    : `whether it changes further from ${start} on is uncertain`;
}

/** Where a pool is large enough: from how many connections on the rate no longer rises, beside the requests that its users have in flight. */
function describeKnee({ figures }: Course, sweep: SweepView): string[] {
  const { x, other, cells } = sweep;
  if (other !== undefined || !x.isNumeric || !x.path.endsWith('.pool.maxConnections')) return [];
  if (decidingMetric(sweep) !== 'requestsPerSec') return [];
  const trend = trendOf(figures.map(({ interval }) => interval));
  if (trend.kind !== 'rises' || trend.level === null || !isLevelKnown(trend.level)) return [];
  const knee = figures[trend.level.from]!;
  const share = knee.interval.value / Math.max(...figures.map(({ interval }) => interval.value));
  const { load } = cells[0]!.view.result.scenario;
  const users =
    load.model === 'closed'
      ? ` By Little's law the rate is what is in flight, divided by how long it takes, and ${formatCount(load.concurrency)} users have at most ${formatCount(load.concurrency)} requests in flight.`
      : '';
  return [
    `${formatValue(knee.cell.x)} connections reach ${formatPercent(share)} of the best rate; more add at most ${formatPercent(trend.level.most!)}${graveSigns(figures)}.${users}`,
  ];
}

/** Among the known figures; among all if none is known. */
function extremesOf(figures: readonly SweepFigure[]): { highest: SweepFigure; lowest: SweepFigure } {
  const known = figures.filter(({ interval }) => hasWidth(interval));
  const sorted = (known.length === 0 ? figures : known).toSorted(
    (a, b) => a.interval.value - b.interval.value,
  );
  return { lowest: sorted[0]!, highest: sorted.at(-1)! };
}

function describeExtremes(course: Course, place: (figure: SweepFigure) => string): string {
  const { highest, lowest } = extremesOf(course.figures);
  if (highest === lowest)
    return `${course.subject} is known only with ${place(lowest)}: ${formatFigure(lowest)}${course.unit}`;
  const high = `${formatFigure(highest)}${course.unit}`;
  const low = `${formatFigure(lowest)}${course.unit}`;
  return isBelow(lowest.interval, highest.interval)
    ? `${course.subject} is highest, ${high}, with ${place(highest)}, and lowest, ${low}, with ${place(lowest)}`
    : `${course.subject} shows no significant change: it is ${low} with ${place(lowest)} and ${high} with ${place(highest)}`;
}

function describeOverall(course: Course, { x, other }: SweepView): string {
  return `Over ${nameSettings({ x, other })}, ${describeExtremes(course, ({ cell }) => cell.place)}.`;
}

function nameSettings({ x, other }: Pick<SweepView, 'x' | 'other'>): string {
  return other === undefined ? x.words : `${x.words} and ${other.words}`;
}

/** Along the axis, for each value of the other setting. */
function describeLines(course: Course, { x }: SweepView, other: SweptSetting): string[] {
  return other.values.flatMap(value => {
    const figures = course.figures.filter(figure => figure.cell.other === value);
    if (figures.length === 0) return [];
    const along = lowerFirst(describeAlong({ ...course, subject: 'it', figures }, x));
    return [`With ${other.words} ${formatWithUnit(value, other)}, ${along}`];
  });
}

const VERDICT_ORDER = ['better', 'worse', 'unsure'] as const;

/** Where each client is better or worse than the baseline, where that is unsure, and what to do about it. */
function describeVerdicts(sweep: SweepView): string[] {
  const deciding = decidingMetric(sweep);
  const found = sweep.cells.flatMap(({ points, view }) =>
    view.result.comparisons
      .filter(({ metric }) => metric === deciding)
      .map(comparison => ({ points, view, comparison })),
  );
  // One sentence covers all of them, so they share the error rate.
  const verdicts = verdictsOf(found.map(({ comparison }) => comparison));
  const judged = found.map(each => ({ ...each, verdict: verdicts.get(each.comparison) ?? 'unsure' }));
  const open = judged.filter(
    ({ verdict, view, comparison }) =>
      verdict === 'unsure' && !isNullArm(comparison.candidate, view.result.scenario),
  );
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
    ...describeNullArm(sweep.cells.map(({ view }) => view)),
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
    const places = isAll ? 'at every value measured' : `with ${describePlaces(sweep.axes, subset)}`;
    return verdict === 'unsure'
      ? [`no significant difference from ${baseline} ${isAll ? 'at any value measured' : places}${signs}`]
      : [`${candidate} is ${verdict} than ${baseline} ${places}${signs}`];
  });
  return parts.length === 0 ? [] : [`In ${METRIC_TABLE[decidingMetric(sweep)].title}, ${parts.join('; ')}.`];
}

/** The signs that make a statement about several figures doubtful. */
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
