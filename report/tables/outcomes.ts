// Tables of what went wrong: failed trials, responses by status, errors by kind, injected faults, and the recovery from them; null where there is nothing to show.
import {
  accountFaults,
  effectOf,
  FAILURE_WAYS,
  type FailureWay,
  MAX_AT_REST_RATIO,
  REST_MS,
  type Recovery,
  recoveryOf,
} from '../../results/faults.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import {
  type CompletedTrial,
  type FailureCode,
  type Histogram,
  OUTCOME_NAMES,
  OUTCOMES,
  type Outcome,
} from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import { own } from '../../scenarios/model/facts.ts';
import { isExpectedStatus } from '../../scenarios/model/request-facts.ts';
import type { Fault } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { formatCount, formatDecimals, formatSeconds, formatValues } from '../words/numbers.ts';
import { describeFault } from '../words/target.ts';
import {
  clientColumn,
  countColumn,
  figure,
  figureColumn,
  keyColumn,
  nothing,
  shareColumn,
  tabulate,
  timeCell,
  timeColumn,
  timesCell,
  wordColumn,
  words,
} from './table.ts';

const FAILURE_NAMES: Record<FailureCode, string> = {
  'target-start': 'the target did not start',
  'target-died': 'the target died',
  'link-start': "the link's relay did not start",
  'link-died': "the link's relay died",
  'generator-start': 'the generator did not start',
  'generator-died': 'the generator died',
  'trial-hung': 'the trial hung',
  'ports-exhausted': 'no local ports left',
  'descriptor-limit': 'descriptor limit hit',
  'package-unused': 'a package under comparison was not loaded',
  'machine-lost': 'a machine was lost',
  'no-answer': 'no response',
  'no-good-answer': 'no successful response',
  internal: 'a bug in conntax',
};

export function failureTable({ trials }: CellView): Table | null {
  const failed = trials.filter(trial => trial.state === 'failed');
  if (failed.length === 0) return null;
  return tabulate(failed, {
    name: 'failures',
    title: 'Failed trials',
    columns: [
      [keyColumn('trial', 'trial'), ({ trial }) => words(trial.id)],
      [wordColumn('arm', 'client'), ({ trial }) => words(trial.arm)],
      [wordColumn('cause', 'cause'), ({ error }) => words(FAILURE_NAMES[error.code], error.code)],
      [wordColumn('message', 'message'), ({ error }) => words(error.message)],
      [wordColumn('detail', 'detail'), ({ error: { detail } }) => words(detail ?? '', detail ?? null)],
    ],
    notes: ['A failed trial has no figures; the tables cover the trials that completed.'],
  });
}

/** A status, or all of a class such as 4xx. */
interface StatusRow {
  arm: ArmView;
  /** null: not known. */
  status: string | null;
  count: number | null;
  ratio: number | null;
  /** null where they are those of a class in another row, or unknown. */
  times: Histogram | null;
  judgement: TableCell;
}

/** Responses by status and arm; null if all have the same, expected status. With times where the responses are of several classes. */
export function statusTable({ arms, result }: CellView): Table | null {
  const { expectStatus } = result.scenario.target;
  const counts = arms.map(arm => ({ arm, statuses: countStatuses(arm) }));
  const seen = new Set(counts.flatMap(({ statuses }) => [...statuses.keys()]));
  const isGood = (status: string): boolean => isExpectedStatus(expectStatus, Number(status));
  if (seen.size < 2 && [...seen].every(isGood)) return null;
  const hasTimes = counts.some(({ statuses }) => new Set([...statuses.keys()].map(classOf)).size > 1);
  const rows = counts.flatMap(({ arm, statuses }) => statusRows(arm, statuses, { isGood, hasTimes }));
  return tabulate(rows, {
    name: 'statuses',
    title: 'Responses by status',
    columns: [
      clientColumn,
      [keyColumn('status', 'status'), ({ status }) => words(status ?? 'unknown', status)],
      countColumn('answerCount', 'count', ({ count }) => count),
      shareColumn('answerRatio', 'of complete responses', ({ ratio }) => ratio),
      hasTimes && [figureColumn('meanMs', 'mean', 'ms'), row => classTimeCell(row, 'meanUs')],
      hasTimes && [figureColumn('p50Ms', 'p50', 'ms'), row => classTimeCell(row, 'p50Us')],
      hasTimes && [figureColumn('p99Ms', 'p99', 'ms'), row => classTimeCell(row, 'p99Us')],
      [wordColumn('counts', 'counts as'), ({ judgement }) => judgement],
    ],
    notes: [
      `Complete responses in the steady windows, as reported by each client. By target.expectStatus, ${expectStatus.join(', ')} count as success.`,
      hasTimes && 'Times are those of a class of statuses, such as 4xx, as a whole.',
    ],
  });
}

