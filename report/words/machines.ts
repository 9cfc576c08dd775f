// Sentences on the machines that sent the load of a run: what differs between them, and which were lost.
import type { Run, RunMachine } from '../../results/model/run.ts';
import { listed } from './load.ts';

const HARDWARE: readonly { noun: string; read(machine: RunMachine): string }[] = [
  { noun: 'processors', read: ({ host }) => host.cpuModel },
  { noun: 'numbers of cores', read: ({ host }) => String(host.cpuCount) },
  { noun: 'kernels', read: ({ host }) => host.kernel },
  { noun: 'amounts of memory', read: ({ host }) => `${(host.memoryBytes / 2 ** 30).toFixed(0)} GiB` },
  { noun: 'versions of Node', read: ({ host }) => host.node },
];

/** Whether conntax's own target was elsewhere than the machine of the run, by its address. */
export function runsTargetElsewhere({ targetAddress = '127.0.0.1' }: Pick<Run, 'targetAddress'>): boolean {
  return !targetAddress.startsWith('127.');
}

/** What a reader of the figures has to know of the machines; nothing where the machine of the run sent the load. */
export function machineCaveats({ machines = [] }: Pick<Run, 'machines'>): string[] {
  return [...machines.flatMap(lossCaveat), ...differences(machines)];
}

function lossCaveat({ name, loss }: RunMachine): string[] {
  if (loss === null) return [];
  return [
    `Machine ${name} was lost during the run: no later replicate had load from it, and any that was measured had the whole load from the others. (${loss.trim()})`,
  ];
}

/** Machines that differ have percentiles of their own beside the merged ones. */
export function differences(machines: readonly RunMachine[]): string[] {
  return HARDWARE.flatMap(({ noun, read }) => {
    const groups = [...Map.groupBy(machines, read)];
    if (groups.length < 2) return [];
    const which = groups.map(([value, own]) => `${value} (${listed(own.map(({ name }) => name))})`);
    return [`The machines have different ${noun}: ${which.join(', ')}.`];
  });
}
