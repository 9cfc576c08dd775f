// Counters of several kernels are added, each network once, however many machines are in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelCounts } from '../../results/model/trial.ts';
import { type Kernel, readKernels, readKernelsOf } from './kernels.ts';

let questions = 0;

/** All of its counters stand at one number. */
function kernelAt(place: string, count: number): Kernel {
  const names = [
    'activeOpens',
    'passiveOpens',
    'retransmits',
    'needlessRetransmits',
    'synRetransmits',
    'listenDrops',
    'timeWaitCreated',
  ] as const satisfies readonly (keyof KernelCounts)[];
  return {
    place,
    isHere: false,
    async kernelCounts() {
      questions++;
      return Object.fromEntries(names.map(name => [name, count])) as KernelCounts;
    },
  };
}

test('two machines in one network are asked once, and others are added', async () => {
  questions = 0;
  const counts = await readKernels([kernelAt('a', 10), kernelAt('a', 10), kernelAt('b', 1)]);
  assert.deepEqual([counts.activeOpens, counts.listenDrops, questions], [11, 11, 2]);
});

test('that of the server is one of them, unless it is in the network of a client', async () => {
  const clients = [kernelAt('a', 10)];
  assert.equal((await readKernelsOf(clients, kernelAt('web1', 5))).passiveOpens, 15);
  assert.equal((await readKernelsOf(clients, kernelAt('a', 10))).passiveOpens, 10);
  assert.equal((await readKernelsOf(clients, undefined)).passiveOpens, 10);
});
