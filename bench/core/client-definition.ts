// What a client module of the user's own is, and what it is given: the contract of its default export. docs/clients.md tells it.
import type { Client } from '../../scenarios/model/client.ts';
import type { Outcome } from '../../results/model/trial.ts';

/** What the scenario says of an arm, with the defaults of what it leaves out. */
export type ClientSettings = Pick<
  Client,
  'api' | 'protocol' | 'requestsPerConnection' | 'pool' | 'timeouts' | 'body'
>;

/** A setting that a module may say it honours, such as `pool.maxConnections`. */
export type HonourableSetting =
  | 'api'
  | 'protocol'
  | 'requestsPerConnection'
  | 'body'
  | `pool.${keyof Client['pool']}`
  | `timeouts.${keyof Client['timeouts']}`;

/** What `open` is told. */
export interface ClientContext {
  /** What every request asks for: origin and path in one. */
  url: string;
  /** Such as `http://127.0.0.1:40123`. */
  origin: string;
  /** Path and query, such as `/`. */
  path: string;
  /** The authority to trust, PEM, where the target speaks TLS with a certificate of its own. The process trusts it too. */
  caPem?: string;
  /** Only what the module says it honours is ever given here; the rest is left out, or at its default. */
  settings: ClientSettings;
  /** The arm's `options`, as the scenario has them. */
  options: Readonly<Record<string, unknown>>;
}

/** One request, as the harness asks for it. */
export interface RequestToSend {
  /** Aborts when the request is given up (`timeouts.totalMs`, or the end of a slice). Made when it is first asked for. */
  readonly signal: AbortSignal;
}

export interface ClientAnswer {
  /** HTTP status; 400 and above count as failed. */
  status: number;
  /** Length of the body, which has been read to its end. */
  bytes: number;
}

/**
 * What `send` may throw: anything. An `outcome` says what it counts as; without one, the `code` and the status are looked
 * at, of the error and of its causes.
 */
export interface ClientError extends Error {
  outcome?: Exclude<Outcome, 'ok'>;
}

/** A client, ready for use. */
export interface OwnClient {
  /** Sends one request and reads its answer to the end. Called again and again, also while others are under way. */
  send(request: RequestToSend): Promise<ClientAnswer>;
  /** Closes what it has open; connections that are left are destroyed. */
  close(): Promise<void> | void;
  /** What the client itself says of its connections. A reader is told where conntax has counted others. */
  stats?(): { opened: number; open: number };
}

/** The default export of a client module. */
export interface ClientDefinition {
  /** Called once in each generator process. */
  open(context: ClientContext): OwnClient | Promise<OwnClient>;
  /** Settings that are obeyed when a scenario gives them; others are refused. None unless stated. */
  honours?: readonly HonourableSetting[];
  /** Of a scenario's settings, before anything starts: why they can't be obeyed, in a sentence; undefined: they can. */
  refuse?(settings: ClientSettings): string | undefined;
  /** What a reader of the figures has to know, a sentence each. */
  caveats?: readonly string[];
}
