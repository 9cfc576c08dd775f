// The agent: started on another machine by the run's command, it starts generators there, passes on what they are told and say, and ends with its input.
import type { Readable, Writable } from 'node:stream';
import { readKernelCounts } from '../probes/kernel.ts';
import type { GeneratorCommand, GeneratorReply } from '../protocol.ts';
import { type RunningProcess, startProcess } from '../run/child.ts';
import { openChannel } from './channel.ts';
import { monotonicMs } from './clock.ts';
import { describeIdentity, digestFile } from './identity.ts';
import type { AgentCalls, RunCalls, SpawnRequest } from './protocol.ts';

export interface AgentOptions {
  input: Readable;
  /** Gets messages, and nothing else. */
  output: Writable;
  /** Of conntax. */
  version: string;
  /** Words for whoever started it. */
  note(text: string): void;
}

type Generator = RunningProcess<GeneratorCommand>;

/** Resolves when the input has ended, and with it every generator. */
export async function serveAgent({ input, output, version, note }: AgentOptions): Promise<void> {
  const generators = new Map<number, Generator>();
  let onAllGone = (): void => {};
  const tellRun = <Name extends keyof RunCalls>(name: Name, ...args: Parameters<RunCalls[Name]>): void =>
    void channel.$callEvent(name, ...args).catch(() => {}); // closed: the run is gone

  const spawn = ({ id, title, cpu, niceness, env }: SpawnRequest): void => {
    const generator = startProcess<GeneratorCommand, GeneratorReply>(
      { title, entry: './generator-child', cpu, niceness, env },
      {
        said: reply => tellRun('said', id, reply),
        wrote: text => tellRun('wrote', id, text),
        died: message => tellRun('died', id, message),
        gone: () => {
          generators.delete(id);
          tellRun('gone', id);
          if (generators.size === 0) onAllGone();
        },
      },
    );
    generators.set(id, generator);
  };

  const calls: AgentCalls = {
    hello: () => describeIdentity(version),
    clockMs: monotonicMs,
    digests: paths => paths.map(digestFile),
    kernelCounts: () => readKernelCounts(),
    spawn,
    tell: (id, command) => generators.get(id)?.send(command),
    kill: id => generators.get(id)?.kill(),
  };
  const channel = openChannel<RunCalls, AgentCalls>({
    input,
    output,
    calls,
    onNoise: line => note(`not a message: ${line.slice(0, 200)}`),
  });
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  for (const event of ['end', 'close', 'error'] as const) input.once(event, resolve);
  output.once('error', resolve); // nobody reads: the run is gone
  await ended;
  if (generators.size === 0) return;
  const { promise: allGone, resolve: onGone } = Promise.withResolvers<void>();
  onAllGone = onGone;
  for (const generator of generators.values()) generator.kill();
  await allGone;
}
