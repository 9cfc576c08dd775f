// Runs conntax with few descriptors, little memory or few ports, and judges what is left.
import { join } from 'node:path';
import { createRandom } from '../../results/random.ts';
import { reasonNotTo } from '../e2e/testing/privileges.ts';
import { tinyScenario } from '../e2e/testing/workspace.ts';
import { type Counts, countFindings, type Finding, type PartOptions } from './counts.ts';
import { type Case, runAll, runCase } from './run-case.ts';
import { judgeEnd, judgeFiles } from './verdict.ts';

const KINDS = ['descriptors', 'memory', 'ports'] as const;
type Kind = (typeof KINDS)[number];

const RANGES: Record<Kind, { least: number; most: number }> = {
  descriptors: { least: 40, most: 300 },
  /** MiB of a child's heap: V8 takes that as a bound for old objects, and ends the process beyond it. */
  memory: { least: 4, most: 40 },
  ports: { least: 20, most: 600 },
};
const USERS = { least: 4, most: 100 };
const FIRST_PORT = 40_000;

interface LimitCase {
  name: string;
  kind: Kind;
  limit: number;
  users: number;
}

export function drawLimits(seed: number, count: number): LimitCase[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'limits', index);
    const kind = KINDS[index % KINDS.length]!;
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
  const reasons: Record<Kind, string | false> = {
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
