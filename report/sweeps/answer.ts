// The answer of a sweep in at most 15 words: how its deciding figure goes along the setting, as far as the intervals show.
import type { SweepPoint } from '../../scenarios/model/scenario.ts';
import { shortNames } from '../../scenarios/model/sweep.ts';
import { stateOf } from '../cell-view.ts';
import type { Answer, Badge } from '../model.ts';
import { describeFailedLimit, describeSetting } from '../words/answer.ts';
import { limitBadges } from '../words/badges.ts';
import { boundRemarks, describeBounds, lacksCapacities } from '../words/bound.ts';
import { describeSweptClients } from '../words/clients.ts';
import { describeAt, describePlaces, dimensionOf, formatValue, formatWithUnit } from '../words/dimensions.ts';
import { countReplicates, formatCount } from '../words/numbers.ts';
import { listed } from '../words/text.ts';
import { type Course, coursesOf, extremesOf, isLevelKnown, sweepHeadline, trendOf } from './headline.ts';
import type { SweepFigure, SweepView, SweptSetting } from './view.ts';

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
  return `at ${listed(points.map(({ value }, index) => describeAt(value, dimensionOf(names[index]!))))}`;
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
  const between = `${x.words} ${formatValue(first.x)} and ${formatWithUnit(last.x, x)}`;
  switch (trend.kind) {
    case 'alone':
    case 'unshown':
      return figures.every(({ interval }) => interval.high === interval.low)
        ? `Undecided: no interval of ${name} is known, so no change can be shown`
        : `No change in ${name} shown between ${between}`;
    case 'mixed':
      return `${name} rises and falls between ${between}`;
    case 'rises':
    case 'falls':
      return trend.level !== null && isLevelKnown(trend.level)
        ? `${name} ${trend.kind} up to ${x.words} ${formatWithUnit(figures[trend.level.from]!.x, x)}, then stays level`
        : `${name} ${trend.kind} from ${brief(first)} to ${brief(last)} as ${x.words} reaches ${formatWithUnit(last.x, x)}`;
    default:
      return trend satisfies never;
  }
}

/** Over two settings, or one without an order. */
function describeSpan({ name, figures, unit }: Course, { x, other }: SweepView): string {
  const { highest, lowest } = extremesOf(figures);
  const over = other === undefined ? x.words : `${x.words} and ${other.words}`;
  return highest === lowest
    ? `${name} is ${brief(lowest)}${unit}`
    : `${name} is between ${brief(lowest)} and ${brief(highest)}${unit} over ${over}`;
}

/** Without its bounds. */
function brief({ text }: SweepFigure): string {
  return text.replace(/ \(.*/, '');
}
