// In: a run held against another. Out: the report of it: what changed, by how much, how sure.
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
import { METRIC_TABLE } from '../results/metrics.ts';
import { METRICS } from '../results/model/run.ts';
import { signsOf } from './cell-view.ts';
import { gateHistory } from './history.ts';
import type { Check, Fact, FactGroup, Mark, Report, Table, TableCell } from './model.ts';
import { createTable, figure, figureColumn, keyColumn, wordColumn, words } from './tables/table.ts';
import {
  formatCount,
  formatPercent,
  formatRatio,
  formatRelativeChange,
  formatShare,
  formatSigned,
  roundInterval,
} from './words/numbers.ts';
import { formatTime, nameRun, versionFacts } from './words/run.ts';

// From a figure held against that of a baseline. Out: its name, and the change, in words.

function titleOf({ metric }: Pick<GateLine, 'metric'>): string {
  switch (metric) {
    case 'errorRatio':
      return 'error rate';
    case 'excessConnections':
      return 'connections beyond need';
    default:
      return METRIC_TABLE[metric].title;
  }
}

/** Of counts, in requests per 1,000. */
function formatChange({ kind, change }: Pick<GateLine, 'kind' | 'change'>): string {
  if (kind !== 'count') return formatRelativeChange(change);
  const { value, low, high } = change;
  const text = (share: number) => formatSigned(share * 1_000, 2);
  return `${text(value)} per 1,000 requests (${text(low)} to ${text(high)})`;
}

/** `Confirmed: error rate of a in c: +3.0 per 1,000 requests (...) at first, ... again, ... together`. */
export function describeConfirmation({ first, fresh, together, isBorneOut }: Confirmation): string {
  const again = fresh === undefined ? 'nothing to compare' : formatChange(fresh);
  return (
    `${isBorneOut ? 'Confirmed' : 'Not confirmed'}: ${titleOf(first)} of ${first.arm} in ${first.cell}: ` +
    `${formatChange(first)} at first, ${again} again, ${formatChange(together)} together.`
  );
}

// From a figure of a gate, and the two runs. Out: the marks of each side, and what the headline has to say of them.

type Place = Pick<GateLine, 'kind' | 'cell' | 'arm'>;

/** Of a ratio in one run, by the error rates of its two arms there. */
function sideMarks(line: Place, run: RunSummary): Mark[] {
  const pair = line.kind === 'ratio' ? pairOf(line, run) : undefined;
  return pair !== undefined && areErrorsUnlike(...pair) ? ['unlikeErrors'] : [];
}

/** Of the change: it is as good as the worse of its two sides. */
function changeMarks(line: Place, sides: { before: RunSummary; after: RunSummary }): Mark[] {
  return [...new Set([...sideMarks(line, sides.before), ...sideMarks(line, sides.after)])];
}

/** Of which pairs the error rates differ, in either run; a sentence each. */
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
      const pair = sideMarks(line, run).length === 0 ? undefined : pairOf(line, run);
      if (pair === undefined) return [];
      const rates = pair.map(arm => `${arm.arm} ${formatPercent(errorRatioOf(arm))}`).join(', ');
      return [
        `Error rates differ in ${where} (${line.cell}: ${rates}), so changes of ratios marked ${signsOf(['unlikeErrors'])} compare different work.`,
      ];
    }),
  );
  return [...new Set(texts)];
}

function pairOf({ cell: name, arm }: Place, { cells }: RunSummary) {
  const cell = cells.find(({ cell }) => cell === name);
  const own = cell?.arms.find(one => one.arm === arm);
  const other = cell?.arms.find(one => one.arm === cell.baseline);
  return own === undefined || other === undefined ? undefined : ([other, own] as const);
}

// From what a comparison could have seen. Out: the same in sentences, for the report of a gate and for whoever saves a baseline.

/** More are not named one by one. */
const MOST_NAMED = 3;

/** That the whole is blind, or to what it is. */
export function describeBlindness({ ratios, blind, isBlind }: Sight): string {
  const [best] = ratios;
  const missed = `a change of ${formatPercent(BLIND_ABOVE)} could not have been seen in ${formatCount(blind.length)} of ${formatCount(ratios.length)} ratios`;
  if (!isBlind || best === undefined) return `Blind in part: ${missed} (${listRatios(blind)}).`;
  return `Blind: ${missed}${blind.length < ratios.length ? `, those that decide among them (${listRatios(blind)})` : ''}; ${describeBest(best)}.`;
}

