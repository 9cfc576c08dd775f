// Finds a process and all its descendants by a mark in their environment.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The variable that marks a process under test; children inherit it, orphans keep it. */
export const MARK = 'CONNTAX_TEST_MARK';

const LONGEST_END_MS = 5_000;
/** Between two looks: one that never rests would take a core from what it looks at. */
export const POLL_MS = 10;

export interface Found {
  pid: number;
  command: string;
}

/** Undefined when the process has ended meanwhile, or is another user's. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Every process of the machine. */
export function findAllProcesses(): Found[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => ({ pid: Number(pid), command: (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ') }));
}

/** Processes that carry the mark and whose command line holds `part`. Zombies have no environment: they don't count. */
export function findProcesses(mark: string, part = ''): Found[] {
  return findAllProcesses()
    .filter(({ command }) => command.includes(part))
    .filter(({ pid }) => read(`/proc/${pid}/environ`)?.split('\0').includes(`${MARK}=${mark}`));
}

/** Sends a signal to a process, or to a group when negative; nothing happens when it has ended by itself. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends every process that carries the mark. */
export function killProcesses(mark: string): void {
  for (const { pid } of findProcesses(mark)) signalProcess(pid, 'SIGKILL');
}

/** What is left once processes that are on their way out had the time to end: normally nothing. */
export async function leftProcesses(mark: string): Promise<Found[]> {
  const deadlineMs = performance.now() + LONGEST_END_MS;
  for (;;) {
    const left = findProcesses(mark);
    if (left.length === 0 || performance.now() > deadlineMs) return left;
    await delay(POLL_MS);
  }
}

/** 0 when it has ended. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
}
