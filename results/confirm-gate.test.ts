// In: a regression, and what was measured again of it. Out: proof that it counts only where the fresh run bears it out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NULL_ARM } from '../bench/core/null-arm.ts';
import { confirmGate } from './confirm-gate.ts';
import { joinRuns } from './join-runs.ts';
import { type RunSummary, summariseRun } from './run-summary.ts';
import { replicateInterval } from './stats.ts';
import { sampleRun } from './testing/sample-run.ts';

const METRIC = 'cpuUsPerRequest';
const ARM = 'persistent';
const EVEN = [-1, -0.5, 0, 0, 0.5, 1];

/** A run whose CPU per request of an arm, over the baseline arm, is so many times that of the sample, give or take `spread`. */
function makeRun(factor: number, spread = 0.01, damage: (run: RunSummary) => void = () => {}): RunSummary {
  const run = structuredClone(summariseRun(sampleRun().run));
  const [cell] = run.cells as [RunSummary['cells'][number]];
  const own = cell.ratios.find(({ metric, candidate }) => metric === METRIC && candidate === ARM)!;
  const ratio = (candidate: string, value: number) => {
    const replicateRatios = EVEN.map(step => value * Math.exp(step * spread));
    return {
      metric: own.metric,
      candidate,
      replicateRatios,
      interval: replicateInterval(replicateRatios.map(Math.log)),
    };
  };
  cell.ratios = [ratio(ARM, own.interval!.value * factor), ratio(NULL_ARM, 1)];
  damage(run);
  return run;
}

/** With a null arm that is off by up to a quarter. */
function noisy(run: RunSummary): RunSummary {
  const nullArm = run.cells[0]!.ratios.find(({ candidate }) => candidate === NULL_ARM)!;
  nullArm.interval = { value: 1, low: 0.75, high: 1.25 };
  return run;
}

const baseline = makeRun(1);
const options = { minEffect: 0.05 };

for (const [why, first, fresh, isBorneOut] of [
  ['it shows again', makeRun(1.2), makeRun(1.2), true],
  [
    'it shows again, though by itself the fresh run would not be sure',
    makeRun(1.2),
    makeRun(1.15, 0.12),
    true,
  ],
  ['it is gone', makeRun(1.2), makeRun(1), false],
  ['it is smaller than what counts', makeRun(1.2), makeRun(1.03), false],
  ['it is an improvement', makeRun(1.2), makeRun(0.8), false],
  ['both together are not sure', makeRun(1.1), makeRun(1.06, 0.15), false],
  ['its noise floor alone would hide it', makeRun(1.3), noisy(makeRun(1.2)), true],
] as const) {
  test(`measured again, ${why}: ${isBorneOut ? 'a regression' : 'none'}`, () => {
    const { confirmations, result } = confirmGate(baseline, { first, fresh }, options);
    const found = confirmations.filter(({ first: line }) => line.metric === METRIC);
    assert.deepEqual(
      found.map(confirmation => confirmation.isBorneOut),
      [isBorneOut],
    );
    assert.equal(result.state === 'regression', isBorneOut);
    const { change } = found[0]!.together;
    assert.ok(change.low <= change.value && change.value <= change.high);
  });
}

test('what did not regress at first is no regression because both together seem to be one', () => {
  const first = makeRun(1.08, 0.08);
  const { confirmations, result } = confirmGate(baseline, { first, fresh: makeRun(1.2) }, options);
  assert.deepEqual(confirmations, []);
  assert.ok(result.lines.every(({ state, isBinding }) => !isBinding || state !== 'regression'));
});

test('a regression of which the fresh run has nothing is not borne out', () => {
  const fresh = makeRun(1.2, 0.01, run => {
    run.cells[0]!.ratios = [];
  });
  const { confirmations, result } = confirmGate(baseline, { first: makeRun(1.2), fresh }, options);
  assert.deepEqual(
    confirmations.map(({ fresh: line, isBorneOut }) => [line, isBorneOut]),
    [[undefined, false]],
  );
  assert.equal(result.state, 'unsure');
});

test('a count that is worse by more than its limit, twice', () => {
  const failing = (failed: number) =>
    makeRun(1, 0.01, run => {
      const arm = run.cells[0]!.arms.find(one => one.arm === ARM)!;
      Object.assign(arm, { completed: 100_000 - failed, failed });
    });
  const confirmedWith = (fresh: RunSummary) =>
    confirmGate(failing(0), { first: failing(500), fresh }, options).confirmations.map(one => one.isBorneOut);
  assert.deepEqual(confirmedWith(failing(500)), [true]);
  assert.deepEqual(confirmedWith(failing(10)), [false]);
});

test('joined: counts are added, ratios have all replicates, and the first run gives its name', () => {
  const first = makeRun(1.2);
  const fresh = { ...makeRun(1.1), runId: 'fresh' };
  const joined = joinRuns(first, fresh);
  assert.equal(joined.runId, first.runId);
  const [cell] = joined.cells;
  assert.equal(cell!.arms[0]!.opened, first.cells[0]!.arms[0]!.opened + fresh.cells[0]!.arms[0]!.opened);
  assert.equal(cell!.ratios[0]!.replicateRatios.length, 2 * EVEN.length);
  const { low, high } = cell!.ratios[0]!.interval!;
  const { value: one } = first.cells[0]!.ratios[0]!.interval!;
  const { value: other } = fresh.cells[0]!.ratios[0]!.interval!;
  assert.ok(low < Math.sqrt(one * other) && Math.sqrt(one * other) < high);
});

test('joined: of two runs that differ neither is taken for a mode and left out', () => {
  const first = makeRun(1.2, 0.01);
  const fresh = makeRun(1.06, 0.01);
  fresh.cells[0]!.ratios[0]!.replicateRatios.length = 3;
  const { low, high } = joinRuns(first, fresh).cells[0]!.ratios[0]!.interval!;
  for (const { cells } of [first, fresh]) {
    const { value } = cells[0]!.ratios[0]!.interval!;
    assert.ok(low <= value && value <= high, `${value} in ${low} to ${high}`);
  }
});

test('joined: a cell that was not measured again, or under other conditions, stays as it was', () => {
  const first = makeRun(1.2);
  for (const cells of [[], [{ ...makeRun(1).cells[0]!, conditions: 'other' }]])
    assert.deepEqual(joinRuns(first, { ...makeRun(1), cells }), first);
});
