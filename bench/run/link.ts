// In: a link and the port of a target. Out: the running relay process, and what it has counted.
import type { RelayCommand, RelayReading, RelayReply } from '../core/link-protocol.ts';
import type { Link } from '../../scenarios/model/target.ts';
import { orKill, spawnChild } from './child.ts';

/**
 * How far target and generators stand back behind the relay, where there is one. A relay that waits for a core is late,
 * and then the network is not the one that was asked for: with all cores full of handshakes, writes at p90 were 2 to 3 ms
 * late without this and 0.2 ms with it (`npm run bench:link-pressure`). Where the relay runs makes no such difference, so
 * it is not pinned, and takes what core is free. (Windows has no `nice`.)
 */
export const LOAD_NICENESS = process.platform === 'win32' ? 0 : 10;

/** Of the target and the generators of a cell. */
export function loadNiceness({ link }: { link?: Link | undefined }): number {
  return link === undefined ? 0 : LOAD_NICENESS;
}

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
  /** Core to pin the relay to; not pinned unless given. */
  cpu?: number | null;
}

/** @throws ChildError when the relay does not start. */
export async function startLink({ link, upstreamPort, seed, cpu = null }: LinkOptions): Promise<LinkProcess> {
  const child = spawnChild<RelayCommand, RelayReply>({
    title: 'the relay of the link',
    entry: '../../servers/link-child',
    cpu,
  });
  const started = child.ask({ type: 'start', upstreamPort, link, seed }, 'started', START_TIMEOUT_MS);
  const { port } = await orKill(child, started);
  return {
    pid: child.pid,
    port,
    read: async () => (await child.ask({ type: 'read' }, 'reading', READ_TIMEOUT_MS)).reading,
    get isAlive() {
      return child.isAlive;
    },
    kill: child.kill,
  };
}
