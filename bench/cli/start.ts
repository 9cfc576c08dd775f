// Runs the command of this process and exits with its status. Ctrl-C stops a run gracefully.
import { fileURLToPath } from 'node:url';
import { EXIT } from '../../results/errors.ts';
import { readVersion, workingFolder } from '../../results/files.ts';
import type { Context, Output } from './context.ts';
import { type Interrupt, listenForInterrupts } from './interrupt.ts';
import { createOutput } from './output.ts';
import { plugins } from './plugins.ts';
import { fail, reportError, runProgram } from './program.ts';

/** @throws UsageError when the working folder no longer exists */
function createContext({ signal, keep, during }: Interrupt, output: Output): Context {
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

async function main(interrupt: Interrupt): Promise<number> {
  const output = createOutput();
  try {
    const status = await runProgram(createContext(interrupt, output));
    return interrupt.status ?? status;
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason)
      return interrupt.status ?? EXIT.interrupted;
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

const interrupt = listenForInterrupts();
let status = await main(interrupt);
const unprinted = await flushOutput(interrupt.status !== undefined);
if (unprinted !== undefined) {
  process.stderr.write(`${fail('error')}: cannot write the output: ${unprinted.message}\n`);
  status = EXIT.cannotMeasure;
}
// The signal listeners and the children's channels would keep the process alive.
process.exit(status);
