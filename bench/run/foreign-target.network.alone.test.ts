// An external server is read from the kernel: what this machine accepted, or, for a server elsewhere, what it opened.
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { FoundTarget } from './find-servers.ts';
import { isOwnReading, type KernelReading, type MeasuredTarget, openForeignTarget } from './targets.ts';

const DIALS = 40;

function targetAt(isLoopback: boolean): MeasuredTarget {
  const facts = { isLoopback, address: '127.0.0.1', proxy: null };
  return openForeignTarget({
    servers: [{ facts }] as unknown as FoundTarget['servers'],
    endpoint: { origin: 'http://127.0.0.1', path: '/' },
  });
}

async function read(target: MeasuredTarget): Promise<KernelReading & { accepted: number }> {
  const reading = await target.read();
  assert.ok(!isOwnReading(reading) && reading.accepted !== null, 'this system counts');
  return { ...reading, accepted: reading.accepted };
}

function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  return new Promise(resolve =>
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(socket)),
  );
}

test('a refused attempt counts as opened and not as accepted', async t => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const here = targetAt(true);
  const elsewhere = targetAt(false);
  const countDials = async () => {
    const before = [await read(here), await read(elsewhere)];
    for (let i = 0; i < DIALS; i++) (await dial(port)).destroy();
    const after = [await read(here), await read(elsewhere)];
    return after.map(({ accepted }, index) => accepted - before[index]!.accepted);
  };
  assert.deepEqual(
    [(await read(here)).countedBy, (await read(elsewhere)).countedBy],
    ['kernel', 'kernelOpens'],
  );
  assert.deepEqual([here.isLoopback, elsewhere.isLoopback, here.isAlive], [true, false, true]);
  // Other programs may open some meanwhile; not as many.
  const [accepted, opened] = await countDials();
  assert.ok(accepted! >= DIALS && opened! >= DIALS, `${accepted}, ${opened}`);
  await new Promise(resolve => server.close(resolve));
  const [acceptedThen, openedThen] = await countDials();
  assert.ok(acceptedThen! < DIALS && openedThen! >= DIALS, `${acceptedThen}, ${openedThen}`);
  await here.kill();
});
