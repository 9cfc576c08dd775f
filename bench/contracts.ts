// The contracts of clients, load tools and load models, and of client modules that users write.

import type { ProcessReading } from '../results/model/process.ts';
import type { ForeignServer } from '../results/model/run.ts';
import type { Arrivals, Histogram, Outcome } from '../results/model/trial.ts';
import type { Client } from '../scenarios/model/client.ts';
import type { ClosedLoad } from '../scenarios/model/load.ts';
import type { Method, Request } from '../scenarios/model/request.ts';
import type { Target } from '../scenarios/model/target.ts';
import type { Endpoint } from '../servers/protocol.ts';

/** Time for exchanges to finish when a slice is cut short. */
export const CUT_DRAIN_MS = 250;

// What a client module of the user's own is, and what it is given: the contract of its default export. docs/clients.md tells it.

/** The settings of a client, with defaults. */
type ClientSettings = Pick<
  Client,
  'api' | 'protocol' | 'requestsPerConnection' | 'pool' | 'timeouts' | 'body'
>;

/** A setting that a module can list in `honours`, such as `pool.maxConnections`. */
export type HonourableSetting =
  | 'api'
  | 'protocol'
  | 'requestsPerConnection'
  | 'body'
  | `pool.${keyof Client['pool']}`
  | `timeouts.${keyof Client['timeouts']}`;

/** The argument of `open`. */
interface ClientContext {
  /** URL of every request, origin and path; of the first one, if the scenario has several. */
  url: string;
  /** Such as `http://127.0.0.1:40123`. */
  origin: string;
  /** Its path and query, such as `/`. */
  path: string;
  /** The authority to trust, as PEM, if the target uses its own TLS certificate. The process trusts it too. */
  caPem?: string;
  /** Contains only settings that the module lists in `honours`; others are absent or at their defaults. */
  settings: ClientSettings;
  /** The client's `options`, as written in the scenario. */
  options: Readonly<Record<string, unknown>>;
}

/** One request that conntax asks a client to send. */
export interface RequestToSend {
  readonly method: Method;
  /** Origin, path and query. */
  readonly url: string;
  /** The scenario's headers. They may contain secrets: do not log them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same bytes in every request; absent if the scenario's request has no body. */
  readonly body?: Buffer | undefined;
  /** Aborts when the request is abandoned (`timeouts.totalMs`, or the end of a slice). Created on first use. */
  readonly signal: AbortSignal;
}

export interface ClientAnswer {
  /** HTTP status; 400 and above count as failed. */
  status: number;
  /** Length of the body, which has been read to its end. */
  bytes: number;
}

/**
 * An error thrown by `send`, which may throw anything. `outcome` determines how it counts; without it, the `code` and
 * status of the error and its causes do.
 */
export interface ClientError extends Error {
  outcome?: Exclude<Outcome, 'ok'>;
}

/** A client, ready for use. */
export interface OwnClient {
  /** Sends one request and reads the whole response. Called repeatedly, also while other requests are in flight. */
  send(request: RequestToSend): Promise<ClientAnswer>;
  /** Closes the client; conntax destroys connections that remain. */
  close(): Promise<void> | void;
  /** The client's own count of its connections. The report mentions it if conntax's count differs. */
  stats?(): { opened: number; open: number };
}

/** The default export of a client module. */
export interface ClientDefinition {
  /** Called once in each generator process. */
  open(context: ClientContext): OwnClient | Promise<OwnClient>;
  /** Settings that the module supports; others are refused. Default: none. */
  honours?: readonly HonourableSetting[];
  /** Called before anything starts: why these settings are not supported, as a sentence; undefined if they are. */
  refuse?(settings: ClientSettings): string | undefined;
  /** Whether `send` sends the method, headers and body that it is given. Without it, only a plain GET is measured. */
  sendsRequest?: boolean;
  /** What readers of the figures must know, one sentence each. */
  caveats?: readonly string[];
}

