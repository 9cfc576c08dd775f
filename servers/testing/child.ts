// Starts a child process that is driven over its channel, for one test; and shows what it prints without a channel.
import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Scope } from './client.ts';

interface Message {
  type: string;
}

interface ForkedEntry<Command extends Message, Reply extends Message> {
  child: ChildProcess;
  /** Exit status and signal. */
  ended: Promise<unknown[]>;
  /** Sends a command; its next reply has to be of that type. */
  ask<Type extends Reply['type']>(command: Command, type: Type): Promise<Extract<Reply, { type: Type }>>;
}

/** Forks the entry; whatever happens in the test, the process is gone after it. */
export function forkEntry<Command extends Message, Reply extends Message>(
  scope: Scope,
  entry: string,
): ForkedEntry<Command, Reply> {
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  scope.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    child,
    ended,
    async ask(command, type) {
      const replied = once(child, 'message');
      child.send(command);
      const [reply] = (await replied) as [Reply];
      assert.equal(reply.type, type, JSON.stringify(reply));
      return reply as Extract<Reply, { type: typeof type }>;
    },
  };
}

/** What an entry prints that is started by hand, and its exit status and signal. */
export async function runWithoutChannel(entry: string): Promise<{ stderr: string; ended: unknown[] }> {
  const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  const stderr = (await child.stderr.setEncoding('utf8').toArray()).join('');
  return { stderr, ended: await ended };
}
