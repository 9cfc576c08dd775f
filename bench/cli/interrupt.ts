// Handles SIGINT, SIGTERM and SIGHUP: the first stops measuring and keeps the results, the second exits at once.
import { constants } from 'node:os';
import { EXIT } from '../../results/errors.ts';

/** Ctrl-C; a cancelled job or `timeout`; a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Under `npm run` one Ctrl-C arrives twice: from the terminal, and from npm, which forwards it. */
const SAME_PRESS_MS = 250;

const KEEPING = 'Interrupted: stopping, and keeping what was measured. Press Ctrl-C again to exit at once.';

/** Runs work that, when the context's signal aborts, keeps its results and ends soon; `say` notifies the user. */
export type Keep = <T>(work: () => Promise<T>, say: (text: string) => void) => Promise<T>;

export interface Interrupt {
  readonly signal: AbortSignal;
  keep: Keep;
  /** 128 plus the number of the signal, as in shells: 130 after Ctrl-C; undefined when no signal came. */
  readonly status: number | undefined;
}

/** Starts listening. Outside `keep`, a signal ends the program at once. */
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
