// `--machine`: agents share the load of a run, one that is lost is named, and nothing of them is left.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CONNTAX, startCli } from './testing/cli.ts';
import { openWorkspace, soloScenario, tinyScenario } from './testing/workspace.ts';

const MEASURING = /measuring/;
const AGENT = `${CONNTAX.join(' ')} agent`;
/** Replicates for a loss and what follows it. */
const SEVERAL = { measureMs: 300, minReplicates: 3, maxReplicates: 3, budgetMs: 30_000 } as const;

/** Commands of two agents, told apart by what stands in their command line. */
const [FIRST, SECOND] = ['first', 'second'].map(name => `AGENT_NAME=${name} exec ${AGENT}`) as [
  string,
  string,
];

/** `first` and `second`, by name. */
function writeMachines(dir: string): string {
  const machines = [
    { name: 'first', command: `: first; ${AGENT}` },
    { name: 'second', command: `: second; ${AGENT}; exit $?` },
  ];
  writeFileSync(join(dir, 'machines.json'), JSON.stringify(machines));
  return 'machines.json';
}

describe('a run over two agents', { concurrency: 2 }, () => {
  test('and one of the server that starts the target: both ends count the same, and the report has the part of each', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(tinyScenario());
    const server = ['--server', AGENT, '--server-address', '127.0.0.2'];
    const words = ['run', file, '--verbose', '--machine', FIRST, '--machine', SECOND, ...server];
    const cli = startCli(t, words, { cwd: workspace.dir });
    await cli.seen(MEASURING);
    assert.equal(cli.children('generator-child').length, 4, 'one for each client and machine');
    const { status, stderr, stdout } = await cli.result;
    const { run, trials } = workspace.onlyRun();
    assert.deepEqual(
      run?.machines?.map(({ name, isHere, loss }) => [name, isHere, loss]),
      [
        ['1', true, null],
        ['2', true, null],
      ],
    );
    assert.deepEqual([run?.serverMachine?.isHere, run?.targetAddress], [true, '127.0.0.2']);
    assert.equal(trials.length, 2);
    for (const result of trials) {
      assert.ok(result.state === 'completed', JSON.stringify(result));
      const { ledger, machines = [], response } = result.measurement;
      assert.ok(ledger.opened > 0);
      assert.deepEqual([ledger.accepted, ledger.requestsSeen], [ledger.opened, ledger.requestsSent]);
      assert.deepEqual([result.trial.generators, result.trial.machines], [2, ['1', '2']]);
      const sums = { sent: 0, opened: 0, completed: 0 };
      for (const { requestsSent, opened, response: own } of machines) {
        sums.sent += requestsSent;
        sums.opened += opened ?? Number.NaN;
        sums.completed += own.count;
      }
      assert.deepEqual(sums, { sent: ledger.requestsSent, opened: ledger.opened, completed: response.count });
    }
    // Where the machine is busy, their starts may lie apart, which an audit reports.
    const failed = run?.cells[0]?.findings.filter(({ state }) => state === 'fail') ?? [];
    assert.deepEqual(
      failed.filter(({ rule }) => rule !== 'machines'),
      [],
    );
    assert.equal(status, failed.length === 0 ? 0 : 3, stderr);
    assert.match(stdout, /all together/);
  });

  test('one is killed: the trial fails with its name and cause, and so does the run', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(soloScenario(SEVERAL));
    const machines = writeMachines(workspace.dir);
    const cli = startCli(t, ['run', file, '--machines', machines], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    const killed = cli.processes().find(({ command }) => command.includes(': second;'));
    process.kill(killed!.pid, 'SIGKILL');
    const { status, stdout, stderr } = await cli.result;
    assert.equal(status, 3, stderr);
    assert.match(stdout.replaceAll(/\s+/g, ' '), /machine second was lost: its command ended \(SIGKILL\)/);
    const { run, trials } = workspace.onlyRun();
    assert.equal(run?.cells[0]?.stop, 'failed');
    assert.ok(trials.some(({ state }) => state === 'failed'));
    assert.deepEqual(
      run?.machines?.map(({ loss }) => loss === null),
      [true, false],
    );
  });

  test('with --allow-fewer-machines the others go on with the whole load, which the report says', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(soloScenario(SEVERAL));
    const words = [
      'run',
      file,
      '--machines',
      writeMachines(workspace.dir),
      '--allow-fewer-machines',
      '--verbose',
    ];
    const cli = startCli(t, words, { cwd: workspace.dir });
    await cli.seen(MEASURING);
    const agents = cli.processes().filter(({ command }) => / agent$/.test(command.trim()));
    process.kill(agents.at(-1)!.pid, 'SIGKILL');
    const { status, stdout, stderr } = await cli.result;
    assert.equal(status, 3, `a trial has failed\n${stderr}`);
    assert.match(stdout.replaceAll(/\s+/g, ' '), /Machine (first|second) was lost during the run/);
    const { trials } = workspace.onlyRun();
    const last = trials.filter(({ trial }) => trial.replicate === 2);
    assert.equal(last.length, 1);
    for (const result of last) {
      assert.ok(result.state === 'completed', JSON.stringify(result));
      assert.equal(result.trial.machines?.length, 1);
      assert.equal(result.trial.load.model === 'closed' && result.trial.load.concurrency, 4);
      assert.equal(result.measurement.ledger.accepted, result.measurement.ledger.opened);
    }
  });

  test('conntax is killed while agents and generators are stopped: none is left', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(soloScenario({ ...SEVERAL, measureMs: 20_000 }));
    const cli = startCli(t, ['run', file, '--machine', FIRST, '--machine', SECOND], { cwd: workspace.dir });
    await cli.seen(MEASURING);
    for (const { pid, command } of cli.processes()) {
      if (/generator-child| agent$/.test(command.trim())) process.kill(pid, 'SIGSTOP');
    }
    cli.kill();
    await cli.result;
  });
});
