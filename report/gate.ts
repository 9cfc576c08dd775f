// Report of a run compared with another: what changed, by how much, and how certain that is.
import type { RunSummary } from '../results/baselines.ts';
import { areErrorsUnlike, errorRatioOf } from '../results/compare.ts';
import {
  BLIND_ABOVE,
  type Confirmation,
  type GateLine,
  type GateResult,
  type GuardedRatio,
  type Sight,
  sightOf,
} from '../results/gate.ts';
import type { Trend } from '../results/history.ts';
import { isHigherBetter, METRIC_TABLE } from '../results/metrics.ts';
import { METRICS, type Metric } from '../results/model/run.ts';
import { INTERVAL_NAME } from '../results/stats.ts';
import { quantileMarks, signsOf } from './cell-view.ts';
import { changesFigure } from './charts/before-after.ts';
import { gateHistory } from './history.ts';
import type {
  Answer,
  Badge,
  Check,
  Fact,
  FactGroup,
  Figure,
  Mark,
  Report,
  Table,
  TableCell,
} from './model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './tables/table.ts';
import { listed } from './words/load.ts';
import {
  describeMove,
  formatCount,
  formatDecimals,
  formatPercent,
  formatRatio,
  formatRelativeChange,
  formatShare,
  formatSigned,
  type Move,
  roundInterval,
} from './words/numbers.ts';
import { formatTime, nameRun, versionFacts } from './words/run.ts';

function titleOf({ metric }: Pick<GateLine, 'metric'>): string {
  switch (metric) {
    case 'errorRatio':
      return METRIC_TABLE.successRatio.complement!.title;
    case 'excessConnections':
      return 'unnecessary connections';
    case 'openedConnections':
      return 'connections opened';
    default:
      return METRIC_TABLE[metric].title;
  }
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
  return [...(isUnlike ? (['unlikeErrors'] as const) : []), ...quantileMarks(shareBeyondOf(line), fewest)];
}

/** Of a quantile; undefined for any other metric. */
function shareBeyondOf({ metric }: Place): number | undefined {
  return metric === 'errorRatio' || metric === 'excessConnections' || metric === 'openedConnections'
    ? undefined
    : METRIC_TABLE[metric].shareBeyond;
}

/** Marks of a change: those of either side. */
function changeMarks(line: Place, sides: { before: RunSummary; after: RunSummary }): Mark[] {
  return [...new Set([...sideMarks(line, sides.before), ...sideMarks(line, sides.after)])];
}

