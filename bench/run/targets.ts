// Starts and reads the server side of a cell: target processes, relays of links, and external servers.

import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessReading } from '../../results/model/process.ts';
import { isUnixSocket } from '../../results/model/run.ts';
import type { FailureCode, KernelCounts } from '../../results/model/trial.ts';
import { hostAndPort } from '../../scenarios/model/facts.ts';
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
import type { ServerMachine } from '../machines/machine.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import { hasKernelCounts, type Kernel, readKernelCounts, readKernels } from '../probes/kernel.ts';
import { patienceMs, type SpawnOptions, spawnChild, type TimeLimit } from './child.ts';
import type { FoundTarget } from './find-servers.ts';

/**
 * Niceness of target and generators when there is a relay. A relay that waits for a core delivers late, so the emulated network
 * is slower than requested: with all cores busy with handshakes, writes at p90 were 2 to 3 ms
 * late without this and 0.2 ms with it. The relay's core makes no such difference, so
 * it is not pinned. (Windows has no `nice`.)
 */
export const LOAD_NICENESS = process.platform === 'win32' ? 0 : 10;

/** Niceness of the target and the generators of a cell. */
export function loadNiceness({ link }: { link?: Link | undefined }): number {
  return link === undefined ? 0 : LOAD_NICENESS;
}

/** A relay in front of a target, as seen by the measuring code. */
export interface TargetLink {
  readonly isAlive: boolean;
  /** The target's own port on 127.0.0.1, where its connections end. */
  readonly upstreamPort: number;
  /** @throws ChildError when the relay has died or hangs. */
  read(): Promise<RelayReading>;
  /**
   * Resolves when nothing is in flight, or after the longest possible time: the target has then counted everything that
   * clients sent or closed.
   * @throws ChildError like read
   */
  settle(): Promise<void>;
}

export interface LinkProcess extends TargetLink {
  readonly pid: number;
  /** Port on 127.0.0.1 that generators connect to instead of the target's. */
  readonly port: number;
  kill(): Promise<void>;
}

interface LinkOptions {
  link: Link;
  upstreamPort: number;
  seed: number;
  limit?: TimeLimit | undefined;
}

const SETTLE_PAUSE_MS = 5;
/** The relay counts nothing in flight between a dial and its answer, and a single reading may fall into that gap. */
const IDLE_READINGS = 2;
/** Allowance beyond the round trips, for a relay that waits for a core. */
const SETTLE_GRACE_MS = 1_000;

/** @throws ChildError when the relay does not start. */
export async function startLink({ link, upstreamPort, seed, limit }: LinkOptions): Promise<LinkProcess> {
  const child = spawnChild<RelayCommand, RelayReply>({
    title: 'the relay of the link',
    entry: '../../servers/link-child',
    limit,
  });
  const { port } = await child.start({ type: 'start', upstreamPort, link, seed }, 'started');
  const read = async (): Promise<RelayReading> =>
    (await child.ask({ type: 'read' }, 'reading', patienceMs(READ_TIMEOUT_MS))).reading;
  return {
    pid: child.pid,
    port,
    upstreamPort,
    get isAlive() {
      return child.isAlive;
    },
    read,
    async settle() {
      const giveUpAtMs = performance.now() + 2 * longestRoundTripMs(link) + SETTLE_GRACE_MS;
      for (let idle = 0; idle < IDLE_READINGS && performance.now() < giveUpAtMs; ) {
        await delay(SETTLE_PAUSE_MS);
        idle = (await read()).inFlight === 0 ? idle + 1 : 0;
      }
    },
    kill: () => child.kill(),
  };
}

/**
 * Puts a relay in front of a target. The target's certificate is also valid for the relay, because it names the address without
 * a port. Killing the result kills both; if this throws, the target is unchanged.
 * @throws ChildError when the relay does not start
 */
