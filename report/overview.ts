// The answer of a whole run, and the table of its scenarios: a row each, with its answer and a bar of its ratio.
import { headlineOf, METRIC_TABLE } from '../results/metrics.ts';
import type { Metric, Run } from '../results/model/run.ts';
import { INTERVAL_NAME, type Interval, sumOf } from '../results/stats.ts';
import { usesTls } from '../scenarios/model/facts.ts';
import { scenarioOf } from '../scenarios/model/sweep.ts';
import { type CellView, decidingComparisons, stateOf } from './cell-view.ts';
import { extentOf, logTicks, WIDEST_WHISKER } from './charts/theme.ts';
import {
  type Answer,
  type Badge,
  type Bar,
  badgesOf,
  type Overview,
  type OverviewRow,
  type Table,
  type TableCell,
  type Tick,
} from './model.ts';
import { sweepAnswer } from './sweeps/answer.ts';
import { sweepRemarks } from './sweeps/report.ts';
import type { Section } from './sweeps/view.ts';
import { figureColumn, keyColumn, nothing, tabulate, wordColumn, words } from './tables/table.ts';
import {
  cellAnswer,
  describeFailedLimit,
  describeGains,
  describeSetting,
  explainReuse,
  MAX_WORDS,
  rangeOf,
  roundGain,
  shownDifference,
  shownGain,
  TIMES,
} from './words/answer.ts';
import { limitBadges, MAX_BADGES, stopBadges } from './words/badges.ts';
import { boundRemarks } from './words/bound.ts';
import { describeSides, describeVersions } from './words/clients.ts';
import { nameCharge } from './words/connection-cost.ts';
import { describeErrorGaps, hasErrorGap } from './words/doubts.ts';
import { runRemarks } from './words/headline.ts';
import { formatCount, formatPlain } from './words/numbers.ts';
import { capitalize, compact } from './words/text.ts';

function answerOf(section: Section): Answer {
  return section.kind === 'sweep'
    ? sweepAnswer(section.sweep, sweepRemarks(section.sweep))
    : cellAnswer(section.view);
}

/** The answer of a run: that of its only scenario, or what several have in common. */
export function runAnswer(
  sections: readonly Section[],
  { notBegun = [], skipped = [] }: Pick<Run, 'notBegun' | 'skipped'>,
): Answer {
  const measured = new Set(sections.map(nameOf));
  const lacking = Object.entries({ 'not begun': notBegun, skipped: skipped.map(({ cell }) => cell) })
    .map(([what, cells]) => ({ what, names: lackingOf(cells, measured) }))
    .filter(({ names }) => names.size > 0);
  const asked = formatCount(measured.size + sumOf(lacking, ({ names }) => names.size));
  const answer = answerOfAll(sections);
  const badges = lacking.map(
    ({ what, names }): Badge => ({
      text: `${formatCount(names.size)} of ${asked} scenarios ${what}`,
      tone: 'doubt',
    }),
  );
  return {
    ...answer,
    badges: [...badges, ...answer.badges].slice(0, MAX_BADGES),
    notes: [
      ...lacking.map(({ what, names }) => `${capitalize(what)}: ${[...names].join(', ')}.`),
      ...answer.notes,
    ],
  };
}

/** Scenarios of which no cell was measured; which points of a begun sweep are missing is in its own answer. */
function lackingOf(cells: readonly string[], measured: ReadonlySet<string>): Set<string> {
  return new Set(cells.map(scenarioOf).filter(name => !measured.has(name)));
}

export function nameOf(section: Section): string {
  return section.kind === 'sweep' ? section.sweep.name : section.view.result.cell;
}

function answerOfAll(sections: readonly Section[]): Answer {
  const [only] = sections;
  if (only === undefined)
    return { verdict: 'Nothing was measured', precision: '', context: '', badges: [], notes: [] };
  if (sections.length === 1) return answerOf(only);
  const views = sections.flatMap(viewsOf);
  const expectations = views.flatMap(({ result }) => result.expectations);
  const failed = describeFailedLimit(views.map(view => ({ view, where: `in ${view.result.scenario.name}` })));
  const direction = describeDirection(sections);
  // Scenarios that ask different questions have in common whether their limits hold.
  const holding = direction === null ? describeHolding(expectations) : null;
  const verdict = failed ?? direction ?? holding ?? describeAll(sections);
  return {
    clients: explainReuse(verdict),
    verdict,
    precision: verdict === holding ? `${describeAll(sections)}.` : '',
    context: `${describeCommon(views)} ${describeVersions(views)}`.trim(),
    badges: [...limitBadges(expectations), ...stateBadges(views)],
    notes: runNotes(views),
  };
}