/** The best and the worst that a baseline can see. */
export function describeSight({ ratios }: Sight): string {
  const [best] = ratios;
  const worst = ratios.at(-1);
  if (best === undefined || worst === undefined)
    return 'It has no ratio of two arms: it guards errors and connections only.';
  const range =
    ratios.length === 1 ? nameDetectable(best) : `${nameDetectable(best)}, to ${nameDetectable(worst)}`;
  return `The smallest change that it can see, in a run as sure as itself: ${range}.`;
}

function describeBest(best: GuardedRatio): string {
  return Number.isFinite(best.detectable)
    ? `the smallest that could have been seen is ${nameDetectable(best)}`
    : 'no ratio has an interval';
}

/** `33 % in p99 latency of persistent (ci-reuse)`. */
function nameDetectable(ratio: GuardedRatio): string {
  const change = Number.isFinite(ratio.detectable) ? formatShare(ratio.detectable) : 'none at all';
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

const STATE_WORDS: Record<GateLine['state'], string> = {
  regression: 'REGRESSION',
  improvement: 'improvement',
  within: 'no change that counts',
  unsure: 'unsure',
};

const KIND_TITLES: Record<GateLine['kind'], string> = {
  ratio: 'Arms against the baseline arm of their cell',
  count: 'Errors and connections, as shares of requests',
  absolute: 'Absolute rates, on the same machine: they inform, and fail nothing',
};

interface Sides {
  before: RunSummary;
  after: RunSummary;
}

/**
 * @param trends those that end in `after`
 * @param remarks what else is to be said first, a sentence each
 */
export function buildGateReport(
  of: Sides & { result: GateResult; trends: readonly Trend[]; remarks?: readonly string[] },
): Report {
  const { before, after, result, trends, remarks = [] } = of;
  const history = gateHistory(result, trends);
  const sight = sightOf(result, before);
  const headline = headlineOf(result, of, sight);
  return {
    title: 'conntax: a run against another',
    runId: after.runId,
    startedAt: after.startedAt,
    subtitle: `${after.runId} against ${before.runId}, measured ${formatTime(before.startedAt)}`,
    state: 'complete',
    verdict: result.state === 'regression' || result.state === 'nothing' ? headline : null,
    headline,
    remarks: [
      ...remarks,
      ...errorGapRemarks(result.lines, of),
      ...(sight.blind.length === 0 || (sight.isBlind && result.state !== 'regression')
        ? []
        : [describeBlindness(sight)]),
      ...result.gaps.map(gap => `${gap}.`),
      ...history.remarks,
    ],
    tables: [
      ...(['ratio', 'count', 'absolute'] as const).flatMap(kind => {
        const lines = result.lines.filter(line => line.kind === kind);
        return lines.length === 0 ? [] : [tableOf(kind, lines, of)];
      }),
      ...history.tables,
    ],
    figures: history.figures,
    sweeps: [],
    cells: [],
    checks: [...result.lines.filter(({ isBinding }) => isBinding).map(checkOf), ...gapChecks(result)],
    facts: [factsOf('Before', before), factsOf('After', after)],
    caveats: caveatsOf(result),
  };
}

function headlineOf({ lines, gaps, state }: GateResult, sides: Sides, sight: Sight): string {
  const { before } = sides;
  const binding = lines.filter(({ isBinding }) => isBinding);
  const worst = binding
    .filter(line => line.state === 'regression')
    .toSorted((a, b) => severity(b) - severity(a));
  if (state === 'nothing') return 'Nothing of the baseline could be compared.';
  if (worst.length > 0) {
    const others = worst.length === 1 ? '' : ` and ${formatCount(worst.length - 1)} more`;
    return `Regression: ${sentenceOf(worst[0]!, sides)}${others}, since ${nameRun(before)}.`;
  }
  const unsure = binding.filter(line => line.state === 'unsure').length;
  const better = binding.filter(line => line.state === 'improvement').length;
  const found =
    unsure > 0
      ? `No regression could be shown, nor ruled out for ${formatCount(unsure)} of ${formatCount(binding.length)} figures.`
      : `No regression in ${formatCount(binding.length)} figures since ${nameRun(before)}.`;
  return [
    ...(sight.isBlind ? [describeBlindness(sight)] : []),
    ...(gaps.length === 0 ? [] : [describeLoss(gaps)]),
    found,
    ...(better === 0 ? [] : [`${formatCount(better)} of them improved.`]),
  ].join(' ');
}

/** What the baseline guards and this run can't be held against. */
function describeLoss([first = '', ...others]: readonly string[]): string {
  const more = others.length === 0 ? '' : `, and ${formatCount(others.length)} more (below)`;
  return `Not all of the baseline could be compared: ${first}${more}.`;
}

/** How far beyond its limit, in units of the limit: comparable over kinds. */
function severity({ kind, change, effect }: GateLine): number {
  return (kind === 'count' ? Math.abs(change.value) : Math.abs(Math.log(change.value))) / effect;
}

function sentenceOf(line: GateLine, sides: Sides): string {
  return `${titleOf(line)} of ${line.arm} in ${line.cell} changed by ${formatChange(line)}${signsOf(changeMarks(line, sides))}`;
}

function tableOf(kind: GateLine['kind'], lines: readonly GateLine[], sides: Sides): Table {
  return createTable({
    name: `change-${kind}`,
    title: KIND_TITLES[kind],
    columns: [
      keyColumn('cell', 'cell'),
      keyColumn('arm', 'arm'),
      keyColumn('metric', 'metric'),
      figureColumn('before', 'before'),
      figureColumn('after', 'after'),
      figureColumn('change', 'change', '95 % interval'),
      figureColumn('noiseFloor', 'noise floor'),
      figureColumn('detectable', 'could have seen'),
      wordColumn('state', 'outcome'),
    ],
    rows: sorted(lines).map(line => [
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
      words(STATE_WORDS[line.state], line.state),
    ]),
    notes:
      kind === 'count'
        ? [
            'Connections beyond need: opened above the most that the mode needs, so that a slower machine, which sends fewer requests over the same pool, is no regression.',
          ]
        : [
            'A change counts when its whole interval lies beyond the least effect asked for, or beyond the noise floor where that is higher: by how much the same client, measured twice, seemed to differ. Could have seen: the smallest change that these intervals would have called a regression.',
          ],
  });
}

/** Regressions first, then metrics as everywhere. */
function sorted(lines: readonly GateLine[]): GateLine[] {
  const rank = { regression: 0, unsure: 1, improvement: 2, within: 3 };
  const metric = (line: GateLine): number => METRICS.indexOf(line.metric as (typeof METRICS)[number]);
  return lines.toSorted(
    (a, b) => rank[a.state] - rank[b.state] || a.cell.localeCompare(b.cell) || metric(a) - metric(b),
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
      return words(roundInterval(interval).value, { ...interval });
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
    detail: `changed by ${formatChange(line)}; ${describeEffect(line)} counts`,
  };
}

/** The least change that counts. */
function describeEffect({ kind, effect }: GateLine): string {
  return kind === 'count'
    ? `more than ${formatCount(effect * 10_000)} per 10,000 requests`
    : `at least ${formatPercent(effect)}`;
}

/** A part that can't be compared leaves it unsure; where nothing is left, there is nothing to pass by. */
function gapChecks({ gaps, state }: GateResult): Check[] {
  const details = gaps.length === 0 && state === 'nothing' ? ['the baseline has no figures'] : gaps;
  return details.map(detail => ({
    group: 'baseline',
    name: 'all of it compared',
    subject: 'not compared',
    isFigure: false,
    state: state === 'nothing' ? 'broken' : 'unsure',
    detail,
  }));
}

function factsOf(title: string, { runId, startedAt, conntax, git, host }: RunSummary): FactGroup {
  const facts: Fact[] = [
    { label: 'Run', value: runId },
    { label: 'Started', value: startedAt },
    ...versionFacts({ conntax, git }),
    { label: 'CPU', value: `${host.cpuModel}, ${formatCount(host.cpuCount)} logical cores` },
    { label: 'Node', value: host.node },
    ...Object.entries(host.packages).map(([label, value]) => ({ label, value })),
  ];
  return { title, facts };
}

function caveatsOf({ lines, hasSameMachine }: GateResult): string[] {
  const hasFloor = lines.some(({ noiseFloor }) => noiseFloor !== null);
  return [
    hasSameMachine
      ? 'Both runs name the same kind of machine; its speed may still have differed from one to the other.'
      : 'The runs differ in CPU, kernel or Node, so only ratios and counts are compared.',
    ...(hasFloor || lines.length === 0
      ? []
      : [
          'No noise floor is known: the runs have no null arm (conntax run --null-arm measures the baseline client twice).',
        ]),
  ];
}
