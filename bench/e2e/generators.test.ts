// `generators: 2`: two processes per client measure as one, fail as one, and none of them is left behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { startCli } from './testing/cli.ts';
import { openWorkspace, soloScenario, tinyScenario } from './testing/workspace.ts';

const MEASURING = /measuring/;
/** Long enough that only an end from outside can end it. */
const ENDLESS = { measureMs: 60_000, budgetMs: 60_000, sliceMs: 250 } as const;

describe('two generators per client', { concurrency: 2 }, () => {
  test('connections and requests are the same at both ends, and the report has the number', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario({ ...tinyScenario(), generators: 2 });
    const cli = startCli(t, ['run', file, '--verbose'], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    assert.equal(cli.children('generator-child').length, 4);
    const { status, stderr, stdout } = await cli.result;
    assert.equal(status, 0, stderr);
    const { run, trials } = workspace.onlyRun();
    assert.equal(trials.length, 2);
    for (const result of trials) {
      assert.ok(result.state === 'completed', JSON.stringify(result));
      const { opened, accepted, requestsSent, requestsSeen } = result.measurement.ledger;
      assert.ok(opened > 0);
      assert.deepEqual([accepted, requestsSeen], [opened, requestsSent]);
      assert.equal(result.trial.generators, 2);
    }
    assert.equal(run?.cells[0]?.scenario.generators, 2);
    const persistent = trials.find(({ trial }) => trial.arm === 'persistent');
    assert.ok(persistent?.state === 'completed');
    assert.equal(persistent.measurement.ledger.opened, 4, 'a pool of 4, not two of them');
    const cores = run.host.pinning?.generatorCpus ?? [];
    if (cores.length === 1) assert.match(stdout.replaceAll(/\s+/g, ' '), /Its 2 generators shared 1 core/);
  });

  test('one of them is killed: a failed trial with the cause, and that of the other client is kept', async t => {
    const workspace = await openWorkspace(t);
    const timing = { measureMs: 400, sliceMs: 20, sliceResponses: 1 };
    const file = await workspace.writeScenario({ ...tinyScenario(timing), generators: 2 });
    const cli = startCli(t, ['run', file], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    process.kill(cli.children('generator-child')[1]!.pid, 'SIGKILL');
    const { status, stdout, stderr } = await cli.result;
    assert.equal(status, 3, stderr);
    for (const text of [stdout, stderr]) {
      assert.match(
        text.replaceAll(/\s+/g, ' '),
        /generator [12] of 2 of client (short|persistent) ended unexpectedly \(SIGKILL\)/,
      );
    }
    const states = workspace
      .onlyRun()
      .trials.map(result => (result.state === 'failed' ? result.error.code : result.state));
    assert.deepEqual(states.sort(), ['completed', 'generator-died']);
  });

  test('Ctrl-C: what was measured is kept, and no process is left', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario({ ...soloScenario(ENDLESS), generators: 2 });
    const cli = startCli(t, ['run', file], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    cli.interrupt();
    const { status, stderr } = await cli.result;
    assert.equal(status, 130, stderr);
    const { run, trials } = workspace.onlyRun();
    assert.equal(run?.state, 'partial');
    for (const result of trials) {
      assert.ok(result.state === 'completed' && result.isPartial, JSON.stringify(result));
      const { answered, failed, unfinished, requestsSent } = result.measurement.ledger;
      assert.equal(answered + failed + unfinished, requestsSent);
    }
  });

  test('conntax itself is killed while they are stopped: none is left', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario({ ...soloScenario(ENDLESS), generators: 2 });
    const cli = startCli(t, ['run', file], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    for (const { pid } of cli.children('generator-child')) process.kill(pid, 'SIGSTOP');
    cli.kill();
    await cli.result;
  });

  test('what they cannot share is refused with what is expected; nothing is started', async t => {
    const workspace = await openWorkspace(t);
    const scenario = tinyScenario();
    const file = await workspace.writeScenario({
      ...scenario,
      generators: 5,
      clients: {
        ...scenario.clients,
        one: { pool: { maxConnections: 1 } },
        tool: { transport: 'autocannon' },
      },
    });
    const { status, stdout, stderr } = await callCli(['run', file, '--dry-run'], { cwd: workspace.dir });
    assert.deepEqual([status, stdout], [2, '']);
    for (const words of [
      /load\.concurrency: 4 users cannot be divided over 5 generators.*\n.*at least 5, or generators: 4 at most/,
      /clients\.one\.pool\.maxConnections: 1 connection cannot be divided evenly.*\n.*5, or generators: 1/,
      /clients\.tool\.transport: autocannon is a load tool/,
    ]) {
      assert.match(stderr, words);
    }
  });
});
