// The CPU limit of a process's control group is found in both versions, wherever it is mounted, and its counts are read.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { CpuLimits, locateCpuGroup } from './cpu-limit.ts';

describe('the group of a process is found where its hierarchy is mounted', () => {
  const v1 = '31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu';
  const memory = '30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory';
  const unified = '40 25 0:30 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw';
  const rows: [why: string, groups: string, mounts: string[], folder: string | undefined][] = [
    ['version 1', '2:memory:/m\n1:cpu,cpuacct:/a/b', [memory, v1], '/sys/fs/cgroup/cpu/a/b'],
    ['version 1, at its root', '1:cpu:/', [v1], '/sys/fs/cgroup/cpu'],
    ['both, of which version 1 has the controller', '1:cpu:/a\n0::/b', [unified, v1], '/sys/fs/cgroup/cpu/a'],
    ['version 2', '0::/system.slice/x.service', [unified], '/sys/fs/cgroup/unified/system.slice/x.service'],
    ['version 2, a container with groups of its own', '0::/', [unified], '/sys/fs/cgroup/unified'],
    [
      'a container that sees its group only, by the name that it has outside',
      '1:cpu:/docker/7f/own',
      [v1.replace(' / ', ' /docker/7f ')],
      '/sys/fs/cgroup/cpu/own',
    ],
    ['a group that cannot be seen', '1:cpu:/docker/8', [v1.replace(' / ', ' /docker/7 ')], undefined],
    ['a group outside of what the container sees', '0::/../x', [unified], undefined],
    ['not mounted', '1:cpu:/', [memory], undefined],
    ['not Linux', '', [''], undefined],
  ];
  for (const [why, groups, mounts, folder] of rows) {
    test(why, () => assert.equal(locateCpuGroup(groups, mounts.join('\n'))?.folder, folder));
  }
});

/** A folder in place of /proc, and of the mount of a hierarchy. */
function fakeSystem(t: TestContext, version: 1 | 2, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'conntax-cgroup-'));
  t.after(() => rmSync(root, { recursive: true }));
  const mount = join(root, 'cgroup');
  const line =
    version === 2
      ? `1 1 0:1 / ${mount} rw - cgroup2 cgroup2 rw`
      : `1 1 0:1 / ${mount} rw - cgroup cgroup rw,cpu`;
  for (const [path, text] of Object.entries({ ...files, 'self/mountinfo': line })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('what a limited group has used up is read', () => {
  const counts = { periods: 40, throttledPeriods: 15, throttledMs: 812.5 };

  test('version 1: times in nanoseconds', t => {
    const proc = fakeSystem(t, 1, {
      'self/cgroup': '3:cpu:/own',
      'cgroup/own/cpu.cfs_quota_us': '50000\n',
      'cgroup/own/cpu.cfs_period_us': '100000\n',
      'cgroup/own/cpu.stat': 'nr_periods 40\nnr_throttled 15\nthrottled_time 812500000\nnr_bursts 0\n',
    });
    assert.deepEqual(CpuLimits.find('self', proc).read(), [{ cpus: 0.5, periodMs: 100, ...counts }]);
  });

  test('version 2: times in microseconds; of another process, and of the group around its own, which has no limit', t => {
    const proc = fakeSystem(t, 2, {
      '77/cgroup': '0::/pod/own',
      'cgroup/pod/cpu.max': '100000 50000\n',
      'cgroup/pod/cpu.stat':
        'usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 40\nnr_throttled 15\nthrottled_usec 812500\n',
      'cgroup/pod/own/cpu.max': 'max 100000\n',
      'cgroup/pod/own/cpu.stat': 'usage_usec 9\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n',
    });
    assert.deepEqual(CpuLimits.find(77, proc).read(), [{ cpus: 2, periodMs: 50, ...counts }]);
  });

  test('without a limit there is nothing to read', t => {
    const proc = fakeSystem(t, 1, {
      'self/cgroup': '3:cpu:/',
      'cgroup/cpu.cfs_quota_us': '-1\n',
      'cgroup/cpu.cfs_period_us': '100000\n',
      'cgroup/cpu.stat': 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\n',
    });
    assert.deepEqual(CpuLimits.find('self', proc).read(), []);
  });

  test('a file that was read before shows its new counts', t => {
    const proc = fakeSystem(t, 2, {
      'self/cgroup': '0::/',
      'cgroup/cpu.max': '50000 100000',
      'cgroup/cpu.stat': 'nr_periods 1\nnr_throttled 0\nthrottled_usec 0\n',
    });
    const limit = CpuLimits.find('self', proc);
    assert.equal(limit.read()[0]?.periods, 1);
    writeFileSync(join(proc, 'cgroup/cpu.stat'), 'nr_periods 2\nnr_throttled 1\nthrottled_usec 30000\n');
    assert.deepEqual(limit.read(), [
      { cpus: 0.5, periodMs: 100, periods: 2, throttledPeriods: 1, throttledMs: 30 },
    ]);
  });

  test('groups within each other are read, each by itself, the innermost first; none once they are gone', t => {
    const stat = (periods: number) => `nr_periods ${periods}\nnr_throttled 1\nthrottled_usec 30000\n`;
    const proc = fakeSystem(t, 2, {
      '77/cgroup': '0::/pod/own',
      'cgroup/pod/cpu.max': '50000 100000',
      'cgroup/pod/cpu.stat': stat(9),
      'cgroup/pod/own/cpu.max': '200000 100000',
      'cgroup/pod/own/cpu.stat': stat(4),
    });
    const limits = CpuLimits.find(77, proc);
    assert.deepEqual(
      limits.read().map(({ cpus, periods }) => [cpus, periods]),
      [
        [2, 4],
        [0.5, 9],
      ],
    );
    rmSync(join(proc, 'cgroup/pod'), { recursive: true });
    assert.deepEqual(limits.read(), []);
  });
});
