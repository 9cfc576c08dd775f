// Tables of what went wrong: failed trials, responses by status, and errors by kind; null where there is nothing to show.
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
import { own } from '../../scenarios/model/facts.ts';
import { isExpectedStatus } from '../../scenarios/model/request-facts.ts';
import { type ArmView, type CellView, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatCount, formatMs, formatPercent } from '../words/numbers.ts';
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
    notes: [
      `Complete responses in the steady windows, as reported by each client. By target.expectStatus, ${expectStatus.join(', ')} count as success.`,
      ...(hasTimes ? ['Times are those of a class of statuses, such as 4xx, as a whole.'] : []),
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
  const total = sumOf([...statuses.values()]);
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
    const count = sumOf(members.map(([, own]) => own));
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

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
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
