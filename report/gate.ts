// Report of a run compared with another: what changed, by how much, and how certain that is.
import type { RunSummary } from '../results/baselines.ts';
import { areErrorsUnlike, errorRatioOf } from '../results/compare.ts';
import { joinWords } from '../results/figures.ts';
import { type Confirmation, type GateLine, type GateResult, type Sight, sightOf } from '../results/gate.ts';
import type { Trend } from '../results/history.ts';
import { isHigherBetter, METRIC_TABLE } from '../results/metrics.ts';
import { METRICS, type Metric } from '../results/model/run.ts';
import { INTERVAL_NAME } from '../results/stats.ts';
import { own } from '../scenarios/model/facts.ts';
import { quantileMarks } from './cell-view.ts';
import { changesFigure } from './charts/before-after.ts';
import { gateHistory } from './history.ts';
import {
  type Answer,
  type Badge,
  type Check,
  type Fact,
  type FactGroup,
  type Figure,
  type Mark,
  type Report,
  type Table,
  type TableCell,
  WITHOUT_CELLS,
} from './model.ts';
import {
  figure,
  figureColumn,
  keyColumn,
  nothing,
  type ReadColumn,
  tabulate,
  withoutInterval,
  wordColumn,
  words,
} from './tables/table.ts';
import { MAX_BADGES } from './words/badges.ts';
import { describeBlindness, describeSight } from './words/doubts.ts';
import { signsOf } from './words/marks.ts';
import {
  describeMove,
  formatCount,
  formatDecimals,
  formatPercent,
  formatQuantity,
  formatRatio,
  formatRelativeChange,
  formatShare,
  formatSigned,
  type Move,
  roundInterval,
} from './words/numbers.ts';
import { formatTime, nameRun, versionFacts } from './words/run.ts';
import { compact, listFacts } from './words/text.ts';

const COUNT_TITLES: Readonly<Record<string, string>> = {
  errorRatio: METRIC_TABLE.successRatio.complement!.title,
  excessConnections: 'unnecessary connections',
  openedConnections: 'connections opened',
};

function titleOf({ metric }: Pick<GateLine, 'metric'>): string {
  return own(COUNT_TITLES, metric) ?? METRIC_TABLE[metric as Metric].title;
}

/** `+9.8 % (+8.1 % to +11.5 %)`; of counts, per 1,000 requests, and without an interval where they are exact. */
function formatChange({ kind, change }: Pick<GateLine, 'kind' | 'change'>): string {
  if (kind !== 'count') return formatRelativeChange(change);
  const { value, low, high } = change;
  const format = (share: number) => formatSigned(share * 1_000, 2);
  const interval = low === high ? '' : ` (${format(low)} to ${format(high)})`;
  return `${format(value)} per 1,000 requests${interval}`;
}

/** What happened to a figure, and between which amounts; of counts, per 1,000 requests. */
function moveOf({ kind, change }: Pick<GateLine, 'kind' | 'change'>): Move {
  if (kind !== 'count') return describeMove(change);
  const { value, low, high } = change;
  const amount = (share: number): string => formatDecimals(Math.abs(share) * 1_000, 2);
  const move = `${value < 0 ? 'fell' : 'rose'} by ${amount(value)} per 1,000 requests`;
  if (low === high) return { move, bounds: null };
  const signed = (share: number): string => formatSigned(share * 1_000, 2);
  const [near, far] = value < 0 ? [high, low] : [low, high];
  const bounds =
    low < 0 && high > 0 ? `${signed(low)} to ${signed(high)}` : `${amount(near)} to ${amount(far)}`;
  return { move, bounds };
}

/** `Confirmed: error rate of a in c: +3.0 per 1,000 requests (...) at first, ... when re-measured, ... combined`. */
export function describeConfirmation({ first, fresh, together, isConfirmed }: Confirmation): string {
  const again = fresh === undefined ? 'no figure' : formatChange(fresh);
  return (
    `${isConfirmed ? 'Confirmed' : 'Not confirmed'}: ${titleOf(first)} of ${first.arm} in ${first.cell}: ` +
    `${formatChange(first)} at first, ${again} when re-measured, ${formatChange(together)} combined.`
  );
}

