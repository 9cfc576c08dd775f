// Runs the command of this process and exits with its status. The first SIGINT, SIGTERM or SIGHUP stops measuring and keeps the results,
// the second exits at once.

import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../../results/errors.ts';
import { readVersion, workingFolder } from '../../results/files.ts';
import { visibleLines } from '../../results/visible.ts';
import { GROUP_SIGNALS } from '../../servers/process.ts';
import { type Context, type During, type Keep, plugins } from './context.ts';
import { createOutput, type Output } from './output.ts';
import { fail, reportError, runProgram } from './program.ts';

/** Under `npm run` one Ctrl-C arrives twice: from the terminal, and from npm, which forwards it. */
const SAME_PRESS_MS = 250;

const KEEPING = 'Interrupted: stopping, and keeping what was measured. Press Ctrl-C again to exit at once.';

/** Listens for signals. Outside `keep`, one ends the program at once. */
class Interrupts {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  #status: number | undefined;
  #firstAtMs = 0;
  #sayTo: ((text: string) => void) | undefined;
  #doing: string | undefined;

  constructor() {
    for (const signal of GROUP_SIGNALS) process.on(signal, () => this.#receive(signal));
  }

  /** 128 plus the number of the signal, as in shells: 130 after Ctrl-C; undefined when no signal came. */
  get status(): number | undefined {
    return this.#status;
  }

  readonly keep: Keep = async (work, say) => {
    const outer = this.#sayTo;
    this.#sayTo = say;
    try {
      return await work();
    } finally {
      this.#sayTo = outer;
    }
  };

  readonly during: During = async (what, work) => {
    const outer = this.#doing;
    this.#doing = what;
    try {
      return await work();
    } finally {
      this.#doing = outer;
    }
  };

  #receive(signal: (typeof GROUP_SIGNALS)[number]): void {
    const isFirst = this.#status === undefined;
    if (!isFirst && performance.now() - this.#firstAtMs < SAME_PRESS_MS) return;
    this.#status ??= 128 + constants.signals[signal];
    this.#firstAtMs = performance.now();
    const said =
      this.#doing === undefined ? undefined : `Interrupted while ${this.#doing}: nothing was measured.`;
    if (!isFirst || this.#sayTo === undefined) {
      // A pipe, a file and a terminal are written at once, so that the line is there when the process ends.
      if (isFirst && said !== undefined) process.stderr.write(`${visibleLines(said)}\n`);
      process.exit(this.#status);
    }
    this.#sayTo(said ?? KEEPING);
    this.#controller.abort();
  }
}

/** @throws UsageError when the working folder no longer exists */
function createContext({ signal, keep, during }: Interrupts, output: Output): Context {
  return {
    plugins,
    output,
    builtinDir: fileURLToPath(new URL('../../scenarios', import.meta.url)),
    cwd: workingFolder(),
    version: readVersion(),
    env: process.env,
    argv: process.argv.slice(2),
    signal,
    keep,
    during,
  };
}

async function main(interrupts: Interrupts): Promise<number> {
  const output = createOutput();
  try {
    const status = await runProgram(createContext(interrupts, output));
    return interrupts.status ?? status;
  } catch (error) {
    if (interrupts.signal.aborted && error === interrupts.signal.reason)
      return interrupts.status ?? EXIT.interrupted;
    return reportError(error, output);
  }
}

/** Waits until all output is written. A closed pipe (`| head`) or terminal is not a failure; a full disk is. */
async function flushOutput(isInterrupted: boolean): Promise<NodeJS.ErrnoException | undefined> {
  await new Promise<void>(resolve => {
    process.stdout.write('', () => resolve());
  });
  const isUnread = outputError?.code === 'EPIPE' || (isInterrupted && outputError?.code === 'EIO');
  return isUnread ? undefined : outputError;
}

let outputError: NodeJS.ErrnoException | undefined;
process.stdout.on('error', error => {
  outputError ??= error;
});
// If stderr is closed, an error cannot be reported anywhere else.
process.stderr.on('error', () => {});

const interrupts = new Interrupts();
let status = await main(interrupts);
const unprinted = await flushOutput(interrupts.status !== undefined);
if (unprinted !== undefined) {
  process.stderr.write(`${fail('error')}: cannot write the output: ${unprinted.message}\n`);
  status = EXIT.cannotMeasure;
}
// The signal listeners and the children's channels would keep the process alive.
process.exit(status);
