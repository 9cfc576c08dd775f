// In: the arms of a cell. Out: how their open loads kept the schedule, by both clocks; null for a closed load.
import type { Histogram } from '../../results/model/trial.ts';
import { askedPerSec } from '../../results/asked-rate.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { rateText } from '../headline-words.ts';
import { countText, msText, percentText, significantText } from '../words/numbers.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

const CLOCKS = ['response', 'service', 'lateness'] as const;
const QUANTILES = [
  { name: 'p50', read: (histogram: Histogram) => histogram.p50Us },
  { name: 'p99', read: (histogram: Histogram) => histogram.p99Us },
] as const;

const COUNTS = [
  { key: 'heldBack', heading: 'held back' },
  { key: 'unsent', heading: 'never sent' },
  { key: 'unfinished', heading: 'given up' },
] as const;

export function scheduleTable({ arms, result }: CellView): Table | null {
  if (result.scenario.load.model === 'closed') return null;
  const measured = arms.filter(({ trials }) =>
    trials.some(({ measurement }) => measurement.arrivals !== null),
  );
  if (measured.length === 0) return null;
  return createTable({
    name: 'schedule',
    title: 'How the schedule was kept',
    columns: [
      keyColumn('arm', 'arm'),
      figureColumn('askedPerSec', 'asked', 'requests/s'),
      figureColumn('endedPerSec', 'ended', 'requests/s'),
      ...CLOCKS.flatMap(clock =>
        QUANTILES.map(({ name }) =>
          figureColumn(`${clock}${name === 'p50' ? 'P50' : 'P99'}Ms`, `${clock} ${name}`, 'ms'),
        ),
      ),
      figureColumn('dueCount', 'due', 'requests'),
      ...COUNTS.map(({ key, heading }) => figureColumn(`${key}Count`, heading, 'requests')),
    ],
    rows: measured.map(arm => [
      words(arm.label, arm.name),
      ...rateCells(arm),
      ...clockCells(arm),
      ...countCells(arm),
    ]),
    notes: [
      "Response time counts from when a request was due, service time from when it went; lateness is the part between them that is the generator's own. What service hides beyond that was held back, because as many requests were under way as the load allows.",
      'Ended are the answers and failures within the steady windows, whenever they were due: fewer than asked means that they pile up.',
    ],
  });
}

function rateCells({ trials, marks }: ArmView): TableCell[] {
  const asked = trials.flatMap(
    ({ trial, measurement }) => askedPerSec(trial.load, measurement.capacity) ?? [],
  );
  const steadyMs = sum(trials, trial => trial.measurement.steadyMs);
  const ended = sum(trials, trial => trial.measurement.arrivals?.ended ?? 0);
  const least = Math.min(...asked);
  const most = Math.max(...asked);
  const range = least === most ? rateText(least) : `${rateText(least)} to ${rateText(most)}`;
  return [
    asked.length === 0 ? nothing : words(range, least === most ? least : [least, most]),
    steadyMs === 0
      ? nothing
      : figure(significantText((ended / steadyMs) * 1_000), (ended / steadyMs) * 1_000, invalid(marks)),
  ];
}

function clockCells({ trials, marks }: ArmView): TableCell[] {
  return CLOCKS.flatMap(clock => {
    const merged = mergeHistograms(trials.flatMap(({ measurement }) => measurement[clock] ?? []));
    return QUANTILES.map(({ read }) =>
      merged.count === 0 ? nothing : figure(msText(read(merged)), read(merged) / 1_000, invalid(marks)),
    );
  });
}

function countCells({ trials, marks }: ArmView): TableCell[] {
  const total = (key: 'due' | (typeof COUNTS)[number]['key']) =>
    sum(trials, trial => trial.measurement.arrivals?.[key] ?? 0);
  const due = total('due');
  return [
    figure(countText(due), due, invalid(marks)),
    ...COUNTS.map(({ key }) => {
      const count = total(key);
      const share = count === 0 ? '' : ` (${percentText(count / due)})`;
      return figure(`${countText(count)}${share}`, count, invalid(marks));
    }),
  ];
}

function invalid(marks: readonly Mark[]): Mark[] {
  return marks.filter(mark => mark === 'invalid');
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}
