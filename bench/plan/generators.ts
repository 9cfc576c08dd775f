// The number of generators of each cell, where the scenario leaves it to the machine.
import type { Host } from '../../results/model/run.ts';
import type { ClientPlugin } from '../contracts.ts';
import { evenWeights, refuseDivision } from './division.ts';
import type { Plan } from './plan.ts';

/** Cores that a target leaves to the generators of a client; at least one. */
export function countSpareCores({ pinning, cpuCount }: Pick<Host, 'pinning' | 'cpuCount'>): number {
  return Math.max(1, pinning === null ? cpuCount - 1 : (pinning.generatorCpus?.length ?? 1));
}

/** Replaces `generators: 'auto'` by the largest number that has a core for each and that the load can be divided over. */
export function settleGenerators(
  plan: Plan,
  spareCores: number,
  transports: Readonly<Record<string, ClientPlugin>>,
): Plan {
  const cells = plan.cells.map(cell => {
    if (cell.scenario.generators !== 'auto') return cell;
    let generators = spareCores;
    while (refuseDivision(cell.scenario, transports, evenWeights(generators)).length > 0) generators--;
    return { ...cell, scenario: { ...cell.scenario, generators } };
  });
  return { ...plan, cells };
}
