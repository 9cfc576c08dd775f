// A client made for measuring: HTTP/1.1 over node:net and node:tls alone, with as little CPU per request as Node allows.
import type { Client } from '../../scenarios/model/client.ts';
import { connectionLimit, usesTls } from '../../scenarios/model/facts.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type {
  OpenedConnection,
  Refusal,
  Transport,
  TransportModule,
  TransportOptions,
} from '../contracts.ts';
import { NO_INTERCEPTORS } from '../resending.ts';
import {
  leftBodyRefusals,
  POOL_CLIENT_SETTINGS,
  plainTargetRefusals,
  reachRefusals,
  refuse,
  socketRefusals,
  wholeSecondsRule,
} from './refusals.ts';
import { sendReusing, sweepTimeouts } from './reusable-request.ts';
import {
  type ConnectionOwner,
  createSettings,
  type RequestOwner,
  WireConnection,
  WireRequest,
  type WireSettings,
} from './wire-connection.ts';

/** A queue in a ring that grows: both ends cost nothing, and it allocates only while it grows. */
class Ring<T> {
  #items: (T | undefined)[] = Array(16).fill(undefined);
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#first + this.#length) & (this.#items.length - 1)] = item;
    this.#length++;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.#length--;
    return item;
  }

  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    this.#length--;
    const place = (this.#first + this.#length) & (this.#items.length - 1);
    const item = this.#items[place];
    this.#items[place] = undefined;
    return item;
  }

  /** Takes one out wherever it is; for what is rare. */
  remove(item: T): void {
    for (let left = this.#length; left > 0; left--) {
      const first = this.shift()!;
      if (first !== item) this.push(first);
    }
  }

  #grow(): void {
    const { length } = this.#items;
    const ordered = Array.from({ length }, (_, at) => this.#items[(this.#first + at) & (length - 1)]);
    this.#items = [...ordered, ...Array<undefined>(length).fill(undefined)];
    this.#first = 0;
  }
}

/** Who gets which connection: requests wait in order, and connections are opened while there are fewer dials than waits. */
class WirePool implements ConnectionOwner, RequestOwner {
  readonly #settings: WireSettings;
  readonly #onConnection: (connection: OpenedConnection) => void;
  readonly #limit: number;
  readonly #waiting = new Ring<WireRequest>();
  /** Connections that have room for a request. */
  readonly #free = new Ring<WireConnection>();
  /** All that were ever open at once, and those of them whose sockets are closed. */
  readonly #connections: WireConnection[] = [];
  readonly #spare: WireConnection[] = [];
  readonly #isFifo: boolean;
  readonly #mostIdle: number;
  readonly #hasAge: boolean;
  /** Connections and dials that are not lost. */
  #used = 0;
  #dialling = 0;
  #isClosed = false;
  #onLastClosed: (() => void) | undefined;

