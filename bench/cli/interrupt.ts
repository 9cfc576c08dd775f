// Handles SIGINT, SIGTERM and SIGHUP: the first stops measuring and keeps the results, the second exits at once.
import { constants } from 'node:os';
import { EXIT } from '../../results/errors.ts';
import { visibleLines } from '../../results/visible.ts';

/** Ctrl-C; a cancelled job or `timeout`; a closed terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Under `npm run` one Ctrl-C arrives twice: from the terminal, and from npm, which forwards it. */
const SAME_PRESS_MS = 250;

const KEEPING = 'Interrupted: stopping, and keeping what was measured. Press Ctrl-C again to exit at once.';

/** Runs work that, when the context's signal aborts, keeps its results and ends soon; `say` notifies the user. */
export type Keep = <T>(work: () => Promise<T>, say: (text: string) => void) => Promise<T>;

/** Runs work before the measurement. A signal names it: `asking http://127.0.0.1:3000/ for the first time`. */
export type During = <T>(what: string, work: () => Promise<T>) => Promise<T>;

export interface Interrupt {
  readonly signal: AbortSignal;
  keep: Keep;
  during: During;
  /** 128 plus the number of the signal, as in shells: 130 after Ctrl-C; undefined when no signal came. */
  readonly status: number | undefined;
}

/** Starts listening. Outside `keep`, a signal ends the program at once. */
export function listenForInterrupts(): Interrupt {
  const controller = new AbortController();
  let status: number | undefined;
  let firstAtMs = 0;
  let sayTo: ((text: string) => void) | undefined;
  let doing: string | undefined;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (status !== undefined && performance.now() - firstAtMs < SAME_PRESS_MS) return;
      const isFirst = status === undefined;
      status ??= 128 + (constants.signals[signal] ?? EXIT.interrupted - 128);
      firstAtMs = performance.now();
      const said = doing === undefined ? undefined : `Interrupted while ${doing}: nothing was measured.`;
      if (!isFirst || sayTo === undefined) {
        // A pipe, a file and a terminal are written at once, so that the line is there when the process ends.
        if (isFirst && said !== undefined) process.stderr.write(`${visibleLines(said)}\n`);
        process.exit(status);
      }
      sayTo(said ?? KEEPING);
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
    async during(what, work) {
      const outer = doing;
      doing = what;
      try {
        return await work();
      } finally {
        doing = outer;
      }
    },
    get status() {
      return status;
    },
  };
}