/** `4xx` of `404`. */
function classOf(status: string): string {
  return `${status[0]}xx`;
}

function countStatuses({ trials }: ArmView): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { measurement } of trials) {
    for (const [status, count] of Object.entries(measurement.statuses)) {
      counts.set(status, (counts.get(status) ?? 0) + count);
    }
  }
  return new Map([...counts].toSorted(([left], [right]) => Number(left) - Number(right)));
}

/** One row per status, and one per class of several statuses if there are times; a single row if the statuses are unknown. */
function statusRows(
  arm: ArmView,
  statuses: ReadonlyMap<string, number>,
  { isGood, hasTimes }: { isGood: (status: string) => boolean; hasTimes: boolean },
): StatusRow[] {
  if (statuses.size === 0) {
    const unknown = { status: null, count: null, ratio: null, times: null, judgement: words('', null) };
    return arm.trials.length === 0 ? [] : [{ arm, ...unknown }];
  }
  const total = sumOf([...statuses.values()], count => count);
  return [...Map.groupBy(statuses, ([status]) => classOf(status))].flatMap(([statusClass, members]) => {
    const times = hasTimes ? mergeClass(arm, statusClass) : null;
    const isAlone = members.length === 1;
    const rows = members.map(([status, count]) => ({
      arm,
      status,
      count,
      ratio: count / total,
      times: isAlone ? times : null,
      judgement: judge([status], isGood),
    }));
    if (isAlone || !hasTimes) return rows;
    const count = sumOf(members, ([, own]) => own);
    const judgement = judge(
      members.map(([status]) => status),
      isGood,
    );
    return [...rows, { arm, status: `all ${statusClass}`, count, ratio: count / total, times, judgement }];
  });
}

function judge(statuses: readonly string[], isGood: (status: string) => boolean): TableCell {
  const good = statuses.filter(isGood).length;
  if (good === statuses.length) return words('success', 'good');
  return good === 0 ? words('failure', 'failed') : words('both', 'both');
}

/** The response times of a class; unknown in runs of older versions. */
function mergeClass({ trials }: ArmView, statusClass: string): Histogram | null {
  const parts = trials.flatMap(
    ({ measurement }) => own(measurement.responseByClass as Record<string, Histogram>, statusClass) ?? [],
  );
  return parts.length === 0 ? null : mergeHistograms(parts);
}

function classTimeCell({ arm, times }: StatusRow, figure: 'meanUs' | 'p50Us' | 'p99Us'): TableCell {
  if (times === null) return nothing;
  const few = figure === 'meanUs' ? [] : quantileMarks(METRIC_TABLE[figure].shareBeyond, times.count);
  return timeCell(times[figure], [...onlyInvalid(arm.marks), ...few]);
}

export function errorTable({ arms }: CellView): Table | null {
  const kinds = OUTCOMES.filter(kind => kind !== 'ok');
  const rows = arms
    .flatMap(arm => kinds.map(kind => countErrors(arm, kind)))
    .filter(({ count }) => count > 0);
  if (rows.length === 0) return null;
  return tabulate(rows, {
    name: 'errors',
    title: 'Errors by kind',
    columns: [
      clientColumn,
      [keyColumn('kind', 'kind'), ({ kind }) => words(OUTCOME_NAMES[kind], kind)],
      countColumn('errorCount', 'count', ({ count }) => count),
      shareColumn('errorRatio', 'of all exchanges', ({ count, total }) => count / total),
      timeColumn('meanMs', 'mean time', ({ own }) => meanUsOf(own)),
      timeColumn('longestMs', 'longest', ({ own }) => longestUsOf(own)),
      [wordColumn('sample', 'example'), ({ sample }) => words(sample ?? '', sample ?? null)],
    ],
  });
}

type Failures = NonNullable<CompletedTrial['measurement']['outcomes'][Outcome]>;

function countErrors(arm: ArmView, kind: Outcome) {
  const outcomes = arm.trials.map(({ measurement }) => measurement.outcomes);
  const own = outcomes.flatMap(one => one[kind] ?? []);
  return {
    arm,
    kind,
    own,
    count: sumOf(own, one => one.count),
    total: sumOf(outcomes, all => sumOf(Object.values(all), one => one?.count ?? 0)),
    sample: own.find(one => one.sample !== undefined)?.sample,
  };
}

/** Runs of older versions do not record how long failures took. */
function meanUsOf(failures: readonly Failures[]): number | null {
  const timed = failures.filter(({ meanUs }) => meanUs !== undefined);
  const count = sumOf(timed, one => one.count);
  return count === 0 ? null : sumOf(timed, one => one.meanUs! * one.count) / count;
}

