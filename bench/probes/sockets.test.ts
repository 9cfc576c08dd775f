// Tests of reading the kernel's lists of TCP sockets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSockets } from './sockets.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

function line(local: string, remote: string, state: string, inode: number): string {
  return `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 20 4 30 10 -1`;
}

const addresses: [hex: string, address: string, port: number][] = [
  ['0100007F:1F90', '127.0.0.1', 8_080],
  ['0500000A:01BB', '10.0.0.5', 443],
  ['0000000000000000FFFF00000100007F:0050', '127.0.0.1', 80],
  ['00000000000000000000000001000000:0050', '0:0:0:0:0:0:0:1', 80],
  ['B80D01200000000000000000AB000000:FFFF', '2001:db8:0:0:0:0:0:ab', 65_535],
];

for (const [hex, address, port] of addresses) {
  test(`${hex} is ${address}, port ${port}`, () => {
    const [socket] = parseSockets(`${HEAD}\n${line(hex, '0100007F:0016', '08', 77)}\n`);
    assert.deepEqual(socket, {
      state: 'CLOSE_WAIT',
      local: { address, port },
      remote: { address: '127.0.0.1', port: 22 },
      inode: 77,
    });
  });
}

test('states by their number; lines that are cut off, and unknown states, are left out', () => {
  const lines = ['01', '06', '0A', 'FF'].map(state => line('0100007F:0001', '0100007F:0002', state, 5));
  const text = [HEAD, ...lines, line('0100007F:0001', '0100007F:0002', '01', 5).slice(0, 60)].join('\n');
  assert.deepEqual(
    parseSockets(text).map(({ state }) => state),
    ['ESTABLISHED', 'TIME_WAIT', 'LISTEN'],
  );
});

test('an empty list has no sockets', () => assert.deepEqual(parseSockets(`${HEAD}\n`), []));