export async function linkTo(
  target: TargetProcess,
  link: Link,
  seed: number,
  limit?: TimeLimit,
): Promise<TargetProcess> {
  const origin = new URL(target.endpoint.origin);
  const relay = await startLink({ link, upstreamPort: Number(origin.port), seed, limit });
  origin.port = String(relay.port);
  return {
    ...target,
    endpoint: { ...target.endpoint, origin: origin.origin },
    get isAlive() {
      return target.isAlive && relay.isAlive;
    },
    async kill() {
      await Promise.all([relay.kill(), target.kill()]);
    },
    link: relay,
  };
}

/** Readings of a link's relay before and after a slice. */
export interface LinkSpan {
  before: RelayReading;
  after: RelayReading;
}

/** The kernel counts each connection through a relay twice: subtracts the relay's own. */
export function withoutRelay(kernel: KernelCounts, { before, after }: LinkSpan): KernelCounts {
  const relayed = after.connections - before.connections;
  return {
    ...kernel,
    activeOpens: Math.max(0, kernel.activeOpens - relayed),
    passiveOpens: Math.max(0, kernel.passiveOpens - relayed),
  };
}

const READ_TIMEOUT_MS = 10_000;
/** A heap snapshot takes a second for some dozen megabytes. */
export const PROFILE_TIMEOUT_MS = 120_000;

/** For a server without counters of its own: connections by the kernel's cumulative count, of all programs. */
export interface KernelReading {
  /** kernel: those accepted on this machine; serverKernel: on that of the server; kernelOpens: those opened by the clients' machines. */
  countedBy: 'kernel' | 'serverKernel' | 'kernelOpens';
  /** null where the system has no such counter. */
  accepted: number | null;
  /** What its processes used, if conntax started it and the system tells. */
  usage?: ProcessReading | null;
}

export type ServerReading = TargetReading | KernelReading;

/** Whether the server itself has counted, so that no other program's connections are included. */
export function isOwnReading(reading: ServerReading): reading is TargetReading {
  return !('countedBy' in reading);
}

/** What the server used so far; null: unknown. */
export function usageOf(reading: ServerReading): ProcessReading | null {
  return isOwnReading(reading) ? reading : (reading.usage ?? null);
}

