// Table of the machines that sent the load: the part of each, its percentiles beside the merged ones, and how it kept step.
import { mergeHistograms } from '../../results/histogram.ts';
import type { MachineShare } from '../../results/model/trial.ts';
import { meanOf, sumOf } from '../../results/stats.ts';
import { type ArmView, type CellView, onlyInvalid } from '../cell-view.ts';
import type { Mark, Table, TableCell } from '../model.ts';
import { formatCount, formatMs, formatPercent } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

/** null where the machine of the run sent all of it. */
export function machineTable({ arms }: CellView): Table | null {
  const rows = arms.flatMap(armRows);
  if (rows.length === 0) return null;
  return createTable({
    name: 'machines',
    title: 'Machines',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('machine', 'machine'),
      figureColumn('shareRatio', 'share of the load'),
      figureColumn('completedCount', 'requests completed'),
      figureColumn('p50Us', 'median', 'ms'),
      figureColumn('p99Us', 'p99', 'ms'),
      figureColumn('cpuRatio', 'CPU of its generators'),
      figureColumn('errorMs', 'clock known to', 'ms'),
      figureColumn('skewMs', 'window off its time by', 'ms'),
    ],
    rows,
    notes: [
      'Over all requests of the measured windows. CPU is that of the time of one core for each generator. The window of a slice opens at one moment by the clocks of all machines.',
    ],
  });
}

function armRows({ label, name, trials, marks }: ArmView): TableCell[][] {
  const shares = trials.flatMap(({ measurement }) => measurement.machines ?? []);
  if (shares.length === 0) return [];
  const invalid = onlyInvalid(marks);
  const { p50Us, p99Us, count } = mergeHistograms(trials.map(({ measurement }) => measurement.response));
  const all = [
    words(label, name),
    words('all together', null),
    figure(formatPercent(1), 1, invalid),
    figure(formatCount(count), count, invalid),
    figure(formatMs(p50Us), p50Us, invalid),
    figure(formatMs(p99Us), p99Us, invalid),
    nothing,
    nothing,
    nothing,
  ];
  const each = [...Map.groupBy(shares, share => share.name)].map(([machine, own]) => [
    words(label, name),
    words(machine),
    ...machineFigures(own, invalid),
  ]);
  return each.length === 1 ? each : [...each, all];
}

function machineFigures(shares: readonly MachineShare[], marks: readonly Mark[]): TableCell[] {
  const completed = sumOf(shares, share => share.completed);
  const ratio = (read: (share: MachineShare) => number): TableCell => {
    const mean = meanOf(shares.map(read));
    return figure(formatPercent(mean), mean, marks);
  };
  const { p50Us, p99Us } = mergeHistograms(shares.map(({ response }) => response));
  const errorMs = Math.max(...shares.map(share => share.errorMs));
  const worst = shares.flatMap(share => share.worst ?? []);
  const skewMs = Math.max(0, ...worst.map(step => Math.abs(step.skewMs)));
  return [
    ratio(({ shareRatio }) => shareRatio),
    figure(formatCount(completed), completed, marks),
    figure(formatMs(p50Us), p50Us, marks),
    figure(formatMs(p99Us), p99Us, marks),
    ratio(({ cpuRatio }) => cpuRatio),
    figure(formatMs(errorMs * 1_000), errorMs, marks),
    worst.length === 0 ? nothing : figure(formatMs(skewMs * 1_000), skewMs, marks),
  ];
}
