// In: a target, a code and a core. Out: the running target process, and what it has counted.
import { setTimeout as delay } from 'node:timers/promises';
import type { FailureCode, KernelCounts } from '../../results/model/trial.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { type Link, longestRoundTripMs, type Target } from '../../scenarios/model/target.ts';
import type {
  Endpoint,
  RelayCommand,
  RelayReading,
  RelayReply,
  TargetCommand,
  TargetReading,
  TargetReply,
} from '../../servers/protocol.ts';
import { hasKernelCounts, readKernelCounts } from '../probes/kernel.ts';
import { orKill, requireProtocol, spawnChild } from './child.ts';
import type { FoundServer } from './external-server.ts';

// From a link and the port of a target. Out: the running relay process, and what it has counted.

/**
 * How far target and generators stand back behind the relay, where there is one. A relay that waits for a core is late,
 * and then the network is not the one that was asked for: with all cores full of handshakes, writes at p90 were 2 to 3 ms
 * late without this and 0.2 ms with it. Where the relay runs makes no such difference, so
 * it is not pinned, and takes what core is free. (Windows has no `nice`.)
 */
export const LOAD_NICENESS = process.platform === 'win32' ? 0 : 10;

/** Of the target and the generators of a cell. */
export function loadNiceness({ link }: { link?: Link | undefined }): number {
  return link === undefined ? 0 : LOAD_NICENESS;
}

