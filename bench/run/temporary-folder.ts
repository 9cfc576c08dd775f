// Folders for the time of a run, which are gone after it however the program ends, except by SIGKILL.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writing } from '../../results/files.ts';

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** A process that was killed a moment ago may still finish writing a file. */
const RETRIES = { maxRetries: 10, retryDelay: 50 } as const;

/** How those that are there are removed. */
const removals = new Set<() => void>();

function removeAll(): void {
  for (const remove of removals) remove();
}

/**
 * Makes a folder. It is also removed when this process ends before `remove` was called.
 *
 * @param prefix of its name
 * @param afterRemoval what else is to be undone then
 */
export function openTemporaryFolder(prefix: string, afterRemoval: () => void = () => {}): TemporaryFolder {
  const start = join(tmpdir(), prefix);
  const path = writing(start, () => mkdtempSync(start));
  const remove = (): void => {
    if (!removals.delete(remove)) return;
    if (removals.size === 0) process.off('exit', removeAll);
    rmSync(path, { recursive: true, force: true, ...RETRIES });
    afterRemoval();
  };
  if (removals.size === 0) process.on('exit', removeAll);
  removals.add(remove);
  return { path, remove };
}
