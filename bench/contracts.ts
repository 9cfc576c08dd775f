// The contracts of clients, load tools and load models, and of client modules that users write.
import type { ForeignServer } from '../results/model/run.ts';
import type { Arrivals, Histogram, Outcome, ProcessReading } from '../results/model/trial.ts';
import type { Client } from '../scenarios/model/client.ts';
import type { ClosedLoad } from '../scenarios/model/load.ts';
import type { Target } from '../scenarios/model/target.ts';
import type { Endpoint } from '../servers/protocol.ts';

// What a client module of the user's own is, and what it is given: the contract of its default export. docs/clients.md tells it.

/** What the scenario says of an arm, with the defaults of what it leaves out. */
type ClientSettings = Pick<
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
interface ClientContext {
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

/**
 * One request and its answer: a record that the load model owns and re-uses, and the transport fills in.
 * Times are monotonic milliseconds (`performance.now()`); NaN until known, and for ever where a client does not tell.
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
  /** Of the answer; 0 where there was none, or the client does not say. Whether it is a good one, the recorder judges. */
  status: number;
  outcome: Outcome;
  /** What went wrong, when outcome is not ok. */
  error: string | undefined;
  /** Closed loads: how long its user has paused since the end of the request before (load model); NaN: not known. */
  idleMs: number;
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
  /** Whether `writtenAtMs` and `headersAtMs` are wanted; false saves reading the clock for them. Absent: they are. */
  hasPhases?: boolean;
  /** Called once for each connection that is ready for use. */
  onConnection: (connection: OpenedConnection) => void;
}

/** A client library, configured as one arm. */
export interface Transport {
  /** Where it can't send at once: resolves when it can, rejects when it never will. */
  ready?: Promise<void>;
  /**
   * Starts one exchange. `onEnd` is called exactly once, after `outcome`, `endedAtMs` and `bodyBytes` are set; never
   * synchronously from within `send`, never after `abandon`, and it may call `send` again. Never throws.
   */
  send(exchange: Exchange, onEnd: (exchange: Exchange) => void): void;
  /** Connections open now, by the client's own count. */
  openConnections(): number;
  /** Connections opened so far to anything else than the endpoint; absent where there can be none. */
  openedElsewhere?(): number;
  /** Closes every connection; resolves when all are closed. */
  close(): Promise<void>;
  /** Once closed: what a reader of this trial's figures has to know, a sentence each. */
  remarks?(): readonly string[];
}

/** The steady part of a slice, on the monotonic clock. */
export interface Window {
  openAtMs: number;
  closeAtMs: number;
  /** Monotonic time of the replicate's start. */
  originMs: number;
  isRecorded: boolean;
  /** Whether quantiles of this window alone are wanted. */
  isProbe?: boolean;
}

/** One turn of load as its generator is told it. */
export interface SliceTimes {
  rampMs: number;
  windowMs: number;
  /** How long exchanges in flight may take to end after the window. */
  drainMs: number;
  isRecorded: boolean;
  /** Monotonic time of the replicate's start. */
  originMs: number;
  /** Of a capacity search: the rate of this turn. */
  ratePerSec?: number;
  /** Closed loads: the users' first requests are spread over so long; all go at once unless given. */
  spreadMs?: number;
}

/** What keeps account of a generator's exchanges and connections. */
export interface ExchangeSink {
  /** What is added from now on belongs to this window, or to the ramp and drain around it. */
  openWindow(window: Window): void;
  /**
   * Each exchange once, as it ends. The record may be used again afterwards.
   * @param belongsAtMs the time by which it belongs to a window or not: when it began, or was due. By its end, what takes
   *   longer than a window would hardly ever belong to one.
   */
  add(exchange: Exchange, belongsAtMs: number): void;
  /**
   * An exchange that is given up: how long it would have taken is not known, but longer than until now. One that was never
   * sent has NaN for its start.
   * @param error why it counts as a failure (`noAnswer`); undefined where the load was only cut short
   */
  addCensored(
    exchange: Pick<Exchange, 'intendedAtMs' | 'startedAtMs' | 'idleMs'>,
    belongsAtMs: number,
    given: { nowMs: number; error: string | undefined },
  ): void;
  addConnection(connection: OpenedConnection): void;
}

/** What an open load counts of its schedule; what ended in its windows, the recorder counts. */
export type ScheduleCounts = Omit<Arrivals, 'ended'>;

/** How an open load kept the schedule of one window. */
export interface WindowSchedule extends ScheduleCounts {
  /** 99th percentile of the generator's own lateness; null where quantiles of the window were not wanted. */
  latenessP99Us: number | null;
}

/** What an open load knows beyond its exchanges. */
export interface ScheduleAccount {
  /** Of the last window. */
  window(): WindowSchedule;
  /** Of all recorded windows. */
  finish(): { arrivals: ScheduleCounts; lateness: Histogram };
}