/** Null where not every limit holds. */
function describeHolding(expectations: readonly { state: string }[]): string | null {
  const count = expectations.length;
  return count > 1 && expectations.every(({ state }) => state === 'pass')
    ? `All ${formatCount(count)} limits hold`
    : null;
}

/** What set the pace is said by the badges of each scenario. */
function runNotes(views: readonly CellView[]): string[] {
  const said = boundRemarks(views);
  return compact([
    describeErrorGaps(views.filter(hasErrorGap).map(({ result }) => result.cell)),
    ...runRemarks(views).filter(remark => !said.includes(remark)),
  ]);
}

export function viewsOf(section: Section): CellView[] {
  return section.kind === 'sweep' ? section.sweep.cells.map(({ view }) => view) : [section.view];
}

/** In how many scenarios a difference was shown. */
function describeAll(sections: readonly Section[]): string {
  const views = sections.flatMap(viewsOf);
  const count = `${formatCount(sections.length)} scenarios`;
  if (views.every(view => stateOf(view) === 'unmeasured')) return 'Nothing could be measured';
  const comparisons = views.flatMap(({ result }) => decidingComparisons(result));
  if (comparisons.length === 0) return `${count} of single clients, so nothing is compared`;
  const comparing = sections.filter(section =>
    viewsOf(section).some(({ result }) =>
      decidingComparisons(result).some(({ replicateRatios }) => replicateRatios.length > 0),
    ),
  );
  if (comparing.length === 0) return 'Nothing can be compared';
  const differing = sections.filter(differs).length;
  return differing === 0
    ? `No difference shown in ${formatCount(comparing.length)} of ${count}`
    : `Clients differ in ${formatCount(differing)} of ${formatCount(comparing.length)} scenarios`;
}

function differs(section: Section): boolean {
  return viewsOf(section).some(({ result }) =>
    decidingComparisons(result).some(({ verdict }) => verdict !== 'unsure'),
  );
}

/** Gains that are listed of either kind of scenario. */
const MAX_APART = 2;

/**
 * What differs and which way, where all scenarios that differ do so alike: `Reuse serves 4.6 and 5.2 times the requests, over TLS
 * 44 times`. Null where they do not, or there is no room for it.
 */
function describeDirection(sections: readonly Section[]): string | null {
  const asked = sections.length;
  const differing = sections.filter(differs);
  const found = differing.flatMap(section => {
    if (section.kind === 'sweep') return [];
    const difference = shownDifference(section.view);
    const isOverTls = usesTls(section.view.result.scenario.target);
    return difference === null ? [] : [{ ...difference, isOverTls }];
  });
  const [first] = found;
  if (first === undefined || found.length < differing.length) return null;
  const kindOf = ({ gain, of }: (typeof found)[number]): string =>
    JSON.stringify([gain.value > 1, of.candidate, of.baseline, of.load.model, of.bound]);
  if (found.some(one => kindOf(one) !== kindOf(first))) return null;
  const gainsOf = (isOverTls: boolean): Interval[] =>
    found.filter(one => one.isOverTls === isOverTls).map(({ gain }) => gain);
  const all = asked === 2 ? 'both scenarios' : `${formatCount(asked)} scenarios`;
  const places =
    found.length < asked ? `${formatCount(found.length)} of ${formatCount(asked)} scenarios` : all;
  const [plain, overTls] = [gainsOf(false), gainsOf(true)];
  // What makes ratios of reuse differ most is whether a connection needs a handshake of TLS.
  const isSplit =
    first.of.baseline === '' && plain.length > 0 && overTls.length > 0 && found.length === asked;
  const said =
    isSplit && found.every(({ gain }) => gain.value >= TIMES)
      ? `${describeGains(plain, first.of, MAX_APART)}, over TLS ${rangeOf(overTls, roundGain, MAX_APART)} times`
      : `${describeGains(
          found.map(({ gain }) => gain),
          first.of,
        )} in ${places}`;
  return said.split(' ').length <= MAX_WORDS ? said : null;
}

/** What was the same in all scenarios. */
function describeCommon(views: readonly CellView[]): string {
  const settings = views.map(view => describeSetting(view).split(', '));
  const common = settings[0]!.filter(part => settings.every(parts => parts.includes(part)));
  return common.length === 0 ? '' : `All scenarios: ${common.join(', ')}.`;
}

function stateBadges(views: readonly CellView[]): Badge[] {
  const count = (wanted: string): number => views.filter(view => stateOf(view) === wanted).length;
  const [invalid, lost] = [count('invalid'), count('unmeasured')];
  const of = formatCount(views.length);
  return compact([
    invalid > 0 && { text: `not reliable: audits failed in ${invalid} of ${of}`, tone: 'fail' },
    lost > 0 && { text: `${lost} of ${of} not measured`, tone: 'fail' },
    ...stopBadges(views),
  ]);
}

