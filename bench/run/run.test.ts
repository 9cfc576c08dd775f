// When a cell stops, what a confirmation adds, and how cells follow one another, decided on recorded replicates.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { CellResult } from '../../results/model/run.ts';
import type { ExpectationResult } from '../../scenarios/model/scenario.ts';
import { planRun, trialsOf } from '../plan/plan.ts';
import type { CreateSource, RunEvent } from './context.ts';
import { measureCell, runPlan } from './run.ts';
import { replay } from './testing/recorded-replicates.ts';
import { makeScenario, makeTinyCell } from './testing/tiny-cell.ts';

test('a failed expectation is measured again on fresh replicates, and both are reported', async () => {
  const { options, events } = makeTinyCell({
    timing: { minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 },
    expect: [
      { metric: 'requestsPerSec', of: 'long', atLeast: 1e9 },
      { metric: 'requestsPerSec', of: 'long', atLeast: 1e-9 },
    ],
  });
  const result = await measureCell({ ...options, createSource: replay(), isConfirming: true });
  const [failed, passed] = result.expectations;
  assert.deepEqual(
    [failed!.state, failed!.first.state, failed!.confirmation?.state, failed!.confirmation?.replicates],
    ['fail', 'fail', 'fail', 3],
  );
  assert.deepEqual([passed!.state, passed!.confirmation], ['pass', null]);
  assert.equal(result.replicates, 6);
  const replicates = events.flatMap(event => (event.type === 'replicate-finished' ? [event.replicate] : []));
  assert.deepEqual(replicates, [0, 1, 2, 3, 4, 5], 'numbered on, so that their seeds are fresh');
});

for (const [why, expectations, stop, replicates] of [
  ['one fails', [1e9, 1e-9], 'decided', 3],
  ['all pass', [1e-9, 1e-9], 'decided', 3],
  ['one can be judged by nothing that is measured', [1e-9, null], 'max-replicates', 4],
] as const) {
  test(`until decided, ${why}: ${stop} after ${replicates} replicates`, async () => {
    const { options } = makeTinyCell({
      timing: { minReplicates: 2, maxReplicates: 4, budgetMs: 60_000, until: 'decided' },
      expect: expectations.map(atLeast => ({
        metric: atLeast === null ? 'capacityPerSec' : 'requestsPerSec',
        of: 'long',
        atLeast: atLeast ?? 1,
      })),
    });
    const result = await measureCell({ ...options, createSource: replay(), isConfirming: false });
    assert.deepEqual([result.stop, result.replicates], [stop, replicates]);
  });
}

test('until decided, what failed is measured again until the failure is final', async () => {
  const { options } = makeTinyCell({
    timing: { minReplicates: 2, maxReplicates: 9, budgetMs: 60_000, until: 'decided' },
    expect: [{ metric: 'requestsPerSec', of: 'long', atLeast: 1e9 }],
  });
  const { expectations, replicates } = await measureCell({
    ...options,
    createSource: replay(),
    isConfirming: true,
  });
  const [{ state, first, confirmation, together }] = expectations as [ExpectationResult];
  assert.equal(state, 'fail');
  assert.deepEqual([first.replicates, confirmation?.replicates, together?.replicates], [3, 3, 6]);
  assert.equal(replicates, 6);
});

function bytesOf({ sweepPoints }: Pick<CellResult, 'sweepPoints'>) {
  return sweepPoints.map(({ value }) => value);
}

/** Replayed, but for cells whose target would not start. */
const failingBelowZero: CreateSource = options => {
  const { cell, seed } = options;
  if (Number(cell.scenario.target.behaviour['bytes']) >= 0) return replay()(options);
  return {
    serviceMs: null,
    replicateMs: 0,
    next: async replicate =>
      trialsOf(cell, replicate, seed).map(trial => ({
        trial,
        startedAt: '2026-11-23T12:25:52.000Z',
        state: 'failed',
        error: { code: 'target-start', message: 'the target did not start' },
      })),
    async profile() {},
    async close() {},
  };
};

