// In: how this process leaves. Out: it leaves when its parent is gone, and at no other signal that a terminal or a shell may send.

/** What reaches a whole process group: Ctrl-C, a cancelled job, a closed terminal. */
const GROUP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Leaves the end of this process to its parent, which gets the same signals and decides what becomes of the trial. When the
 * channel to it closes, the parent is gone.
 */
export function obeyParentOnly(leave: () => void): void {
  for (const signal of GROUP_SIGNALS) process.on(signal, () => {});
  process.once('disconnect', leave);
}
