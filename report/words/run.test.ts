// What a report says of the machines that sent the load: how they differ, and which were lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunMachine } from '../../results/model/run.ts';
import { sampleHost, sampleRun } from '../../results/testing/sample-run.ts';
import { describeRun, machineCaveats } from './run.ts';

function machine(
  name: string,
  host: Partial<RunMachine['host']> = {},
  loss: string | null = null,
): RunMachine {
  return {
    name,
    conntax: '1.2.3',
    git: null,
    host: { ...sampleHost, ...host },
    isHere: false,
    cores: null,
    weight: null,
    loss,
  };
}

test('of equal machines nothing is said, nor where the machine of the run sent the load', () => {
  assert.deepEqual(machineCaveats({}), []);
  assert.deepEqual(machineCaveats({ machines: [machine('gen1'), machine('gen2')] }), []);
});

test('what differs is named with who has what, and so is what was lost', () => {
  const machines = [
    machine('gen1'),
    machine('gen2', { cpuCount: 8, node: '26.10.1' }, 'machine gen2 was lost: no answer within 10 s'),
    machine('gen3'),
  ];
  assert.deepEqual(machineCaveats({ machines }), [
    'Machine gen2 was lost during the run: no later replicate had load from it, and any that was measured had the whole load from the others. (machine gen2 was lost: no answer within 10 s)',
    'The machines have different numbers of cores: 2 (gen1 and gen3), 8 (gen2).',
    'The machines have different versions of Node: 26.10.0 (gen1 and gen3), 26.10.1 (gen2).',
  ]);
});

test('the line of a run names the machines that sent its load', () => {
  const { run } = sampleRun();
  assert.doesNotMatch(describeRun(run), /load from/);
  assert.match(
    describeRun({ ...run, machines: [machine('gen1'), machine('gen2')] }),
    /; load from gen1, gen2; run /,
  );
});