type Place = Pick<GateLine, 'kind' | 'cell' | 'arm' | 'metric'>;

/** Marks of a figure in one run, by the requests and the error rates of the clients behind it. */
function sideMarks(line: Place, run: RunSummary): Mark[] {
  const arms = line.kind === 'ratio' ? (pairOf(line, run) ?? []) : [armOf(line, line.arm, run)];
  const [one, other] = arms;
  const isUnlike = one !== undefined && other !== undefined && areErrorsUnlike(one, other);
  const fewest = Math.min(...arms.map(arm => arm?.completed ?? Infinity));
  return [
    ...(isUnlike ? (['unlikeErrors'] as const) : []),
    ...quantileMarks(own(METRIC_TABLE, line.metric)?.shareBeyond, fewest),
  ];
}

function changeMarks(line: Place, sides: Sides): Mark[] {
  return [...new Set([...sideMarks(line, sides.before), ...sideMarks(line, sides.after)])];
}

/** One sentence per pair of clients whose error rates differ in either run. */
function errorGapRemarks(lines: readonly GateLine[], { before, after }: Sides): string[] {
  const sides = Object.entries({ 'the baseline': before, 'this run': after });
  const texts = lines.flatMap(line =>
    sides.flatMap(([where, run]) => {
      const pair = sideMarks(line, run).includes('unlikeErrors') ? pairOf(line, run) : undefined;
      if (pair === undefined) return [];
      const rates = pair.map(arm => `${arm.arm} ${formatPercent(errorRatioOf(arm))}`).join(', ');
      return `Error rates differ in ${where} (${line.cell}: ${rates}), so changes of ratios marked ${signsOf(['unlikeErrors'])} compare different work.`;
    }),
  );
  return [...new Set(texts)];
}

function pairOf(line: Place, run: RunSummary) {
  const baseline = run.cells.find(({ cell }) => cell === line.cell)?.baseline;
  const own = armOf(line, line.arm, run);
  const other = baseline === undefined ? undefined : armOf(line, baseline, run);
  return own === undefined || other === undefined ? undefined : ([other, own] as const);
}

function armOf({ cell: name }: Place, arm: string, { cells }: RunSummary) {
  return cells.find(({ cell }) => cell === name)?.arms.find(one => one.arm === arm);
}

const STATE_NAMES: Record<GateLine['state'], string> = {
  regression: 'REGRESSION',
  improvement: 'improvement',
  within: 'no significant change',
  unsure: 'unsure',
};

const KIND_TITLES: Record<GateLine['kind'], string> = {
  ratio: 'Clients relative to the baseline client of their scenario',
  count: 'Errors and connections, as shares of requests',
  absolute: 'Absolute rates on the same machine, for information only',
};

interface Sides {
  before: RunSummary;
  after: RunSummary;
}

/**
 * @param trends those that end in `after`
 * @param remarks sentences to show first
 * @param overlays pictures of both runs, where all of both is at hand
 */
export function buildGateReport(
  of: Sides & {
    result: GateResult;
    trends: readonly Trend[];
    remarks?: readonly string[];
    overlays?: readonly Figure[];
  },
): Report {
  const { before, after, result, trends, remarks = [], overlays = [] } = of;
  const history = gateHistory(result, trends);
  const sight = sightOf(result, before);
  const found = tally(result, sight, history.worseCount);
  const headline = headlineOf(result, of, found);
  const lines = inOrder(result.lines);
  const brief = lines.length === 0 ? null : briefTable(lines, of);
  const allRemarks = compact([
    ...remarks,
    ...errorGapRemarks(result.lines, of),
    sight.blind.length > 0 && !(sight.isBlind && result.state !== 'regression') && describeBlindness(sight),
    ...result.gaps.map(gap => `${gap}.`),
    ...history.remarks,
  ]);
  return {
    ...WITHOUT_CELLS,
    title: 'conntax: comparison of two runs',
    runId: after.runId,
    startedAt: after.startedAt,
    subtitle: `${after.runId} compared with ${before.runId}, which was measured ${formatTime(before.startedAt)}`,
    state: 'complete',
    verdict: result.state === 'regression' || result.state === 'nothing' ? headline : null,
    answer: gateAnswer(result, of, found, allRemarks),
    headline,
    remarks: allRemarks,
    brief,
    tables: [
      ...(['ratio', 'count', 'absolute'] as const).flatMap(kind => {
        const lines = result.lines.filter(line => line.kind === kind);
        return lines.length === 0 ? [] : [tableOf(kind, lines, of)];
      }),
      ...history.tables,
    ],
    figures: [...(brief === null ? [] : drawChanges(lines, brief)), ...overlays, ...history.figures],
    checks: [...result.lines.filter(({ isBinding }) => isBinding).map(checkOf), ...gapChecks(result)],
    facts: [changedFacts(before, after)],
    caveats: [...caveatsOf(result), ...result.unknown.map(reason => `${reason}.`)],
  };
}

