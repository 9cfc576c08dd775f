// Tables of what went wrong: failed trials, responses by status, errors by kind, injected faults, and the recovery from them; null where there is nothing to show.
import {
  accountFaults,
  effectOf,
  FAILURE_WAYS,
  type FailureWay,
  MOST_AT_REST_RATIO,
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
import type { Fault } from '../../scenarios/model/fault.ts';
import { own } from '../../scenarios/model/own.ts';
import { isExpectedStatus } from '../../scenarios/model/request-facts.ts';
import { type ArmView, type CellView, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import {
  formatCount,
  formatDecimals,
  formatMs,
  formatPercent,
  formatSeconds,
  formatValues,
} from '../words/numbers.ts';
import { describeFault } from '../words/target.ts';
import { compact } from '../words/text.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

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
  return createTable({
    name: 'failures',
    title: 'Failed trials',
    columns: [
      keyColumn('trial', 'trial'),
      wordColumn('arm', 'client'),
      wordColumn('cause', 'cause'),
      wordColumn('message', 'message'),
      wordColumn('detail', 'detail'),
    ],
    rows: failed.map(({ trial, error }) => [
      words(trial.id),
      words(trial.arm),
      words(FAILURE_NAMES[error.code], error.code),
      words(error.message),
      words(error.detail ?? '', error.detail ?? null),
    ]),
    notes: ['A failed trial has no figures; the tables cover the trials that completed.'],
  });
}

/** Responses by status and arm; null if all have the same, expected status. With times where the responses are of several classes. */
export function statusTable({ arms, result }: CellView): Table | null {
  const { expectStatus } = result.scenario.target;
  const counts = arms.map(arm => ({ arm, statuses: countStatuses(arm) }));
  const seen = new Set(counts.flatMap(({ statuses }) => [...statuses.keys()]));
  const isGood = (status: string): boolean => isExpectedStatus(expectStatus, Number(status));
  if (seen.size < 2 && [...seen].every(isGood)) return null;
  const hasTimes = counts.some(({ statuses }) => new Set([...statuses.keys()].map(classOf)).size > 1);
  return createTable({
    name: 'statuses',
    title: 'Responses by status',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('status', 'status'),
      figureColumn('answerCount', 'count'),
      figureColumn('answerRatio', 'of complete responses'),
      ...(hasTimes
        ? [
            figureColumn('meanMs', 'mean', 'ms'),
            figureColumn('p50Ms', 'p50', 'ms'),
            figureColumn('p99Ms', 'p99', 'ms'),
          ]
        : []),
      wordColumn('counts', 'counts as'),
    ],
    rows: counts.flatMap(({ arm, statuses }) => statusRows(arm, statuses, { isGood, hasTimes })),
    notes: compact([
      `Complete responses in the steady windows, as reported by each client. By target.expectStatus, ${expectStatus.join(', ')} count as success.`,
      hasTimes && 'Times are those of a class of statuses, such as 4xx, as a whole.',
    ]),
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

interface StatusShape {
  isGood: (status: string) => boolean;
  hasTimes: boolean;
}

/** One row per status, and one per class of several statuses; or a single row if the statuses are unknown. */
function statusRows(
  arm: ArmView,
  statuses: ReadonlyMap<string, number>,
  { isGood, hasTimes }: StatusShape,
): TableCell[][] {
  const { label, name, trials, marks } = arm;
  const noTimes = hasTimes ? [nothing, nothing, nothing] : [];
  if (statuses.size === 0) {
    return trials.length === 0
      ? []
      : [[words(label, name), words('unknown', null), nothing, nothing, ...noTimes, words('', null)]];
  }
  const total = sumOf([...statuses.values()], count => count);
  const invalid = onlyInvalid(marks);
  const row = (status: string, count: number, times: TableCell[], counts: TableCell): TableCell[] => [
    words(label, name),
    words(status),
    figure(formatCount(count), count, invalid),
    figure(formatPercent(count / total), count / total, invalid),
    ...times,
    counts,
  ];
  return [...Map.groupBy(statuses, ([status]) => classOf(status))].flatMap(([statusClass, members]) => {
    const times = hasTimes ? classTimes(arm, statusClass) : [];
    const isAlone = members.length === 1;
    const rows = members.map(([status, count]) =>
      row(status, count, isAlone ? times : noTimes, judgement([status], isGood)),
    );
    if (isAlone || !hasTimes) return rows;
    const ofClass = members.map(([status]) => status);
    const count = sumOf(members, ([, own]) => own);
    return [...rows, row(`all ${statusClass}`, count, times, judgement(ofClass, isGood))];
  });
}

function judgement(statuses: readonly string[], isGood: StatusShape['isGood']): TableCell {
  const good = statuses.filter(isGood).length;
  if (good === statuses.length) return words('success', 'good');
  return good === 0 ? words('failure', 'failed') : words('both', 'both');
}

/** Mean, p50 and p99 of a class; unknown in runs of older versions. */
function classTimes({ trials, marks }: ArmView, statusClass: string): TableCell[] {
  const parts = trials.flatMap(
    ({ measurement }) => own(measurement.responseByClass as Record<string, Histogram>, statusClass) ?? [],
  );
  if (parts.length === 0) return [nothing, nothing, nothing];
  const { count, meanUs, p50Us, p99Us } = mergeHistograms(parts);
  const invalid = onlyInvalid(marks);
  return [
    timeCell(meanUs, invalid),
    timeCell(p50Us, [...invalid, ...quantileMarks(METRIC_TABLE.p50Us.shareBeyond, count)]),
    timeCell(p99Us, [...invalid, ...quantileMarks(METRIC_TABLE.p99Us.shareBeyond, count)]),
  ];
}

export function errorTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm =>
    OUTCOMES.filter(kind => kind !== 'ok').flatMap(kind => errorRow(arm, kind)),
  );
  if (rows.length === 0) return null;
  return createTable({
    name: 'errors',
    title: 'Errors by kind',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('kind', 'kind'),
      figureColumn('errorCount', 'count'),
      figureColumn('errorRatio', 'of all exchanges'),
      figureColumn('meanMs', 'mean time', 'ms'),
      figureColumn('longestMs', 'longest', 'ms'),
      wordColumn('sample', 'example'),
    ],
    rows,
  });
}

