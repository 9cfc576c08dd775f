// process-tree.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CpuFold,
  identityOf,
  listeningInodes,
  membersOf,
  type ProcessStat,
  parseProcessStat,
} from './process-tree.ts';

test('a line of /proc/PID/stat, whatever the name of the program', () => {
  const rest = 'S 41 42 43 0 -1 4194560 9 0 0 0 11 12 13 14 20 0 1 0 4711 1 2 3';
  for (const name of ['node', 'a b', '(x) y) R 1 1 1']) {
    assert.deepEqual(parseProcessStat(`4242 (${name}) ${rest}\n`), {
      pid: 4_242,
      state: 'S',
      parentPid: 41,
      sessionId: 43,
      cpuUs: 500_000,
      startedAt: 4_711,
    });
  }
});

function stat(pid: number, parentPid: number, sessionId: number): ProcessStat {
  return { pid, parentPid, sessionId, state: 'S', cpuUs: 0, startedAt: pid };
}

describe('members of a tree', () => {
  const all = [stat(9, 8, 1), stat(5, 1, 5), stat(6, 5, 5), stat(7, 6, 7), stat(8, 7, 7), stat(2, 1, 1)];
  const pids = (members: ProcessStat[]) => members.map(({ pid }) => pid).sort();

  test('are the session, and all that descend from it, in whatever session and order', () => {
    assert.deepEqual(pids(membersOf(all, 5, new Set())), [5, 6, 7, 8, 9]);
  });

  test('stay members when their parent has ended', () => {
    const orphan = stat(8, 1, 7);
    assert.deepEqual(pids(membersOf([stat(5, 1, 5), orphan], 5, new Set([identityOf(orphan)]))), [5, 8]);
  });

  test('but another process with the same number is none', () => {
    const other = { ...stat(8, 1, 7), startedAt: 99 };
    assert.deepEqual(pids(membersOf([stat(5, 1, 5), other], 5, new Set([identityOf(stat(8, 1, 7))]))), [5]);
  });
});

describe('CPU time of threads that come and go', () => {
  const threads = (times: Record<string, number>) => new Map(Object.entries(times));

  test('is exact while they live, however coarse the ticks', () => {
    const fold = new CpuFold();
    assert.equal(fold.add(threads({ a: 12_345, b: 1 }), 10_000), 12_346);
    assert.equal(fold.add(threads({ a: 12_400, b: 3 }), 10_000), 12_403);
  });

  test('keeps what ended ones were last seen with', () => {
    const fold = new CpuFold();
    fold.add(threads({ a: 100, b: 50 }), 0);
    assert.equal(fold.add(threads({ a: 110 }), 0), 160);
  });

  test('has those that were never seen, by the ticks', () => {
    const fold = new CpuFold();
    const before = fold.add(threads({ a: 100 }), 0);
    assert.equal(fold.add(threads({ a: 200 }), 50_000) - before, 49_900);
    assert.equal(fold.add(threads({ a: 300 }), 50_000) - before, 50_000);
  });

  test('without exact times, the ticks remain', () => {
    const fold = new CpuFold();
    assert.equal(fold.add(new Map(), 30_000), 30_000);
    assert.equal(fold.add(new Map(), 70_000), 70_000);
  });

  test('never falls, never exceeds the truth, and is at most two ticks and the unseen below it', () => {
    const step = fc.record({ used: fc.nat(40_000), short: fc.nat(30_000) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), steps => {
        const fold = new CpuFold();
        let [main, short, last] = [0, 0, 0];
        for (const { used, short: more } of steps) {
          main += used;
          short += more; // by threads that began and ended since the last reading
          const ticks = Math.floor((main + short) / 10_000) * 10_000;
          const seen = fold.add(threads({ main }), ticks);
          assert.ok(seen >= last && seen <= main + short, `${seen} of ${main + short}`);
          assert.ok(main + short - seen <= 10_000, `${seen} of ${main + short}`);
          last = seen;
        }
      }),
    );
  });
});

test('sockets that listen on a port: not those of its connections, nor of other ports', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1 0
   1: 0100007F:0BB8 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1 0`;
  assert.deepEqual(listeningInodes(text, 3_000), ['111']);
  assert.deepEqual(listeningInodes(text, 8_080), ['333']);
  assert.deepEqual(listeningInodes('', 8_080), []);
});
