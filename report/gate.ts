// In: a run held against another. Out: the report of it: what changed, by how much, how sure.
import { METRICS } from '../results/model/run.ts';
import type { GateLine, GateResult } from '../results/gate.ts';
import { type Sight, sightOf } from '../results/gate-sight.ts';
import type { RunSummary } from '../results/run-summary.ts';
import type { Trend } from '../results/trend.ts';
import { signsOf } from './cell-view.ts';
import { shareText } from './change-text.ts';
import { lineChangeText, lineTitle } from './gate-line-text.ts';
import { changeMarks, errorGapRemarks, sideMarks } from './gate-marks.ts';
import { blindText } from './gate-sight-text.ts';
import { gateHistory } from './history/gate-history.ts';
import { countText, intervalTexts, percentText, ratioText } from './words/numbers.ts';
import type { Check, Fact, FactGroup, Report, Table, TableCell } from './model.ts';
import { runText, timeText, versionFacts } from './run-text.ts';
import { createTable, figure, figureColumn, keyColumn, wordColumn, words } from './tables/table.ts';

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
    subtitle: `${after.runId} against ${before.runId}, measured ${timeText(before.startedAt)}`,
    state: 'complete',
    verdict: result.state === 'regression' || result.state === 'nothing' ? headline : null,
    headline,
    remarks: [
      ...remarks,
      ...errorGapRemarks(result.lines, of),
      ...(sight.blind.length === 0 || (sight.isBlind && result.state !== 'regression')
        ? []
        : [blindText(sight)]),
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
    const others = worst.length === 1 ? '' : ` and ${countText(worst.length - 1)} more`;
    return `Regression: ${sentenceOf(worst[0]!, sides)}${others}, since ${runText(before)}.`;
  }
  const unsure = binding.filter(line => line.state === 'unsure').length;
  const better = binding.filter(line => line.state === 'improvement').length;
  const found =
    unsure > 0
      ? `No regression could be shown, nor ruled out for ${countText(unsure)} of ${countText(binding.length)} figures.`
      : `No regression in ${countText(binding.length)} figures since ${runText(before)}.`;
  return [
    ...(sight.isBlind ? [blindText(sight)] : []),
    ...(gaps.length === 0 ? [] : [lossText(gaps)]),
    found,
    ...(better === 0 ? [] : [`${countText(better)} of them improved.`]),
  ].join(' ');
}

/** What the baseline guards and this run can't be held against. */
function lossText([first = '', ...others]: readonly string[]): string {
  const more = others.length === 0 ? '' : `, and ${countText(others.length)} more (below)`;
  return `Not all of the baseline could be compared: ${first}${more}.`;
}

/** How far beyond its limit, in units of the limit: comparable over kinds. */
function severity({ kind, change, effect }: GateLine): number {
  return (kind === 'count' ? Math.abs(change.value) : Math.abs(Math.log(change.value))) / effect;
}

function sentenceOf(line: GateLine, sides: Sides): string {
  return `${lineTitle(line)} of ${line.arm} in ${line.cell} changed by ${lineChangeText(line)}${signsOf(changeMarks(line, sides))}`;
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
      words(lineTitle(line), line.metric),
      valueCell(line, 'before', sides),
      valueCell(line, 'after', sides),
      figure(lineChangeText(line), { ...line.change }, changeMarks(line, sides)),
      words(line.noiseFloor === null ? '–' : shareText(line.noiseFloor), line.noiseFloor),
      words(
        kind === 'count' ? `${(line.detectable * 1_000).toFixed(2)} per 1,000` : shareText(line.detectable),
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
      return figure(ratioText(interval), { ...interval }, sideMarks(line, sides[side]));
    case 'count':
      return words(percentText(interval.value), { ...interval });
    case 'absolute':
      return words(intervalTexts(interval).value, { ...interval });
    default:
      return line.kind satisfies never;
  }
}

function checkOf(line: GateLine): Check {
  const states = { regression: 'fail', unsure: 'unsure', improvement: 'pass', within: 'pass' } as const;
  return {
    group: line.cell,
    name: `${lineTitle(line)}, ${line.arm}: no regression`,
    subject: `${lineTitle(line)}, ${line.arm}`,
    isFigure: true,
    state: states[line.state],
    detail: `changed by ${lineChangeText(line)}; ${effectText(line)} counts`,
  };
}

/** The least change that counts. */
function effectText({ kind, effect }: GateLine): string {
  return kind === 'count'
    ? `more than ${countText(effect * 10_000)} per 10,000 requests`
    : `at least ${percentText(effect)}`;
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
    { label: 'CPU', value: `${host.cpuModel}, ${countText(host.cpuCount)} logical cores` },
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