/**
 * One request and its response: a record that the load model owns and reuses, and the transport fills in.
 * Times are monotonic milliseconds (`performance.now()`); NaN until known, or if a client does not report them.
 */
export interface Exchange {
  /** When it was due (load model). */
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
  /** HTTP status; 0 without a response, or if the client does not report it. The recorder judges whether it is a success. */
  status: number;
  outcome: Outcome;
  /** The error, if outcome is not ok. */
  error: string | undefined;
  /** Which of the scenario's requests it sends, by index (load model); -1 where a load tool does not report it. */
  request: number;
  /** Closed loads: pause of the user since the end of the previous request (load model); NaN: unknown. */
  idleMs: number;
  /** Set by the transport while in flight: abandons the exchange, which is then never reported. */
  abandon: (() => void) | undefined;
  /** State of the transport, kept in the record to avoid a look-up. Initially undefined. */
  transportState: unknown;
}

/** A connection that a client has opened, with the times it took. tlsMs is NaN on plain TCP. */
export interface OpenedConnection {
  connectMs: number;
  tlsMs: number;
  isResumed: boolean;
  /** Of several origins, the one that it leads to, by index. */
  origin?: number | undefined;
}

/** A request as clients send it, the same each time. */
export interface PreparedRequest {
  /** Its name, and how often it is drawn, where there are several. */
  name: string;
  weight: number;
  method: Method;
  /** Where it goes to; absent: the origin of the endpoint, which has no other. */
  origin?: string;
  /** Path and query. */
  path: string;
  /** Names as written in the scenario, without those that a client sets by itself. */
  headers: Readonly<Record<string, string>>;
  /** undefined: no body, which is not the same as an empty one. */
  body: Buffer | undefined;
  /** Whether the body is sent in chunks instead of with its length. */
  isChunked: boolean;
  /** Values from the environment, which no output may contain. */
  secrets: readonly string[];
}

/** Counts what a client sends for its requests, where it may send one several times, or not at all. */
export interface AttemptSink {
  /** An attempt is given to the library, or to its connections. */
  sent(): void;
  /**
   * It has ended by itself. One that is given up with its request never does.
   *
   * @param status of the answer; 0 if there is none, or the client does not report it
   * @returns whether it counts as success
   */
  ended(outcome: Outcome, status: number): boolean;
}

/** All requests of a scenario, in its order. */
export type PreparedRequests = readonly [PreparedRequest, ...PreparedRequest[]];

export interface TransportOptions {
  client: Client;
  endpoint: Endpoint;
  /** What it sends; the load model draws one for each exchange. */
  requests: PreparedRequests;
  /** Whether to record `writtenAtMs` and `headersAtMs`; false saves reading the clock. Default: true. */
  hasPhases?: boolean;
  /** Called once for each connection that is ready for use. */
  onConnection: (connection: OpenedConnection) => void;
  /** Counts attempts if the client has interceptors. */
  attempts?: AttemptSink;
}

/** A client library, configured as one client. */
export interface Transport {
  /** If it cannot send at once: resolves when it can, rejects if it never will. */
  ready?: Promise<void>;
  /**
   * Starts one exchange. `onEnd` is called exactly once, after `outcome`, `endedAtMs` and `bodyBytes` are set; never
   * synchronously from within `send`, never after `abandon`, and it may call `send` again. Never throws.
   */
  send(exchange: Exchange, onEnd: (exchange: Exchange) => void): void;
  /** Connections open now, by the client's own count. */
  openConnections(): number;
  /** Connections opened so far to anything but the endpoint; absent if that is impossible. */
  openedElsewhere?(): number;
  /** Closes every connection; resolves when all are closed. */
  close(): Promise<void>;
  /** After closing: what readers of this trial's figures must know, one sentence each. */
  remarks?(): readonly string[];
  /** After closing: what went wrong in it; undefined: nothing. */
  closing?(): string | undefined;
}

/** The steady part of a slice, on the monotonic clock. */
export interface Window {
  openAtMs: number;
  closeAtMs: number;
  /** Monotonic time of the replicate's start. */
  originMs: number;
  isRecorded: boolean;
  /** Whether quantiles of this window alone are needed. */
  isProbe?: boolean;
}

