// What is stored of a machine.
import type { RunMachine } from '../../results/model/run.ts';
import type { Machine } from './machine.ts';

export function describeMachine(
  machine: Machine,
  stated: Pick<RunMachine, 'isHere' | 'cores' | 'weight'>,
): RunMachine {
  const { host, conntax, git } = machine.identity;
  const loss = machine.loss === undefined ? null : machine.lossError().message;
  return { name: machine.name, conntax, git, host, ...stated, loss };
}
