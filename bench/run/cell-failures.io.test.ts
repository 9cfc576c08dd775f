// When a process dies, hangs or never starts, only its own trials are lost, each with its cause; nothing is left running.
import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import { measureCell } from './run.ts';
import { childrenWith, isStopped, ourChildren } from './testing/processes.ts';
import { atFirst, completed, isMeasuring, makeTinyCell, states } from './testing/tiny-cell.ts';

function signalFirst(entry: string, signal: NodeJS.Signals): number {
  const [child] = childrenWith(entry);
  assert.ok(child, `there is no ${entry}`);
  process.kill(child.pid, signal);
  return child.pid;
}

suite('a cell in trouble', () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  test('a generator that dies is a failed trial; the other arm goes on', async () => {
    const tiny = makeTinyCell(
      {},
      atFirst(isMeasuring, () => signalFirst('generator-child', 'SIGKILL')),
    );
    const cell = await measureCell(tiny.options);
    const results = tiny.results();
    assert.deepEqual(Object.values(states(results)).sort(), ['completed', 'generator-died']);
    const failed = results.find(result => result.state === 'failed')!;
    assert.match(failed.state === 'failed' ? failed.error.message : '', /generator of client .* \(SIGKILL\)/);
    assert.equal(completed(results)[0]?.measurement.slices.length, 4);
    assert.equal(cell.failedTrials, 1);
    assert.ok(
      cell.findings.filter(({ rule }) => rule === 'conservation').every(({ state }) => state === 'pass'),
    );
    assert.ok(tiny.events.some(event => event.type === 'notice' && /SIGKILL/.test(event.message)));
  });

  test('a target that dies fails the replicate; the next one gets a fresh target', async () => {
    let first = 0;
    const tiny = makeTinyCell(
      { timing: { minReplicates: 2, maxReplicates: 2 } },
      atFirst(isMeasuring, () => {
        first = signalFirst('target-child', 'SIGKILL');
      }),
    );
    let second = 0;
    const { emit } = tiny.options;
    const cell = await measureCell({
      ...tiny.options,
      emit: event => {
        if (isMeasuring(event) && event.type === 'progress' && event.replicate === 1) {
          second = childrenWith('target-child')[0]?.pid ?? 0;
        }
        emit(event);
      },
    });
    const byReplicate = [0, 1].map(replicate =>
      states(tiny.results().filter(({ trial }) => trial.replicate === replicate)),
    );
    assert.deepEqual(byReplicate, [
      { short: 'target-died', long: 'target-died' },
      { short: 'completed', long: 'completed' },
    ]);
    assert.ok(second > 0 && second !== first);
    assert.deepEqual([cell.replicates, cell.failedTrials], [2, 2]);
    const ledgers = completed(tiny.results()).map(({ measurement }) => measurement.ledger);
    assert.ok(ledgers.every(({ opened, accepted }) => opened === accepted));
  });

  test('a generator that hangs is killed, and a failed trial; the other arm goes on', async () => {
    let stopped = 0;
    const tiny = makeTinyCell(
      { timing: { drainMs: 200 } },
      atFirst(isMeasuring, () => {
        stopped = signalFirst('generator-child', 'SIGSTOP');
      }),
    );
    // The arm that does not hang must have answered by then, however busy the machine.
    await measureCell({ ...tiny.options, sliceGraceMs: 3_000 });
    assert.deepEqual(Object.values(states(tiny.results())).sort(), ['completed', 'trial-hung']);
    assert.ok(stopped > 0 && !isStopped(stopped));
  });

  test('a target that cannot start: after two such replicates the cell is given up, with the cause', async () => {
    const target = { behaviour: { name: 'fixed', bytes: -1 } };
    const tiny = makeTinyCell({ target, timing: { minReplicates: 5, maxReplicates: 9 } });
    const cell = await measureCell(tiny.options);
    assert.deepEqual([cell.stop, cell.replicates, cell.failedTrials], ['failed', 2, 4]);
    assert.match(
      cell.stopDetail,
      /2 replicates in a row failed: the target: invalid options of behaviour "fixed"/,
    );
    assert.deepEqual(states(tiny.results()), { short: 'target-start', long: 'target-start' });
  });

  test('a generator that cannot start is a failed trial; the other arm goes on', async () => {
    const clients = { good: {}, bad: { transport: 'none' } };
    const tiny = makeTinyCell({ clients, baseline: 'good' });
    await measureCell(tiny.options);
    assert.deepEqual(states(tiny.results()), { good: 'completed', bad: 'generator-start' });
  });

  test('an error of the consumer of results (a full disk) ends it and its processes', async () => {
    const tiny = makeTinyCell({}, event => {
      if (isMeasuring(event)) throw new Error('no space left on device');
    });
    await assert.rejects(measureCell(tiny.options), /no space left/);
  });
});
