// The kernel counters of all machines of a run together, each network once.
import type { KernelCounts } from '../../results/model/trial.ts';
import { readKernelCounts } from '../probes/kernel.ts';

/** Where counters are read. */
export interface Kernel {
  /** Two with the same one are one. */
  place: string;
  /** Whether it is that of this process, which is read without asking. */
  isHere: boolean;
  /** @throws MeasureError when its machine is lost */
  kernelCounts(): Promise<KernelCounts>;
}

const HERE: Kernel = { place: 'here', isHere: true, kernelCounts: async () => readKernelCounts() };

/**
 * @param clients of the machines that send the load; undefined: this one does
 * @throws MeasureError when a machine is lost
 */
export function readKernelsOf(
  clients: readonly Kernel[] = [HERE],
  server: Kernel | undefined,
): Promise<KernelCounts> {
  return readKernels(server === undefined ? clients : [...clients, server]);
}

/** @throws MeasureError when a machine is lost */
export async function readKernels(kernels: readonly Kernel[]): Promise<KernelCounts> {
  const places = Map.groupBy(kernels, ({ place, isHere }) => (isHere ? HERE.place : place));
  const counts = await Promise.all(
    [...places.values()].map(([kernel]) => (kernel!.isHere ? readKernelCounts() : kernel!.kernelCounts())),
  );
  return counts.reduce(addCounts);
}

function addCounts(one: KernelCounts, other: KernelCounts): KernelCounts {
  const sum = { ...one };
  for (const name of Object.keys(sum) as (keyof KernelCounts)[]) sum[name] += other[name];
  return sum;
}