/** The times of one slice, as given to a load loop. */
export interface SliceTimes {
  rampMs: number;
  windowMs: number;
  /** How long exchanges in flight may take to end after the window; the rest are then abandoned. */
  drainMs: number;
  /** Whether the window counts in the trial's histograms and timeline (not during warm-up). */
  isRecorded: boolean;
  /** Monotonic time of the replicate's start. */
  originMs: number;
  /** Monotonic time at which it was to begin, which is a little ago; default: now. */
  startAtMs?: number;
  /** In a capacity search: the rate of this slice. */
  ratePerSec?: number;
  /** Closed loads: time over which the users' first requests are spread; default: all at once. */
  spreadMs?: number;
  /** Constant arrivals: when the first request is due, since the start of the slice; default: at once. */
  offsetMs?: number;
  /** Closed loads: how many of the users send; default: all. */
  users?: number;
  /** Where there are several requests: begins the sequence in which they are drawn. */
  requestSeed?: number;
}

/** Receives a generator's exchanges and connections. */
export interface ExchangeSink {
  /** Starts a window; exchanges added from now on belong to it, or to its ramp or drain. */
  openWindow(window: Window): void;
  /**
   * Adds an exchange once it has ended. The record may be reused afterwards.
   * @param belongsAtMs the time that assigns it to a window: when it began, or was due. By its end, an exchange that takes
   *   longer than a window would rarely belong to one.
   */
  add(exchange: Exchange, belongsAtMs: number): void;
  /**
   * Adds an abandoned exchange: its duration is unknown, but longer than until now. If it was never sent, its start is NaN.
   * @param error why it counts as a failure (`noAnswer`); undefined if the load was only cut short
   */
  addCensored(
    exchange: Pick<Exchange, 'intendedAtMs' | 'startedAtMs' | 'idleMs' | 'request'>,
    belongsAtMs: number,
    given: { nowMs: number; error: string | undefined },
  ): void;
  addConnection(connection: OpenedConnection): void;
}

/** Counts of an open load's schedule; the recorder counts the exchanges that ended in its windows. */
export type ScheduleCounts = Omit<Arrivals, 'ended'>;

/** How an open load kept the schedule of one window. */
export interface WindowSchedule extends ScheduleCounts {
  /** 99th percentile of the generator's own lateness; null if quantiles of the window were not needed. */
  latenessP99Us: number | null;
}

/** The schedule statistics of an open load. */
export interface ScheduleAccount {
  /** Of the last window. */
  window(): WindowSchedule;
  /** Of all recorded windows. */
  finish(): { arrivals: ScheduleCounts; lateness: Histogram };
}

/** Sends requests for a slice at a time, by a load model. */
export interface LoadLoop {
  /** Resolves to the actual window when nothing is in flight or the drain is over. */
  runSlice(times: SliceTimes): Promise<Window>;
  /** Ends the running slice's window now, and its drain soon. */
  cut(): void;
  /** Requests without an answer yet; absent where a load tool does not say. */
  readonly inFlight?: number;
  readonly sent: number;
  /** The same by request, in the order of the scenario's; absent: there is one. */
  readonly sentByRequest?: readonly number[] | undefined;
  /** Exchanges abandoned at the end of a drain. */
  readonly unfinished: number;
  /** Exchanges abandoned at conntax's own deadline (`totalMs`); absent without one. */
  readonly expired?: number;
  /** Open loads only: a closed load has no schedule. */
  readonly schedule?: ScheduleAccount;
}

/** A client setting by its dotted path in a scenario's client, such as `pool.pipelining`. */
export type ClientSetting = string;

/** A setting whose value is not supported: why, and what was expected. */
export interface Refusal {
  path: ClientSetting;
  message: string;
  hint: string;
}

