// The machine of a server, by the real agent here: what the kernel counted, and what the processes at a port have used.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasKernelCounts } from '../probes/kernel.ts';
import { describeIdentity } from './identity.ts';
import { ServerMachine } from './server-machine.ts';

const AGENT = `${process.execPath} ${fileURLToPath(new URL('../cli/main.ts', import.meta.url))} agent`;
const VERSION = process.env['npm_package_version'] ?? '0.1.0';

test('connections are counted, and CPU is that of the process that listens', async t => {
  if (!hasKernelCounts()) return t.skip('no /proc');
  const server = createServer(socket => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const own = await describeIdentity(VERSION);
  const { signal } = new AbortController();
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
      signal: new AbortController().signal,
    });
  // An address for documentation, which no machine should have.
  await assert.rejects(
    open('203.0.113.7'),
    /--server-address 203\.0\.113\.7: the machine of the server \(.+\) does not have this address; expected: one of 127\.0\.0\.1/,
  );
  await (await open('127.0.0.9')).close();
});
