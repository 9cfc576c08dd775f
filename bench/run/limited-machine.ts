// Limits of the machine that a scenario states: starts processes under them, and says where that is not possible.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage, MeasureError } from '../../results/errors.ts';
import type { SkippedCell } from '../../results/model/run.ts';
import type { Limits } from '../../scenarios/model/scenario.ts';
import { type CpuHierarchy, enclosingFolders, locateCpuGroup } from '../../servers/cpu-limit.ts';
import type { Obstacle } from '../contracts.ts';
import type { Plan } from '../plan/plan.ts';
import { removeGroupAtEnd, watchOver } from '../watchdog.ts';

/** Where the processes of a cell run. */
export interface LimitedMachine {
  /** A process of its network namespace, whose /proc/PID/net has the counters; absent: that of conntax itself. */
  readonly pid?: number;
  /** Command that starts the server: it stands before the server's own. */
  readonly serverPrefix: readonly string[];
  /** The same for clients, after `narrow`. */
  readonly clientPrefix: readonly string[];
  /** Once the server listens: leaves as many local ports as were stated. */
  narrow(): Promise<void>;
  close(): Promise<void>;
}

/** Below the default range, so that no server listens on one of them. */
const FIRST_PORT = 10_000;

/**
 * Holds the namespace open until its input ends. The shell may run as root of a user namespace, and is the only one that writes
 * to /proc/sys: ports in TIME_WAIT are not reused (tcp_tw_reuse), which on loopback they would be after 1 s.
 */
const HOLDER = `
ip link set lo up && echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse && echo ready || exit 1
read range
echo "$range" > /proc/sys/net/ipv4/ip_local_port_range && echo narrowed || exit 1
read end
`;

/** Limits both kinds, so that Node cannot raise it again. */
function fileLimitPrefix({ openFiles }: Limits): string[] {
  return openFiles === undefined ? [] : ['sh', '-c', 'ulimit -n "$0" && exec "$@"', String(openFiles)];
}

/** @throws MeasureError unfit, when the system does not allow it */
export async function openLimitedMachine(limits: Limits): Promise<LimitedMachine> {
  const { localPorts, serverCpus, clientCpus } = limits;
  const namespace = localPorts === undefined ? undefined : await NetworkNamespace.open();
  const inside = namespace?.prefix ?? [];
  const groups: CpuGroup[] = [];
  const close = async (): Promise<void> => {
    await namespace?.close();
    await Promise.all(groups.map(group => group.close()));
  };
  const groupPrefix = (cpus: number | undefined): readonly string[] => {
    if (cpus === undefined) return [];
    const group = CpuGroup.open(cpus);
    groups.push(group);
    return group.prefix;
  };
  try {
    return {
      ...(namespace === undefined ? {} : { pid: namespace.pid }),
      serverPrefix: [...groupPrefix(serverCpus), ...inside],
      clientPrefix: [...groupPrefix(clientCpus), ...inside, ...fileLimitPrefix(limits)],
      async narrow() {
        await namespace?.tell(`${FIRST_PORT} ${FIRST_PORT + localPorts! - 1}`, 'narrowed');
      },
      close,
    };
  } catch (error) {
    await close();
    throw new MeasureError('unfit', errorMessage(error));
  }
}

class NetworkNamespace {
  readonly prefix: readonly string[];
  readonly #holder: ChildProcess;
  readonly #lines: NodeJS.AsyncIterator<string>;
  readonly #gone: Promise<unknown>;
  #stderr = '';