interface ClientModule {
  /** Supported settings. */
  honours: readonly ClientSetting[];
  /** Why other settings are not supported, one sentence each. Optional for users' modules. */
  cannot?: Readonly<Record<ClientSetting, string>>;
  /** Unsupported values of supported settings. */
  refusals(client: Client, target: Target, requests?: readonly Request[]): readonly Refusal[];
  /** What readers of its figures must know, one sentence each; printed with the figures. */
  caveats?: readonly string[];
}

/** A client library: conntax's load models decide when it sends. */
export interface TransportModule extends ClientModule {
  kind: 'transport';
  open(options: TransportOptions): Transport;
}

export interface EngineOptions {
  client: Client;
  load: ClosedLoad;
  endpoint: Endpoint;
  /** What it sends; with several, it draws them as the load models do (results/random.ts). */
  requests: PreparedRequests;
  sink: ExchangeSink;
}

/** How a load tool manages its connections, for comparison with the ledger. */
export interface EnginePool {
  /** Most open connections; null: no limit. */
  size: number | null;
  /** How often it has opened all its connections: once per slice for a tool that is started for each slice. */
  openings: number;
  /** Connections so far that were not meant to carry a request. */
  unused: number;
}

/** A running load tool, closed as a whole at the end. */
export interface Engine extends LoadLoop {
  readonly pool: EnginePool;
  /** Whether it drops requests in flight at the end of a window instead of waiting for them. */
  readonly dropsInFlight: boolean;
  /** For a tool with its own process: readings of that process at the start and end of the last slice. */
  readonly lastSlice?: { before: ProcessReading; after: ProcessReading } | undefined;
  close(): Promise<void>;
}

/** Why something is impossible, and what was expected. */
export type Obstacle = Omit<Refusal, 'path'>;

/** A load tool with its own loop: it sends its requests itself and reports them. Supports closed loads without think time only. */
export interface EngineModule extends ClientModule {
  kind: 'engine';
  /** Whether it calls `sink.addConnection`; otherwise the kernel's count of opened connections is used. */
  countsConnections: boolean;
  /** The shortest slice that is not dominated by its startup; default: any. */
  leastSliceMs?: number;
  /** Why it cannot be used on this machine; undefined if it can. */
  missing?(): Obstacle | undefined;
  /** Why it cannot generate this load with these settings; undefined if it can. */
  refusesLoad?(client: Client, load: ClosedLoad): Obstacle | undefined;
  /** Why it would miscount an external server's responses, by the answer before the run; undefined if it would not. */
  refusesAnswers?(server: ForeignServer): Obstacle | undefined;
  open(options: EngineOptions): Engine;
}

/** The plug-in behind a scenario's transport. */
export type ClientPlugin = TransportModule | EngineModule;

/** The result of loading a user's client module; the hint says what was expected. */
export type ModuleLoading =
  | { isLoaded: true; module: TransportModule }
  | { isLoaded: false; message: string; hint: string };

/** Loads a module by its absolute path. Errors are returned, never thrown. */
export type LoadModule = (path: string) => Promise<ModuleLoading>;

export function newExchange(): Exchange {
  return {
    intendedAtMs: Number.NaN,
    startedAtMs: Number.NaN,
    writtenAtMs: Number.NaN,
    headersAtMs: Number.NaN,
    endedAtMs: Number.NaN,
    bodyBytes: 0,
    status: 0,
    outcome: 'ok',
    error: undefined,
    request: 0,
    idleMs: Number.NaN,
    abandon: undefined,
    transportState: undefined,
  };
}

/** Resets the record for a new exchange; times set by the load model stay. */
export function beginExchange(exchange: Exchange): void {
  exchange.writtenAtMs = Number.NaN;
  exchange.headersAtMs = Number.NaN;
  exchange.bodyBytes = 0;
  exchange.status = 0;
  exchange.outcome = 'ok';
  exchange.error = undefined;
}

/** The error of a request that is abandoned at the end of a drain. */
export function describeNoAnswer(drainMs: number): string {
  return `no answer within ${drainMs} ms after the end of its slice`;
}
