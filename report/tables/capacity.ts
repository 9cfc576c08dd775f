// In: the arms of a cell. Out: the highest rate that each bears within the objective; null where none was searched for.
import type { Capacity, ProbeLimit } from '../../bench/core/open-results.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { rateText } from '../headline-words.ts';
import { objectiveText } from '../words/load.ts';
import { countText, intervalText } from '../words/numbers.ts';
import type { Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

export const LIMIT_WORDS: Record<ProbeLimit, string> = {
  latency: 'latency',
  errors: 'errors',
  rate: 'answers fell behind',
  generator: 'the generator',
};

/** What each trial of an arm has found. */
export function capacitiesOf({ trials }: Pick<ArmView, 'trials'>): Capacity[] {
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
export function limitOf({ notKeptPerSec, probes }: Capacity): ProbeLimit | null {
  return probes.findLast(probe => probe.ratePerSec === notKeptPerSec && !probe.isKept)?.limit ?? null;
}

function limitText(capacity: Capacity): string {
  const limit = limitOf(capacity);
  return limit === null ? 'nothing that was tried' : LIMIT_WORDS[limit];
}
