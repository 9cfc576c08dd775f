// Tests of levels over time: grouping by state and peer, levels that begin late, and their order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketState, TcpSocket } from './kernel.ts';
import { Levels } from './levels.ts';

function socket(state: SocketState, localPort: number, remote: string, inode: number): TcpSocket {
  const [address, port] = remote.split(/:(?=\d+$)/) as [string, string];
  return {
    state,
    local: { address: '127.0.0.1', port: localPort },
    remote: { address, port: Number(port) },
    inode,
  };
}

test('connections are grouped by state and peer; those at a port that listens come from clients', () => {
  const levels = new Levels();
  const sockets = [
    socket('LISTEN', 80, '0.0.0.0:0', 1),
    socket('ESTABLISHED', 80, '10.0.0.1:5000', 2),
    socket('ESTABLISHED', 80, '10.0.0.2:5001', 3),
    socket('CLOSE_WAIT', 4_000, '10.0.0.9:443', 4),
    socket('ESTABLISHED', 4_001, '0:0:0:0:0:0:0:1:443', 5),
  ];
  levels.add({ sockets, descriptors: 9, rssBytes: 4_096 }, 0);
  levels.add(
    {
      sockets: [...sockets, socket('CLOSE_WAIT', 4_002, '10.0.0.9:443', 6)],
      descriptors: 10,
      rssBytes: 4_096,
    },
    1_000,
  );
  assert.deepEqual(
    levels.read().map(({ name, first, last, seenNew }) => [name, first, last, seenNew]),
    [
      ['ESTABLISHED from clients at :80', 2, 2, 0],
      ['CLOSE_WAIT to 10.0.0.9:443', 1, 2, 1],
      ['ESTABLISHED to [0:0:0:0:0:0:0:1]:443', 1, 1, 0],
      ['descriptors', 9, 10, undefined],
      ['memory (RSS)', 4_096, 4_096, undefined],
    ],
  );
});

test('a level that is first seen late was 0 before, one that is gone is 0 again, and what grows comes first', () => {
  const levels = new Levels();
  for (let at = 0; at < 40; at++) {
    const leaked = Array.from({ length: at }, (_, of) =>
      socket('CLOSE_WAIT', 5_000 + of, '10.0.0.9:443', 100 + of),
    );
    const busy = Array.from({ length: at < 39 ? 60 : 0 }, (_, of) =>
      socket('ESTABLISHED', 9_000 + of, '10.0.0.8:443', 900 + of),
    );
    levels.add({ sockets: [...leaked, ...busy] }, at * 1_000);
  }
  const [first, second] = levels.read();
  assert.deepEqual([first!.name, first!.first, first!.last], ['CLOSE_WAIT to 10.0.0.9:443', 0, 39]);
  assert.deepEqual(
    [first!.growth.verdict, Math.round(first!.growth.perMinute), first!.seenNew],
    ['grows', 60, 39],
  );
  assert.deepEqual([second!.first, second!.last], [60, 0]);
});

test('thousands of peers end in one group for each state', () => {
  const levels = new Levels();
  const sockets = Array.from({ length: 5_000 }, (_, of) =>
    socket('ESTABLISHED', 1, `10.0.${of >> 8}.${of & 255}:443`, of + 1),
  );
  levels.add({ sockets }, 0);
  const read = levels.read();
  assert.equal(read.length, 201);
  assert.deepEqual([read[0]!.name, read[0]!.last], ['ESTABLISHED to other peers', 4_800]);
});
