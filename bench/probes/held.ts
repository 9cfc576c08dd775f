// Samples what processes hold while a slice runs (Linux): the target and the client each by itself, and the sockets between them by state.

import { readFileSync } from 'node:fs';
import type { Held, HeldByClient, HeldByServer } from '../../results/model/process.ts';
import type { LoadLoop } from '../contracts.ts';
import {
  countDescriptors,
  hasPort,
  parseRssBytes,
  readSocketInodes,
  type SocketLine,
  socketLines,
} from './kernel.ts';

/** Short enough that a slice of two seconds has the samples for a slope. */
const MIN_EVERY_MS = 100;
/** Limit for a slice of any length. */
const MAX_SAMPLES = 1_200;
/** Share of a core for listing the sockets: the kernel walks all its buckets, however short the list is (docs/measured.md). */
const LIST_SHARE = 0.004;

interface SampledProcesses {
  clientPid: number;
  /** conntax's own; its ports are empty where connections to them are not the client's, as behind a link. */
  server: { pid: number; ports: readonly number[] } | null;
  /** The longest that the slice can take. */
  lengthMs: number;
  /** Start of the replicate, since the Unix epoch. */
  epochMs: number;
}

type ByState = Record<string, number>;

/**
 * The connections of one client, among those of others with the same ports.
 *
 * A socket in TIME_WAIT has no owner. So what is there before the client's slice and is not its own is remembered by the
 * address of its client's end, and everything else is the client's. If the kernel gives it such an address again, the
 * connection counts while the client holds it open.
 */
export class ClientSockets {
  readonly #ports: readonly number[];
  readonly #others = new Set<string>();

  /** @param before what is there before the slice; @param own inodes of the client's process */
  constructor(ports: readonly number[], before: readonly SocketLine[], own: ReadonlySet<number>) {
    this.#ports = ports;
    const owned = new Set(before.filter(line => isOwn(line, own)).map(({ local }) => local));
    for (const line of before) {
      const address = this.#isAt(line.remote) ? line.local : this.#isAt(line.local) ? line.remote : undefined;
      if (address !== undefined && !owned.has(address)) this.#others.add(address);
    }
  }

  count(lines: readonly SocketLine[], own: ReadonlySet<number>): { client: ByState; server: ByState } {
    for (const line of lines) {
      if (this.#isAt(line.remote) && isOwn(line, own)) this.#others.delete(line.local);
    }
    const client: ByState = {};
    const server: ByState = {};
    for (const { state, local, remote } of lines) {
      if (state === 'LISTEN') continue;
      if (this.#isAt(remote)) {
        if (!this.#others.has(local)) client[state] = (client[state] ?? 0) + 1;
      } else if (this.#isAt(local) && !this.#others.has(remote)) {
        server[state] = (server[state] ?? 0) + 1;
      }
    }
    return { client, server };
  }

  #isAt(address: string): boolean {
    return this.#ports.some(port => hasPort(address, port));
  }
}

function isOwn({ inode }: SocketLine, own: ReadonlySet<number>): boolean {
  return inode !== undefined && own.has(Number(inode));
}

/** Made before the slice. The parent's process, which is otherwise idle in a slice, does the work. */
export class SocketSampler {
  readonly #everyMs: number;
  readonly #of: SampledProcesses;
  readonly #originMs: number;
  readonly #server: HeldByServer = { atMs: [], descriptors: [], rssBytes: [] };
  readonly #counts: Held['sockets'] = [];
  readonly #sockets: ClientSockets | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextListAtMs = 0;

  constructor(of: SampledProcesses) {
    this.#of = of;
    this.#everyMs = Math.max(MIN_EVERY_MS, Math.ceil(of.lengthMs / MAX_SAMPLES));
    this.#originMs = of.epochMs - performance.timeOrigin;
    try {
      if (of.server !== null && of.server.ports.length > 0) {
        this.#sockets = new ClientSockets(of.server.ports, this.#list(), readSocketInodes(of.clientPid));
        this.#countSockets();
      }
    } catch (error) {
      requireGone(error);
    }
  }

  /** What the client's own process is asked for. */
  get order(): { heldEveryMs: number } {
    return { heldEveryMs: this.#everyMs };
  }

  start(): void {
    this.sample();
    this.#timer = setInterval(() => this.sample(), this.#everyMs);
  }

  sample(): void {
    try {
      this.#sampleServer();
      if (this.#sockets !== undefined && performance.now() >= this.#nextListAtMs) this.#countSockets();
    } catch (error) {
      requireGone(error);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reads once more: what is left after the slice is often the question. */
  finish(client: HeldByClient): Held {
    this.#nextListAtMs = 0;
    this.sample();
    const server = this.#of.server === null ? null : this.#server;
    return { everyMs: this.#everyMs, client, server, sockets: this.#counts };
  }

  #sampleServer(): void {
    const { server } = this.#of;
    if (server === null) return;
    const rssBytes = parseRssBytes(readFileSync(`/proc/${server.pid}/status`, 'latin1'));
    if (rssBytes === undefined) return;
    this.#server.atMs.push(this.#nowMs());
    this.#server.descriptors.push(countDescriptors(server.pid));
    this.#server.rssBytes.push(rssBytes);
  }

  #countSockets(): void {
    const before = process.cpuUsage();
    const atMs = this.#nowMs();
    this.#counts.push({ atMs, ...this.#sockets!.count(this.#list(), readSocketInodes(this.#of.clientPid)) });
    const { user, system } = process.cpuUsage(before);
    this.#nextListAtMs = performance.now() + (user + system) / 1_000 / LIST_SHARE;
  }

  /** Lists the sockets of the client's network namespace. conntax's own target is at an address of IPv4. */
  #list(): SocketLine[] {
    return socketLines(readFileSync(`/proc/${this.#of.clientPid}/net/tcp`, 'latin1'));
  }

  #nowMs(): number {
    return Math.round(performance.now() - this.#originMs);
  }
}

/** A process that ends in its slice fails its trial, with a reason of its own. */
function requireGone(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ESRCH' && code !== 'EACCES') throw error;
}

interface SampleTimes {
  everyMs: number;
  /** Start of the replicate by this process's monotonic clock. */
  originMs: number;
}

/** Begins at once. A sample costs some tens of microseconds, whatever the process holds. */
export class HeldSampler {
  readonly #loop: Pick<LoadLoop, 'sent' | 'inFlight'>;
  readonly #originMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #held: HeldByClient = {
    atMs: [],
    inFlight: [],
    sent: [],
    descriptors: [],
    rssBytes: [],
    heapBytes: [],
  };

  constructor(loop: Pick<LoadLoop, 'sent' | 'inFlight'>, { everyMs, originMs }: SampleTimes) {
    this.#loop = loop;
    this.#originMs = originMs;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), everyMs);
  }

  finish(): HeldByClient {
    clearInterval(this.#timer);
    this.#sample();
    return this.#held;
  }

  #sample(): void {
    const { sent, inFlight = 0 } = this.#loop;
    const memory = readMemory();
    this.#held.atMs.push(Math.round(performance.now() - this.#originMs));
    this.#held.inFlight.push(inFlight);
    this.#held.sent.push(sent);
    this.#held.descriptors.push(countDescriptors('self'));
    this.#held.rssBytes.push(memory?.rss ?? null);
    this.#held.heapBytes.push(memory?.heapUsed ?? null);
  }
}

/** undefined in a process that may open no more files. */
function readMemory(): NodeJS.MemoryUsage | undefined {
  try {
    return process.memoryUsage();
  } catch {
    return undefined;
  }
}
