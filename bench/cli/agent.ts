// The `agent` command: sends load on this machine for a run on another one, which started it.
import { Console } from 'node:console';
import { serveAgent } from '../machines/agent.ts';
import type { Context } from './context.ts';

/** Resolves when the run has ended. */
export async function agentCommand({ version, output }: Context): Promise<void> {
  // The run reads messages from the standard output, so nothing else may get there.
  globalThis.console = new Console(process.stderr, process.stderr);
  await serveAgent({
    input: process.stdin,
    output: process.stdout,
    version,
    note: text => output.note(text),
  });
}