/** One sentence per pair of clients whose error rates differ in either run. */
function errorGapRemarks(
  lines: readonly GateLine[],
  { before, after }: { before: RunSummary; after: RunSummary },
): string[] {
  const texts = lines.flatMap(line =>
    (
      [
        ['the baseline', before],
        ['this run', after],
      ] as const
    ).flatMap(([where, run]) => {
      const pair = sideMarks(line, run).includes('unlikeErrors') ? pairOf(line, run) : undefined;
      if (pair === undefined) return [];
      const rates = pair.map(arm => `${arm.arm} ${formatPercent(errorRatioOf(arm))}`).join(', ');
      return [
        `Error rates differ in ${where} (${line.cell}: ${rates}), so changes of ratios marked ${signsOf(['unlikeErrors'])} compare different work.`,
      ];
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

/** Ratios named in a sentence; the others are counted. */
const MOST_NAMED = 3;

/** Says that the comparison is blind, or which of its ratios are. */
export function describeBlindness({ ratios, blind, isBlind }: Sight): string {
  const [best] = ratios;
  const missed = `a change of ${formatPercent(BLIND_ABOVE)} would have gone undetected in ${formatCount(blind.length)} of ${formatCount(ratios.length)} ratios`;
  if (!isBlind || best === undefined) return `Partly blind: ${missed} (${listRatios(blind)}).`;
  return `Blind: ${missed}${blind.length < ratios.length ? `, including all deciding ones (${listRatios(blind)})` : ''}; ${describeBest(best)}.`;
}

/** The smallest and the largest of the detectable changes. */
export function describeSight({ ratios }: Sight): string {
  const [best] = ratios;
  const worst = ratios.at(-1);
  if (best === undefined || worst === undefined)
    return 'It has no ratio between clients, so it guards only errors and connections.';
  const range =
    ratios.length === 1 ? nameDetectable(best) : `${nameDetectable(best)}, to ${nameDetectable(worst)}`;
  return `Smallest detectable change, in a run of the same precision: ${range}.`;
}

function describeBest(best: GuardedRatio): string {
  return Number.isFinite(best.detectable)
    ? `the smallest detectable change is ${nameDetectable(best)}`
    : 'no ratio has an interval';
}

/** `33 % in p99 latency of persistent (ci-reuse)`. */
function nameDetectable(ratio: GuardedRatio): string {
  const change = Number.isFinite(ratio.detectable) ? formatShare(ratio.detectable) : 'unknown';
  return `${change} in ${nameRatio(ratio)}`;
}

function nameRatio({ cell, metric, arm }: GuardedRatio): string {
  return `${titleOf({ metric })} of ${arm} (${cell})`;
}

function listRatios(ratios: readonly GuardedRatio[]): string {
  const named = ratios.slice(0, MOST_NAMED).map(nameRatio).join(', ');
  const more = ratios.length - MOST_NAMED;
  return more > 0 ? `${named} and ${formatCount(more)} more` : named;
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
  const headline = headlineOf(result, of, { sight, worseCount: history.worseCount });
  const lines = inOrder(result.lines);
  const brief = lines.length === 0 ? null : briefTable(lines, of);
  const allRemarks = [
    ...remarks,
    ...errorGapRemarks(result.lines, of),
    ...(sight.blind.length === 0 || (sight.isBlind && result.state !== 'regression')
      ? []
      : [describeBlindness(sight)]),
    ...result.gaps.map(gap => `${gap}.`),
    ...history.remarks,
  ];
  return {
    title: 'conntax: comparison of two runs',
    runId: after.runId,
    startedAt: after.startedAt,
    subtitle: `${after.runId} compared with ${before.runId}, which was measured ${formatTime(before.startedAt)}`,
    state: 'complete',
    verdict: result.state === 'regression' || result.state === 'nothing' ? headline : null,
    answer: gateAnswer(result, of, { sight, worseCount: history.worseCount, notes: allRemarks }),
    limits: null,
    missing: null,
    overview: null,
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
    sweeps: [],
    cells: [],
    scenarioCaveats: [],
    checks: [...result.lines.filter(({ isBinding }) => isBinding).map(checkOf), ...gapChecks(result)],
    words: [],
    facts: [changedFacts(before, after)],
    caveats: [...caveatsOf(result), ...result.unknown.map(reason => `${reason}.`)],
  };
}

function headlineOf(
  { lines, gaps, state }: GateResult,
  sides: Sides,
  { sight, worseCount }: { sight: Sight; worseCount: number },
): string {
  const { before } = sides;
  const binding = lines.filter(({ isBinding }) => isBinding);
  const worst = worstOf(lines);
  if (state === 'nothing') return NOTHING_COMPARED;
  if (worst.length > 0) {
    const others = worst.length === 1 ? '' : ` and ${formatCount(worst.length - 1)} more`;
    return `Regression: ${sentenceOf(worst[0]!, sides)}${others}, since ${nameRun(before)}.`;
  }
  const unsure = binding.filter(line => line.state === 'unsure').length;
  const better = binding.filter(line => line.state === 'improvement').length;
  const found =
    unsure > 0
      ? `No regression detected, but none can be ruled out for ${formatCount(unsure)} of ${formatCount(binding.length)} figures.`
      : `No regression in ${formatCount(binding.length)} figures since ${nameRun(before)}.`;
  return [
    ...(sight.isBlind ? [describeBlindness(sight)] : []),
    ...(gaps.length === 0 ? [] : [describeLoss(gaps)]),
    found,
    ...(better === 0 ? [] : [`${formatCount(better)} of them improved.`]),
    ...describeWorsened(worseCount),
  ].join(' ');
}

const NOTHING_COMPARED = 'Nothing in the baseline could be compared.';

/** The regressions, the one furthest beyond its limit first. */
function worstOf(lines: readonly GateLine[]): GateLine[] {
  return lines
    .filter(({ isBinding, state }) => isBinding && state === 'regression')
    .toSorted((a, b) => severity(b) - severity(a));
}

function describeWorsened(count: number): string[] {
  return count === 0
    ? []
    : [`Over the history ${count === 1 ? '1 ratio' : `${formatCount(count)} ratios`} became worse.`];
}

/** How sure the verdict is: how far a regression is beyond its limit, or which changes would have been seen. */
function describeCertainty(
  { lines, gaps, state }: GateResult,
  sides: Sides,
  { sight, worseCount }: { sight: Sight; worseCount: number },
): string {
  const [worst] = worstOf(lines);
  if (state === 'nothing') return NOTHING_COMPARED;
  if (worst !== undefined) return describeRegression(worst, sides);
  const isUnsure = lines.some(line => line.isBinding && line.state === 'unsure');
  return [
    ...(sight.isBlind ? [describeBlindness(sight)] : []),
    ...(gaps.length === 0 ? [] : [describeLoss(gaps)]),
    isUnsure
      ? `Compared with ${nameRun(sides.before)}. The intervals of these reach beyond the limit, or are too wide to tell.`
      : `Compared with ${nameRun(sides.before)}: each ${INTERVAL_NAME} ends before the limit of a regression.`,
    ...(sight.isBlind ? [] : [describeSight(sight)]),
    ...describeWorsened(worseCount),
  ].join(' ');
}

/** What the comparison found, in at most 15 words, and how sure that is. */
function gateAnswer(
  result: GateResult,
  sides: Sides,
  of: { sight: Sight; worseCount: number; notes: readonly string[] },
): Answer {
  const { lines, gaps, state } = result;
  const binding = lines.filter(({ isBinding }) => isBinding);
  const count = (wanted: GateLine['state']): number => binding.filter(line => line.state === wanted).length;
  const figures = `${formatCount(binding.length)} figures`;
  const [worst] = worstOf(lines);
  const badges: Badge[] = [
    ...(count('regression') === 0
      ? []
      : [{ text: `FAIL ${count('regression')} of ${figures}`, tone: 'fail' } as const]),
    ...(of.sight.isBlind ? [{ text: 'blind: too noisy to see a change', tone: 'fail' } as const] : []),
    ...(gaps.length === 0 ? [] : [{ text: `${gaps.length} not compared`, tone: 'doubt' } as const]),
    ...(count('unsure') === 0
      ? []
      : [{ text: `${count('unsure')} of ${figures} unsure`, tone: 'doubt' } as const]),
    ...(count('improvement') === 0
      ? []
      : [{ text: `${count('improvement')} improved`, tone: 'good' } as const]),
  ];
  return {
    verdict: `${verdict()}${state === 'regression' || of.worseCount === 0 ? '' : `; history: ${of.worseCount} worse`}`,
    precision: describeCertainty(result, sides, of),
    context: '',
    badges: badges.slice(0, 4),
    notes: of.notes,
  };

  function verdict(): string {
    if (state === 'nothing') return 'FAIL: nothing in the baseline could be compared';
    if (worst !== undefined) return `FAIL: ${titleOf(worst)} of ${worst.arm} ${moveOf(worst).move}`;
    if (of.sight.isBlind) return 'Blind: a regression would have gone undetected';
    return count('unsure') > 0
      ? `No regression detected, but none ruled out for ${count('unsure')} of ${figures}`
      : `No regression in ${figures}`;
  }
}

/** Says which figures of the baseline could not be compared. */
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

/** Of the worst regression: from where to where, and how far beyond the limit. */
function describeRegression(line: GateLine, sides: Sides): string {
  const { bounds } = moveOf(line);
  const [from, to] = (['before', 'after'] as const).map(side => centreCell(line, side, sides).text);
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
const outcomeColumn = wordColumn('state', 'outcome');

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
function nameLines(lines: readonly GateLine[]): string[] {
  const hasSeveral = new Set(lines.map(({ cell }) => cell)).size > 1;
  return lines.map(
    line =>
      `${titleOf(line)} of ${line.arm}${hasSeveral ? ` in ${line.cell}` : ''}${line.kind === 'absolute' ? ', absolute' : ''}`,
  );
}

/** Every change in a line. */
function briefTable(lines: readonly GateLine[], sides: Sides): Table {
  const names = nameLines(lines);
  return createTable({
    name: 'change',
    title: 'Changes',
    columns: [
      outcomeColumn,
      keyColumn('figure', 'figure'),
      figureColumn('change', 'change', INTERVAL_NAME),
      figureColumn('limit', 'limit'),
      figureColumn('before', 'before'),
      figureColumn('after', 'after'),
    ],
    rows: lines.map((line, index) => [
      words(STATE_NAMES[line.state], line.state),
      words(names[index]!),
      figure(formatChange(line).replace(' requests (', ' ('), { ...line.change }, changeMarks(line, sides)),
      limitCell(line),
      ...(['before', 'after'] as const).map(side => centreCell(line, side, sides)),
    ]),
    notes: [
      `A regression is a change whose whole ${INTERVAL_NAME} lies beyond the limit; unsure is one whose interval reaches beyond it, or is too wide to tell. The limit is the smallest change that counts, or the difference between two copies of the same client where that was measured and is larger.`,
      ...describeRatios(lines, sides),
    ],
  });
}

/** What × is, where there is any. */
function describeRatios(lines: readonly GateLine[], { before }: Sides): string[] {
  const ratios = lines.filter(({ kind }) => kind === 'ratio');
  const baselines = new Set(ratios.flatMap(line => pairOf(line, before)?.[0].arm ?? []));
  return baselines.size === 0
    ? []
    : [
        `× is a ratio: the figure divided by that of ${listed([...baselines])}, the baseline client, in the same run.`,
      ];
}

function drawChanges(lines: readonly GateLine[], table: Table): Figure[] {
  const names = nameLines(lines);
  const changes = lines.map((line, index) => ({ line, name: names[index]!, change: formatChange(line) }));
  return [changesFigure(changes, table)].filter(found => found !== null);
}

/** The change for the worse from which on it is a regression; nothing for what decides nothing. */
function limitCell({ kind, metric, effect, isBinding }: GateLine): TableCell {
  if (!isBinding) return nothing;
  if (kind === 'count') return words(`${formatSigned(effect * 1_000, 2)} per 1,000`, effect);
  const limit = isHigherBetter(metric as Metric) ? 1 / (1 + effect) : 1 + effect;
  return words(`${formatSigned((limit - 1) * 100, 1)} %`, limit);
}

/** The value without its interval. */
function centreCell(line: GateLine, side: 'before' | 'after', sides: Sides): TableCell {
  const { text, ...cell } = valueCell(line, side, sides);
  return { ...cell, text: text.replace(/ \(.*\)/, '') };
}

function tableOf(kind: GateLine['kind'], lines: readonly GateLine[], sides: Sides): Table {
  return createTable({
    name: `change-${kind}`,
    title: KIND_TITLES[kind],
    columns: [
      outcomeColumn,
      keyColumn('cell', 'scenario'),
      keyColumn('arm', 'client'),
      keyColumn('metric', 'metric'),
      figureColumn('before', 'before'),
      figureColumn('after', 'after'),
      figureColumn('change', 'change', INTERVAL_NAME),
      figureColumn('noiseFloor', 'noise floor'),
      figureColumn('detectable', 'smallest detectable change'),
    ],
    rows: sorted(lines).map(line => [
      words(STATE_NAMES[line.state], line.state),
      words(line.cell),
      words(line.arm),
      words(titleOf(line), line.metric),
      valueCell(line, 'before', sides),
      valueCell(line, 'after', sides),
      figure(formatChange(line), { ...line.change }, changeMarks(line, sides)),
      words(line.noiseFloor === null ? '–' : formatShare(line.noiseFloor), line.noiseFloor),
      words(
        kind === 'count' ? `${(line.detectable * 1_000).toFixed(2)} per 1,000` : formatShare(line.detectable),
        line.detectable,
      ),
    ]),
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
    facts: [
      ...labels
        .filter(label => !same.includes(label))
        .map(label => ({
          label,
          value: `${old.get(label) ?? 'not recorded'} before, ${now.get(label) ?? 'not recorded'} after`,
        })),
      ...(same.length === 0 ? [] : [{ label: 'The same', value: same.join(', ') }]),
    ],
  };
}

function factsOf({ runId, startedAt, conntax, git, host }: RunSummary): Fact[] {
  return [
    { label: 'Run', value: runId },
    { label: 'Started', value: startedAt },
    ...versionFacts({ conntax, git }),
    { label: 'CPU', value: `${host.cpuModel}, ${formatCount(host.cpuCount)} logical cores` },
    { label: 'Kernel', value: host.kernel },
    { label: 'Node', value: host.node },
    ...Object.entries(host.packages).map(([label, value]) => ({ label, value })),
  ];
}

function caveatsOf({ lines, hasSameMachine }: GateResult): string[] {
  const hasFloor = lines.some(({ noiseFloor }) => noiseFloor !== null);
  return [
    hasSameMachine
      ? 'Both runs report the same kind of machine; its speed may still have differed between them.'
      : 'The runs differ in CPU, kernel or Node, so only ratios and counts are compared.',
    ...(hasFloor || lines.length === 0
      ? []
      : [
          'The noise floor is unknown, because the runs have no copy of the baseline client (conntax run --null-arm adds one).',
        ]),
  ];
}
