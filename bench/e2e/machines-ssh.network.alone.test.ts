// Machines over real ssh: three network namespaces with an sshd in each send the load, the target is in a fourth, and every count is
// that of the kernel of its network.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sumOf } from '../../results/stats.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { startCli } from './testing/cli.ts';
import { startCountingServer } from './testing/counting-server.ts';
import { findAllProcesses } from './testing/processes.ts';
import {
  openSshMachines,
  processesInside,
  reasonWithoutSshMachines,
  type SshMachine,
  type SshMachines,
} from './testing/ssh-machines.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

/** Long enough that only an end from outside can end it. */
const { timing: ENDLESS } = tinyScenario({ measureMs: 60_000, budgetMs: 60_000 });
const TOKEN = 'secret-5f1c2d';
const GENERATORS = ['gen1', 'gen2', 'gen3'];

/** Of TCP, in the network of a machine. */
function kernelCounts({ inside }: SshMachine): { opened: number; accepted: number } {
  const [program, ...args] = [...inside, 'cat', '/proc/net/snmp'];
  const [names, values] = execFileSync(program!, args, { encoding: 'utf8' })
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '));
  const read = (name: string): number => Number(values![names!.indexOf(name)]);
  return { opened: read('ActiveOpens'), accepted: read('PassiveOpens') };
}

type Client = ScenarioInput['clients'][string];

const SHORT = { requestsPerConnection: 1 };
const PERSISTENT = { pool: { maxConnections: 6 } };

/** Six users, whom three machines can share; one client, because each of them is a process on each machine. */
function scenarioOf(client: Client, more: Partial<ScenarioInput>): ScenarioInput {
  return {
    ...tinyScenario(),
    load: { concurrency: 6 },
    clients: { only: client },
    baseline: 'only',
    ...more,
  };
}

/** Options for the machines that send, and for that of the server. */
function optionsFor({ machines }: SshMachines): string[] {
  const server = machines.at(-1)!;
  return [
    ...machines.filter(machine => machine !== server).flatMap(({ command }) => ['--machine', command]),
    ...['--server', server.command, '--server-address', server.address, '--allow-host', server.address],
  ];
}

test('three machines over ssh', { skip: reasonWithoutSshMachines() }, async t => {
  const network = await openSshMachines(t, { names: [...GENERATORS, 'web1'] });
  const { inside: wrapper, machines } = network;
  const generators = machines.slice(0, -1);
  const server = machines.at(-1)!;

  await t.test('each has sent and opened what the server and the kernels have counted of it', async t => {
    const counting = await startCountingServer(t, server.inside);
    const workspace = await openWorkspace(t);
    const url = `http://${server.address}:${counting.port}/`;
    const request = { headers: { Authorization: { env: 'TOKEN' } } };
    const files = [
      await workspace.writeScenario(scenarioOf(SHORT, { name: 'own', target: { url }, request }), 'own.json'),
      await workspace.writeScenario(scenarioOf(PERSISTENT, { name: 'built-in' }), 'built-in.json'),
    ];
    const before = machines.map(kernelCounts);
    const cli = startCli(t, ['run', ...files, '--verbose', ...optionsFor(network)], {
      cwd: workspace.dir,
      wrapper,
      env: { TOKEN },
    });
    await cli.seen(/measuring/);
    const commands = findAllProcesses().filter(({ command }) => command.includes(TOKEN));
    assert.deepEqual(commands, [], 'no command line has the secret');
    const { stdout, stderr } = await cli.result;
    const { run, trials, dir, files: stored } = workspace.onlyRun();
    const texts = [stdout, stderr, ...stored.map(name => readFileSync(join(dir, name), 'utf8'))];
    assert.equal(texts.filter(text => text.includes(TOKEN)).length, 0, 'no output and no stored file has it');
    const after = machines.map(kernelCounts);
    assert.deepEqual(
      run?.machines?.map(({ name, isHere, loss }) => [name, isHere, loss]),
      GENERATORS.map(name => [name, false, null]),
      stderr,
    );
    assert.equal(trials.length, 2);
    const measured = trials.map(result => {
      assert.ok(result.state === 'completed', JSON.stringify(result));
      const { ledger, machines: shares = [], response } = result.measurement;
      assert.equal(ledger.accepted, ledger.opened);
      assert.equal(
        sumOf(shares, share => share.requestsSent),
        ledger.requestsSent,
      );
      assert.equal(
        sumOf(shares, share => share.opened ?? Number.NaN),
        ledger.opened,
      );
      assert.equal(
        sumOf(shares, share => share.response.count),
        response.count,
      );
      return { cell: result.trial.cell, ledger, shares };
    });
    const counts = await counting.counts();
    for (const [index, { name, address }] of generators.entries()) {
      const share = (cell: string) =>
        measured.filter(one => one.cell === cell).map(({ shares }) => shares.find(one => one.name === name)!);
      const sent = sumOf(share('own'), ({ requestsSent }) => requestsSent);
      const opened = sumOf(share('own'), one => one.opened!);
      assert.ok(sent > 0);
      assert.deepEqual(counts[address], { connections: opened, requests: sent, authorization: TOKEN }, name);
      assert.equal(
        after[index]!.opened - before[index]!.opened,
        opened + sumOf(share('built-in'), one => one.opened!),
        `${name}, by its kernel`,
      );
    }
    for (const { ledger } of measured.filter(({ cell }) => cell === 'built-in')) {
      assert.equal(ledger.requestsSeen, ledger.requestsSent);
    }
    const asked = Object.entries(counts).filter(
      ([address]) => !generators.some(one => one.address === address),
    );
    assert.equal(
      after.at(-1)!.accepted - before.at(-1)!.accepted,
      sumOf(measured, ({ ledger }) => ledger.opened) + sumOf(asked, ([, { connections }]) => connections) + 1,
      'what they opened, the questions before the run, and ssh',
    );
    for (const { rule, state, detail } of run?.cells.flatMap(({ findings }) => findings) ?? []) {
      // Where the machine is busy, their starts may lie apart, which an audit reports.
      assert.ok(rule === 'machines' || state !== 'fail', `${rule}: ${detail}`);
    }
    const text = stdout.replaceAll(/\s+/g, ' ');
    for (const name of GENERATORS) assert.match(text, new RegExp(`only†? ${name} 33.3 %`));
    assert.doesNotMatch(text, /loopback/);
    assert.deepEqual(generators.flatMap(processesInside), []);
  });

  await t.test(
    'the session of one at its sshd is killed: it is named, and none of its processes is left',
    async t => {
      const workspace = await openWorkspace(t);
      const file = await workspace.writeScenario(scenarioOf(PERSISTENT, { timing: ENDLESS }));
      const cli = startCli(t, ['run', file, ...optionsFor(network)], { cwd: workspace.dir, wrapper });
      await cli.seen(/measuring/);
      const session = processesInside(machines[1]!).find(({ command }) => command.startsWith('sshd'));
      process.kill(session!.pid, 'SIGKILL');
      const { status, stdout, stderr } = await cli.result;
      assert.equal(status, 3, stderr);
      assert.match(
        stdout.replaceAll(/\s+/g, ' '),
        /machine gen2 was lost: its command ended \(exit status 255\)/,
      );
      assert.deepEqual(machines.flatMap(processesInside), []);
    },
  );
});
