// In: the arms of a cell behind an emulated link. Out: what its relay did for each: load, lateness; null without a link.
import type { LinkReading } from '../../results/model/trial.ts';
import type { ArmView, CellView } from '../cell-view.ts';
import { countText, percentText, significantText } from '../words/numbers.ts';
import type { Column, Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, words } from './table.ts';

interface Measure {
  column: Column;
  /** Of all trials of an arm, at least one. */
  read(readings: readonly LinkReading[]): { text: string; value: number };
}

const worst = (column: Column, read: (reading: LinkReading) => number, text: (value: number) => string) => ({
  column,
  read: (readings: readonly LinkReading[]) => {
    const value = Math.max(...readings.map(read));
    return { text: text(value), value };
  },
});

const sum = (column: Column, read: (reading: LinkReading) => number, text: (value: number) => string) => ({
  column,
  read: (readings: readonly LinkReading[]) => {
    const value = readings.reduce((total, reading) => total + read(reading), 0);
    return { text: text(value), value };
  },
});

/** Lateness is known to a tenth of a millisecond. */
const lateText = (ms: number): string => ms.toFixed(1);
const MIB = 2 ** 20;

const MEASURES: readonly Measure[] = [
  sum(figureColumn('connectionCount', 'connections'), ({ connections }) => connections, countText),
  sum(figureColumn('carriedMiB', 'carried', 'MiB'), ({ bytes }) => bytes / MIB, significantText),
  worst(figureColumn('cpuRatio', 'CPU', 'of a core'), ({ relay }) => relay.cpuRatio, percentText),
  worst(
    figureColumn('runDelayRatio', 'waited for it', 'of the time'),
    ({ relay }) => relay.runDelayRatio,
    percentText,
  ),
  worst(
    figureColumn('lateP50Ms', 'late at p50', 'ms'),
    ({ latenessP50Us }) => latenessP50Us / 1_000,
    lateText,
  ),
  worst(
    figureColumn('lateP99Ms', 'late at p99', 'ms'),
    ({ latenessP99Us }) => latenessP99Us / 1_000,
    lateText,
  ),
  worst(
    figureColumn('lateMaxMs', 'late at most', 'ms'),
    ({ latenessMaxUs }) => latenessMaxUs / 1_000,
    lateText,
  ),
];

export function linkTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(arm => rowOf(arm));
  if (rows.length === 0) return null;
  return createTable({
    name: 'link',
    title: "The link's relay",
    columns: [keyColumn('arm', 'arm'), ...MEASURES.map(({ column }) => column)],
    rows,
    notes: [
      'Late: how much after its due time the relay passed a piece on. CPU, waiting and lateness are those of the worst replicate, connections and bytes of all together, warm-up not included.',
    ],
  });
}

/** One row, or none. */
function rowOf({ label, name, trials, marks }: ArmView): TableCell[][] {
  const readings = trials.flatMap(({ measurement }) => measurement.link ?? []);
  if (readings.length === 0) return [];
  const invalid = marks.filter(mark => mark === 'invalid');
  const cells = MEASURES.map(({ read }) => {
    const { text, value } = read(readings);
    return figure(text, value, invalid);
  });
  return [[words(label, name), ...cells]];
}
