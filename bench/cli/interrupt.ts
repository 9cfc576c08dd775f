// In: signals that ask this program to end. Out: the first keeps what was measured, the next ends it at once.
import { constants } from 'node:os';
import { EXIT } from '../../results/errors.ts';

/** Ctrl-C; a cancelled job or `timeout`; a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Under `npm run`, one Ctrl-C comes twice: from the terminal, and from npm, which passes it on. */
const SAME_PRESS_MS = 250;

const KEEPING = 'Interrupted: ending what runs and keeping what was measured. Ctrl-C again ends at once.';

/** Runs work that keeps what it has when the signal of the context aborts, and then ends soon; `say` tells the user. */
export type Keep = <T>(work: () => Promise<T>, say: (text: string) => void) => Promise<T>;

export interface Interrupt {
  readonly signal: AbortSignal;
  keep: Keep;
  /** As shells count it, 128 and the number of the signal: 130 after Ctrl-C; undefined when no signal came. */
  readonly status: number | undefined;
}

/** Listens from now on. Where nothing is kept, a signal ends the program at once. */
export function listenForInterrupts(): Interrupt {
  const controller = new AbortController();
  let status: number | undefined;
  let firstAtMs = 0;
  let sayTo: ((text: string) => void) | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (status !== undefined && performance.now() - firstAtMs < SAME_PRESS_MS) return;
      const isFirst = status === undefined;
      status ??= 128 + (constants.signals[signal] ?? EXIT.interrupted - 128);
      firstAtMs = performance.now();
      if (!isFirst || sayTo === undefined) process.exit(status);
      sayTo(KEEPING);
      controller.abort();
    });
  }
  return {
    signal: controller.signal,
    async keep(work, say) {
      const outer = sayTo;
      sayTo = say;
      try {
        return await work();
      } finally {
        sayTo = outer;
      }
    },
    get status() {
      return status;
    },
  };
}