/** One row, or none. */
function errorRow({ label, name, trials, marks }: ArmView, kind: Outcome): TableCell[][] {
  const all = trials.flatMap(({ measurement }) => Object.values(measurement.outcomes));
  const total = all.reduce((sum, outcome) => sum + (outcome?.count ?? 0), 0);
  const own = trials.flatMap(({ measurement }) => measurement.outcomes[kind] ?? []);
  const count = own.reduce((sum, outcome) => sum + outcome.count, 0);
  if (count === 0) return [];
  const sample = own.find(outcome => outcome.sample !== undefined)?.sample;
  const invalid = onlyInvalid(marks);
  return [
    [
      words(label, name),
      words(OUTCOME_NAMES[kind], kind),
      figure(formatCount(count), count, invalid),
      figure(formatPercent(count / total), count / total, invalid),
      timeCell(meanUsOf(own), invalid),
      timeCell(longestUsOf(own), invalid),
      words(sample ?? '', sample ?? null),
    ],
  ];
}

type Failures = NonNullable<CompletedTrial['measurement']['outcomes'][Outcome]>;

/** Runs of older versions do not record how long failures took. */
function timeCell(us: number | null, marks: readonly Mark[]): TableCell {
  return us === null ? nothing : figure(formatMs(us), us / 1_000, marks);
}

function meanUsOf(failures: readonly Failures[]): number | null {
  const timed = failures.flatMap(({ count, meanUs }) => (meanUs === undefined ? [] : [{ count, meanUs }]));
  const count = timed.reduce((sum, one) => sum + one.count, 0);
  return count === 0 ? null : timed.reduce((sum, one) => sum + one.meanUs * one.count, 0) / count;
}

