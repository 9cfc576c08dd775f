// The agent: started on another machine by the run's command, it starts processes there, passes on messages in both directions, and ends with its input.

import type { Readable, Writable } from 'node:stream';
import type { ProcessReading } from '../../results/model/process.ts';
import { addressesInstead } from '../probes/host.ts';
import { readKernelCounts } from '../probes/kernel.ts';
import { ProcessTree } from '../probes/process-tree.ts';
import { type RunningProcess, startProcess } from '../run/child.ts';
import { type AgentCalls, ENTRIES, openChannel, type RunCalls, type SpawnRequest } from './channel.ts';
import { monotonicMs } from './clock.ts';
import { describeIdentity, digestFile } from './identity.ts';

interface AgentOptions {
  input: Readable;
  /** Gets messages, and nothing else. */
  output: Writable;
  /** Version of conntax. */
  version: string;
  /** Shown to the person who started it. */
  note(text: string): void;
}

/** Its messages are passed on as they are. */
type Started = RunningProcess<{ type: string }>;

/** Resolves when the input has ended, and with it every process. */
export async function serveAgent({ input, output, version, note }: AgentOptions): Promise<void> {
  const processes = new Map<number, Started>();
  const servers = new Map<number, ProcessTree | undefined>();
  let onAllGone = (): void => {};
  const tellRun = <Name extends keyof RunCalls>(name: Name, ...args: Parameters<RunCalls[Name]>): void =>
    void channel.$callEvent(name, ...args).catch(() => {}); // closed: the run is gone

  const spawn = ({ id, entry, title, cpu, niceness, env }: SpawnRequest): void => {
    const started = startProcess<{ type: string }, unknown>(
      { title, entry: ENTRIES[entry], cpu, niceness, env },
      {
        said: reply => tellRun('said', id, reply),
        wrote: text => tellRun('wrote', id, text),
        died: message => tellRun('died', id, message),
        gone: () => {
          processes.delete(id);
          tellRun('gone', id);
          if (processes.size === 0) onAllGone();
        },
      },
    );
    processes.set(id, started);
  };

  /** What the server at a port has used; null if it has ended, because a new one would lack what was used before. */
  const usageAt = (port: number): ProcessReading | null => {
    if (!servers.has(port)) servers.set(port, ProcessTree.listeningOn(port));
    const tree = servers.get(port);
    return tree === undefined || tree.living()?.length === 0 ? null : tree.read();
  };

  const calls: AgentCalls = {
    hello: () => describeIdentity(version),
    clockMs: monotonicMs,
    digests: paths => paths.map(digestFile),
    addressesInstead,
    kernelCounts: () => readKernelCounts(),
    spawn,
    readServer: port => ({ kernel: readKernelCounts(), usage: usageAt(port) }),
    tell: (id, command) => processes.get(id)?.send(command as { type: string }),
    kill: id => processes.get(id)?.kill(),
  };
  const channel = openChannel<RunCalls, AgentCalls>({
    input,
    output,
    calls,
    // Its content stays unsaid: a message that was cut may hold a secret.
    onNoise: line => note(`a line of ${line.length} characters from the run is not a message`),
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  for (const event of ['end', 'close', 'error'] as const) input.once(event, resolve);
  output.once('error', resolve); // it is not read any more: the run is gone
  await ended;
  if (processes.size === 0) return;
  const { promise: allGone, resolve: onGone } = Promise.withResolvers<void>();
  onAllGone = onGone;
  for (const started of processes.values()) started.kill();
  await allGone;
}
