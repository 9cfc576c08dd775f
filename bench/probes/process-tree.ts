// What all processes of a command use together, by the kernel's statistics (Linux): whatever language, children included.

import { readdirSync } from 'node:fs';
import type { ProcessReading } from '../../results/model/process.ts';
import { CpuLimits } from '../../servers/cpu-limit.ts';
import { hasPort, parseRssBytes, readSocketInodes, readText, socketLines } from './kernel.ts';

/** The kernel reports the times of /proc/PID/stat in hundredths of a second, on every architecture that Node supports. */
const TICK_US = 10_000;

/** A process by /proc/PID/stat. */
export interface ProcessStat {
  pid: number;
  /** R, S, D, T; Z: it has ended, and its parent has not yet asked for its status. */
  state: string;
  parentPid: number;
  sessionId: number;
  /** Its own CPU time, of threads that have ended too, and that of its children that have ended; in whole ticks. */
  cpuUs: number;
  /** Ticks since boot; with the pid, it identifies a process. */
  startedAt: number;
}

/** The name of a program, in parentheses, may itself hold spaces and parentheses. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0]!,
    parentPid: at(1),
    sessionId: at(3),
    cpuUs: (at(11) + at(12) + at(13) + at(14)) * TICK_US,
    startedAt: at(19),
  };
}

/** A process that has ended stays listed until its parent asks for its status. */
export function isLiving({ state }: ProcessStat): boolean {
  return state !== 'Z' && state !== 'X';
}

/**
 * The processes of a session, and all that descend from them: a daemon begins a session of its own, but descends from one.
 * @param known members of earlier readings, by `identityOf`: they stay members when their parent has ended
 */
export function membersOf(
  all: readonly ProcessStat[],
  sessionId: number,
  known: ReadonlySet<string>,
): ProcessStat[] {
  const members = new Map<number, ProcessStat>();
  let isGrowing = true;
  while (isGrowing) {
    isGrowing = false;
    for (const process of all) {
      if (members.has(process.pid)) continue;
      const isMember =
        process.sessionId === sessionId || members.has(process.parentPid) || known.has(identityOf(process));
      if (!isMember) continue;
      members.set(process.pid, process);
      isGrowing = true;
    }
  }
  return [...members.values()];
}

export function identityOf({ pid, startedAt }: Pick<ProcessStat, 'pid' | 'startedAt'>): string {
  return `${pid}@${startedAt}`;
}

/**
 * CPU time of threads that come and go. The kernel's exact times are those of living threads; its sums with ended ones are in
 * ticks, rounded down. Both are at most the truth, so whatever the sum was ahead of the exact times at its best is missing in them.
 */
export class CpuFold {
  #living = new Map<string, number>();
  #endedUs = 0;
  #missingUs = 0;

  /**
   * @param threads µs by thread, exact
   * @param tickedUs of all, in ticks
   * @returns µs since the start: the best lower bound, and it never falls
   */
  add(threads: ReadonlyMap<string, number>, tickedUs: number): number {
    for (const [thread, us] of this.#living) if (!threads.has(thread)) this.#endedUs += us;
    this.#living = new Map(threads);
    const exactUs = this.#endedUs + [...threads.values()].reduce((sum, us) => sum + us, 0);
    this.#missingUs = Math.max(this.#missingUs, tickedUs - exactUs);
    return exactUs + this.#missingUs;
  }
}

export function listProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      const text = readText(`/proc/${pid}/stat`);
      return text === '' ? [] : parseProcessStat(text);
    });
}

interface Threads {
  /** µs by thread. */
  cpuUs: [thread: string, us: number][];
  /** Time of the main thread on the run queue. */
  runDelayMs: number;
}

function readThreads(member: ProcessStat): Threads {
  const folder = `/proc/${member.pid}/task`;
  const threads: Threads = { cpuUs: [], runDelayMs: 0 };
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // it has just ended
  }
  for (const thread of names) {
    const [cpuNs, runDelayNs] = readText(`${folder}/${thread}/schedstat`).split(' ').map(Number);
    if (cpuNs === undefined || runDelayNs === undefined) continue;
    threads.cpuUs.push([`${identityOf(member)}/${thread}`, cpuNs / 1_000]);
    if (Number(thread) === member.pid) threads.runDelayMs = runDelayNs / 1e6;
  }
  return threads;
}