export interface LinkProcess {
  readonly pid: number;
  /** Where generators connect instead of to the target, on 127.0.0.1. */
  readonly port: number;
  /** @throws ChildError when the relay has died or hangs. */
  read(): Promise<RelayReading>;
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

interface LinkOptions {
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

// From a running target, and the link of its cell. Out: the same target behind a relay that all arms go through.

/** A relay, as whoever measures through it sees it. */
export interface TargetLink {
  readonly isAlive: boolean;
  /** Where its connections end: at the target's own port of 127.0.0.1. */
  readonly upstreamPort: number;
  /** @throws ChildError when the relay has died or hangs. */
  read(): Promise<RelayReading>;
  /**
   * Resolves when nothing is on its way any more, or when that has taken longer than it can: what a client has sent or
   * closed is then counted by the target.
   * @throws ChildError as read.
   */
  settle(): Promise<void>;
}

const SETTLE_PAUSE_MS = 5;
/** Between a dial and its answer nothing is under way by the relay's count: one reading alone may fall into that. */
const IDLE_READINGS = 2;
/** Beyond the trips: a relay that waits for a core. */
const SETTLE_GRACE_MS = 1_000;

/**
 * The target's certificate holds for the relay too: it is for the address, whatever the port. Killing one kills both;
 * when this throws, the target is as it was.
 * @throws ChildError when the relay does not start.
 */
export async function linkTo(target: TargetProcess, link: Link, seed: number): Promise<TargetProcess> {
  const origin = new URL(target.endpoint.origin);
  const upstreamPort = Number(origin.port);
  const relay = await startLink({ link, upstreamPort, seed });
  origin.port = String(relay.port);
  const longestSettleMs = 2 * longestRoundTripMs(link) + SETTLE_GRACE_MS;
  return {
    ...target,
    endpoint: { ...target.endpoint, origin: origin.origin },
    get isAlive() {
      return target.isAlive && relay.isAlive;
    },
    async kill() {
      await Promise.all([relay.kill(), target.kill()]);
    },
    link: {
      upstreamPort,
      get isAlive() {
        return relay.isAlive;
      },
      read: relay.read,
      async settle() {
        const giveUpAtMs = performance.now() + longestSettleMs;
        for (let idle = 0; idle < IDLE_READINGS && performance.now() < giveUpAtMs; ) {
          await delay(SETTLE_PAUSE_MS);
          idle = (await relay.read()).inFlight === 0 ? idle + 1 : 0;
        }
      },
    },
  };
}

/** A link's relay at both ends of a slice. */
export interface LinkSpan {
  before: RelayReading;
  after: RelayReading;
}

/** The kernel sees each connection through a relay twice: what is left when those of the relay are taken out. */
export function withoutRelay(kernel: KernelCounts, { before, after }: LinkSpan): KernelCounts {
  const relayed = after.connections - before.connections;
  return {
    ...kernel,
    activeOpens: Math.max(0, kernel.activeOpens - relayed),
    passiveOpens: Math.max(0, kernel.passiveOpens - relayed),
  };
}

/** Importing fastify and making a certificate takes well under a second on an idle core; this is for a busy one. */
const START_TIMEOUT_MS = 20_000;
const READ_TIMEOUT_MS = 10_000;

/** Where a server says nothing of itself: connections by the kernel's cumulative count, of all programs. */
export interface KernelReading {
  /** kernel: those accepted on this machine; kernelOpens: those opened from it. */
  countedBy: 'kernel' | 'kernelOpens';
  /** null where the system has no such counter. */
  accepted: number | null;
}

export type ServerReading = TargetReading | KernelReading;

/** Whether the server itself has counted, and nobody else's connections are in it. */
export function isOwnReading(reading: ServerReading): reading is TargetReading {
  return !('countedBy' in reading);
}

/** A server under measurement, ours or not. */
export interface MeasuredTarget {
  readonly endpoint: Endpoint;
  /** Whether what is sent to it stays on this machine. */
  readonly isLoopback: boolean;
  /** What it takes to answer on average, by what it was told to do; absent where that is not known. */
  readonly serviceMs?: number;
  /** The relay in front of it, where the cell has a link: the endpoint is then the relay's. */
  readonly link?: TargetLink;
  /** @throws ChildError when the target has died or hangs. */
  read(): Promise<ServerReading>;
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

/** By arm, the server that it is measured against. */
export type TargetOf = (arm: string) => MeasuredTarget;

/** Where one of these targets has died, or what stands in front of it. */
export function deathCode(...targets: readonly MeasuredTarget[]): FailureCode {
  return targets.some(({ link }) => link?.isAlive === false) ? 'link-died' : 'target-died';
}

/** A server of ours: a process that counts. */
export interface TargetProcess extends MeasuredTarget {
  readonly pid: number;
  read(): Promise<TargetReading>;
}

interface StartOptions {
  /** What it is called in messages. */
  title?: string;
  /** Whose code it runs; ours unless given. */
  code?: Code | undefined;
  /** How far it stands back, 0 to 19; 0 unless given. */
  niceness?: number;
}

/**
 * @param cpu core to pin it to; null: not pinned
 * @throws ChildError when the target does not start; UsageError when there is no code of it; MeasureError when it does not
 *   load a package that its code has in another version
 */
export async function startTarget(
  target: Target,
  seed: number,
  cpu: number | null,
  { title = 'the target', code, niceness = 0 }: StartOptions = {},
): Promise<TargetProcess> {
  const child = spawnChild<TargetCommand, TargetReply>({
    title,
    entry: '../../servers/target-child',
    code,
    cpu,
    niceness,
  });
  const start = async (): Promise<Extract<TargetReply, { type: 'started' }>> => {
    const started = await child.ask({ type: 'start', target, seed }, 'started', START_TIMEOUT_MS);
    requireProtocol(started.protocol, title);
    child.requireLoaded();
    return started;
  };
  const { endpoint, serviceMs } = await orKill(child, start());
  return {
    pid: child.pid,
    endpoint,
    isLoopback: true,
    serviceMs,
    read: async () => (await child.ask({ type: 'read' }, 'reading', READ_TIMEOUT_MS)).reading,
    get isAlive() {
      return child.isAlive;
    },
    kill: child.kill,
  };
}

// From a server that we did not start, as it was found. Out: the target that it is: where load goes, and what the kernel counts.

/**
 * There is no process of ours behind it: nothing to start, to pin, to condition or to end, and no counters but the kernel's.
 * A server on this machine has its connections accepted by this kernel; of any other only what this machine opened is known.
 */
export function openForeignTarget({ facts, endpoint }: FoundServer): MeasuredTarget {
  const { isLoopback } = facts;
  return {
    endpoint,
    isLoopback,
    isAlive: true,
    async read() {
      const countedBy = isLoopback ? 'kernel' : 'kernelOpens';
      if (!hasKernelCounts()) return { countedBy, accepted: null };
      const { passiveOpens, activeOpens } = readKernelCounts();
      return { countedBy, accepted: isLoopback ? passiveOpens : activeOpens };
    },
    kill: async () => {},
  };
}
