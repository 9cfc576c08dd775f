// A machine by the real agent, here: what it says of itself, its processes, and every way to lose it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasKernelCounts } from '../probes/kernel.ts';
import type { GeneratorCommand, GeneratorReply } from '../protocol.ts';
import { childrenOf, eventually, isGone } from '../run/testing/processes.ts';
import { describeIdentity, digestFile } from './identity.ts';
import { Machine, ServerMachine } from './machine.ts';

const AGENT = `${process.execPath} ${fileURLToPath(new URL('../cli/main.ts', import.meta.url))} agent`;
const { signal } = new AbortController();

async function startMachine(t: TestContext, command: string): Promise<Machine> {
  const machine = await Machine.start({ name: 'gen1', command }, signal);
  t.after(() => machine.close());
  return machine;
}

function spawnGenerator(machine: Machine) {
  return machine.spawn<GeneratorCommand, GeneratorReply>({
    entry: 'generator',
    title: 'the generator on gen1',
    cpu: null,
    niceness: 0,
    env: {},
    limit: undefined,
  });
}

describe('a machine', () => {
  test('says what it is, and answers of its clock, files and kernel', async t => {
    // A login shell that greets, and closes nothing.
    const machine = await startMachine(t, `echo Welcome; ${AGENT}`);
    const { host, codeDigest, bootId } = machine.identity;
    assert.equal(host.node, process.version);
    assert.match(codeDigest, /^[0-9a-f]{16}$/);
    assert.ok(bootId !== null);
    const { offsetMs, errorMs } = machine.clock;
    assert.ok(Math.abs(offsetMs) <= errorMs, 'it is the same clock');
    const folder = mkdtempSync(join(tmpdir(), 'conntax-machine-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'body.json');
    writeFileSync(file, '{}');
    assert.deepEqual(await machine.ask('digests', [file, join(folder, 'none')]), [digestFile(file), null]);
    assert.ok((await machine.ask('kernelCounts')).activeOpens >= 0);
  });

  test('whose generator fails says so, and ends it when asked', async t => {
    const machine = await startMachine(t, AGENT);
    const generator = spawnGenerator(machine);
    await assert.rejects(
      generator.ask({ type: 'finish' }, 'finished', 20_000),
      /the generator on gen1: .*"finish" before "prepare"/,
    );
    await generator.kill();
    assert.equal(generator.isAlive, false);
    assert.equal(machine.loss, undefined);
  });

  test('that is lost takes its generators with it, and says why', async t => {
    const machine = await startMachine(t, `${AGENT}; echo the line was cut >&2; exit 7`);
    const generator = spawnGenerator(machine);
    const [agent] = childrenOf(process.pid)
      .flatMap(({ pid }) => childrenOf(pid))
      .filter(({ commandLine }) => commandLine.trim().endsWith(' agent'));
    await eventually('it runs', () => childrenOf(agent!.pid).length > 0);
    const children = childrenOf(agent!.pid);
    process.kill(agent!.pid, 'SIGSTOP'); // so that it passes no answer on
    const asked = generator.ask({ type: 'cut' }, 'slice', 20_000);
    process.kill(agent!.pid, 'SIGKILL');
    await assert.rejects(asked, { message: 'machine gen1 was lost: its command ended (exit status 7)' });
    await generator.kill();
    assert.match(machine.lossError().message, /the line was cut/);
    await assert.rejects(machine.sync(1), /machine gen1 was lost/);
    await eventually('its generators are gone', () => children.every(({ pid }) => isGone(pid)));
  });
});

const failures: [why: string, command: string, message: RegExp][] = [
  [
    'cannot be reached',
    'echo no route to host >&2; exit 255',
    /gen1 was lost: its command ended \(exit status 255\): no route to host/,
  ],
  ['has no conntax', 'no-such-program-xyz', /exit status 127.*not found/],
];
for (const [why, command, message] of failures) {
  test(`a machine that ${why} is refused with the words of its command`, async () => {
    await assert.rejects(Machine.start({ name: 'gen1', command }, signal), message);
  });
}

test('a start that is interrupted leaves nothing', async () => {
  const controller = new AbortController();
  const starting = Machine.start({ name: 'gen1', command: 'sleep 600.5' }, controller.signal);
  controller.abort();
  await assert.rejects(starting, { name: 'AbortError' });
  assert.deepEqual(
    childrenOf(process.pid).filter(({ commandLine }) => commandLine.includes('600.5')),
    [],
  );
});

const VERSION = process.env['npm_package_version'] ?? '0.1.0';

test('connections are counted, and CPU is that of the process that listens', async t => {
  if (!hasKernelCounts()) return t.skip('no /proc');
  const server = createServer(socket => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const own = await describeIdentity(VERSION);
  const machine = await ServerMachine.open({
    command: AGENT,
    watchPort: undefined,
    address: undefined,
    own,
    signal,
  });
  t.after(() => machine.close());
  const before = await machine.read(port);
  for (let i = 0; i < 3; i++) {
    const socket = connect(port, '127.0.0.1').resume();
    await once(socket, 'close');
  }
  const after = await machine.read(port);
  // Other programs are counted, too.
  assert.ok(after.kernel.passiveOpens - before.kernel.passiveOpens >= 3);
  assert.ok(after.usage!.cpuUs > before.usage!.cpuUs);
  assert.ok(after.usage!.rssBytes > 0);
  const [unused] = await Promise.all([machine.read(1)]);
  assert.equal(unused.usage, null, 'nothing listens there');
});

test('an address that the machine does not have is refused when it is opened, with those that it has', async () => {
  const own = await describeIdentity(VERSION);
  const open = (address: string): Promise<ServerMachine> =>
    ServerMachine.open({
      command: AGENT,
      watchPort: undefined,
      address,
      own,
      signal,
    });
  // An address for documentation, which no machine should have.
  await assert.rejects(
    open('203.0.113.7'),
    /--server-address 203\.0\.113\.7: the machine of the server \(.+\) does not have this address; expected: one of 127\.0\.0\.1/,
  );
  await (await open('127.0.0.9')).close();
});
