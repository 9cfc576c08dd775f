// A cell measured by real processes: whole results of every arm when all is well, partial ones when it is interrupted.
import assert from 'node:assert/strict';
import { afterEach, describe, suite, test } from 'node:test';
import { CellResult } from '../../results/model/run.ts';
import { TrialResult } from '../../results/model/trial.ts';
import { planRun } from '../plan/plan.ts';
import type { RunEvent } from './events.ts';
import { measureCell, runPlan } from './run.ts';
import { childrenWith, eventually, ourChildren, socketCount } from './testing/processes.ts';
import { atFirst, completed, isMeasuring, makeScenario, makeTinyCell, states } from './testing/tiny-cell.ts';

test('a sweep interrupted in its second cell: the first is whole, the second is what it was, the third never began', async () => {
  const variants = [10, 20, 30].map(value => ({
    ...makeScenario({ target: { behaviour: { name: 'fixed', bytes: value } } }),
    sweepPoints: [{ path: 'target.behaviour.bytes', value }],
  }));
  const plan = planRun(variants, { seed: 5 });
  const controller = new AbortController();
  let cellsStarted = 0;
  const results = await runPlan({
    plan,
    pinning: null,
    isConfirming: false,
    signal: controller.signal,
    emit: event => {
      if (event.type === 'cell-started') cellsStarted++;
      if (cellsStarted === 2 && isMeasuring(event)) controller.abort();
    },
  });
  assert.equal(cellsStarted, 2);
  assert.deepEqual(
    results.map(({ cell, stop }) => [cell, stop]),
    [
      [plan.cells[0]!.id, 'max-replicates'],
      [plan.cells[1]!.id, 'interrupted'],
    ],
  );
  assert.equal(results[0]!.arms.length, 2);
  assert.ok(results[1]!.arms.some(({ trials }) => trials === 1));
  assert.deepEqual(ourChildren(), []);
});