function longestUsOf(failures: readonly Failures[]): number | null {
  const longest = failures.flatMap(({ maxUs }) => maxUs ?? []);
  return longest.length === 0 ? null : Math.max(...longest);
}

export function faultTable({ arms, result }: CellView): Table | null {
  const { faults } = result.scenario.target;
  if (faults.length === 0) return null;
  return createTable({
    name: 'faults',
    title: 'Injected faults',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('fault', 'fault'),
      figureColumn('injectedCount', 'injected by the target'),
      wordColumn('outcomes', 'counts as'),
      figureColumn('countedCount', 'counted by the client'),
    ],
    rows: arms.flatMap(arm => armRows(arm, faults)),
    notes: [
      'Over whole trials, warm-up included. Faults that have the same effect share a count, which stands in the first of their rows; it includes failures that were not injected.',
    ],
  });
}

/** One row per fault, those of the same effect together. */
function armRows({ label, name, trials, marks }: ArmView, faults: readonly Fault[]): TableCell[][] {
  const [first] = trials;
  if (first === undefined) return [];
  const { target, client } = first.trial;
  const invalid = onlyInvalid(marks);
  const met = faults.map((fault, index) => ({ fault, index, ...effectOf(fault, target, client) }));
  return [...Map.groupBy(met, ({ way }) => way)].flatMap(([way, ofWay]) =>
    ofWay.map(({ fault, index, isCertain }, place) => {
      const injected = sumOf(trials, ({ measurement }) => measurement.ledger.faults[index] ?? 0);
      const counted = way === null || place > 0 ? null : countedBy(trials, way);
      return [
        words(label, name),
        words(describeFault(fault), fault.kind),
        figure(formatCount(injected), injected, invalid),
        outcomesCell(way, isCertain),
        counted === null ? nothing : figure(formatCount(counted), counted, invalid),
      ];
    }),
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

export function recoveryTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm => {
    const recoveries = arm.trials.flatMap(trial => recoveryOf(trial) ?? []);
    return recoveries.length === 0 ? [] : [{ arm, recoveries }];
  });
  const everyMs = arms.flatMap(({ trials }) =>
    trials.flatMap(({ measurement }) => measurement.held?.everyMs ?? []),
  );
  if (rows.length === 0) return null;
  return createTable({
    name: 'recovery',
    title: 'Time to recover',
    columns: [
      keyColumn('client', 'client'),
      figureColumn('inFlightBeforeCount', 'in flight before', 'most'),
      figureColumn('inFlightSinceCount', 'in flight since', 'most'),
      figureColumn('recoveredAfterSec', 'recovered after', 's'),
    ],
    rows: rows.map(({ arm, recoveries }) => [
      words(arm.label, arm.name),
      countsCell(recoveries, 'before', arm),
      countsCell(recoveries, 'most', arm),
      afterCell(recoveries, arm),
    ]),
    notes: [
      `By replicate. Recovered: from then on, for ${formatSeconds(REST_MS)} or longer, at most ${MOST_AT_REST_RATIO} times as many requests are in flight as at most before the faults; counted from the end of the last fault, and 0 if that was so by then. By samples ${Math.max(...everyMs)} ms apart or more, so it may have been so earlier by as much.`,
    ],
  });
}

function countsCell(recoveries: readonly Recovery[], name: 'before' | 'most', { marks }: ArmView): TableCell {
  const counts = recoveries.map(recovery => recovery[name]);
  return figure(formatValues(counts, '', formatCount), counts, marks);
}

/** `0.2, 0.4, 1 not in time`. */
function afterCell(recoveries: readonly Recovery[], { marks }: ArmView): TableCell {
  const times = recoveries.map(({ afterMs }) => (afterMs === null ? null : afterMs / 1_000));
  const known = times.filter(time => time !== null);
  const missing = times.length - known.length;
  const text = known.length === 0 ? 'not in time' : formatValues(known, '', sec => formatDecimals(sec, 1));
  return figure(missing === 0 || known.length === 0 ? text : `${text}, ${missing} not in time`, times, marks);
}
