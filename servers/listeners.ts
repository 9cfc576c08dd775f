// Listeners of targets that are not one server that accepts: several servers behind one address, and a port that accepts nothing.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { BackendGrowth } from '../results/model/trial.ts';
import { countBackends, type OwnTarget } from '../scenarios/model/target.ts';

/** What a backend has counted so far. */
export interface BackendCounts {
  accepted: number;
  requests: number;
}

/** How often the counts are noted after backends are added. */
const SNAPSHOT_MS = 100;

interface BalancerOptions {
  /** Not listening themselves. */
  servers: readonly Server[];
  setting: OwnTarget['backends'];
  /** By server. */
  read(): BackendCounts[];
}

/** Hands out connections in turn, in the order in which they are accepted. */
export class Balancer {
  readonly #servers: readonly Server[];
  readonly #setting: OwnTarget['backends'];
  readonly #read: () => BackendCounts[];
  readonly #listener: Server;
  #active: number;
  #next = 0;
  #growth: BackendGrowth | null = null;
  #growTimer: NodeJS.Timeout | undefined;
  #snapshotTimer: NodeJS.Timeout | undefined;

  constructor({ servers, setting, read }: BalancerOptions) {
    this.#servers = servers;
    this.#setting = setting;
    this.#read = read;
    this.#active = typeof setting === 'number' ? setting : setting.from;
    // As Node's HTTP servers listen themselves.
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      const server = this.#servers[this.#next % this.#active]!;
      this.#next++;
      server.emit('connection', socket);
    });
  }

  async listen(options: { host: string; port: number; backlog: number }): Promise<AddressInfo> {
    this.#listener.listen(options);
    await once(this.#listener, 'listening');
    return this.#listener.address() as AddressInfo;
  }

  /**
   * Takes back the backends that were added, and adds them again later: a slice of another client must find the same.
   *
   * @param windowAfterMs when the measured window of the slice begins; null: it has none
   */
  startSlice(windowAfterMs: number | null): void {
    this.#stopTimers();
    if (typeof this.#setting === 'number') return;
    this.#active = this.#setting.from;
    this.#growth = null;
    if (windowAfterMs === null) return;
    this.#growTimer = setTimeout(() => this.#grow(), windowAfterMs + this.#setting.afterMs);
  }

  get growth(): BackendGrowth | null {
    return this.#growth;
  }

  async close(): Promise<void> {
    this.#stopTimers();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #grow(): void {
    this.#active = countBackends({ backends: this.#setting });
    const grownAtMs = performance.now();
    const snapshots: BackendGrowth['snapshots'] = [];
    const note = (): void => {
      const requests = this.#read().map(backend => backend.requests);
      snapshots.push({ afterMs: performance.now() - grownAtMs, requests });
    };
    note();
    this.#growth = { snapshots };
    this.#snapshotTimer = setInterval(note, SNAPSHOT_MS);
  }

  #stopTimers(): void {
    clearTimeout(this.#growTimer);
    clearInterval(this.#snapshotTimer);
  }
}

/** The shortest accept queue that Node can ask for. The kernel completes one connection more. */
const DEAF_BACKLOG = 1;

/** Only a thread can listen and accept nothing, because Node accepts whenever its event loop turns. */
const STUCK_LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: ${DEAF_BACKLOG} }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** A port of 127.0.0.1 on which no connection is ever established: its accept queue is full, so the kernel drops every SYN. */
export async function openDeafPort(): Promise<{ port: number; close(): Promise<void> }> {
  const worker = new Worker(STUCK_LISTENER, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  for (let waiting = 0; waiting <= DEAF_BACKLOG; waiting++) {
    const filler = connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    await once(filler, 'connect');
  }
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
