// Sockets of one client are counted without those of others at the same port, at both ends and in every state.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientSockets, HeldSampler } from './held.ts';
import { type SocketLine, socketLines } from './kernel.ts';

const SERVER = '0100007F:1F90';
const CODES = { ESTABLISHED: '01', SYN_SENT: '02', TIME_WAIT: '06', CLOSE_WAIT: '08', LISTEN: '0A' };

/** A line of /proc/net/tcp. */
function line(local: string, remote: string, state: keyof typeof CODES, inode = 0): string {
  return `   0: ${local} ${remote} ${CODES[state]} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`;
}

function client(port: string, state: keyof typeof CODES, inode = 0): string {
  return line(`0100007F:${port}`, SERVER, state, inode);
}

function server(port: string, state: keyof typeof CODES): string {
  return line(SERVER, `0100007F:${port}`, state, 900);
}

function list(...lines: string[]): SocketLine[] {
  return socketLines(['  sl  local_address rem_address   st', ...lines].join('\n'));
}

test('its connections count at both ends, those of another client and of earlier slices do not', () => {
  const before = list(
    line(SERVER, '00000000:0000', 'LISTEN', 1),
    client('A001', 'ESTABLISHED', 11), // its own, of its warm-up
    server('A001', 'ESTABLISHED'),
    client('B001', 'ESTABLISHED', 21), // another client's
    server('B001', 'ESTABLISHED'),
    server('C001', 'TIME_WAIT'), // of an earlier slice
    line('0100007F:D001', '0100007F:0050', 'ESTABLISHED', 12), // to another server
  );
  const sockets = new ClientSockets([8080], before, new Set([11, 12]));
  const later = list(
    ...before.map(({ local, remote, state, inode }) => line(local, remote, state as 'LISTEN', Number(inode))),
    client('A002', 'CLOSE_WAIT', 13),
    client('A003', 'SYN_SENT', 14),
    client('A004', 'TIME_WAIT'), // opened and closed between two readings
    server('A005', 'TIME_WAIT'),
  );
  assert.deepEqual(sockets.count(later, new Set([11, 12, 13, 14])), {
    client: { ESTABLISHED: 1, CLOSE_WAIT: 1, SYN_SENT: 1, TIME_WAIT: 1 },
    server: { ESTABLISHED: 1, TIME_WAIT: 1 },
  });
});

test('a connection of its own that was open before counts when it is over, too', () => {
  const sockets = new ClientSockets([8080], list(client('A001', 'ESTABLISHED', 11)), new Set([11]));
  assert.deepEqual(sockets.count(list(client('A001', 'TIME_WAIT')), new Set()), {
    client: { TIME_WAIT: 1 },
    server: {},
  });
});

test('a local port that was in TIME_WAIT before and is used again counts from then on', () => {
  const sockets = new ClientSockets([8080], list(server('C001', 'TIME_WAIT')), new Set());
  assert.deepEqual(sockets.count(list(server('C001', 'TIME_WAIT')), new Set()), { client: {}, server: {} });
  const open = list(server('C001', 'ESTABLISHED'), client('C001', 'ESTABLISHED', 5));
  assert.deepEqual(sockets.count(open, new Set([5])), {
    client: { ESTABLISHED: 1 },
    server: { ESTABLISHED: 1 },
  });
  assert.deepEqual(sockets.count(list(client('C001', 'TIME_WAIT')), new Set()), {
    client: { TIME_WAIT: 1 },
    server: {},
  });
});

test('each sample has the requests of its moment, beside what this process holds', {
  skip: process.platform !== 'linux',
}, t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const loop = { sent: 0, inFlight: 0 };
  const sampler = new HeldSampler(loop, { everyMs: 50, originMs: performance.now() });
  Object.assign(loop, { sent: 7, inFlight: 3 });
  t.mock.timers.tick(50);
  Object.assign(loop, { sent: 9, inFlight: 0 });
  const held = sampler.finish();
  t.mock.timers.tick(500);
  assert.deepEqual(held.sent, [0, 7, 9]);
  assert.deepEqual(held.inFlight, [0, 3, 0]);
  assert.ok(held.atMs.every(atMs => atMs >= 0));
  assert.ok(held.descriptors.every(count => count > 2));
  assert.ok(held.rssBytes.every((bytes, place) => bytes! > held.heapBytes[place]!));
});