/** A row for each scenario, their bars on one axis; null for a single one. */
export function overviewOf(sections: readonly Section[]): Overview | null {
  if (sections.length < 2) return null;
  const found = sections.map(section => ({
    name: nameOf(section),
    answer: answerOf(section),
    sides: section.kind === 'sweep' ? null : describeSides(section.view),
    cost: section.kind === 'sweep' ? null : nameCharge(section.view),
    gain: section.kind === 'sweep' ? null : shownGain(section.view),
  }));
  const axis = axisOf(found.flatMap(({ gain }) => gain?.gain ?? []));
  const rows = found.map(({ gain, ...row }) => ({ ...row, bar: gain === null ? null : barOf(gain, axis) }));
  const metrics = new Set(
    sections.flatMap(viewsOf).map(({ result }) => headlineOf(result.scenario.load).metric),
  );
  return { rows, ticks: ticksOn(axis), table: overviewTable(rows, metrics) };
}

/** What the ratio of a row is of, where it is the same in all rows. */
function describeGain(metrics: ReadonlySet<Metric>): string {
  const [only, ...others] = [...metrics].map(metric => METRIC_TABLE[metric].title);
  return only === undefined || others.length > 0 ? 'times better' : `${only}, times better`;
}

function overviewTable(rows: readonly OverviewRow[], metrics: ReadonlySet<Metric>): Table {
  const orNothing = (text: string | null): TableCell => (text === null ? nothing : words(text));
  return tabulate(rows, {
    name: 'overview',
    title: 'Answers',
    columns: [
      [keyColumn('cell', 'scenario'), ({ name }) => words(name)],
      [wordColumn('question', 'question'), ({ answer }) => words(answer.question ?? '')],
      [wordColumn('verdict', 'answer'), ({ answer }) => words(answer.verdict)],
      [figureColumn('gain', describeGain(metrics), INTERVAL_NAME), ({ bar }) => orNothing(bar?.text ?? null)],
      rows.some(({ sides }) => sides !== null) && [
        wordColumn('sides', 'requests/s and mean latency'),
        ({ sides }) => orNothing(sides),
      ],
      rows.some(({ cost }) => cost !== null) && [
        wordColumn('cost', 'CPU of a new connection'),
        ({ cost }) => orNothing(cost),
      ],
      [wordColumn('badges', 'trust'), ({ answer }) => badgesCell(answer)],
    ],
  });
}

function badgesCell(answer: Answer): TableCell {
  const badges = badgesOf(answer).map(({ text }) => text);
  return words(badges.join('; '), badges);
}

interface Axis {
  low: number;
  high: number;
  at(value: number): number;
}

/** It follows the ratios and 1; bounds that lie far beyond are cut off. */
function axisOf(gains: readonly Interval[]): Axis {
  const { low, high } = extentOf(gains, { alsoShown: [1], widestBand: WIDEST_WHISKER });
  const [least, most] = [Math.log(low), Math.log(high)];
  return {
    low,
    high,
    at(value) {
      const place = most === least ? 0 : (Math.log(value) - least) / (most - least);
      return Number(Math.min(1, Math.max(0, place)).toFixed(4));
    },
  };
}

function barOf(
  { gain: { value, low, high }, text, named }: { gain: Interval; text: string; named: string },
  { at, ...ends }: Axis,
): Bar {
  return {
    text,
    named,
    one: at(1),
    value: at(value),
    low: at(low),
    high: at(high),
    isLowCut: low < ends.low,
    isHighCut: high > ends.high,
  };
}

/** Labels closer to each other would touch. */
const MIN_GAP = 0.14;

const ROUNDNESS: Readonly<Record<string, number>> = { 1: 0, 5: 1 };

/** 1, then round values on both sides of it as far as there is room; none without an axis. */
function ticksOn({ low, high, at }: Axis): Tick[] {
  if (low === high) return [];
  const shown: number[] = [1];
  // Powers of ten before fives, fives before twos.
  const roundness = (value: number): number => ROUNDNESS[value.toExponential()[0]!] ?? 2;
  for (const tick of logTicks(low, high).toSorted((a, b) => roundness(a) - roundness(b))) {
    if (shown.every(other => Math.abs(at(other) - at(tick)) >= MIN_GAP)) shown.push(tick);
  }
  return shown.toSorted((a, b) => a - b).map(value => ({ text: formatPlain(value), at: at(value) }));
}