/** A server under measurement, conntax's own or external. */
export interface MeasuredTarget {
  readonly endpoint: Endpoint;
  /** Whether traffic to it stays on this machine. */
  readonly isLoopback: boolean;
  /** Process id, only of conntax's own server. */
  readonly pid?: number;
  /** Mean service time by its configuration; absent if unknown. */
  readonly serviceMs?: number;
  /** The relay in front of it if the cell has a link; the endpoint is then the relay's. */
  readonly link?: TargetLink;
  /** @throws ChildError when the target has died or hangs. */
  read(): Promise<ServerReading>;
  /** Absent for a server that is not of conntax. Both throw a ChildError when the target has died or hangs. */
  readonly profiler?: {
    start(): Promise<void>;
    /** @param path of the files, without their extensions. @throws ChildError also when they cannot be written */
    save(path: string): Promise<void>;
  };
  /**
   * Where the target's backends grow, tells it that a slice begins, in which they grow after so long (null: not).
   * @throws ChildError when the target has died or hangs.
   */
  startSlice?(windowAfterMs: number | null): Promise<void>;
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

/** The server that an arm is measured against. */
export type TargetOf = (arm: string) => MeasuredTarget;

/** The failure code when one of these targets, or a relay in front of it, has died. */
export function deathCode(...targets: readonly MeasuredTarget[]): FailureCode {
  return targets.some(({ link }) => link?.isAlive === false) ? 'link-died' : 'target-died';
}

/** conntax's own server: a process that counts. */
export interface TargetProcess extends MeasuredTarget {
  readonly pid: number;
  read(): Promise<TargetReading>;
}

interface StartOptions extends Partial<Omit<SpawnOptions, 'entry' | 'cpu' | 'env'>> {
  /** It runs there if that machine has an address for it; default: here, on 127.0.0.1. */
  serverMachine?: Pick<ServerMachine, 'address' | 'spawnTarget'> | undefined;
}

/**
 * @param cpu core to pin it to; null: not pinned
 * @throws ChildError when the target does not start; UsageError when its code cannot be found; MeasureError when it never
 *   loads a package that its code replaces
 */
export async function startTarget(
  target: Target,
  seed: number,
  cpu: number | null,
  { title = 'the target', serverMachine, ...options }: StartOptions = {},
): Promise<TargetProcess> {
  const address = serverMachine?.address;
  const child =
    serverMachine !== undefined && address !== undefined
      ? serverMachine.spawnTarget({ title, ...options })
      : spawnChild<TargetCommand, TargetReply>({
          ...options,
          title,
          entry: '../../servers/target-child',
          cpu,
        });
  const where = address === undefined ? {} : { address };
  const { endpoint, serviceMs } = await child.start({ type: 'start', target, seed, ...where }, 'started');
  try {
    child.requireLoaded();
  } catch (error) {
    await child.kill();
    throw error;
  }
  return {
    pid: child.pid,
    endpoint,
    isLoopback: address === undefined || isLoopback(address),
    serviceMs,
    read: async () => (await child.ask({ type: 'read' }, 'reading', patienceMs(READ_TIMEOUT_MS))).reading,
    profiler: {
      async start() {
        await child.ask({ type: 'start-profile' }, 'profiling', patienceMs(READ_TIMEOUT_MS));
      },
      async save(path) {
        await child.ask({ type: 'save-profile', path }, 'profiled', patienceMs(PROFILE_TIMEOUT_MS));
      },
    },
    async startSlice(windowAfterMs) {
      await child.ask({ type: 'start-slice', windowAfterMs }, 'slice-started', patienceMs(READ_TIMEOUT_MS));
    },
    get isAlive() {
      return child.isAlive;
    },
    kill: () => child.kill(),
  };
}

/** The connections of a server that does not count, by the kernel. */
export function readByKernel(isLoopback: boolean): KernelReading {
  const countedBy = isLoopback ? 'kernel' : 'kernelOpens';
  if (!hasKernelCounts()) return { countedBy, accepted: null };
  const { passiveOpens, activeOpens } = readKernelCounts();
  return { countedBy, accepted: isLoopback ? passiveOpens : activeOpens };
}

/** Who knows more of a server than this machine does. */
interface ForeignReaders {
  /** The machines that send the load. */
  fleet?: { readonly kernels: readonly Kernel[] } | undefined;
  serverMachine?: Pick<ServerMachine, 'read'> | undefined;
}

/**
 * The target of external servers: there is no process to start, pin, condition or end, and no counters but the kernel's.
 * The kernel has none of Unix sockets, and would count a proxy's own connections to the server as well.
 * For servers on this machine the kernel counts accepted connections; for any other, only connections opened by this machine.
 */
export function openForeignTarget(
  { servers, endpoint }: Pick<FoundTarget, 'servers' | 'endpoint'>,
  { fleet, serverMachine }: ForeignReaders = {},
): MeasuredTarget {
  const [{ facts }] = servers;
  const isLoopback = servers.every(server => server.facts.isLoopback);
  return {
    endpoint,
    isLoopback,
    isAlive: true,
    async read() {
      if (isUnixSocket(facts) || facts.proxy !== null) return { countedBy: 'kernel', accepted: null };
      if (serverMachine !== undefined) {
        const { kernel, usage } = await serverMachine.read(hostAndPort(endpoint.origin).port);
        return { countedBy: 'serverKernel', accepted: kernel.passiveOpens, usage };
      }
      if (isLoopback || fleet === undefined) return readByKernel(isLoopback);
      return { countedBy: 'kernelOpens', accepted: (await readKernels(fleet.kernels)).activeOpens };
    },
    kill: async () => {},
  };
}
