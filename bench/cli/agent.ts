// The `agent` command: sends load on this machine for a run on another one, which started it.
import { Console } from 'node:console';
import { serveAgent } from '../machines/agent.ts';
import { endWhenStopped } from '../watchdog.ts';
import type { Context } from './context.ts';

/** Far longer than a run waits for an answer on an idle machine. */
const STOPPED_LOOK_SEC = 30;

/** Resolves when the run has ended. */
export async function agentCommand({ version, output }: Context): Promise<void> {
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