/** Sends requests for a slice at a time, by a load model. */
export interface LoadLoop {
  /** Resolves to the window as it was, when nothing is in flight any more or the drain time is over. */
  runSlice(times: SliceTimes): Promise<Window>;
  /** Ends the running slice's window now, and its drain soon. */
  cut(): void;
  readonly sent: number;
  /** Exchanges given up at the end of a drain. */
  readonly unfinished: number;
  /** Exchanges given up at a deadline of ours (`totalMs`); absent where there is none to keep. */
  readonly expired?: number;
  /** Of open loads only: a closed one has no schedule to keep. */
  readonly schedule?: ScheduleAccount;
}

/** A client setting by its dotted path in a scenario's client, such as `pool.pipelining`. */
export type ClientSetting = string;

/** A setting that can't be honoured in this value: a sentence, and what would be right. */
export interface Refusal {
  path: ClientSetting;
  message: string;
  hint: string;
}

interface ClientModule {
  /** The settings that it honours when they are given. */
  honours: readonly ClientSetting[];
  /** Why it does not honour the others: a sentence each. A module of the user's need not say. */
  cannot?: Readonly<Record<ClientSetting, string>>;
  /** Values that it cannot honour though it knows the setting. */
  refusals(client: Client, target: Target): readonly Refusal[];
  /** What a reader of its figures has to know of it, a sentence each: printed wherever they are. */
  caveats?: readonly string[];
}

/** A client library: our load models say when, it sends. */
export interface TransportModule extends ClientModule {
  kind: 'transport';
  open(options: TransportOptions): Transport;
}

export interface EngineOptions {
  client: Client;
  load: ClosedLoad;
  endpoint: Endpoint;
  sink: ExchangeSink;
}

/** How a load tool holds its connections: what the ledger has to be held against. */
export interface EnginePool {
  /** Most connections that it keeps at once; null: it sets itself no bound. */
  size: number | null;
  /** How often it has opened them anew so far: a tool that is started for each slice does so in each. */
  openings: number;
  /** Connections so far that were never meant to carry a request. */
  unused: number;
}

/** A load tool under way, closed as a whole at the end. */
export interface Engine extends LoadLoop {
  readonly pool: EnginePool;
  /** Whether what is in flight at the end of a window is dropped instead of waited for. */
  readonly dropsInFlight: boolean;
  /** Of a tool that runs in a process of its own: that process at the beginning and at the end of the last slice. */
  readonly lastSlice?: { before: ProcessReading; after: ProcessReading } | undefined;
  close(): Promise<void>;
}

/** A sentence on what can't be, and what would be right. */
export type Obstacle = Omit<Refusal, 'path'>;

/** A load tool that brings its own loop: it sends by itself, and says what became of it. Closed loads without think time only. */
export interface EngineModule extends ClientModule {
  kind: 'engine';
  /** Whether it calls `sink.addConnection`; where not, the kernel's count of connections opened stands in. */
  countsConnections: boolean;
  /** The shortest slice of which it does not spend a good part on starting; absent: any. */
  leastSliceMs?: number;
  /** Why it can't be used on this machine; undefined: it can. */
  missing?(): Obstacle | undefined;
  /** Loads that it can't bring about with these settings. */
  refusesLoad?(client: Client, load: ClosedLoad): Obstacle | undefined;
  /** Answers that it counts wrongly, by what a server that we did not start answered before the run. */
  refusesAnswers?(server: ForeignServer): Obstacle | undefined;
  open(options: EngineOptions): Engine;
}

/** What the name of a scenario's transport stands for. */
export type ClientPlugin = TransportModule | EngineModule;

/** What became of reading a client module of the user's; the hint says what would be right. */
export type ModuleLoading =
  | { isLoaded: true; module: TransportModule }
  | { isLoaded: false; message: string; hint: string };

/** Reads a module by its absolute path. Whatever is wrong with it is told, never thrown. */
export type LoadModule = (path: string) => Promise<ModuleLoading>;

// From nothing. Out: the record of an exchange, for a load model to own and a transport to fill in; and what every client does to it.

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
    idleMs: Number.NaN,
    abandon: undefined,
    transportState: undefined,
  };
}

/** Clears what the exchange before it has left in the record; the times that the load model sets stay. */
export function beginExchange(exchange: Exchange): void {
  exchange.writtenAtMs = Number.NaN;
  exchange.headersAtMs = Number.NaN;
  exchange.bodyBytes = 0;
  exchange.status = 0;
  exchange.outcome = 'ok';
  exchange.error = undefined;
}

/** Why a request that is given up at the end of a drain has failed. */
export function noAnswerText(drainMs: number): string {
  return `no answer within ${drainMs} ms after the end of its slice`;
}