function readRssBytes({ pid }: ProcessStat): number {
  return parseRssBytes(readText(`/proc/${pid}/status`)) ?? 0;
}

/** The sockets that listen on a port, in the text of /proc/net/tcp or tcp6. */
export function listeningInodes(procNetTcp: string, port: number): string[] {
  return socketLines(procNetTcp).flatMap(({ state, local, inode }) =>
    state === 'LISTEN' && hasPort(local, port) && inode !== undefined ? inode : [],
  );
}

function inodesAt(port: number): string[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap(path => listeningInodes(readText(path), port));
}

function holdsSocket(pid: number, inodes: readonly string[]): boolean {
  try {
    const held = readSocketInodes(pid);
    return inodes.some(inode => held.has(Number(inode)));
  } catch {
    return false; // it has just ended, or belongs to another user
  }
}

/** Whether this system has the statistics at all. */
function hasStatistics(): boolean {
  return readText('/proc/self/stat') !== '';
}

/** No session has it: where a tree is known by its processes alone. */
const NO_SESSION = -1;

/** All processes that a child has started, itself included. The child must lead a session. */
export class ProcessTree {
  /** Those that listen on a TCP port, and what they start; undefined: none that this user may see. */
  static listeningOn(port: number): ProcessTree | undefined {
    if (!hasStatistics()) return undefined;
    const inodes = inodesAt(port);
    const holders = inodes.length === 0 ? [] : listProcesses().filter(({ pid }) => holdsSocket(pid, inodes));
    if (holders.length === 0) return undefined;
    const tree = new ProcessTree(NO_SESSION);
    tree.#known = new Set(holders.map(identityOf));
    return tree;
  }

  readonly #sessionId: number;
  readonly #cpu = new CpuFold();
  #known = new Set<string>();
  #runDelayMs = 0;
  /** Limits of the leader, in whose control group all are unless they have left it; undefined: not looked for yet. */
  #cpuLimits: CpuLimits | undefined;
  #last: { atMs: number; mainThreadsMs: number } | undefined;

  constructor(leaderPid: number) {
    this.#sessionId = leaderPid;
  }

  /** Those that have not ended; zombies have. null where the system has no statistics. */
  living(): number[] | null {
    if (!hasStatistics()) return null;
    return this.#members()
      .filter(isLiving)
      .map(({ pid }) => pid);
  }

  /** Whether one of them listens on this TCP port: otherwise another process answers there, as with a container. */
  ownsPort(port: number): boolean {
    const inodes = inodesAt(port);
    return inodes.length > 0 && this.#members().some(({ pid }) => holdsSocket(pid, inodes));
  }

  /** null where the system has no statistics. The event loop of other programs is unknown. */
  read(): ProcessReading | null {
    if (!hasStatistics()) return null;
    const members = this.#members();
    const threads = members.map(readThreads);
    const cpuUs = this.#cpu.add(
      new Map(threads.flatMap(thread => thread.cpuUs)),
      members.reduce((sum, member) => sum + member.cpuUs, 0),
    );
    const atMs = performance.now();
    const mainThreadsMs = threads.reduce((sum, { runDelayMs }) => sum + runDelayMs, 0);
    this.#addRunDelay(atMs, mainThreadsMs);
    this.#cpuLimits ??= CpuLimits.find(this.#sessionId);
    const throttling = this.#cpuLimits.read();
    return {
      atMs,
      cpuUs,
      loopActiveMs: 0,
      loopIdleMs: 0,
      runDelayMs: this.#runDelayMs,
      rssBytes: members.reduce((sum, member) => sum + readRssBytes(member), 0),
      ...(throttling.length === 0 ? {} : { throttling }),
    };
  }

  #members(): ProcessStat[] {
    const members = membersOf(listProcesses(), this.#sessionId, this.#known);
    this.#known = new Set(members.map(identityOf));
    return members;
  }

  /** Several processes that wait at the same time count once: a share of the time cannot exceed it. */
  #addRunDelay(atMs: number, mainThreadsMs: number): void {
    const last = this.#last;
    this.#last = { atMs, mainThreadsMs };
    if (last === undefined) return;
    const waitedMs = Math.max(0, mainThreadsMs - last.mainThreadsMs);
    this.#runDelayMs += Math.min(waitedMs, atMs - last.atMs);
  }
}