describe('A cell measured by real processes: whole results of every arm when all is well, partial ones when it is interrupted', () => {
  function armsOf(events: readonly RunEvent[]): string[] {
    return events.filter(isMeasuring).map(event => (event.type === 'progress' ? event.arm! : ''));
  }

  suite('a cell', () => {
    afterEach(() => {
      assert.deepEqual(ourChildren(), []);
    });

    test('measures every arm whole, and both ends agree on every connection and request', async () => {
      const clients = {
        one: { requestsPerConnection: 1, pool: { maxConnections: 4 } },
        three: { requestsPerConnection: 3, pool: { maxConnections: 4 } },
        unlimited: { pool: { maxConnections: 4 } },
      };
      const tiny = makeTinyCell({ clients, baseline: 'one', timing: { warmupMinMs: 200, warmupMaxMs: 200 } });
      const cell = await measureCell(tiny.options);
      assert.deepEqual(CellResult.parse(JSON.parse(JSON.stringify(cell))), cell);
      assert.deepEqual([cell.replicates, cell.failedTrials, cell.stop], [1, 0, 'max-replicates']);
      const results = tiny.results();
      assert.deepEqual(states(results), { one: 'completed', three: 'completed', unlimited: 'completed' });
      for (const result of completed(results)) {
        assert.deepEqual(TrialResult.parse(JSON.parse(JSON.stringify(result))), result);
        const { arm } = result.trial;
        const { measurement, isPartial } = result;
        const { ledger, slices } = measurement;
        assert.equal(isPartial, false);
        assert.ok(measurement.completed > 0 && measurement.failed === 0, arm);
        assert.deepEqual([ledger.failed, ledger.unfinished], [0, 0], arm);
        assert.equal(ledger.accepted, ledger.opened, arm);
        assert.equal(ledger.requestsSeen, ledger.requestsSent, arm);
        assert.equal(ledger.answered, ledger.requestsSent, arm);
        assert.ok(ledger.requestsSent > measurement.completed, 'warm-up, ramp and drain are in the ledger');
        const closed = ledger.requestsPerConnection!;
        assert.equal(
          closed.reduce((sum, { connections }) => sum + connections, 0),
          ledger.opened,
          arm,
        );
        if (arm === 'one') assert.deepEqual(closed, [{ requests: 1, connections: ledger.requestsSent }]);
        if (arm === 'three') {
          const full = closed.find(({ requests }) => requests === 3)?.connections ?? 0;
          assert.ok(closed.every(({ requests }) => requests <= 3));
          assert.ok(ledger.opened - full <= 4, 'all but the last of the pool carried three');
        }
        if (arm === 'unlimited') assert.ok(ledger.opened <= 4);
        assert.equal(slices.length, 4, 'measureMs / sliceMs');
        assert.deepEqual(
          slices.map(({ block }) => block),
          [0, 1, 2, 3],
        );
        assert.equal(
          slices.reduce((sum, slice) => sum + slice.completed, 0),
          measurement.completed,
        );
        assert.equal(measurement.response.count, measurement.completed);
        assert.ok(
          measurement.warmupMs >= 200 && measurement.generator.cpuUs > 0 && measurement.target!.cpuUs > 0,
        );
      }
      for (const rule of ['conservation', 'ledger'] as const) {
        const found = cell.findings.filter(finding => finding.rule === rule);
        assert.deepEqual(
          found.map(({ state }) => state),
          ['pass', 'pass', 'pass'],
          JSON.stringify(found),
        );
      }
      const order = armsOf(tiny.events);
      for (let block = 0; block < 4; block++) {
        assert.deepEqual(order.slice(3 * block, 3 * block + 3).sort(), ['one', 'three', 'unlimited']);
      }
    });

    test('one arm alone is measured too; whole slicing gives one slice', async () => {
      const tiny = makeTinyCell({ clients: { only: {} }, baseline: 'only', timing: { slicing: 'whole' } });
      const cell = await measureCell(tiny.options);
      assert.deepEqual([cell.stop, cell.replicates, cell.comparisons.length], ['precise', 1, 0]);
      assert.match(cell.stopDetail, /only client: there is no ratio/);
      const [result] = completed(tiny.results());
      assert.deepEqual(
        result?.measurement.slices.map(({ windowMs }) => Math.round(windowMs)),
        [200],
      );
    });

    test('interrupted while it measures: what was measured is kept, as partial', async () => {
      const tiny = makeTinyCell(
        { timing: { measureMs: 60_000, slicing: 'alternate' } },
        (event, { results, interrupt, events }) => {
          if (isMeasuring(event) && armsOf(events).length === 4 && results().length === 0) interrupt();
        },
      );
      const cell = await measureCell(tiny.options);
      assert.equal(cell.stop, 'interrupted');
      const results = completed(tiny.results());
      assert.deepEqual(states(results), { short: 'completed', long: 'completed' });
      for (const { isPartial, measurement } of results) {
        assert.equal(isPartial, true);
        assert.ok(measurement.slices.length >= 1 && measurement.slices.length <= 3);
        assert.equal(measurement.ledger.accepted, measurement.ledger.opened);
      }
    });

    test('interrupted within a long slice: it is cut short, its window is what it was', async () => {
      const tiny = makeTinyCell({
        clients: { only: {} },
        baseline: 'only',
        load: { concurrency: 40 },
        timing: { measureMs: 10_000, slicing: 'whole' },
      });
      const running = measureCell(tiny.options);
      const isUnderLoad = (): boolean =>
        childrenWith('generator-child').some(({ pid }) => socketCount(pid) >= 40);
      await eventually('the generator has its connections', isUnderLoad);
      tiny.interrupt();
      const cell = await running;
      assert.equal(cell.stop, 'interrupted');
      for (const { isPartial, measurement } of completed(tiny.results())) {
        assert.ok(isPartial && measurement.steadyMs > 0 && measurement.steadyMs < 10_000);
      }
    });

    test('interrupted just as a turn begins: that turn is cut short too', async () => {
      const tiny = makeTinyCell(
        { timing: { measureMs: 600, slicing: 'whole' } },
        atFirst(isMeasuring, () => queueMicrotask(() => tiny.interrupt())),
      );
      await measureCell(tiny.options);
      const steadyMs = completed(tiny.results()).map(({ measurement }) => measurement.steadyMs);
      assert.equal(steadyMs.filter(ms => Math.round(ms) === 600).length, 1, `${steadyMs}`);
    });

    test('interrupted before it starts: nothing is started', async () => {
      const tiny = makeTinyCell();
      tiny.interrupt();
      const cell = await measureCell(tiny.options);
      assert.deepEqual([cell.stop, cell.replicates, tiny.events.length], ['interrupted', 0, 0]);
    });

    test('interrupted while processes start: no result, no replicate', async () => {
      const tiny = makeTinyCell({}, (event, { interrupt }) => {
        if (event.type === 'progress' && event.phase === 'start') interrupt();
      });
      const cell = await measureCell(tiny.options);
      assert.deepEqual([cell.stop, cell.replicates, tiny.results()], ['interrupted', 0, []]);
    });
  });
});