function longestUsOf(failures: readonly Failures[]): number | null {
  const longest = failures.flatMap(({ maxUs }) => maxUs ?? []);
  return longest.length === 0 ? null : Math.max(...longest);
}

/** The faults that the target injected, beside the failures that each client counted. */
export function faultTable({ arms, result }: CellView): Table | null {
  const { faults } = result.scenario.target;
  if (faults.length === 0) return null;
  const rows = arms.flatMap(arm => faultRows(arm, faults));
  return tabulate(rows, {
    name: 'faults',
    title: 'Injected faults',
    columns: [
      clientColumn,
      [keyColumn('fault', 'fault'), ({ fault }) => words(describeFault(fault), fault.kind)],
      countColumn('injectedCount', 'injected by the server', ({ injected }) => injected),
      [wordColumn('outcomes', 'counts as'), ({ way, isCertain }) => outcomesCell(way, isCertain)],
      countColumn('countedCount', 'counted by the client', ({ counted }) => counted),
    ],
    notes: [
      'Over whole trials, warm-up included. Faults that have the same effect share a count, which stands in the first of their rows; it includes failures that were not injected.',
    ],
  });
}

/** One row per fault, those of the same effect together. */
function faultRows(arm: ArmView, faults: readonly Fault[]) {
  const { trials } = arm;
  const [first] = trials;
  if (first === undefined) return [];
  const { target, client } = first.trial;
  const met = faults.map((fault, index) => ({
    arm,
    fault,
    injected: sumOf(trials, ({ measurement }) => measurement.ledger.faults[index] ?? 0),
    ...effectOf(fault, target, client),
  }));
  return [...Map.groupBy(met, ({ way }) => way)].flatMap(([way, ofWay]) =>
    ofWay.map((row, place) => ({
      ...row,
      counted: way === null || place > 0 ? null : countedBy(trials, way),
    })),
  );
}

function outcomesCell(way: FailureWay | null, isCertain: boolean): TableCell {
  if (way === null) return words('success', 'ok');
  const kinds = FAILURE_WAYS[way];
  const names = kinds.map(kind => OUTCOME_NAMES[kind]).join(', ');
  return words(isCertain ? names : `${OUTCOME_NAMES.ok}, or ${names}`, [...kinds]);
}

/** null where a client's count is unknown. */
function countedBy(trials: readonly CompletedTrial[], way: FailureWay): number | null {
  const accounts = trials.map(({ trial, measurement }) => accountFaults(trial, measurement.ledger));
  return accounts.includes(null)
    ? null
    : sumOf(accounts, account => account!.ways.find(count => count.way === way)!.counted);
}

interface RecoveryRow {
  arm: ArmView;
  recoveries: readonly Recovery[];
}

/** How far requests piled up in each client while its server was at fault, and how long it took afterwards; null if that is unknown. */
export function recoveryTable({ arms }: CellView): Table | null {
  const rows = arms
    .map((arm): RecoveryRow => ({ arm, recoveries: arm.trials.flatMap(trial => recoveryOf(trial) ?? []) }))
    .filter(({ recoveries }) => recoveries.length > 0);
  if (rows.length === 0) return null;
  const trials = arms.flatMap(arm => arm.trials);
  const everyMs = trials.flatMap(({ measurement }) => measurement.held?.everyMs ?? []);
  return tabulate(rows, {
    name: 'recovery',
    title: 'Time to recover',
    columns: [
      [keyColumn('client', 'client'), ({ arm }) => words(arm.label, arm.name)],
      [figureColumn('inFlightBeforeCount', 'in flight before', 'most'), row => inFlightCell(row, 'before')],
      [figureColumn('inFlightSinceCount', 'in flight since', 'most'), row => inFlightCell(row, 'most')],
      [figureColumn('recoveredAfterSec', 'recovered after', 's'), recoveredCell],
    ],
    notes: [
      `By replicate. Recovered: from then on, for ${formatSeconds(REST_MS)} or longer, at most ${MAX_AT_REST_RATIO} times as many requests are in flight as at most before the faults; counted from the end of the last fault, and 0 if that was so by then. By samples ${Math.max(...everyMs)} ms apart or more, so it may have been so earlier by as much.`,
    ],
  });
}

function inFlightCell({ arm, recoveries }: RecoveryRow, when: 'before' | 'most'): TableCell {
  const counts = recoveries.map(recovery => recovery[when]);
  return figure(formatValues(counts, '', formatCount), counts, arm.marks);
}

function recoveredCell({ arm, recoveries }: RecoveryRow): TableCell {
  const times = recoveries.map(({ afterMs }) => (afterMs === null ? null : afterMs / 1_000));
  return timesCell(times, sec => formatDecimals(sec, 1), arm.marks);
}