test('a cell of a sweep that can not be measured does not end it, and its time goes to the later ones', async () => {
  const variants = [10, -1, 30].map(value => ({
    ...makeScenario({
      target: { behaviour: { name: 'fixed', bytes: value } },
      timing: { budgetMs: 60_000, maxReplicates: 2 },
    }),
    sweepPoints: [{ path: 'target.behaviour.bytes', value }],
  }));
  const plan = planRun(variants, { seed: 5 });
  const events: RunEvent[] = [];
  const results = await runPlan(
    { plan },
    {
      pinning: null,
      isConfirming: false,
      signal: new AbortController().signal,
      createSource: failingBelowZero,
      emit: event => events.push(event),
    },
  );
  assert.deepEqual(
    results.map(bytesOf),
    plan.cells.map(({ sweepPoints }) => [sweepPoints[0]!.value]),
  );
  for (const result of results) {
    const isWrong = bytesOf(result)[0] === -1;
    assert.equal(result.stop, isWrong ? 'failed' : 'max-replicates');
    assert.equal(result.cell, `tiny[bytes=${bytesOf(result)[0]}]`);
    assert.equal(result.scenario.target.behaviour['bytes'], bytesOf(result)[0]);
    assert.equal(
      result.arms.every(({ trials }) => trials === 2),
      !isWrong,
    );
  }
  const budgets = events.flatMap(event =>
    event.type === 'cell-started' ? [event.cell.scenario.timing.budgetMs] : [],
  );
  assert.equal(budgets[0], 20_000);
  const spentMs = results[0]!.elapsedMs + results[1]!.elapsedMs;
  assert.equal(budgets[2], Math.max(10_000, Math.round(60_000 - spentMs)));
  const trials = events.flatMap(event => (event.type === 'trial' ? [event.result.trial] : []));
  for (const { cell, id, target } of trials) {
    assert.ok(id.startsWith(`${cell}/`));
    assert.equal(cell, `tiny[bytes=${target.behaviour['bytes']}]`);
  }
  assert.equal(new Set(trials.map(({ id }) => id)).size, trials.length);
});

test('a run measures cell after cell, and tells it in order; an interrupt starts no further one', async () => {
  const clients = { only: {} };
  const timing = { measureMs: 50 };
  const scenarios = ['first', 'second', 'third'].map(name =>
    makeScenario({ name, clients, baseline: 'only', timing }),
  );
  const controller = new AbortController();
  const events: RunEvent[] = [];
  const results = await runPlan(
    { plan: planRun(scenarios, { seed: 3 }) },
    {
      pinning: null,
      isConfirming: false,
      createSource: replay(),
      signal: controller.signal,
      emit: event => {
        events.push(event);
        if (event.type === 'cell-finished' && event.result.cell === 'second') controller.abort();
      },
    },
  );
  assert.deepEqual(
    results.map(({ cell, stop }) => [cell, stop]),
    [
      ['first', 'precise'],
      ['second', 'precise'],
    ],
  );
  const milestones = events.flatMap(event => {
    if (event.type === 'cell-started') return [`${event.index + 1}/${event.cellCount} ${event.cell.id}`];
    if (event.type === 'trial') return [event.result.trial.id];
    return event.type === 'cell-finished' ? [`${event.result.cell} done`] : [];
  });
  assert.deepEqual(milestones, [
    '1/3 first',
    'first/0/only',
    'first done',
    '2/3 second',
    'second/0/only',
    'second done',
  ]);
});

const ANNOUNCED_MS = 60_000;

/** A cell whose announced time is over in replicate `first`, which then has what was measured of it so far. */
function endlessFrom(first: number, t: TestContext): CreateSource {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return options => {
    const source = replay()(options);
    return {
      ...source,
      async next(replicate) {
        const results = await source.next(replicate);
        if (replicate < first) return results;
        t.mock.timers.tick(ANNOUNCED_MS);
        assert.ok(options.signal.aborted);
        return results.map(result =>
          result.state === 'completed' ? { ...result, isPartial: true } : result,
        );
      },
    };
  };
}

