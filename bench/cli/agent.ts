// The `agent` command: sends load on this machine for a run on another one, which started it.
import { Console } from 'node:console';
import { UsageError } from '../../results/errors.ts';
import { serveAgent } from '../machines/agent.ts';
import { endWhenStopped } from '../watchdog.ts';
import type { Context } from './context.ts';

/** Far longer than a run waits for an answer on an idle machine. */
const STOPPED_LOOK_SEC = 30;

/**
 * Resolves when the run has ended.
 * @throws UsageError at a terminal: nobody types messages, and one would mix them with its echo
 */
export async function agentCommand({ version, output }: Context): Promise<void> {
  if (process.stdin.isTTY) {
    throw new UsageError(
      "conntax agent is started by a run on another machine and reads its messages, but its standard input is a terminal; expected: conntax run … --machine 'ssh HOST conntax agent', and no -t for ssh, docker or kubectl",
    );
  }
  // The run reads messages from the standard output, so nothing else may get there.
  globalThis.console = new Console(process.stderr, process.stderr);
  endWhenStopped(STOPPED_LOOK_SEC);
  await serveAgent({
    input: process.stdin,
    output: process.stdout,
    version,
    note: text => output.note(text),
  });
}
