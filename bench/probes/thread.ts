// How long this thread has waited for a processor: of several in a process, each waits for itself.
import { readFileSync } from 'node:fs';

/** Cumulative: the second field of schedstat, in nanoseconds. 0 where there is none. */
export function readRunDelayMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
