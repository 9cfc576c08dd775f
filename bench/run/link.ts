// In: a link, the port of a target and a core. Out: the running relay process, and what it has counted.
import type { RelayCommand, RelayReading, RelayReply } from '../core/link-protocol.ts';
import type { Link } from '../core/target.ts';
import { spawnChild } from './child.ts';

const START_TIMEOUT_MS = 20_000;
const READ_TIMEOUT_MS = 10_000;

export interface LinkProcess {
  readonly pid: number;
  /** Where generators connect instead of to the target, on 127.0.0.1. */
  readonly port: number;
  /** @throws ChildError when the relay has died or hangs. */
  read(): Promise<RelayReading>;
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

export interface LinkOptions {
  link: Link;
  /** Where the target listens, on 127.0.0.1. */
  upstreamPort: number;
  seed: number;
  /** Core to pin the relay to; null: not pinned. */
  cpu: number | null;
}

/** @throws ChildError when the relay does not start. */
export async function startLink({ link, upstreamPort, seed, cpu }: LinkOptions): Promise<LinkProcess> {
  const child = spawnChild<RelayCommand, RelayReply>({
    title: 'the relay of the link',
    entry: '../../servers/link-child',
    cpu,
  });
  try {
    const command: RelayCommand = { type: 'start', upstreamPort, link, seed };
    const { port } = await child.ask(command, 'started', START_TIMEOUT_MS);
    return {
      pid: child.pid,
      port,
      read: async () => (await child.ask({ type: 'read' }, 'reading', READ_TIMEOUT_MS)).reading,
      get isAlive() {
        return child.isAlive;
      },
      kill: child.kill,
    };
  } catch (error) {
    await child.kill();
    throw error;
  }
}
