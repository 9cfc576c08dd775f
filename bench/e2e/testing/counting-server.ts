// A server in another network, which counts what reaches it by where it comes from.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { watchOver } from '../../watchdog.ts';
import type { Scope } from './cli.ts';

/** By the address of the client. */
export type Counts = Record<string, SeenOfClient>;

interface SeenOfClient {
  connections: number;
  /** That were answered in full. */
  requests: number;
  /** Of the last request. */
  authorization: string | null;
}

export interface CountingServer {
  port: number;
  counts(): Promise<Counts>;
}

/** @param inside what stands before a command that is to run in its network */
export async function startCountingServer(t: Scope, inside: readonly string[]): Promise<CountingServer> {
  const child = fileURLToPath(new URL('counting-server-child.ts', import.meta.url));
  const [program, ...args] = [...inside, process.execPath, child];
  const server = spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  watchOver(server);
  t.after(() => server.kill('SIGKILL'));
  const [port] = (await once(server, 'message')) as [number];
  return {
    port,
    async counts() {
      server.send('counts');
      const [counts] = (await once(server, 'message')) as [Counts];
      return counts;
    },
  };
}