/** What the lines of a comparison say together. */
interface Tally {
  /** The regressions, the one furthest beyond its limit first. */
  worst: readonly GateLine[];
  /** Figures that decide. */
  binding: number;
  unsure: number;
  improved: number;
  sight: Sight;
  /** Ratios that became worse over the history. */
  worseCount: number;
}

function tally({ lines }: GateResult, sight: Sight, worseCount: number): Tally {
  const binding = lines.filter(({ isBinding }) => isBinding);
  const ofState = (wanted: GateLine['state']) => binding.filter(({ state }) => state === wanted);
  return {
    worst: ofState('regression').toSorted((a, b) => severity(b) - severity(a)),
    binding: binding.length,
    unsure: ofState('unsure').length,
    improved: ofState('improvement').length,
    sight,
    worseCount,
  };
}

function headlineOf({ gaps, state }: GateResult, sides: Sides, found: Tally): string {
  const { worst, binding, unsure, improved, sight } = found;
  const [first, ...others] = worst;
  if (state === 'nothing') return NOTHING_COMPARED;
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` and ${formatCount(others.length)} more`;
    return `Regression: ${sentenceOf(first, sides)}${more}, since ${nameRun(sides.before)}.`;
  }
  return compact([
    sight.isBlind && describeBlindness(sight),
    gaps.length > 0 && describeLoss(gaps),
    unsure > 0
      ? `No regression detected, but none can be ruled out for ${formatCount(unsure)} of ${formatCount(binding)} figures.`
      : `No regression in ${formatCount(binding)} figures since ${nameRun(sides.before)}.`,
    improved > 0 && `${formatCount(improved)} of them improved.`,
    describeWorsened(found),
  ]).join(' ');
}

const NOTHING_COMPARED = 'Nothing in the baseline could be compared.';

function describeWorsened({ worseCount }: Tally): string {
  if (worseCount === 0) return '';
  return `Over the history ${formatQuantity(worseCount, 'ratio')} became worse.`;
}

/** How sure the verdict is: how far a regression is beyond its limit, or which changes would have been seen. */
function describeCertainty({ gaps, state }: GateResult, sides: Sides, found: Tally): string {
  const [worst] = found.worst;
  const { sight } = found;
  if (state === 'nothing') return NOTHING_COMPARED;
  if (worst !== undefined) return describeRegression(worst, sides);
  return compact([
    sight.isBlind && describeBlindness(sight),
    gaps.length > 0 && describeLoss(gaps),
    found.unsure > 0
      ? `Compared with ${nameRun(sides.before)}. The intervals of these reach beyond the limit, or are too wide to tell.`
      : `Compared with ${nameRun(sides.before)}: each ${INTERVAL_NAME} ends before the limit of a regression.`,
    !sight.isBlind && describeSight(sight),
    describeWorsened(found),
  ]).join(' ');
}

function verdictOf({ state }: GateResult, { worst: [worst], binding, unsure, sight }: Tally): string {
  if (state === 'nothing') return 'FAIL: nothing in the baseline could be compared';
  if (worst !== undefined) return `FAIL: ${titleOf(worst)} of ${worst.arm} ${moveOf(worst).move}`;
  if (sight.isBlind) return 'Blind: a regression would have gone undetected';
  return unsure > 0
    ? `No regression detected, but none ruled out for ${unsure} of ${formatCount(binding)} figures`
    : `No regression in ${formatCount(binding)} figures`;
}

