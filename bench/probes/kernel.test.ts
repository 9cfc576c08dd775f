// kernel.test.ts
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import type { KernelCounts } from '../../results/model/trial.ts';
import {
  countClientTimeWait,
  countTimeWait,
  type Kernel,
  type PortRoom,
  parseSockets,
  portShortfall,
  readKernels,
  readKernelsOf,
  waitForPorts,
} from './kernel.ts';

describe('Ports are waited for only where the kernel would not hand out another, and what holds them is counted rightly', () => {
  const range = { low: 1_000, high: 1_099 };

  suite('portShortfall', () => {
    const cases: [
      why: string,
      room: Omit<PortRoom, 'timeWaitCount'>,
      held: number,
      needed: number,
      lacking: number,
      isElsewhere?: true,
    ][] = [
      ['all free', { range, twReuse: 0 }, 0, 100, 0],
      ['one too many', { range, twReuse: 0 }, 0, 101, 1],
      ['room beside those held', { range, twReuse: 0 }, 60, 40, 0],
      ['no room beside them', { range, twReuse: 0 }, 60, 41, 1],
      ['nothing needed, though all are held', { range, twReuse: 0 }, 100, 0, 0],
      ['more held than there are (other addresses too)', { range, twReuse: 0 }, 150, 10, 60],
      ['re-use everywhere', { range, twReuse: 1 }, 100, 100, 0],
      ['re-use on loopback', { range, twReuse: 2 }, 100, 100, 0],
      ['the same, to another machine', { range, twReuse: 2 }, 100, 100, 100, true],
      ['re-use everywhere, to another machine', { range, twReuse: 1 }, 100, 100, 0, true],
      ['range unknown', { range: null, twReuse: 0 }, 100, 100, 0],
      ['re-use unknown: nothing can be said', { range, twReuse: null }, 100, 100, 0],
    ];
    for (const [why, room, held, needed, lacking, isElsewhere = false] of cases) {
      test(`${why}: ${lacking}`, () => {
        assert.equal(portShortfall({ ...room, timeWaitCount: 0 }, held, needed, !isElsewhere), lacking);
      });
    }
  });

  suite('countTimeWait', () => {
    const line = (local: string, remote: string, leftMs: number, state = '06'): string => {
      const left = (leftMs / 10).toString(16).toUpperCase().padStart(8, '0');
      return `   1: 0100007F:${local} 0100007F:${remote} ${state} 00000000:00000000 03:${left} 00000000     0        0 0 3 0000000000000000`;
    };
    const SINCE_MS = 2_000;
    const rows: [why: string, lines: string[], client: number, server: number][] = [
      ['nothing', [], 0, 0],
      ['closed by the client', [line('C001', '1F90', 59_000)], 1, 0],
      ['closed by the server', [line('1F90', 'C001', 59_000)], 0, 1],
      ['one each', [line('1F90', 'C001', 58_500), line('C002', '1F90', 60_000)], 1, 1],
      ['at the start of the slice', [line('C001', '1F90', 58_000)], 1, 0],
      ['before the slice', [line('C001', '1F90', 57_900), line('1F90', 'C001', 10)], 0, 0],
      ['at other ports', [line('C001', 'C002', 59_000)], 0, 0],
      ['of a second origin', [line('C001', '1F91', 59_000), line('1F91', 'C001', 59_000)], 1, 1],
      ['open', [line('C001', '1F90', 59_000, '01')], 0, 0],
      ['cut off before the timer', ['   1: 0100007F:C001 0100007F:1F90 06'], 0, 0],
    ];
    for (const [why, lines, client, server] of rows) {
      test(`${why}: ${client} at the client's end, ${server} at the server's`, () => {
        const text = ['  sl  local_address rem_address   st', ...lines].join('\n');
        assert.deepEqual(countTimeWait(text, [0x1f90, 0x1f91], SINCE_MS), { client, server });
      });
    }
  });

  suite('countClientTimeWait', () => {
    // As the kernel writes it: addresses in hexadecimal, 0x1F90 = 8080; 06 = TIME_WAIT, 01 = ESTABLISHED, 0A = LISTEN.
    const head =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
    const line = (sl: number | string, local: string, remote: string, state: string): string =>
      `${String(sl).padStart(4)}: 0100007F:${local} 0100007F:${remote} ${state} 00000000:00000000 03:000015C5 00000000     0        0 0 3 0000000000000000`;
    const cases: [why: string, lines: string[], count: number][] = [
      ['nothing but the head', [], 0],
      [
        'the listener',
        [
          '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 41 1 0 100 0 0 10 0',
        ],
        0,
      ],
      ['one that the client closed', [line(1, 'C001', '1F90', '06')], 1],
      ['one that the server closed', [line(1, '1F90', 'C001', '06')], 0],
      ['one that is open', [line(1, 'C001', '1F90', '01')], 0],
      ['one to another port', [line(1, 'C001', '1F91', '06')], 0],
      ['a port that ends alike', [line(1, 'C001', '01F9', '06')], 0],
      [
        'past line 9999 the columns shift',
        [line(9999, 'C001', '1F90', '06'), line(10000, 'C002', '1F90', '06')],
        2,
      ],
      [
        'several',
        [
          line(1, 'C001', '1F90', '06'),
          line(2, 'C002', '1F90', '01'),
          line(3, 'C003', '1F90', '06'),
          line(4, '1F90', 'C003', '06'),
        ],
        2,
      ],
    ];
    for (const [why, lines, count] of cases) {
      test(`${why}: ${count}`, () => {
        assert.equal(countClientTimeWait([head, ...lines, ''].join('\n'), 0x1f90), count);
      });
    }

    test('a low port is padded in the table', () => {
      assert.equal(countClientTimeWait(line(1, 'C001', '0050', '06'), 80), 1);
      assert.equal(countClientTimeWait(line(1, 'C001', '1F50', '06'), 0x50), 0);
    });
  });

  suite('waitForPorts', () => {
    test('returns at once where a few are needed', async () => {
      const said: string[] = [];
      await waitForPorts(
        { port: 9, isLoopback: true },
        3,
        why => said.push(why),
        new AbortController().signal,
      );
      assert.deepEqual(said, []);
    });

    test('returns at once when interrupted, whatever is needed', async () => {
      await waitForPorts({ port: 9, isLoopback: true }, 1e9, () => {}, AbortSignal.abort());
    });
  });
});

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

let questions = 0;

/** All of its counters stand at one number. */
function kernelAt(place: string, count: number): Kernel {
  const names = [
    'activeOpens',
    'passiveOpens',
    'retransmits',
    'needlessRetransmits',
    'synRetransmits',
    'listenDrops',
    'timeWaitCreated',
  ] as const satisfies readonly (keyof KernelCounts)[];
  return {
    place,
    isHere: false,
    async kernelCounts() {
      questions++;
      return Object.fromEntries(names.map(name => [name, count])) as KernelCounts;
    },
  };
}

test('two machines in one network are asked once, and others are added', async () => {
  questions = 0;
  const counts = await readKernels([kernelAt('a', 10), kernelAt('a', 10), kernelAt('b', 1)]);
  assert.deepEqual([counts.activeOpens, counts.listenDrops, questions], [11, 11, 2]);
});

test('that of the server is one of them, unless it is in the network of a client', async () => {
  const clients = [kernelAt('a', 10)];
  assert.equal((await readKernelsOf(clients, kernelAt('web1', 5))).passiveOpens, 15);
  assert.equal((await readKernelsOf(clients, kernelAt('a', 10))).passiveOpens, 10);
  assert.equal((await readKernelsOf(clients, undefined)).passiveOpens, 10);
});