  constructor(settings: WireSettings, onConnection: (connection: OpenedConnection) => void) {
    const { pool } = settings.client;
    this.#settings = settings;
    this.#onConnection = onConnection;
    this.#limit = connectionLimit(pool);
    this.#isFifo = pool.scheduling === 'fifo';
    this.#mostIdle = pool.maxIdleConnections ?? Infinity;
    this.#hasAge = [pool.idleTimeoutMs, pool.idleTimeoutBufferMs, pool.maxLifetimeMs].some(
      setting => setting !== undefined,
    );
  }

  take(request: WireRequest): void {
    if (this.#isClosed) {
      request.fail('other', 'the transport is closed');
      return;
    }
    const connection = this.#takeFree();
    if (connection === undefined) {
      this.#waiting.push(request);
      this.#dialForWaiting();
    } else {
      connection.send(request);
      this.#list(connection);
    }
  }

  openConnections(): number {
    return this.#used - this.#dialling;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      request.fail('other', 'the transport is closed');
    }
    for (const connection of this.#connections) connection.lose('other', 'the transport is closed');
    if (this.#spare.length === this.#connections.length) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onLastClosed = resolve;
    await promise;
  }

  expire(nowMs: number): void {
    for (const connection of this.#connections) connection.expire(nowMs);
  }

  onReady(connection: WireConnection, opened: OpenedConnection): void {
    this.#dialling--;
    this.#onConnection(opened);
    this.#offer(connection);
  }

  onAnswered(connection: WireConnection): void {
    if (connection.hasRoom) this.#offer(connection);
    else this.#unlist(connection);
  }

  onLost(connection: WireConnection, failure: Parameters<ConnectionOwner['onLost']>[1]): void {
    this.#used--;
    this.#unlist(connection);
    if (failure !== undefined) {
      this.#dialling--;
      this.#waiting.shift()?.fail(failure.outcome, failure.error);
    }
    this.#dialForWaiting();
  }

  onClosed(connection: WireConnection): void {
    this.#spare.push(connection);
    if (this.#spare.length === this.#connections.length) this.#onLastClosed?.();
  }

  abandon(request: WireRequest): void {
    const { connection } = request;
    if (connection === undefined) this.#waiting.remove(request);
    // Its answer may still come: the connection is of no use to another request.
    else connection.lose('reset', 'another request on this connection was given up', request);
  }

  /** Not bound to a request: whichever connection is ready first serves the one that has waited longest. */
  #dialForWaiting(): void {
    while (!this.#isClosed && this.#dialling < this.#waiting.length && this.#used < this.#limit) {
      this.#dialling++;
      this.#used++;
      (this.#spare.pop() ?? this.#create()).open();
    }
  }

  #create(): WireConnection {
    const connection = new WireConnection(this.#settings, this);
    this.#connections.push(connection);
    return connection;
  }

  /** A connection that has got room serves what waits, and is then kept for what comes. */
  #offer(connection: WireConnection): void {
    while (connection.hasRoom && this.#waiting.length > 0) {
      if (this.#isTooOld(connection)) return;
      connection.send(this.#waiting.shift()!);
    }
    if (connection.isIdle && this.#free.length >= this.#mostIdle) {
      connection.lose('other', 'more idle connections than are to be kept');
    } else this.#list(connection);
  }

  #list(connection: WireConnection): void {
    if (connection.isListed || !connection.hasRoom) return;
    connection.isListed = true;
    this.#free.push(connection);
  }

  #unlist(connection: WireConnection): void {
    if (!connection.isListed) return;
    connection.isListed = false;
    this.#free.remove(connection);
  }

  #takeFree(): WireConnection | undefined {
    for (;;) {
      const connection = this.#isFifo ? this.#free.shift() : this.#free.pop();
      if (connection === undefined) return undefined;
      connection.isListed = false;
      if (!this.#isTooOld(connection)) return connection;
    }
  }

  /** Whether it must not carry another request, for which it is closed, unless answers are still to come on it. */
  #isTooOld(connection: WireConnection): boolean {
    if (!this.#hasAge || !connection.isExpired(performance.now())) return false;
    if (connection.isIdle) connection.lose('other', 'too old for another request');
    return true;
  }
}

function open({ client, endpoint, requests, hasPhases = true, onConnection }: TransportOptions): Transport {
  const pool = new WirePool(createSettings(client, endpoint, requests, hasPhases), onConnection);
  const { connectMs, headersMs, bodyMs } = client.timeouts;
  const { idleTimeoutMs, idleTimeoutBufferMs } = client.pool;
  // The server's own hint is in whole seconds.
  const hintMs = idleTimeoutBufferMs === undefined ? undefined : 1_000;
  const timer = sweepTimeouts([connectMs, headersMs, bodyMs, idleTimeoutMs, hintMs], nowMs =>
    pool.expire(nowMs),
  );
  return {
    send: sendReusing(exchange => new WireRequest(exchange, pool)),
    openConnections: () => pool.openConnections(),
    async close() {
      clearInterval(timer);
      await pool.close();
    },
  };
}

/** Ways to a server that wire does not support, with the reasons. */
const UNABLE = {
  proxy: 'wire speaks with the server itself',
  origins: 'wire has one pool, to one server',
  urls: 'wire has one pool, to one server',
};

function refusals(client: Client, target: Target): Refusal[] {
  const { pool, requestsPerConnection, protocol } = client;
  const isPipelined = (pool.pipelining ?? 1) > 1;
  return [
    ...leftBodyRefusals(client, 'wire reads every body'),
    ...refuse(
      {
        when: protocol === 'h2',
        path: 'protocol',
        message: 'wire speaks HTTP/1.1 only',
        hint: "protocol: 'http1', or transport: 'undici'",
      },
      {
        when: isPipelined && requestsPerConnection === 1,
        path: 'pool.pipelining',
        message: 'a connection that carries one request has no pipeline',
        hint: 'pipelining: 1, or more requestsPerConnection',
      },
      {
        when: isPipelined && pool.maxIdleConnections !== undefined,
        path: 'pool.maxIdleConnections',
        message: 'wire does not count idle connections apart from those with room in their pipeline',
        hint: 'leave it out, or pipelining: 1',
      },
      {
        when: pool.scheduling === 'round-robin',
        path: 'pool.scheduling',
        message: 'wire takes idle connections by when they were last used',
        hint: "'fifo', which uses idle connections in turn, or transport: 'undici'",
      },
      wholeSecondsRule(pool),
      {
        when: pool.closing === 'reset' && usesTls(target),
        path: 'pool.closing',
        message: 'Node resets plain TCP connections only',
        hint: "'client' or 'server', or a target without TLS",
      },
      {
        when: pool.tlsSessions === 'library',
        path: 'pool.tlsSessions',
        message: 'wire has no session cache of its own',
        hint: "'none' or 'pinned'",
      },
    ),
    ...plainTargetRefusals(client, target, wire.honours),
    ...socketRefusals(client, target),
    ...reachRefusals(target, UNABLE),
  ];
}

const wire: TransportModule = {
  kind: 'transport',
  honours: [
    ...POOL_CLIENT_SETTINGS,
    'pool.maxTotalConnections',
    'pool.maxIdleConnections',
    'pool.maxLifetimeMs',
    'pool.pipelining',
    'pool.closing',
  ],
  cannot: {
    ...NO_INTERCEPTORS,
    api: 'wire has one interface only',
    options: 'they are for a module of your own',
    'pool.maxConcurrentStreams': 'wire does not speak HTTP/2',
  },
  refusals,
  caveats: [
    "wire is made for measuring: it counts the bytes of a body and keeps none of them, and has no API between itself and the socket. An application's client costs more.",
  ],
  open,
};

export default wire;