/** What the comparison found, in at most 15 words, and how sure that is. */
function gateAnswer(result: GateResult, sides: Sides, found: Tally, notes: readonly string[]): Answer {
  const { worst, unsure, improved, sight, worseCount } = found;
  const figures = `${formatCount(found.binding)} figures`;
  const { gaps, state } = result;
  const badges: Badge[] = compact([
    worst.length > 0 && { text: `FAIL ${worst.length} of ${figures}`, tone: 'fail' },
    sight.isBlind && { text: 'blind: too noisy to see a change', tone: 'fail' },
    gaps.length > 0 && { text: `${gaps.length} not compared`, tone: 'doubt' },
    unsure > 0 && { text: `${unsure} of ${figures} unsure`, tone: 'doubt' },
    improved > 0 && { text: `${improved} improved`, tone: 'good' },
  ]);
  const history = state === 'regression' || worseCount === 0 ? '' : `; history: ${worseCount} worse`;
  return {
    verdict: `${verdictOf(result, found)}${history}`,
    precision: describeCertainty(result, sides, found),
    context: '',
    badges: badges.slice(0, MAX_BADGES),
    notes,
  };
}

function describeLoss([first = '', ...others]: readonly string[]): string {
  const more = others.length === 0 ? '' : `, and ${formatCount(others.length)} more (below)`;
  return `Not all of the baseline could be compared: ${first}${more}.`;
}

/** How far beyond its limit, in units of the limit, so that kinds can be compared. */
function severity({ kind, change, effect }: GateLine): number {
  return (kind === 'count' ? Math.abs(change.value) : Math.abs(Math.log(change.value))) / effect;
}

function sentenceOf(line: GateLine, sides: Sides): string {
  const { move, bounds } = moveOf(line);
  const interval = bounds === null ? '' : ` (${bounds})`;
  return `${titleOf(line)} of ${line.arm} in ${line.cell} ${move}${interval}${signsOf(changeMarks(line, sides))}`;
}

/** A sentence on the worst regression: from where to where, and how far beyond the limit. */
function describeRegression(line: GateLine, sides: Sides): string {
  const { bounds } = moveOf(line);
  const [from, to] = (['before', 'after'] as const).map(
    side => withoutInterval(valueCell(line, side, sides)).text,
  );
  const reach = bounds === null ? 'It is' : `All of the ${INTERVAL_NAME}, ${bounds}, is`;
  const noise =
    line.noiseFloor === null ? 'was not measured (--null-arm)' : `is up to ${formatShare(line.noiseFloor)}`;
  return [
    `Regression: from ${from} to ${to}${describeWhole(line, sides)} in ${line.cell}, since ${nameRun(sides.before)}.`,
    `${reach} beyond the limit of ${describeLimit(line)}; the noise between two copies of the same client ${noise}.`,
  ].join(' ');
}

/** What a ratio or a share is of. */
function describeWhole(line: GateLine, { before }: Sides): string {
  if (line.kind === 'count') return ' of requests';
  const baseline = pairOf(line, before)?.[0].arm;
  return baseline === undefined ? '' : ` that of ${baseline}`;
}

/** Without its sign, which is that of the change: `4.8 %`, `0.50 per 1,000`. */
function describeLimit(line: GateLine): string {
  return limitCell(line).text.replace(/^[+−]/, '');
}

/** First, so that it is seen on a phone too. */
const outcomeColumn: ReadColumn<GateLine> = [
  wordColumn('state', 'outcome'),
  ({ state }) => words(STATE_NAMES[state], state),
];

/** Those that decide first, regressions on top. */
function inOrder(lines: readonly GateLine[]): GateLine[] {
  return sorted(lines).toSorted(
    (a, b) =>
      Number(b.isBinding) - Number(a.isBinding) ||
      RANKS[a.state] - RANKS[b.state] ||
      Number(b.kind === 'ratio') - Number(a.kind === 'ratio'),
  );
}

/** What each line is about, in words as short as tell them apart. */
function nameLines(lines: readonly GateLine[]): [GateLine, string][] {
  const hasSeveral = new Set(lines.map(({ cell }) => cell)).size > 1;
  return lines.map(line => [
    line,
    `${titleOf(line)} of ${line.arm}${hasSeveral ? ` in ${line.cell}` : ''}${line.kind === 'absolute' ? ', absolute' : ''}`,
  ]);
}

