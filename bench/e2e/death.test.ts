// A process that dies or hangs while it is measured: a failed trial with its cause, and the rest is kept.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { TrialResult } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { callCli } from '../testing/in-process.ts';
import { type CliResult, startCli } from './testing/cli.ts';
import { openWorkspace, type StoredFolder, soloScenario, tinyScenario } from './testing/workspace.ts';

interface Blow {
  timing: ScenarioInput['timing'];
  entry: 'generator-child' | 'target-child';
  signal: 'SIGKILL' | 'SIGSTOP';
}

/** Runs a comparison and sends a signal to the first process of a kind once measuring has begun. */
async function strike(
  t: TestContext,
  { timing, entry, signal }: Blow,
): Promise<CliResult & { stored: StoredFolder }> {
  const workspace = await openWorkspace(t);
  // Many short slices, however slow the machine: when the first is over, most are still to come.
  const file = await workspace.writeScenario(tinyScenario({ measureMs: 400, sliceMs: 20, ...timing }));
  const cli = startCli(t, ['run', file, '--verbose'], { cwd: workspace.dir });
  await cli.seen(/measuring/);
  const [victim] = cli.children(entry);
  assert.ok(victim !== undefined, `no ${entry} is running`);
  process.kill(victim.pid, signal);
  const result = await cli.result;
  return { ...result, stored: workspace.onlyRun() };
}

/** Without line breaks: the terminal's are where its width has put them. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function codesOf(trials: readonly TrialResult[], replicate: number): string[] {
  return trials
    .filter(({ trial }) => trial.replicate === replicate)
    .map(result => (result.state === 'failed' ? result.error.code : result.state))
    .sort();
}

// Two side by side, for the one that hangs mostly waits: it comes first.
describe('while it is measured', { concurrency: 2 }, () => {
  test('a generator hangs: it is killed, its trial failed, and that of the other arm is kept', async t => {
    const { status, stdout, stderr, stored } = await strike(t, {
      // How long a slice may take before its process is given up; on a busy machine that is longer, and must leave time for the other arm.
      timing: { drainMs: 100, budgetMs: 60_000 },
      entry: 'generator-child',
      signal: 'SIGSTOP',
    });
    assert.equal(status, 3, stderr);
    assert.deepEqual(codesOf(stored.trials, 0), ['completed', 'trial-hung']);
    for (const text of [stdout, stderr]) assert.match(flat(text), /did not answer "slice" within \d+ ms/);
  });

  test('the target is killed: its replicate failed, and the next one has a new target', async t => {
    const { status, stdout, stderr, stored } = await strike(t, {
      timing: { maxReplicates: 2, minReplicates: 2, budgetMs: 60_000 },
      entry: 'target-child',
      signal: 'SIGKILL',
    });
    assert.equal(status, 3, stderr);
    assert.deepEqual(codesOf(stored.trials, 0), ['target-died', 'target-died']);
    assert.deepEqual(codesOf(stored.trials, 1), ['completed', 'completed']);
    assert.equal(stored.run?.cells[0]?.failedTrials, 2);
    for (const text of [stdout, stderr])
      assert.match(flat(text), /the target ended unexpectedly \(SIGKILL\)/);
  });

  test('a generator is killed: its trial failed, and that of the other arm is kept', async t => {
    const { status, stdout, stderr, stored } = await strike(t, {
      timing: {},
      entry: 'generator-child',
      signal: 'SIGKILL',
    });
    assert.equal(status, 3, stderr);
    assert.deepEqual(codesOf(stored.trials, 0), ['completed', 'generator-died']);
    for (const text of [stdout, stderr]) {
      assert.match(flat(text), /the generator of client (short|persistent) ended unexpectedly \(SIGKILL\)/);
    }
    const kept = stored.trials.find(result => result.state === 'completed');
    assert.ok(kept!.measurement.slices.length > 1);
    const { opened, accepted, requestsSent, requestsSeen } = kept!.measurement.ledger;
    assert.deepEqual(
      [accepted, requestsSeen],
      [opened, requestsSent],
      'nothing of the dead arm is booked to it',
    );
  });

  test('conntax itself is killed while its processes are stopped: none is left, nor comes back', async t => {
    const workspace = await openWorkspace(t);
    const scenario = soloScenario({ measureMs: 60_000, budgetMs: 60_000 });
    const file = await workspace.writeScenario({ ...scenario, link: { roundTripMs: 1 } });
    const cli = startCli(t, ['run', file], { cwd: workspace.dir });
    await cli.seen(/measuring/);
    const children = (['generator-child', 'target-child', 'link-child'] as const).flatMap(cli.children);
    assert.equal(children.length, 3);
    for (const { pid } of children) process.kill(pid, 'SIGSTOP');
    cli.kill();
    await cli.result;
  });

  test('conntax itself is killed: no process outlives it, and what was stored is whole', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(
      soloScenario({ maxReplicates: 5, minReplicates: 5, budgetMs: 60_000 }),
    );
    const cli = startCli(t, ['run', file], { cwd: workspace.dir });
    await cli.seen(/replicate 2 .*measuring/);
    cli.kill();
    assert.equal((await cli.result).status, null);
    const { id, files, trials } = workspace.onlyRun();
    assert.deepEqual(files, ['trials.ndjson']);
    assert.deepEqual(codesOf(trials, 0), ['completed']);
    const { status, stderr } = await callCli(['report', id], { cwd: workspace.dir });
    assert.equal(status, 2);
    assert.match(stderr, /^error: .*the run was not finished \(its trials are in trials\.ndjson\)$/m);
  });
});
