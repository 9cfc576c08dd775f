// Limits of the machine hold for processes that are started under them; control groups are removed however the process that made them
// ends.
import assert from 'node:assert/strict';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SkippedCell } from '../../results/model/run.ts';
import type { Measurement } from '../../results/model/trial.ts';
import type { Limits } from '../../scenarios/model/scenario.ts';
import { withUnknowns } from '../../scenarios/model/target.ts';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { planRun } from '../plan/plan.ts';
import { findServers, locateServers } from './find-servers.ts';
import { CpuGroup, openLimitedMachine, skipImpossible } from './limited-machine.ts';
import { createReplicateSource } from './replicate.ts';
import { measureCell } from './run.ts';
import { eventually, isGone } from './testing/processes.ts';
import { completed, makeScenario, makeTinyCell, states } from './testing/tiny-cell.ts';

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

async function findReason(limits: Limits): Promise<SkippedCell | undefined> {
  const plan = await skipImpossible(planRun([{ ...makeScenario({}), limits }], { seed: 1 }));
  return plan.skipped?.[0];
}

const reason = await findReason({ localPorts: 64 });
const noCpus = (await findReason({ serverCpus: 1 }))?.message;

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
      // Fewer than ports, so that a late server is waited for.
      server: { ...shared, pool: { closing: 'server', maxConnections: 32 } },
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

/** The control groups of a process. */
function groupsOf(pid: number | 'self'): string {
  return readFileSync(`/proc/${pid}/cgroup`, 'latin1');
}

test('server and clients each run in a group with a CPU limit, which is gone afterwards', {
  skip: noCpus,
}, async t => {
  const machine = await openLimitedMachine({ serverCpus: 0.5, clientCpus: 2, openFiles: 200 });
  t.after(() => machine.close());
  const folders = [machine.serverPrefix, machine.clientPrefix].map(prefix =>
    prefix[3]!.replace(/\/[^/]*$/, ''),
  );
  const groups = [machine.serverPrefix, machine.clientPrefix].map(prefix =>
    run(prefix, 'cat', '/proc/self/cgroup'),
  );
  assert.equal(new Set([...groups, groupsOf('self').trim()]).size, 3);
  assert.equal(run(machine.clientPrefix, 'sh', '-c', 'ulimit -n'), '200');
  await machine.close();
  assert.deepEqual(folders.map(existsSync), [false, false]);
});

test('after a replicate that failed, the next one has limits of its own: those of the last are gone', {
  skip: noCpus,
}, async t => {
  let isDown = false;
  const server = http.createServer((request, response) => {
    if (isDown) request.socket.destroy();
    else response.end('x');
  });
  const { options } = makeTinyCell({
    target: withUnknowns({ url: `http://127.0.0.1:${await listenOnLoopback(t, server)}/` }),
    limits: { clientCpus: 2 },
    timing: { slicing: 'whole', measureMs: 100 },
    clients: { kept: { pool: { maxConnections: 4 } } },
    baseline: 'kept',
  });
  const plan = { seed: 7, cells: [options.cell], estimatedMs: 0 };
  const found = await findServers(await locateServers(plan, []));
  const source = createReplicateSource({
    ...options,
    server: found.get(options.cell.id),
    leftMs: () => 60_000,
  });
  t.after(() => source.close());
  const outcomes: Record<string, string>[] = [];
  for (const [replicate, down] of [false, true, false].entries()) {
    isDown = down;
    outcomes.push(states(await source.next(replicate)));
  }
  assert.deepEqual(outcomes, [{ kept: 'completed' }, { kept: 'target-died' }, { kept: 'completed' }]);
});

test('a server that has used up its CPU time is seen to wait, and its clients are not limited', {
  skip: noCpus,
}, async () => {
  const cell = makeTinyCell({
    // A handshake with an RSA key takes more than a millisecond of CPU time.
    target: { tls: '1.3', tlsKey: 'rsa' },
    limits: { serverCpus: 0.2 },
    load: { concurrency: 8 },
    timing: { slicing: 'whole', measureMs: 500 },
    clients: { short: { requestsPerConnection: 1, pool: { maxConnections: 8 } } },
    baseline: 'short',
  });
  await measureCell(cell.options);
  const [{ generator, target }] = completed(cell.results()).map(({ measurement }) => measurement) as [
    Measurement,
  ];
  assert.equal(generator.throttling, undefined);
  const { cpus, periodMs, periods, throttledPeriods, throttledMs } = target!.throttling!;
  assert.deepEqual([cpus, periodMs], [0.2, 100]);
  assert.ok(throttledPeriods >= 2 && throttledPeriods <= periods, `${throttledPeriods} of ${periods}`);
  assert.ok(throttledMs > throttledPeriods, 'a wait lasts for more than a millisecond');
});

/** Plain folders in place of /proc and of the mount of version 2. */
function fakeSystem(t: TestContext, files: Record<string, string>): { proc: string; mount: string } {
  const proc = mkdtempSync(join(tmpdir(), 'conntax-cgroup-'));
  t.after(() => rmSync(proc, { recursive: true }));
  const mount = join(proc, 'mount');
  const mountinfo = `1 1 0:1 / ${mount} rw - cgroup2 cgroup2 rw`;
  for (const [path, text] of Object.entries({ ...files, 'self/mountinfo': mountinfo })) {
    mkdirSync(dirname(join(proc, path)), { recursive: true });
    writeFileSync(join(proc, path), text);
  }
  return { proc, mount };
}

test('version 2: a group is made below the innermost one that passes the controller on', t => {
  const { proc, mount } = fakeSystem(t, {
    'self/cgroup': '0::/system.slice/own.scope',
    'mount/cgroup.subtree_control': 'cpu memory\n',
    'mount/system.slice/cgroup.subtree_control': 'cpuset cpu memory\n',
    'mount/system.slice/own.scope/cgroup.subtree_control': '\n',
  });
  const { folder, prefix } = CpuGroup.open(1.5, proc);
  assert.equal(dirname(folder), join(mount, 'system.slice'));
  assert.equal(readFileSync(join(folder, 'cpu.max'), 'latin1'), '150000 100000');
  assert.equal(prefix.at(-1), join(folder, 'cgroup.procs'));
});

test('version 2: where no group passes the controller on, the reason is said', t => {
  const { proc } = fakeSystem(t, {
    'self/cgroup': '0::/',
    'mount/cgroup.subtree_control': 'cpuset memory\n',
  });
  assert.throws(() => CpuGroup.open(1, proc), /no group passes the controller of CPU time on/);
});

async function whyNot(): Promise<string | false> {
  try {
    await (await openLimitedMachine({ serverCpus: 1 })).close();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

const PARENT = fileURLToPath(new URL('./testing/grouping-parent.ts', import.meta.url));

test('a group is removed although the process that made it is killed, with a child in it', {
  skip: await whyNot(),
}, async t => {
  const parent = fork(PARENT, { stdio: 'ignore' });
  t.after(() => parent.kill('SIGKILL'));
  const [{ folder, pid }] = (await once(parent, 'message')) as [{ folder: string; pid: number }];
  await eventually('the child is in its group', () =>
    readFileSync(join(folder, 'cgroup.procs'), 'latin1').includes(`${pid}\n`),
  );
  parent.kill('SIGKILL');
  await eventually('child and group are gone', () => isGone(pid) && !existsSync(folder));
});
