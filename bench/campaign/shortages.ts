// Runs conntax with a results folder that is too small, read-only or removed meanwhile, or with few descriptors, little memory or few
// ports, and judges what is left.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../results/random.ts';
import { reasonNotTo } from '../e2e/testing/privileges.ts';
import { tinyScenario } from '../e2e/testing/workspace.ts';
import {
  type Case,
  type Counts,
  countFindings,
  type Finding,
  judgeEnd,
  judgeFiles,
  type PartOptions,
  runAll,
  runCase,
} from './cases.ts';

const DISK_KINDS = ['full', 'read-only', 'removed'] as const;
const KIB = { least: 4, most: 600 };
const LONGEST_DELAY_MS = 800;

interface DiskCase {
  name: string;
  kind: (typeof DISK_KINDS)[number];
  kib: number;
  /** What of `results` is removed, and when after measuring began. */
  removed: string;
  delayMs: number;
}

function drawDisks(seed: number, count: number): DiskCase[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'disk', index);
    const kind = DISK_KINDS[index % DISK_KINDS.length]!;
    const kib = Math.round(KIB.least * (KIB.most / KIB.least) ** random());
    const removed = random() < 0.5 ? 'results' : 'results/runs';
    const what = { full: `${kib} KiB`, 'read-only': '', removed }[kind];
    return { name: `${index}: ${kind} ${what}`, kind, kib, removed, delayMs: random() * LONGEST_DELAY_MS };
  });
}

/** A file system of its own for `results`; what was stored is copied out before it goes. */
function mounted(options: string): string[] {
  const script =
    'mkdir results && mount -t tmpfs -o "$0" tmpfs results && "$@"; status=$?; cp -r results stored; exit $status';
  return ['unshare', '--mount', 'sh', '-c', script, options];
}

function runDisk({ kind, kib, removed, delayMs }: DiskCase): Promise<Finding[]> {
  const scenario = tinyScenario({ minReplicates: 2, maxReplicates: 2 });
  if (kind === 'removed') {
    return runCase(
      {
        scenario,
        async meanwhile(cli, dir) {
          await cli.seen(/measuring/);
          await delay(delayMs);
          rmSync(join(dir, removed), { recursive: true, force: true });
        },
      },
      ({ dir, ended }) => [
        ...judgeEnd(ended, [0, 3]),
        ...judgeFiles(join(dir, 'results'), { isTearable: false }),
      ],
    );
  }
  const wrapper = mounted(kind === 'read-only' ? 'ro' : `size=${kib}k`);
  return runCase({ scenario, wrapper }, ({ dir, ended }) => [
    ...judgeEnd(ended, kind === 'read-only' ? [3] : [0, 3]),
    ...judgeFiles(join(dir, 'stored'), { isTearable: false }),
  ]);
}

export async function runDisks({ seed, from, count, atOnce, say }: PartOptions): Promise<Counts> {
  const reason = reasonNotTo('mount');
  const cases = drawDisks(seed, from + count)
    .slice(from)
    .filter(({ kind }) => reason === false || kind === 'removed');
  if (reason !== false) say(`without full and read-only disks: ${reason}`);
  return countFindings(await runAll(cases, runDisk, { atOnce, say }));
}

const LIMIT_KINDS = ['descriptors', 'memory', 'ports'] as const;
type LimitKind = (typeof LIMIT_KINDS)[number];

const RANGES: Record<LimitKind, { least: number; most: number }> = {
  descriptors: { least: 40, most: 300 },
  /** MiB of a child's heap: V8 takes that as a bound for old objects, and ends the process beyond it. */
  memory: { least: 4, most: 40 },
  ports: { least: 20, most: 600 },
};
const USERS = { least: 4, most: 100 };
const FIRST_PORT = 40_000;

interface LimitCase {
  name: string;
  kind: LimitKind;
  limit: number;
  users: number;
}

function drawLimits(seed: number, count: number): LimitCase[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'limits', index);
    const kind = LIMIT_KINDS[index % LIMIT_KINDS.length]!;
    const between = ({ least, most }: { least: number; most: number }): number =>
      Math.round(least + random() * (most - least));
    const limit = between(RANGES[kind]);
    const users = between(USERS);
    return { name: `${index}: ${limit} ${kind}, ${users} users`, kind, limit, users };
  });
}

function limitedTo({ kind, limit }: LimitCase): Omit<Case, 'scenario'> {
  switch (kind) {
    case 'descriptors':
      return { wrapper: ['prlimit', `--nofile=${limit}:${limit}`] };
    case 'memory':
      // The parent's own option goes over that of the environment, which its children inherit.
      return {
        env: { NODE_OPTIONS: `--max-old-space-size=${limit}` },
        nodeOptions: ['--max-old-space-size=2048'],
      };
    case 'ports': {
      const script = [
        'ip link set lo up',
        `echo ${FIRST_PORT} ${FIRST_PORT + limit - 1} > /proc/sys/net/ipv4/ip_local_port_range`,
        'echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse',
        'exec "$@"',
      ].join(' && ');
      return { wrapper: ['unshare', '--net', 'sh', '-c', script, 'sh'] };
    }
    default:
      return kind satisfies never;
  }
}

function runLimit(one: LimitCase): Promise<Finding[]> {
  const scenario = { ...tinyScenario(), load: { concurrency: one.users } };
  return runCase({ scenario, ...limitedTo(one) }, ({ dir, ended }) => [
    ...judgeEnd(ended, [0, 3]),
    ...judgeFiles(join(dir, 'results'), { isTearable: false }),
  ]);
}

export async function runLimits({ seed, from, count, atOnce, say }: PartOptions): Promise<Counts> {
  const reasons: Record<LimitKind, string | false> = {
    descriptors: reasonNotTo('prlimit'),
    memory: false,
    ports: reasonNotTo('bring up a network'),
  };
  for (const [kind, reason] of Object.entries(reasons))
    if (reason !== false) say(`without ${kind}: ${reason}`);
  const cases = drawLimits(seed, from + count)
    .slice(from)
    .filter(({ kind }) => reasons[kind] === false);
  return countFindings(await runAll(cases, runLimit, { atOnce, say }));
}
