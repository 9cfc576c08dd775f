// Runs conntax with a results folder that is too small, read-only or removed meanwhile, and judges what is left.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../results/random.ts';
import { reasonNotTo } from '../e2e/testing/privileges.ts';
import { tinyScenario } from '../e2e/testing/workspace.ts';
import { type Counts, countFindings, type Finding, type PartOptions } from './counts.ts';
import { runAll, runCase } from './run-case.ts';
import { judgeEnd, judgeFiles } from './verdict.ts';

const KINDS = ['full', 'read-only', 'removed'] as const;
const KIB = { least: 4, most: 600 };
const LONGEST_DELAY_MS = 800;

interface DiskCase {
  name: string;
  kind: (typeof KINDS)[number];
  kib: number;
  /** What of `results` is removed, and when after measuring began. */
  removed: string;
  delayMs: number;
}

export function drawDisks(seed: number, count: number): DiskCase[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'disk', index);
    const kind = KINDS[index % KINDS.length]!;
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
