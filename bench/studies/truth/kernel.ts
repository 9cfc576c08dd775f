// Connections by the kernel's own count, in a network namespace that holds nothing but the study.
import { execFileSync, spawnSync } from 'node:child_process';
import { readKernelCounts } from '../../probes/kernel.ts';

const INSIDE = 'CONNTAX_TRUTH_NAMESPACE';
const ENTER = ['--net', '--', process.execPath];

/** Whether the counters of this process's namespace are those of the study alone. */
export const isAlone = process.env[INSIDE] !== undefined;

/**
 * Runs this program again in a namespace of its own, where that is allowed (it takes root, `unshare` and `ip`).
 *
 * @returns its exit status; undefined where there is no namespace to be had, or this is the program inside of it
 */
export function runAlone(): number | undefined {
  if (isAlone) {
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    return undefined;
  }
  const isAllowed =
    spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' }).status === 0;
  if (!isAllowed) return undefined;
  const { status } = spawnSync('unshare', [...ENTER, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  return status ?? 1;
}

/** Connections that the kernel has accepted while `use` ran; undefined where other programs may have been among them. */
export async function countAccepted<T>(
  use: () => Promise<T>,
): Promise<{ result: T; accepted: number | undefined }> {
  const before = readKernelCounts().passiveOpens;
  const result = await use();
  return { result, accepted: isAlone ? readKernelCounts().passiveOpens - before : undefined };
}
