// What /proc says of a process and its children, for tests of whether a process still runs.
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { readText } from '../../probes/kernel.ts';
import { isLiving, listProcesses, type ProcessStat, parseProcessStat } from '../../probes/process-tree.ts';

export interface ProcessFacts {
  pid: number;
  commandLine: string;
}

/** undefined for a process that does not exist. */
function readStat(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === '' ? undefined : parseProcessStat(text);
}

/** A process that has ended and was not waited for yet is gone too. */
export function isGone(pid: number): boolean {
  const stat = readStat(pid);
  return stat === undefined || !isLiving(stat);
}

export function isStopped(pid: number): boolean {
  return readStat(pid)?.state === 'T';
}

/** Sockets that the process has open, those to its parent included. */
export function socketCount(pid: number): number {
  try {
    const files = readdirSync(`/proc/${pid}/fd`);
    return files.filter(fd => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')).length;
  } catch {
    return 0; // it, or one of its files, has just gone
  }
}

/** Living children of a process. */
export function childrenOf(parent: number): ProcessFacts[] {
  return listProcesses()
    .filter(stat => stat.parentPid === parent && isLiving(stat))
    .map(({ pid }) => ({ pid, commandLine: readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));
}

/** Those of this process whose command line holds the text. */
export function childrenWith(text: string): ProcessFacts[] {
  return childrenOf(process.pid).filter(({ commandLine }) => commandLine.includes(text));
}

/** Everything that this program starts as a child. */
export function ourChildren(): ProcessFacts[] {
  return ['generator-child', 'target-child', 'link-child', 'odd-child'].flatMap(childrenWith);
}

/** Waits for what an event on its way will bring about. */
export async function eventually(what: string, isTrue: () => boolean, limitMs = 20_000): Promise<void> {
  const startedAtMs = performance.now();
  while (!isTrue()) {
    if (performance.now() - startedAtMs > limitMs)
      throw new Error(`still not so after ${limitMs} ms: ${what}`);
    await delay(5);
  }
}
