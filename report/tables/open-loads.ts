// Tables of open loads: how well the schedule was kept, and what capacity searches found; null for other loads.
import { mergeHistograms } from '../../results/histogram.ts';
import { askedPerSec, limitOfSearch, METRIC_TABLE, searchOutcome } from '../../results/metrics.ts';
import type { Capacity } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import { type ArmView, type CellView, figureMarks, onlyInvalid, quantileMarks } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { capacitySign, listCapacities, nameLimit } from '../words/bound.ts';
import { describeObjective, formatRate } from '../words/load.ts';
import { formatCount, formatInterval, formatPercent } from '../words/numbers.ts';
import {
  countCell,
  createTable,
  figure,
  figureCell,
  figureColumn,
  keyColumn,
  metricColumn,
  nothing,
  timeCell,
  wordColumn,
  words,
} from './table.ts';

export function capacityTable({ arms, result }: CellView): Table | null {
  const { load } = result.scenario;
  const searched = arms.filter(arm => listCapacities(arm).length > 0);
  if (load.model !== 'capacity' || searched.length === 0) return null;
  return createTable({
    name: 'capacity',
    title: 'Capacity',
    columns: [
      keyColumn('arm', 'client'),
      metricColumn('capacityPerSec'),
      figureColumn('foundPerSec', 'found', 'requests/s, by replicate'),
      figureColumn('notKeptPerSec', 'not sustained', 'requests/s, by replicate'),
      wordColumn('limit', 'ended by'),
      figureColumn('probeCount', 'rates tried'),
    ],
    rows: searched.map(arm => [words(arm.label, arm.name), ...cellsOf(arm)]),
    notes: [
      `Capacity is the highest rate tried at which ${describeObjective(load.objective)}; not sustained is the lowest rate tried above it. The other tables show slices at the rate found in each replicate.`,
      'A search in which the lowest rate failed, or none did, has found no capacity. With one of them among the replicates, the client has none: those that the others found were selected by the range of the search.',
      'If the generator ended it, its process could not send on time: the client library sustains no more, and what the server would sustain is at least that.',
    ],
  });
}

function cellsOf(arm: ArmView): TableCell[] {
  const found = listCapacities(arm);
  const { summary } = arm;
  const marks = figureMarks(arm, 'capacityPerSec');
  const rate = summary?.capacityPerSec ?? null;
  const notKept = found.map(({ notKeptPerSec }) => notKeptPerSec);
  return [
    rate === null ? nothing : figure(`${capacitySign(arm)}${formatInterval(rate)}`, rate, marks),
    figure(
      found.map(formatFound).join(', '),
      found.map(({ ratePerSec }) => ratePerSec),
      marks,
    ),
    words(notKept.map(perSec => (perSec === null ? 'none' : formatRate(perSec))).join(', '), notKept),
    words(nameLimit(arm) ?? ''),
    countCell(sumOf(found, ({ probes }) => probes.length)),
  ];
}

function formatFound(capacity: Capacity): string {
  const { ratePerSec } = capacity;
  const text = ratePerSec === 0 ? 'none' : formatRate(ratePerSec);
  switch (searchOutcome(capacity)) {
    case 'highestSustained':
      return `at least ${text}`;
    case 'cutShort':
      return `${text} (cut short)`;
    default:
      return limitOfSearch(capacity) === 'generator' ? `at least ${text}` : text;
  }
}

const CLOCKS = ['response', 'service', 'lateness'] as const;
const QUANTILES = ['p50', 'p99'] as const;

const COUNTS = [
  { key: 'heldBack', heading: 'held back' },
  { key: 'unsent', heading: 'never sent' },
  { key: 'unfinished', heading: 'abandoned' },
] as const;

export function scheduleTable({ arms, result }: CellView): Table | null {
  if (result.scenario.load.model === 'closed') return null;
  const measured = arms.filter(({ trials }) =>
    trials.some(({ measurement }) => measurement.arrivals !== null),
  );
  if (measured.length === 0) return null;
  return createTable({
    name: 'schedule',
    title: 'Schedule',
    columns: [
      keyColumn('arm', 'client'),
      figureColumn('askedPerSec', 'requested', 'requests/s'),
      figureColumn('endedPerSec', 'finished', 'requests/s'),
      ...CLOCKS.flatMap(clock =>
        QUANTILES.map(quantile =>
          figureColumn(`${clock}${quantile.toUpperCase()}Ms`, `${clock} ${quantile}`, 'ms'),
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
      "Response time counts from when a request was due, service time from when it was sent. Lateness is the part of the difference that the generator caused; the rest is requests held back because the load's limit of requests in flight was reached.",
      'Finished: responses and failures within the steady windows, whenever the requests were due. If they are fewer than requested, requests pile up.',
    ],
  });
}

function rateCells({ trials, marks }: ArmView): TableCell[] {
  const asked = trials.flatMap(
    ({ trial, measurement }) => askedPerSec(trial.load, measurement.capacity) ?? [],
  );
  const steadyMs = sumOf(trials, trial => trial.measurement.steadyMs);
  const ended = sumOf(trials, trial => trial.measurement.arrivals?.ended ?? 0);
  const least = Math.min(...asked);
  const most = Math.max(...asked);
  const range = least === most ? formatRate(least) : `${formatRate(least)} to ${formatRate(most)}`;
  return [
    asked.length === 0 ? nothing : words(range, least === most ? least : [least, most]),
    figureCell(steadyMs === 0 ? null : (ended / steadyMs) * 1_000, onlyInvalid(marks)),
  ];
}

function clockCells({ trials, marks }: ArmView): TableCell[] {
  return CLOCKS.flatMap(clock => {
    const merged = mergeHistograms(trials.flatMap(({ measurement }) => measurement[clock] ?? []));
    return QUANTILES.map(quantile => {
      const few = quantileMarks(METRIC_TABLE[`${quantile}Us`].shareBeyond, merged.count);
      return merged.count === 0
        ? nothing
        : timeCell(merged[`${quantile}Us`], [...onlyInvalid(marks), ...few]);
    });
  });
}

function countCells({ trials, marks }: ArmView): TableCell[] {
  const total = (key: 'due' | (typeof COUNTS)[number]['key']) =>
    sumOf(trials, trial => trial.measurement.arrivals?.[key] ?? 0);
  const due = total('due');
  return [
    countCell(due, onlyInvalid(marks)),
    ...COUNTS.map(({ key }) => {
      const count = total(key);
      const share = count === 0 ? '' : ` (${formatPercent(count / due)})`;
      return figure(`${formatCount(count)}${share}`, count, onlyInvalid(marks));
    }),
  ];
}