function briefTable(lines: readonly GateLine[], sides: Sides): Table {
  const names = new Map(nameLines(lines));
  return tabulate(lines, {
    name: 'change',
    title: 'Changes',
    columns: [
      outcomeColumn,
      [keyColumn('figure', 'figure'), line => words(names.get(line)!)],
      [
        figureColumn('change', 'change', INTERVAL_NAME),
        line => changeCell(line, sides, formatChange(line).replace(' requests (', ' (')),
      ],
      [figureColumn('limit', 'limit'), limitCell],
      [figureColumn('before', 'before'), line => withoutInterval(valueCell(line, 'before', sides))],
      [figureColumn('after', 'after'), line => withoutInterval(valueCell(line, 'after', sides))],
    ],
    notes: [
      `A regression is a change whose whole ${INTERVAL_NAME} lies beyond the limit; unsure is one whose interval reaches beyond it, or is too wide to tell. The limit is the smallest change that counts, or the difference between two copies of the same client where that was measured and is larger.`,
      describeRatios(lines, sides),
    ],
  });
}

/** What × is, where there is any. */
function describeRatios(lines: readonly GateLine[], { before }: Sides): string | false {
  const ratios = lines.filter(({ kind }) => kind === 'ratio');
  const baselines = [...new Set(ratios.flatMap(line => pairOf(line, before)?.[0].arm ?? []))];
  return (
    baselines.length > 0 &&
    `× is a ratio: the figure divided by that of ${joinWords(baselines)}, the baseline client, in the same run.`
  );
}

function drawChanges(lines: readonly GateLine[], table: Table): Figure[] {
  const changes = nameLines(lines).map(([line, name]) => ({ line, name, change: formatChange(line) }));
  return [changesFigure(changes, table)].filter(found => found !== null);
}

/** The change for the worse from which on it is a regression; nothing for what decides nothing. */
function limitCell({ kind, metric, effect, isBinding }: GateLine): TableCell {
  if (!isBinding) return nothing;
  if (kind === 'count') return words(`${formatSigned(effect * 1_000, 2)} per 1,000`, effect);
  const limit = isHigherBetter(metric as Metric) ? 1 / (1 + effect) : 1 + effect;
  return words(`${formatSigned((limit - 1) * 100, 1)} %`, limit);
}

function changeCell(line: GateLine, sides: Sides, text = formatChange(line)): TableCell {
  return figure(text, { ...line.change }, changeMarks(line, sides));
}

function tableOf(kind: GateLine['kind'], lines: readonly GateLine[], sides: Sides): Table {
  return tabulate(sorted(lines), {
    name: `change-${kind}`,
    title: KIND_TITLES[kind],
    columns: [
      outcomeColumn,
      [keyColumn('cell', 'scenario'), ({ cell }) => words(cell)],
      [keyColumn('arm', 'client'), ({ arm }) => words(arm)],
      [keyColumn('metric', 'metric'), line => words(titleOf(line), line.metric)],
      [figureColumn('before', 'before'), line => valueCell(line, 'before', sides)],
      [figureColumn('after', 'after'), line => valueCell(line, 'after', sides)],
      [figureColumn('change', 'change', INTERVAL_NAME), line => changeCell(line, sides)],
      [
        figureColumn('noiseFloor', 'noise floor'),
        ({ noiseFloor }) => (noiseFloor === null ? nothing : words(formatShare(noiseFloor), noiseFloor)),
      ],
      [
        figureColumn('detectable', 'smallest detectable change'),
        ({ detectable }) =>
          words(
            kind === 'count' ? `${(detectable * 1_000).toFixed(2)} per 1,000` : formatShare(detectable),
            detectable,
          ),
      ],
    ],
    notes:
      kind === 'count'
        ? [
            'Unnecessary connections: opened beyond the most that the connection policy needs, so a slower machine, which sends fewer requests over the same pool, does not look like a regression. Connections opened: all of them, compared where that need is not known.',
          ]
        : [
            'A change is significant if its whole interval lies beyond the minimum effect, or beyond the noise floor if that is higher: the difference measured between two copies of the same client. Smallest detectable change: the smallest that these intervals would have shown to be a regression.',
          ],
  });
}

