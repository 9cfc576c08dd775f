// Every kind of plug-in, as the few members that the rest of the program knows of it.
import type { ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Random } from './random.ts';
import type { Client, Target } from './scenario.ts';
import type { Outcome } from './types.ts';

/** Where a target listens. */
export interface Endpoint {
  /** Origin, such as `https://127.0.0.1:40123`. */
  origin: string;
  /** Certificate authority to trust, PEM; absent without TLS. */
  caPem?: string;
}

/**
 * One request and its answer: a record that the load model owns and re-uses, and the transport fills in.
 * Times are monotonic milliseconds (`performance.now()`); NaN until known.
 */
export interface Exchange {
  /** When it should have gone (load model). */
  intendedAtMs: number;
  /** When `send` was called (load model). */
  startedAtMs: number;
  /** When the request was given to a connection. */
  writtenAtMs: number;
  /** When the response header arrived. */
  headersAtMs: number;
  /** When the body had ended, or the error was known. */
  endedAtMs: number;
  bodyBytes: number;
  outcome: Outcome;
  /** What went wrong, when outcome is not ok. */
  error: string | undefined;
  /** Set by the transport while in flight: gives the exchange up; the transport reports it no more. */
  abandon: (() => void) | undefined;
  /** The transport's own, kept with the record so that it need not be looked up. Undefined at first. */
  transportState: unknown;
}

/** A connection that a client has opened, with what opening it took. tlsMs is NaN on plain TCP. */
export interface OpenedConnection {
  connectMs: number;
  tlsMs: number;
  isResumed: boolean;
}

export interface TransportOptions {
  client: Client;
  endpoint: Endpoint;
  /** Called once for each connection that is ready for use. */
  onConnection: (connection: OpenedConnection) => void;
}

/** A client library, configured as one arm. */
export interface Transport {
  /**
   * Starts one exchange. `onEnd` is called exactly once, after `outcome`, `endedAtMs` and `bodyBytes` are set; never
   * synchronously from within `send`, never after `abandon`, and it may call `send` again. Never throws.
   */
  send(exchange: Exchange, onEnd: (exchange: Exchange) => void): void;
  /** Connections open now, by the client's own count. */
  openConnections(): number;
  /** Closes every connection; resolves when all are closed. */
  close(): Promise<void>;
}

/** A client setting by its dotted path in a scenario's client, such as `pool.pipelining`. */
export type ClientSetting = string;

export interface TransportModule {
  /** The settings that this transport honours when they are given. */
  honours: readonly ClientSetting[];
  /** Values that it cannot honour though it knows the setting: one sentence each with what would be right. */
  refusals(client: Client, target: Target): readonly { path: ClientSetting; message: string; hint: string }[];
  open(options: TransportOptions): Transport;
}

/** Answers one request on the response given. */
export type Responder = (response: ServerResponse) => void;

/** What a target answers with. */
export interface BehaviourModule<Options = unknown> {
  /** Strict schema of the options, `name` included, with defaults. */
  options: z.ZodType<Options>;
  /** Prepares whatever can be prepared once; `random` is seeded, uniform in [0, 1). */
  createResponder(options: Options, random: Random): Responder;
  /** Expected time from request to the end of the answer, in ms, by the options alone. */
  meanServiceMs(options: Options): number;
}
