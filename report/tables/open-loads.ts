// In: the arms of a cell. Out: how their open loads kept the schedule, by both clocks; null for a closed load.
import { mergeHistograms } from '../../results/histogram.ts';
import { askedPerSec } from '../../results/metrics.ts';
import type { Capacity, Histogram, ProbeLimit } from '../../results/model/trial.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { askedRateText, objectiveText, rateText } from '../words/load.ts';
import { countText, intervalText, msText, percentText, significantText } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

// From the arms of a cell. Out: the highest rate that each bears within the objective; null where none was searched for.

const LIMIT_WORDS: Record<ProbeLimit, string> = {
  latency: 'latency',
  errors: 'errors',
  rate: 'answers fell behind',
  generator: 'the generator',
};

/** What each trial of an arm has found. */
function capacitiesOf({ trials }: Pick<ArmView, 'trials'>): Capacity[] {
  return trials.flatMap(({ measurement }) => measurement.capacity ?? []);
}

export function capacityTable({ arms, result }: CellView): Table | null {
  const { load } = result.scenario;
  const searched = arms.filter(arm => capacitiesOf(arm).length > 0);
  if (load.model !== 'capacity' || searched.length === 0) return null;
  return createTable({
    name: 'capacity',
    title: 'Capacity',
    columns: [
      keyColumn('arm', 'arm'),
      figureColumn('capacityPerSec', 'capacity', 'requests/s, 95 % interval'),
      figureColumn('foundPerSec', 'found', 'requests/s, by replicate'),
      figureColumn('notKeptPerSec', 'not borne', 'requests/s, by replicate'),
      wordColumn('limit', 'limited by'),
      figureColumn('probeCount', 'rates tried'),
    ],
    rows: searched.map(arm => [words(arm.label, arm.name), ...cellsOf(arm)]),
    notes: [
      `The highest rate that was tried at which ${objectiveText(load.objective)}; not borne is the lowest above it that was tried. The other tables are of slices at the rate found in each replicate.`,
      'Where the generator is the limit, its own process could not send on time: with a target to itself, the client library is what bears no more.',
    ],
  });
}

function cellsOf(arm: ArmView): TableCell[] {
  const found = capacitiesOf(arm);
  const { summary, marks } = arm;
  const rate = summary?.capacityPerSec ?? null;
  const notKept = found.map(({ notKeptPerSec }) => notKeptPerSec);
  const probeCount = found.reduce((sum, { probes }) => sum + probes.length, 0);
  return [
    rate === null ? nothing : figure(intervalText(rate), rate, marks),
    figure(
      found.map(({ ratePerSec, isSettled }) => foundText(ratePerSec, isSettled)).join(', '),
      found.map(({ ratePerSec }) => ratePerSec),
      marks,
    ),
    words(notKept.map(perSec => (perSec === null ? 'none' : rateText(perSec))).join(', '), notKept),
    words([...new Set(found.map(limitText))].join(', ')),
    words(countText(probeCount), probeCount),
  ];
}

function foundText(ratePerSec: number, isSettled: boolean): string {
  const text = ratePerSec === 0 ? 'none' : rateText(ratePerSec);
  return isSettled ? text : `${text} (cut short)`;
}

/** What the lowest rate that was not borne failed on, at its last probe. */
function limitOf({ notKeptPerSec, probes }: Capacity): ProbeLimit | null {
  return probes.findLast(probe => probe.ratePerSec === notKeptPerSec && !probe.isKept)?.limit ?? null;
}

function limitText(capacity: Capacity): string {
  const limit = limitOf(capacity);
  return limit === null ? 'nothing that was tried' : LIMIT_WORDS[limit];
}

// From a cell. Out: what has to be read with the capacities that it found, in sentences.

export function capacityRemarks({ arms, result }: CellView): string[] {
  const { load } = result.scenario;
  if (load.model !== 'capacity') return [];
  const remark = (fits: (capacity: Capacity) => boolean, text: string): string[] => {
    const named = arms.flatMap(arm => nameWhere(arm, fits) ?? []);
    return named.length === 0 ? [] : [`For ${named.join(', ')} ${text}`];
  };
  return [
    ...remark(
      capacity => limitOf(capacity) === 'generator',
      'the generator, not the target, was the limit: it could not send on time.',
    ),
    ...remark(
      ({ notKeptPerSec, isSettled }) => isSettled && notKeptPerSec === null,
      `no rate up to ${askedRateText(load.maxRatePerSec)} requests per second failed: the capacity is at least that.`,
    ),
    ...remark(
      ({ ratePerSec, isSettled }) => isSettled && ratePerSec === 0,
      `the objective did not hold even at about ${askedRateText(load.minRatePerSec)} requests per second, where the search begins; the other tables are of that rate.`,
    ),
  ];
}

/** The arm's name, with in how many replicates it is so unless it is in all. */
function nameWhere(arm: ArmView, fits: (capacity: Capacity) => boolean): string | null {
  const found = capacitiesOf(arm);
  const count = found.filter(fits).length;
  if (count === 0) return null;
  return count === found.length ? arm.name : `${arm.name} (in ${count} of ${found.length} replicates)`;
}

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