const RANKS: Record<GateLine['state'], number> = { regression: 0, unsure: 1, improvement: 2, within: 3 };

/** Regressions first, then in the usual order of metrics. */
function sorted(lines: readonly GateLine[]): GateLine[] {
  const metric = (line: GateLine): number => METRICS.indexOf(line.metric as (typeof METRICS)[number]);
  return lines.toSorted(
    (a, b) => RANKS[a.state] - RANKS[b.state] || a.cell.localeCompare(b.cell) || metric(a) - metric(b),
  );
}

function valueCell(line: GateLine, side: 'before' | 'after', sides: Sides): TableCell {
  const interval = line[side];
  switch (line.kind) {
    case 'ratio':
      return figure(formatRatio(interval), { ...interval }, sideMarks(line, sides[side]));
    case 'count':
      return words(formatPercent(interval.value), { ...interval });
    case 'absolute':
      return figure(roundInterval(interval).value, { ...interval }, sideMarks(line, sides[side]));
    default:
      return line.kind satisfies never;
  }
}

function checkOf(line: GateLine): Check {
  const states = { regression: 'fail', unsure: 'unsure', improvement: 'pass', within: 'pass' } as const;
  return {
    group: line.cell,
    name: `${titleOf(line)}, ${line.arm}: no regression`,
    subject: `${titleOf(line)}, ${line.arm}`,
    isFigure: true,
    state: states[line.state],
    detail: `changed by ${formatChange(line)}; ${describeEffect(line)} is significant`,
  };
}

/** The smallest change that is significant. */
function describeEffect({ kind, effect }: GateLine): string {
  return kind === 'count'
    ? `more than ${formatCount(effect * 10_000)} per 10,000 requests`
    : `at least ${formatPercent(effect)}`;
}

/** Figures that cannot be compared leave the outcome unsure; if none can be compared, the gate is broken. */
function gapChecks({ gaps, state }: GateResult): Check[] {
  const details = gaps.length === 0 && state === 'nothing' ? ['the baseline has no figures'] : gaps;
  return details.map(detail => ({
    group: 'baseline',
    name: 'every figure compared',
    subject: 'not compared',
    isFigure: false,
    state: state === 'nothing' ? 'broken' : 'unsure',
    detail,
  }));
}

/** What the two runs were measured by, as far as they differ; the rest by name. */
function changedFacts(before: RunSummary, after: RunSummary): FactGroup {
  const old = new Map(factsOf(before).map(({ label, value }) => [label, value]));
  const now = new Map(factsOf(after).map(({ label, value }) => [label, value]));
  const labels = [...new Set([...old.keys(), ...now.keys()])];
  const same = labels.filter(label => old.get(label) === now.get(label));
  return {
    title: 'What differs',
    facts: compact([
      ...labels
        .filter(label => !same.includes(label))
        .map(label => ({
          label,
          value: `${old.get(label) ?? 'not recorded'} before, ${now.get(label) ?? 'not recorded'} after`,
        })),
      same.length > 0 && { label: 'The same', value: same.join(', ') },
    ]),
  };
}

function factsOf({ runId, startedAt, conntax, git, host }: RunSummary): Fact[] {
  return [
    ...listFacts({ Run: runId, Started: startedAt }),
    ...versionFacts({ conntax, git }),
    ...listFacts({
      CPU: `${host.cpuModel}, ${formatCount(host.cpuCount)} logical cores`,
      Kernel: host.kernel,
      Node: host.node,
      ...host.packages,
    }),
  ];
}

function caveatsOf({ lines, hasSameMachine }: GateResult): string[] {
  const hasFloor = lines.some(({ noiseFloor }) => noiseFloor !== null);
  return compact([
    hasSameMachine
      ? 'Both runs report the same kind of machine; its speed may still have differed between them.'
      : 'The runs differ in CPU, kernel or Node, so only ratios and counts are compared.',
    !hasFloor &&
      lines.length > 0 &&
      'The noise floor is unknown, because the runs have no copy of the baseline client (conntax run --null-arm adds one).',
  ]);
}
