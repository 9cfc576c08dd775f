// Limits of the machine hold for processes that are started under them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { planRun } from '../plan/plan.ts';
import { openLimitedMachine, skipImpossible } from './limited-machine.ts';
import { measureCell } from './run.ts';
import { completed, makeScenario, makeTinyCell } from './testing/tiny-cell.ts';

function run([file, ...args]: readonly string[], ...command: string[]): string {
  return execFileSync(file!, [...args, ...command], { encoding: 'utf8' }).trim();
}

test('a client may open no more files than stated, and cannot raise that', async t => {
  const machine = await openLimitedMachine({ openFiles: 200 });
  t.after(() => machine.close());
  assert.equal(run(machine.clientPrefix, 'sh', '-c', 'ulimit -Hn; ulimit -Sn'), '200\n200');
  assert.deepEqual(machine.serverPrefix, []);
});

/** It asks to keep the connection, and closes it after the response. */
const CLOSING_CLIENT = fileURLToPath(
  new URL('../../scenarios/clients/agent-per-request.ts', import.meta.url),
);

const scenario = { ...makeScenario({}), limits: { localPorts: 64 } };
const [reason] = (await skipImpossible(planRun([scenario], { seed: 1 }))).skipped ?? [];

test('client and server share a network namespace, whose ports are narrowed once the server listens', {
  skip: reason?.message,
}, async t => {
  const machine = await openLimitedMachine({ localPorts: 64 });
  t.after(() => machine.close());
  const read = (prefix: readonly string[]) =>
    run(prefix, 'sh', '-c', 'readlink /proc/self/ns/net; cat /proc/sys/net/ipv4/ip_local_port_range');
  const [namespace, before] = read(machine.serverPrefix).split('\n');
  assert.notEqual(namespace, run(['readlink', '/proc/self/ns/net']));
  await machine.narrow();
  const [same, after] = read(machine.clientPrefix).split('\n');
  assert.equal(same, namespace);
  assert.deepEqual(after?.split(/\s+/), ['10000', '10063']);
  assert.notEqual(before, after);
  assert.ok(existsSync(`/proc/${machine.pid}/net/tcp`));
  await machine.close();
  assert.equal(existsSync(`/proc/${machine.pid}`), false);
});

test('a client that closes first has all local ports in TIME_WAIT, and then none; one that waits for the server has them again', {
  skip: reason?.message,
}, async () => {
  const shared = { transport: 'wire', requestsPerConnection: 1 } as const;
  const cell = makeTinyCell({
    limits: { localPorts: 64 },
    load: { model: 'open', ratePerSec: 400, arrivals: 'constant' },
    timing: { slicing: 'whole', measureMs: 500, drainMs: 500 },
    clients: {
      client: { transport: './agent-per-request.ts', modulePath: CLOSING_CLIENT },
      server: { ...shared, pool: { closing: 'server' } },
    },
    baseline: 'server',
    expect: [{ metric: 'clientTimeWaitPer1kRequests', of: 'client', atLeast: 1 }],
  });
  await measureCell(cell.options);
  const [server, client] = completed(cell.results()).map(({ measurement }) => measurement);
  assert.deepEqual(client!.timeWait, { client: 64, server: 0 });
  assert.equal(client!.kernel.activeOpens, 64, 'nobody else is in the namespace');
  assert.equal(client!.ledger.opened, 64);
  assert.ok(client!.outcomes.portExhausted!.count > 0);
  assert.equal(server!.failed, 0);
  assert.equal(server!.timeWait!.client, 0);
  assert.ok(server!.ledger.opened > 64, 'the same ports again');
});
