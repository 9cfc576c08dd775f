// Cells whose limits cannot be set here are skipped with the reason, and the others stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeasureError } from '../../results/errors.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { planRun } from '../plan/plan.ts';
import { fullScenario } from '../plan/testing/plugins.ts';
import { describeSkipped, requireSomething, skipImpossible } from './limited-machine.ts';

const plain = Scenario.parse({ ...fullScenario, name: 'plain', link: undefined });
const files = { ...plain, name: 'files', limits: { openFiles: 256 } };
const ports = { ...plain, name: 'ports', limits: { localPorts: 256, openFiles: 300 } };
const plan = planRun([files, plain, ports], { seed: 1 });

test('only limits that a scenario states are tried, each by itself', async () => {
  const tried: unknown[] = [];
  const kept = await skipImpossible(plan, async limits => {
    tried.push(limits);
    return undefined;
  });
  assert.deepEqual(tried, [{ openFiles: 256 }, { localPorts: 256 }, { openFiles: 300 }]);
  assert.equal(kept, plan);
});

test('a cell whose limit cannot be set is skipped with what the system said, on one line', async () => {
  const { cells, skipped = [] } = await skipImpossible(plan, async ({ localPorts }) =>
    localPorts === undefined ? undefined : 'unshare failed:\nOperation not permitted',
  );
  assert.deepEqual(
    cells.map(({ id }) => id),
    ['files', 'plain'],
  );
  assert.match(
    skipped.map(describeSkipped).join('\n'),
    /^ports is skipped: no network namespace of its own \(unshare failed: Operation not permitted\); expected: Linux, root or .*$/,
  );
  assert.doesNotThrow(() => requireSomething({ ...plan, cells, skipped }));
});

test('a run of which nothing is left cannot be measured', async () => {
  const all = await skipImpossible(planRun([files, ports], { seed: 1 }), async () => 'spawn sh ENOENT');
  assert.throws(
    () => requireSomething(all),
    (error: unknown) => error instanceof MeasureError && error.message.split('\n').length === 2,
  );
});
