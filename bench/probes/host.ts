// Describes this machine and the work tree, chooses cores for its processes, and says on which addresses a server can listen.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import os, { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import type { Host, Run } from '../../results/model/run.ts';
import { repositoryPage } from '../../results/repository.ts';
import { readProcess } from '../../servers/process.ts';
import { readDescriptorLimit, readPortRoom, readText } from './kernel.ts';

const exec = promisify(execFile);

/** Packages that affect measurements. */
const PACKAGES = ['undici', 'autocannon', 'fastify', 'hdr-histogram-js', 'vega-lite'] as const;

/** Properties of this machine and its current state. */
export async function describeHost(): Promise<Host> {
  const cpus = os.cpus();
  const room = readPortRoom();
  return {
    hostname: os.hostname(),
    platform: `${os.platform()} ${os.arch()}`,
    kernel: os.release(),
    cpuModel: cpus[0]?.model.trim() ?? 'unknown',
    cpuCount: cpus.length,
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg(),
    node: process.version,
    v8: process.versions.v8,
    openssl: process.versions.openssl,
    packages: Object.fromEntries(PACKAGES.map(name => [name, packageVersion(name)])),
    descriptorLimit: readDescriptorLimit(),
    ephemeralPorts: room.range,
    tcpTwReuse: room.twReuse,
    ...(await choosePinning()),
  };
}

const MAX_SLOWNESS = 20;

/**
 * How many times as long processes take here as on an idle machine: by the load of the last minute, and by how long this
 * process has waited for a core, which shows what came since.
 */
export function readSlowness(): number {
  const [minute = 0] = os.loadavg();
  const { cpuUs, runDelayMs } = readProcess();
  return Math.min(
    MAX_SLOWNESS,
    Math.max(1, minute / os.availableParallelism(), 1 + (runDelayMs * 1_000) / cpuUs),
  );
}

/** Puts target and generator on separate cores, if this process may use two or more and `taskset` is installed. */
async function choosePinning(): Promise<Pick<Host, 'pinning' | 'pinningDetail'>> {
  const cpus = allowedCpus();
  if (cpus.length < 2)
    return {
      pinning: null,
      pinningDetail: `not pinned: only ${cpus.length || 'an unknown number of'} core(s) available`,
    };
  try {
    await exec('taskset', ['--version']);
  } catch {
    return { pinning: null, pinningDetail: 'not pinned: taskset (util-linux) is not installed' };
  }
  return pinningTo(cpus as [number, number, ...number[]], siblingsOf);
}

/**
 * Chooses the first CPU for the target, and for generators first one of each other physical core, then the second threads
 * of those, and last the threads beside the target.
 * @param siblings all logical CPUs on the same physical core as the given one, itself included
 */
export function pinningTo(
  cpus: readonly [number, number, ...number[]],
  siblings: (cpu: number) => readonly number[],
): Pick<Host, 'pinning' | 'pinningDetail'> {
  const [targetCpu, ...others] = cpus;
  const rank = (cpu: number): number => {
    if (siblings(targetCpu).includes(cpu)) return 2;
    return others.some(other => other < cpu && siblings(cpu).includes(other)) ? 1 : 0;
  };
  const generatorCpus = others.toSorted((a, b) => rank(a) - rank(b) || a - b);
  const [generatorCpu = targetCpu] = generatorCpus;
  const detail = `target pinned to core ${targetCpu}, generators to core ${generatorCpu}`;
  return {
    pinning: { targetCpu, generatorCpu, generatorCpus },
    pinningDetail: rank(generatorCpu) === 2 ? `${detail}, two threads of one physical core` : detail,
  };
}

/** Empty if unknown. */
function siblingsOf(cpu: number): number[] {
  return parseCpuList(readText(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`));
}

/** Cores that this process may run on; empty if unknown. */
function allowedCpus(): number[] {
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(readText('/proc/self/status'))?.[1] ?? '');
}

/** Parses a kernel's list such as `0-1,4`. */
export function parseCpuList(list: string): number[] {
  return list.split(',').flatMap(part => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return [];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, offset) => Number(first) + offset);
  });
}

export function packageVersion(name: string): string {
  // Most packages don't export their package.json: find it from the entry.
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string })
        .version;
    } catch {
      // the next folder up
    }
  }
  return 'unknown';
}

/** Commit and state of the work tree around `folder`, and the page of its repository; null without a work tree or git. */
export async function describeGit(folder: string): Promise<Run['git']> {
  const git = async (...args: string[]): Promise<string> =>
    (await exec('git', ['-C', folder, ...args])).stdout.trim();
  try {
    const commit = await git('rev-parse', 'HEAD');
    const isDirty = (await git('status', '--porcelain')) !== '';
    // It may have no such remote.
    const repositoryUrl = await git('remote', 'get-url', 'origin').then(repositoryPage, () => undefined);
    return { commit, isDirty, ...(repositoryUrl === undefined ? {} : { repositoryUrl }) };
  } catch {
    return null;
  }
}

/** The IPv4 addresses of this machine, if a server cannot listen on this one; null: it can. */
export async function addressesInstead(address: string): Promise<string[] | null> {
  // Its interfaces alone do not show it: each address of 127.0.0.0/8 will do, and whole networks may be routed to a machine.
  const server = createServer().listen({ host: address, port: 0 });
  try {
    await once(server, 'listening');
    return null;
  } catch (error) {
    // The start of the target will say what else it is.
    if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') return null;
    return Object.values(networkInterfaces()).flatMap((own = []) =>
      own.flatMap(({ family, address: known }) => (family === 'IPv4' ? known : [])),
    );
  } finally {
    server.close();
  }
}
