// What /proc says of a process and its children, for tests of whether a process still runs.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessFacts {
  pid: number;
  commandLine: string;
}

/** State and parent; undefined for a process that does not exist. */
function readStat(pid: number): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything.
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** A process that has ended and was not waited for yet is gone too. */
export function isGone(pid: number): boolean {
  const stat = readStat(pid);
  return stat === undefined || stat.state === 'Z' || stat.state === 'X';
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
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => readStat(pid)?.parent === parent && !isGone(pid))
    .map(pid => ({ pid, commandLine: commandLineOf(pid) }));
}

/** Those of this process whose command line holds the text. */
export function childrenWith(text: string): ProcessFacts[] {
  return childrenOf(process.pid).filter(({ commandLine }) => commandLine.includes(text));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
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
