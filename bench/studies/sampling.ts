// What sampling a replicate costs (sockets by state, descriptors, memory), with few sockets in TIME_WAIT and with many. Best run in
// a network of its own: unshare --net sh -c 'ip link set lo up; npm run bench:sampling'. Arguments: --seconds, --time-wait, numbers of sockets.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { HeldSampler, SocketSampler } from '../probes/held.ts';
import { readPortRoom } from '../probes/kernel.ts';
import { announce } from './machine.ts';

const PLAIN = { head: [], border: [] };
/** Connections that stay open meanwhile. */
const HELD = 200;
/** Only half of the local ports are taken while any of these is free, and one that is used again is in TIME_WAIT once. */
const SERVERS = 4;
/** At once, while sockets are brought into TIME_WAIT. */
const BATCH = 100;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    'time-wait': { type: 'string', default: '0,20000' },
  },
});
const seconds = Number(values.seconds);
const counts = values['time-wait'].split(',').map(Number);
if (!(seconds > 0) || !counts.every(count => Number.isInteger(count) && count >= 0))
  throw new TypeError('expected a number of seconds, and numbers of sockets, separated by commas');

await announce('Sampling', false);
const held: Socket[] = [];
let isHolding = false;
// Whoever closes first has the socket in TIME_WAIT.
const servers = Array.from({ length: SERVERS }, () =>
  createServer(socket => {
    if (!isHolding) socket.end();
  }).listen(0, '127.0.0.1'),
);
await Promise.all(servers.map(server => once(server, 'listening')));
const ports = servers.map(server => (server.address() as AddressInfo).port);

async function bringIntoTimeWait(count: number): Promise<void> {
  isHolding = false;
  while (readPortRoom().timeWaitCount < count) {
    await Promise.all(
      Array.from({ length: BATCH }, (_, index) =>
        once(connect({ port: ports[index % SERVERS]!, host: '127.0.0.1' }).resume(), 'close'),
      ),
    );
  }
}

async function hold(count: number): Promise<void> {
  isHolding = true;
  while (held.length < count) {
    const socket = connect({ port: ports[0]!, host: '127.0.0.1' });
    await once(socket, 'connect');
    held.push(socket);
  }
}

/** CPU time of this process in the meantime, as a share of a core. */
async function cpuShare(): Promise<number> {
  const before = process.cpuUsage();
  const startedAtMs = performance.now();
  await delay(seconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startedAtMs);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

const table = new Table({
  head: [
    'in TIME_WAIT',
    'idle',
    "the parent's samples",
    "the generator's",
    'descriptors, memory',
    'sockets by state',
  ],
  colAligns: ['right', 'right', 'right', 'right', 'right', 'right'],
  style: PLAIN,
});
await hold(HELD);
for (const count of counts) {
  await bringIntoTimeWait(count);
  const { timeWaitCount } = readPortRoom();
  const idle = await cpuShare();
  const epochMs = Date.now();
  const sampler = new SocketSampler({
    clientPid: process.pid,
    server: { pid: process.pid, ports },
    lengthMs: seconds * 1_000,
    epochMs,
  });
  sampler.start();
  const byParent = await cpuShare();
  sampler.stop();
  const { heldEveryMs: everyMs } = sampler.order;
  const own = new HeldSampler(
    { sent: 0, inFlight: 0 },
    { everyMs, originMs: epochMs - performance.timeOrigin },
  );
  const byGenerator = await cpuShare();
  const { server: seen, sockets } = sampler.finish(own.finish());
  table.push([
    timeWaitCount.toLocaleString('en'),
    percent(idle),
    percent(byParent - idle),
    percent(byGenerator - idle),
    `${(seen!.atMs.length / seconds).toFixed(1)}/s`,
    `${(sockets.length / seconds).toFixed(2)}/s`,
  ]);
}
console.log(table.toString());
for (const socket of held) socket.destroy();
for (const server of servers) server.close();
