// Makes a control group with a CPU limit, in which commands can be started (Linux, cgroup v1 and v2).
import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CpuHierarchy, enclosingFolders, locateCpuGroup } from '../../servers/cpu-limit.ts';
import { removeGroupAtEnd } from '../watchdog.ts';

/** The kernel's own default, and that of containers. */
const PERIOD_US = 100_000;

/** A process that was killed leaves its group some moments later. */
const REMOVAL = { tries: 50, pauseMs: 20 } as const;

/** The group in which another can be made: of version 2, only groups without processes pass the controller on. */
function parentOf(place: CpuHierarchy): string {
  if (place.version === 1) return place.folder;
  const found = enclosingFolders(place).find(folder => {
    const file = join(folder, 'cgroup.subtree_control');
    return existsSync(file) && readFileSync(file, 'latin1').split(/\s+/).includes('cpu');
  });
  if (found === undefined) throw new Error('no group passes the controller of CPU time on to others');
  return found;
}

function setQuota({ version }: CpuHierarchy, folder: string, cpus: number): void {
  const quotaUs = Math.round(cpus * PERIOD_US);
  if (version === 2) {
    writeFileSync(join(folder, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
    return;
  }
  writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US));
  writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quotaUs));
}

/** A control group below that of this process, with a name that no other has: one that a killed run left is in nobody's way. */
export class CpuGroup {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * @param cpus CPU time per time, in cores
   * @param proc where the kernel lists processes
   * @throws an error of the system, where it allows none
   */
  static open(cpus: number, proc = '/proc'): CpuGroup {
    const read = (name: string): string => readFileSync(`${proc}/self/${name}`, 'latin1');
    const place = locateCpuGroup(read('cgroup'), read('mountinfo'));
    if (place === undefined) throw new Error('no control groups of CPU time are mounted');
    const folder = mkdtempSync(join(parentOf(place), 'conntax-'));
    removeGroupAtEnd(folder);
    try {
      setQuota(place, folder, cpus);
    } catch (error) {
      rmdirSync(folder);
      throw error;
    }
    return new CpuGroup(folder);
  }

  /** Stands before a command: joins the group, and becomes the command. */
  get prefix(): readonly string[] {
    return ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(this.folder, 'cgroup.procs')];
  }

  /** Once its processes have been ended. What is not gone by then is removed when this process ends. */
  async close(): Promise<void> {
    for (let tries = 0; tries < REMOVAL.tries && existsSync(this.folder); tries++) {
      try {
        rmdirSync(this.folder);
      } catch {
        await delay(REMOVAL.pauseMs);
      }
    }
  }
}
