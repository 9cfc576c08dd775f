// A cell whose arms have targets of their own, by real processes: each is counted by its own, and they are fresh in each replicate.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, suite, type TestContext, test } from 'node:test';
import type { Ledger } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import type { RunEvent } from './context.ts';
import { measureCell } from './run.ts';
import { childrenWith, ourChildren } from './testing/processes.ts';
import {
  atFirst,
  completed,
  isMeasuring,
  makeTinyCell,
  states,
  type TinyCell,
  UNHURRIED,
} from './testing/tiny-cell.ts';

const ours = (label: string): Code => ({ label, dir: null, packages: {} });
const TWO: Partial<ScenarioInput> = { timing: { minReplicates: 2, maxReplicates: 2 } };

/** Arms `short` and `long`, each on a target of the code given. */
function makeCell(
  stated: Partial<ScenarioInput>,
  onEvent: (event: RunEvent) => void = () => {},
  codes = { short: ours('one'), long: ours('other') },
): TinyCell {
  const tiny = makeTinyCell(stated, onEvent);
  const targets = Object.entries(codes).map(([arm, code]) => ({ arms: [arm], code }));
  return { ...tiny, options: { ...tiny.options, cell: { ...tiny.options.cell, targets } } };
}

/** Process ids of what stands before the generators, by replicate, as each of them is measured. */
function watchTargets(entry: string) {
  const pids = new Map<number, number[]>();
  return {
    pids,
    onEvent(event: RunEvent): void {
      if (!isMeasuring(event) || event.type !== 'progress') return;
      pids.set(
        event.replicate,
        childrenWith(entry).map(({ pid }) => pid),
      );
    },
  };
}

function assertBothEndsAgree(arm: string, ledger: Ledger): void {
  assert.deepEqual([ledger.failed, ledger.unfinished], [0, 0]);
  assert.equal(ledger.accepted, ledger.opened, arm);
  assert.equal(ledger.requestsSeen, ledger.requestsSent, arm);
  if (arm === 'short') assert.equal(ledger.opened, ledger.requestsSent);
  else assert.ok(ledger.opened <= 4);
}

function assertFresh(pids: ReadonlyMap<number, readonly number[]>): void {
  const [first = [], second = []] = [pids.get(0), pids.get(1)];
  assert.deepEqual([first.length, second.length], [2, 2], 'one an arm');
  assert.ok(
    first.every(pid => !second.includes(pid)),
    `${first} and ${second}`,
  );
}

/** A folder with a conntax whose target ends at once, with these words. */
async function brokenCode(t: TestContext, words: string): Promise<Code> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'conntax-broken-')));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, 'dist/servers'), { recursive: true });
  await mkdir(join(dir, 'dist/bench/run'), { recursive: true });
  await writeFile(join(dir, 'dist/servers/target-child.js'), `throw new Error('${words}')`);
  return { label: 'broken', dir, packages: {} };
}

suite('a cell whose arms have targets of their own', () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  // One cell over TLS and behind a link, because every process of it costs as much as all that it measures.
  test('both ends agree on every connection and request of each arm; each has a target, certificate and relay of its own', async () => {
    const targets = watchTargets('target-child');
    const relays = watchTargets('link-child');
    // On a busy machine the default budget ends before the second replicate.
    const timing = { ...TWO.timing, budgetMs: 120_000 };
    const tiny = makeCell(
      { timing, target: { ...UNHURRIED, tls: '1.3' }, link: { roundTripMs: 5 } },
      event => {
        targets.onEvent(event);
        relays.onEvent(event);
      },
    );
    const cell = await measureCell(tiny.options);
    const results = completed(tiny.results());
    assert.equal(results.length, 4, JSON.stringify(tiny.results().filter(({ state }) => state === 'failed')));
    for (const { trial, measurement } of results) {
      const { target, link, slices, ledger } = measurement;
      assert.ok(measurement.completed > 0 && target!.cpuUs > 0);
      assertBothEndsAgree(trial.arm, ledger);
      assert.equal(ledger.handshakesFull! + ledger.handshakesResumed!, ledger.opened);
      const exchanges = slices.reduce((sum, slice) => sum + slice.exchanges, 0);
      assert.equal(trial.arm === 'short' ? link!.connections : exchanges, exchanges, 'those of its own arm');
      assert.ok(trial.arm === 'short' || link!.connections <= 4);
    }
    assertFresh(targets.pids);
    assertFresh(relays.pids);
    assert.deepEqual([cell.code, cell.targetCode], [{}, { short: 'one', long: 'other' }]);
  });

  test('one that dies fails the replicate, of which nothing can be compared; the next has fresh ones', async () => {
    const die = atFirst(isMeasuring, () => process.kill(childrenWith('target-child')[1]!.pid, 'SIGKILL'));
    const tiny = makeCell(TWO, die);
    await measureCell(tiny.options);
    const byReplicate = [0, 1].map(replicate =>
      tiny.results().filter(({ trial }) => trial.replicate === replicate),
    );
    assert.deepEqual(byReplicate.map(states), [
      { short: 'target-died', long: 'target-died' },
      { short: 'completed', long: 'completed' },
    ]);
    for (const { trial, measurement } of completed(byReplicate[1]!))
      assertBothEndsAgree(trial.arm, measurement.ledger);
    const [failed] = byReplicate[0]!;
    assert.match(failed?.state === 'failed' ? failed.error.message : '', /^the target of client long ended/);
  });

  test('a code whose target does not start: that one is named, and the other is not left running', async t => {
    const codes = { short: ours('one'), long: await brokenCode(t, 'no such thing') };
    const tiny = makeCell(TWO, () => {}, codes);
    const cell = await measureCell(tiny.options);
    assert.deepEqual([cell.stop, cell.failedTrials], ['failed', 4]);
    assert.match(cell.stopDetail, /the target of client long ended unexpectedly/);
    assert.deepEqual(states(tiny.results()), { short: 'target-start', long: 'target-start' });
  });
});

test('a target that all arms share is one process for the whole cell, of our code', async () => {
  const { pids, onEvent } = watchTargets('target-child');
  const tiny = makeTinyCell(TWO, onEvent);
  const cell = await measureCell(tiny.options);
  assert.deepEqual(pids.get(0), pids.get(1));
  assert.deepEqual([pids.get(0)!.length, cell.targetCode], [1, {}]);
  assert.deepEqual(ourChildren(), []);
});
