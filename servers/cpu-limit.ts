// Finds the control groups whose CPU limits hold for a process, as in a container, and reads how long they were throttled (Linux, cgroup v1 and v2).
import { openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Throttling } from '../results/model/process.ts';

/** Where the controller of CPU time has a process. */
export interface CpuHierarchy {
  version: 1 | 2;
  /** Folder at which it is mounted. */
  mount: string;
  /** Folder of the process's own group: the mount, or below it. */
  folder: string;
}

interface Mount {
  /** The group that is seen at the mount point. */
  root: string;
  point: string;
  type: string;
  options: readonly string[];
}

/** `30 25 0:27 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu` */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap(line => {
    const [place = '', system = ''] = line.split(' - ');
    const [, , , root, point] = place.split(' ');
    const [type, , options] = system.split(' ');
    if (root === undefined || point === undefined || type === undefined || options === undefined) return [];
    return { root, point, type, options: options.split(',') };
  });
}

/** The part of a path below another; undefined where it is not below. */
function below(path: string, root: string): string | undefined {
  if (root === '/') return path;
  return path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

/** @param groups text of /proc/PID/cgroup */
export function locateCpuGroup(groups: string, mountinfo: string): CpuHierarchy | undefined {
  const lines = groups.split('\n').map(line => {
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    return { id, controllers: controllers?.split(',') ?? [], path: path ?? '' };
  });
  // On machines that have both versions, a controller belongs to one of them.
  const first = lines.find(({ controllers }) => controllers.includes('cpu'));
  const found = first ?? lines.find(({ id }) => id === '0');
  if (found === undefined) return undefined;
  const version = first === undefined ? 2 : 1;
  for (const { root, point, type, options } of parseMounts(mountinfo)) {
    const holds = version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.includes('cpu');
    const inside = holds ? below(found.path, root) : undefined;
    if (inside === undefined || inside.includes('/..')) continue;
    return { version, mount: point, folder: join(point, inside).replace(/(.)\/$/, '$1') };
  }
  return undefined;
}

/** The own group and all that it is in, from the inside, as far as they can be seen. */
export function enclosingFolders({ mount, folder }: Pick<CpuHierarchy, 'mount' | 'folder'>): string[] {
  const folders = [folder];
  while (folders.at(-1) !== mount) folders.push(dirname(folders.at(-1)!));
  return folders;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // the outermost group has no limit
  }
}

type Quota = Pick<Throttling, 'cpus' | 'periodMs'>;

/** undefined: unlimited. */
function readQuota(version: CpuHierarchy['version'], folder: string): Quota | undefined {
  const [quotaUs, periodUs] =
    version === 2
      ? readText(join(folder, 'cpu.max')).split(' ').map(Number)
      : ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map(name => Number(readText(join(folder, name))));
  const isLimited = quotaUs !== undefined && quotaUs > 0 && periodUs !== undefined && periodUs > 0;
  return isLimited ? { cpus: quotaUs / periodUs, periodMs: periodUs / 1_000 } : undefined;
}

/** The counts in the text of a group's cpu.stat, of either version. */
export function parseCpuStat(text: string): Pick<Throttling, 'periods' | 'throttledPeriods' | 'throttledMs'> {
  const counts = Object.fromEntries(text.split('\n').map(line => line.split(' ')));
  const { nr_periods = 0, nr_throttled = 0, throttled_usec, throttled_time = 0 } = counts;
  return {
    periods: Number(nr_periods),
    throttledPeriods: Number(nr_throttled),
    throttledMs: throttled_usec === undefined ? Number(throttled_time) / 1e6 : Number(throttled_usec) / 1e3,
  };
}

/** More than a cpu.stat of either version has. */
const MAX_STAT_BYTES = 1_024;

interface LimitedGroup {
  quota: Quota;
  path: string;
  /** Kept open for this process's own, because one that may open no more files is measured too. */
  file: number | undefined;
}

/** The CPU limits that hold for a process: of its group and of those around it. Which of them stops it depends on what else runs there. */
export class CpuLimits {
  readonly #groups: readonly LimitedGroup[];
  readonly #text = Buffer.alloc(MAX_STAT_BYTES);

  private constructor(groups: readonly LimitedGroup[]) {
    this.#groups = groups;
  }

  /** @param proc where the kernel lists processes */
  static find(pid: number | 'self', proc = '/proc'): CpuLimits {
    const place = locateCpuGroup(readText(`${proc}/${pid}/cgroup`), readText(`${proc}/self/mountinfo`));
    const folders = place === undefined ? [] : enclosingFolders(place);
    return new CpuLimits(
      folders.flatMap(folder => {
        const quota = readQuota(place!.version, folder);
        if (quota === undefined) return [];
        const path = join(folder, 'cpu.stat');
        try {
          return { quota, path, file: pid === 'self' ? openSync(path, 'r') : undefined };
        } catch {
          return []; // it may not be read
        }
      }),
    );
  }

  /** Since each group was made, the innermost first; empty without a limit, and where a group has been removed. */
  read(): Throttling[] {
    try {
      return this.#groups.map(group => ({ ...group.quota, ...parseCpuStat(this.#readStat(group)) }));
    } catch {
      return [];
    }
  }

  #readStat({ path, file }: LimitedGroup): string {
    if (file === undefined) return readFileSync(path, 'latin1');
    const length = readSync(file, this.#text, 0, this.#text.length, 0);
    return this.#text.toString('latin1', 0, length);
  }
}
