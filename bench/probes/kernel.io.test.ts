// The kernel's own words are read rightly, and its counters move by the connections that are made.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { suite, test } from 'node:test';
import { KernelCounts } from '../../results/model/trial.ts';
import {
  kernelCountsBetween,
  parseCounters,
  readDescriptorLimit,
  readKernelCounts,
  readPortRoom,
} from './kernel.ts';

const needsLinux = { skip: process.platform === 'linux' ? false : 'there is no /proc' };

suite('parseCounters', () => {
  const cases: [why: string, text: string, counters: Record<string, number>][] = [
    ['nothing', '', {}],
    [
      'one group',
      'Tcp: ActiveOpens PassiveOpens\nTcp: 12 34\n',
      { 'Tcp:ActiveOpens': 12, 'Tcp:PassiveOpens': 34 },
    ],
    [
      'groups keep apart what is named alike',
      'Ip: InReceives\nIp: 5\nTcp: InSegs MaxConn\nTcp: 7 -1\nIcmp: InReceives\nIcmp: 8\n',
      { 'Ip:InReceives': 5, 'Tcp:InSegs': 7, 'Tcp:MaxConn': -1, 'Icmp:InReceives': 8 },
    ],
    ['large ones', 'TcpExt: TW\nTcpExt: 123456789012\n', { 'TcpExt:TW': 123_456_789_012 }],
    ['no newline at the end', 'Tcp: A\nTcp: 1', { 'Tcp:A': 1 }],
  ];
  for (const [why, text, counters] of cases) {
    test(why, () => assert.deepEqual(Object.fromEntries(parseCounters(text)), counters));
  }
});

test('between two readings lies the difference of each counter', () => {
  const before = {
    activeOpens: 1,
    passiveOpens: 2,
    retransmits: 3,
    needlessRetransmits: 1,
    synRetransmits: 4,
    listenDrops: 5,
    timeWaitCreated: 6,
  };
  const after = {
    activeOpens: 11,
    passiveOpens: 2,
    retransmits: 33,
    needlessRetransmits: 8,
    synRetransmits: 4,
    listenDrops: 55,
    timeWaitCreated: 6,
  };
  assert.deepEqual(kernelCountsBetween(before, after), {
    activeOpens: 10,
    passiveOpens: 0,
    retransmits: 30,
    needlessRetransmits: 7,
    synRetransmits: 0,
    listenDrops: 50,
    timeWaitCreated: 0,
  });
  assert.equal(after.activeOpens, 11, 'the readings stay as they are');
});

suite('on this machine', needsLinux, () => {
  test('connections made are counted at both ends', async t => {
    const server = createServer(socket => socket.destroy());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => new Promise(resolve => server.close(resolve)));
    const before = readKernelCounts();
    for (let i = 0; i < 5; i++) {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      await once(socket.resume(), 'close');
    }
    const delta = kernelCountsBetween(before, readKernelCounts());
    assert.ok(delta.activeOpens >= 5 && delta.passiveOpens >= 5, JSON.stringify(delta));
    assert.ok(delta.timeWaitCreated >= 1, JSON.stringify(delta));
    assert.deepEqual(KernelCounts.parse(delta), delta);
  });

  test('port range, re-use and descriptor limit are there', () => {
    const { range, twReuse, timeWaitCount } = readPortRoom();
    assert.ok(range !== null && range.low > 0 && range.high > range.low);
    assert.ok(twReuse === 0 || twReuse === 1 || twReuse === 2, String(twReuse));
    assert.ok(Number.isInteger(timeWaitCount) && timeWaitCount >= 0);
    const limit = readDescriptorLimit();
    assert.ok(limit === null || limit >= 64, String(limit));
  });
});