  private constructor(isRoot: boolean) {
    const user = isRoot ? [] : ['--user', '--map-root-user'];
    this.#holder = spawn('unshare', [...user, '--net', 'sh', '-c', HOLDER], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    watchOver(this.#holder);
    this.#gone = new Promise<void>(resolve => {
      this.#holder.once('close', () => resolve());
      this.#holder.once('error', error => {
        this.#stderr = errorMessage(error);
        resolve();
      });
    });
    this.#holder.stdin!.on('error', () => {});
    this.#holder.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(0, 500);
    });
    this.#lines = createInterface({ input: this.#holder.stdout! })[Symbol.asyncIterator]();
    const enter = isRoot ? [] : ['--user', '--preserve-credentials'];
    this.prefix = ['nsenter', '--target', String(this.pid), ...enter, '--net'];
  }

  /** @throws MeasureError unfit */
  static async open(): Promise<NetworkNamespace> {
    const namespace = new NetworkNamespace(process.getuid?.() === 0);
    await namespace.#expect('ready');
    return namespace;
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  async tell(line: string, answer: string): Promise<void> {
    this.#holder.stdin!.write(`${line}\n`);
    await this.#expect(answer);
  }

  async close(): Promise<void> {
    this.#holder.stdin!.destroy();
    this.#holder.kill('SIGKILL');
    await this.#gone;
  }

  async #expect(answer: string): Promise<void> {
    const line = await this.#lines.next();
    if (line.value === answer) return;
    await this.close();
    throw new MeasureError('unfit', this.#stderr.trim() || `unshare ended without a word`);
  }
}

/** What a kind of limit needs of the machine. */
interface Kind {
  setting: keyof Limits;
  what: string;
  hint: string;
}

const NO_GROUP = 'no control group with a CPU limit';
const GROUP_HINT =
  'expected: Linux, root, and control groups (cgroup v1 or v2) that may be written to, as few containers allow';

const KINDS: readonly Kind[] = [
  {
    setting: 'localPorts',
    what: 'no network namespace of its own',
    hint: 'expected: Linux, root or unprivileged user namespaces, and the programs unshare, nsenter and ip',
  },
  {
    setting: 'openFiles',
    what: 'no limit of open files',
    hint: 'expected: a system with sh and ulimit, whose own limit is no lower',
  },
  { setting: 'serverCpus', what: NO_GROUP, hint: GROUP_HINT },
  { setting: 'clientCpus', what: NO_GROUP, hint: GROUP_HINT },
];

/** Tries what a limit needs; undefined: it can be had. */
async function tryLimit(limits: Limits): Promise<string | undefined> {
  try {
    const machine = await openLimitedMachine(limits);
    try {
      await machine.narrow();
      await runOnce([...machine.clientPrefix, 'true']);
      await runOnce([...machine.serverPrefix, 'true']);
    } finally {
      await machine.close();
    }
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** @throws an error with what the command says */
async function runOnce([file, ...args]: readonly string[]): Promise<void> {
  const child = spawn(file!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(stderr.trim() || `${file} ended with status ${status}`);
}

/** Which of the limits cannot be had here, and why; undefined: all can. */
async function obstacleTo(limits: Limits, attempt = tryLimit): Promise<Obstacle | undefined> {
  for (const { setting, what, hint } of KINDS) {
    if (limits[setting] === undefined) continue;
    const why = await attempt({ [setting]: limits[setting] });
    if (why !== undefined) return { message: `${what} (${why.replaceAll(/\s+/g, ' ')})`, hint };
  }
  return undefined;
}

/** The plan without the cells whose limits this machine cannot set. Each is tried, because nothing else tells. */
export async function skipImpossible(plan: Plan, attempt = tryLimit): Promise<Plan> {
  const skipped: SkippedCell[] = [];
  for (const { id, scenario } of plan.cells) {
    const obstacle = scenario.limits && (await obstacleTo(scenario.limits, attempt));
    if (obstacle !== undefined) skipped.push({ cell: id, ...obstacle });
  }
  if (skipped.length === 0) return plan;
  const isSkipped = new Set(skipped.map(({ cell }) => cell));
  return { ...plan, cells: plan.cells.filter(({ id }) => !isSkipped.has(id)), skipped };
}

/** @throws MeasureError unfit, when nothing is left to measure */
export function requireSomething({ cells, skipped = [] }: Plan): void {
  if (cells.length > 0 || skipped.length === 0) return;
  throw new MeasureError('unfit', skipped.map(describeSkipped).join('\n'));
}

/** `port-exhaustion is skipped: no network namespace of its own (…); expected: …`. */
export function describeSkipped({ cell, message, hint }: SkippedCell): string {
  return `${cell} is skipped: ${message}; ${hint}`;
}

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

/** A control group below that of this process, with a name of its own, so that one that a killed run left behind does not matter. */
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