const LEAST = { oneMs: 100, intervalMs: ANNOUNCED_MS, endingMs: 100 };

for (const first of [0, 2]) {
  test(`when the announced time is over in replicate ${first + 1}, the cell ends, and what was measured is kept`, async t => {
    const { options, events } = makeTinyCell({ timing: { maxReplicates: 9, budgetMs: ANNOUNCED_MS } });
    const cell = { ...options.cell, least: LEAST };
    const result = await measureCell({ ...options, cell, createSource: endlessFrom(first, t) });
    assert.deepEqual([result.stop, result.replicates], ['cut', first + 1]);
    assert.match(
      result.stopDetail,
      /^the announced 60 s were over in replicate \d: this machine was slower than planned$/,
    );
    const last = events.findLast(event => event.type === 'trial');
    assert.ok(last?.type === 'trial' && last.result.state === 'completed' && last.result.isPartial);
  });
}

test('a failed expectation that there is no time to confirm is unsure', async t => {
  const { options } = makeTinyCell({
    timing: { minReplicates: 3, maxReplicates: 9, budgetMs: ANNOUNCED_MS },
    expect: [{ metric: 'requestsPerSec', of: 'long', atLeast: 1e9 }],
  });
  const cell = { ...options.cell, least: LEAST };
  const createSource = endlessFrom(3, t);
  const result = await measureCell({ ...options, cell, createSource, isConfirming: true });
  assert.deepEqual([result.stop, result.expectations[0]!.state], ['cut', 'unsure']);
  assert.equal(result.expectations[0]!.first.state, 'fail');
});

/** Replayed, but each replicate is said to have taken this long. */
const takingMs =
  (replicateMs: number): CreateSource =>
  options => ({ ...replay()(options), replicateMs });

for (const [announcedMs, replicates, stopDetail] of [
  [90_000, 1, '1 replicate: another one of about 100 s does not fit the announced maximum of 90 s'],
  [20_000, 1, '1 replicate: another one of about 100 s does not fit the time budget of 20 s'],
  [120_000, 3, '3 replicates: another one of about 100 s does not fit the time budget of 20 s'],
] as const) {
  test(`the limit that bound is named: ${stopDetail}`, async () => {
    const { options } = makeTinyCell({
      timing: { minReplicates: 4, maxReplicates: 9, budgetMs: 20_000 },
    });
    const cell = { ...options.cell, least: { oneMs: 100, intervalMs: announcedMs, endingMs: 100 } };
    const result = await measureCell({ ...options, cell, createSource: takingMs(100_000) });
    assert.deepEqual([result.stop, result.stopDetail, result.replicates], ['budget', stopDetail, replicates]);
  });
}

for (const [why, timing] of [
  ['at the maximum', { maxReplicates: 1, budgetMs: 60_000 }],
  ['without time for another', { maxReplicates: 9, budgetMs: 1 }],
] as const) {
  test(`where the only replicate failed ${why}, the cell failed, for the cause that it names`, async () => {
    const scenario = makeScenario({ timing, target: { behaviour: { name: 'fixed', bytes: 10 } } });
    const { options } = makeTinyCell(scenario);
    const failing: CreateSource = each => {
      const source = takingMs(100_000)(each);
      return {
        ...source,
        next: async replicate =>
          trialsOf(each.cell, replicate, each.seed).map(trial => ({
            trial,
            startedAt: '2026-11-23T12:25:52.000Z',
            state: 'failed',
            error: { code: 'generator-start', message: 'the generator did not answer' },
          })),
      };
    };
    const { stop, stopDetail } = await measureCell({ ...options, createSource: failing });
    assert.deepEqual(
      [stop, stopDetail],
      ['failed', 'the only replicate failed: the generator did not answer'],
    );
  });
}
