// Runs load tools that are programs of their own: one process per slice, whose output is read as exchanges.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { MeasureError } from '../../results/errors.ts';
import type { ProcessReading } from '../../results/model/process.ts';
import type { Outcome } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { FaultKind, Target } from '../../scenarios/model/target.ts';
import { GROUP_SIGNALS } from '../../servers/process.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { reachRefusals, refuse } from '../clients/refusals.ts';
import {
  type ClientSetting,
  CUT_DRAIN_MS,
  type Engine,
  type EngineOptions,
  type EnginePool,
  newExchange,
  type Obstacle,
  type PreparedRequests,
  type Refusal,
  type SliceTimes,
  type Window,
} from '../contracts.ts';
import { NO_RESENDING } from '../resending.ts';
import { watchOver } from '../watchdog.ts';

const NO_IDLENESS = 'its users never pause, so its connections are never idle within a slice';
const NO_TIMEOUT =
  'it has no such timeout here: a request that hangs counts as unfinished at the end of the slice, or fails the trial';
const ONE_EACH = 'it has one connection per user';

const REASONS: Readonly<Record<ClientSetting, string>> = {
  api: 'it has only one interface',
  options: 'options are passed only to your own module',
  protocol: 'it uses HTTP/1.1 only',
  'pool.maxConnections': ONE_EACH,
  'pool.maxTotalConnections': ONE_EACH,
  'pool.maxIdleConnections': NO_IDLENESS,
  'pool.idleTimeoutMs': NO_IDLENESS,
  'pool.idleTimeoutBufferMs': NO_IDLENESS,
  'pool.maxLifetimeMs': 'it keeps connections as long as possible',
  'pool.pipelining': 'each of its users waits for the response before the next request',
  'pool.maxConcurrentStreams': 'it uses HTTP/1.1 only',
  'pool.scheduling': ONE_EACH,
  'pool.closing': 'it has no such setting',
  'pool.tcpKeepAliveMs': 'it has no such setting',
  'pool.tlsSessions': 'it has no such setting',
  'pool.tlsContext': 'it has no such setting',
  'timeouts.connectMs': NO_TIMEOUT,
  'timeouts.headersMs': NO_TIMEOUT,
  'timeouts.bodyMs': NO_TIMEOUT,
  'timeouts.totalMs': 'it sends its requests itself, so conntax cannot abort them',
  ...NO_RESENDING,
};

/** The reasons for every setting that a load tool does not support. */
export function engineCannot(honours: readonly ClientSetting[]): Record<ClientSetting, string> {
  return Object.fromEntries(Object.entries(REASONS).filter(([setting]) => !honours.includes(setting)));
}

export function bodyRefusals(tool: string, { body }: Client): Refusal[] {
  return refuse({
    when: body !== 'read',
    path: 'body',
    message: `${tool} reads every body to its end`,
    hint: "body: 'read', or another transport",
  });
}

/** For tools that can send `Connection: close`, but do not count the requests of a connection. */
export function countingRefusals(tool: string, { requestsPerConnection }: Client): Refusal[] {
  return refuse({
    when: requestsPerConnection !== 1 && requestsPerConnection !== 'unlimited',
    path: 'requestsPerConnection',
    message: `${tool} can only close each connection after one request, or none`,
    hint: "1 or 'unlimited', or transport: autocannon",
  });
}

/** Why a load tool cannot follow such a setting of a target. */
const URL_ONLY = 'it is given a URL only';

/** For every tool: conntax gives it no certificate, no socket and no proxy. */
export function toolReachRefusals(target: Target): Refusal[] {
  return reachRefusals(target, {
    certFile: URL_ONLY,
    socketPath: URL_ONLY,
    proxy: URL_ONLY,
    origins: URL_ONLY,
    urls: URL_ONLY,
  });
}

/** No tool can send a body in chunks, and only hey can send a HEAD request. */
export function requestRefusals(tool: string, requests: readonly Request[]): Refusal[] {
  const [refusal] = refuse(
    {
      when: requests.some(({ method }) => method === 'HEAD') && tool !== 'hey',
      path: 'transport',
      message: `${tool} waits for a body after the answer to a HEAD request`,
      hint: 'another method, or transport: hey, node-http or wire',
    },
    {
      when: requests.some(({ framing }) => framing === 'chunked'),
      path: 'transport',
      message: `${tool} cannot send a body in chunks`,
      hint: "request.framing: 'length', or transport: undici, node-http, fetch or wire",
    },
  );
  return refusal === undefined ? [] : [refusal];
}

/** Kinds whose effect every tool counts: whole answers. */
const COUNTED_BY_TOOLS: readonly FaultKind[] = ['status', 'slowBytes', 'connectionClose'];

/** @param why it does not count the other kinds */
export function faultRefusals(tool: string, { faults }: Pick<Target, 'faults'>, why: string): Refusal[] {
  const uncounted = faults.find(({ kind }) => !COUNTED_BY_TOOLS.includes(kind));
  return refuse({
    when: uncounted !== undefined,
    path: 'transport',
    message: `${tool} does not count each failure of kind ${uncounted?.kind}, which target.faults has: ${why}`,
    hint: `faults of kind ${COUNTED_BY_TOOLS.join(', ')} only, or transport: autocannon, wire or undici`,
  });
}

/**
 * Opens a file that has no name: the tool can read it as often as it likes, as its standard input, and nothing remains
 * after it ends.
 */
export function openUnnamed(content: string | Buffer): { fd: number; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'conntax-tool-'));
  try {
    const file = join(folder, 'input');
    writeFileSync(file, content, { mode: 0o600 });
    const fd = openSync(file, 'r');
    return { fd, close: () => closeSync(fd) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where a tool finds its standard input as a file. */
export const STDIN_FILE = '/proc/self/fd/0';

/** Path of the program on PATH; undefined if it is not there. */
export function findProgram(name: string): string | undefined {
  const files = (process.env['PATH'] ?? '').split(delimiter).map(folder => join(folder, name));
  return files.find(file => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why a program, named like its Debian package, cannot be used here; undefined if it can. */
export function missingProgram(name: string): Obstacle | undefined {
  const leaveOut = 'or ifInstalled: true, which skips the client if the program is missing';
  if (process.platform !== 'linux') {
    return {
      message: `${name} is measured by Linux's process statistics, and this system is ${process.platform}`,
      hint: `another transport, ${leaveOut}`,
    };
  }
  if (findProgram(name) !== undefined) return undefined;
  return {
    message: `the program ${name} is not installed (not found on PATH)`,
    hint: `apt-get install ${name}, ${leaveOut}`,
  };
}

/** Interval between requests to end, because the first one may come before the tool handles signals. */
const ASK_AGAIN_MS = 50;
const STDERR_TAIL_CHARS = 2_000;

export interface ToolOrder {
  program: string;
  args: readonly string[];
  /** A file descriptor for its standard input; absent: nothing to read. */
  stdin?: number;
  /** Time after its start when it is asked to end. */
  stopAfterMs: number;
  /** Time after its start when it is killed if it has not ended. */
  killAfterMs: number;
}

interface ToolResult {
  /** Its output; undefined if a signal ended it first: before it handled signals, or together with its process group. */
  output: string | undefined;
  startedAtMs: number;
  /** Readings of its process at its start, and when it was asked to end. */
  before: ProcessReading;
  after: ProcessReading;
}

/**
 * A program that was started, on the cores of this process. It has no message channel, ends by itself and answers on its standard
 * output, so it is not started like a process of conntax (bench/run/child.ts).
 */
export class ToolRun {
  /** Rejects when it fails or had to be killed. */
  readonly result: Promise<ToolResult>;
  readonly #order: ToolOrder;
  readonly #startedAtMs = performance.now();
  readonly #child: ChildProcess;
  readonly #gone: Promise<{ code: number | null; signal: string | null }>;
  #output = '';
  #errors = '';
  #after: ProcessReading | undefined;
  #isKilled = false;
  #asking: NodeJS.Timeout | undefined;

  constructor(order: ToolOrder) {
    const { program, args, stdin, stopAfterMs, killAfterMs } = order;
    this.#order = order;
    this.#child = spawn(program, args, { stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] });
    watchOver(this.#child);
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-STDERR_TAIL_CHARS);
    });
    const stopTimer = setTimeout(() => this.stop(), stopAfterMs);
    const killTimer = setTimeout(() => {
      this.#isKilled = true;
      this.#child.kill('SIGKILL');
    }, killAfterMs);
    this.#gone = once(this.#child, 'close')
      .then(([code, signal]) => ({ code, signal }))
      .finally(() => {
        clearTimeout(stopTimer);
        clearTimeout(killTimer);
        clearInterval(this.#asking);
      });
    this.result = this.#finish();
  }

  /** Asks it to end now. */
  stop(): void {
    if (this.#asking !== undefined) return;
    this.#after = readTool(this.#child.pid, this.#startedAtMs);
    this.#child.kill('SIGINT');
    this.#asking = setInterval(() => this.#child.kill('SIGINT'), ASK_AGAIN_MS);
  }

  /** Kills it; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone.catch(() => {}); // a process that could not be started is also gone
  }

  async #finish(): Promise<ToolResult> {
    const { code, signal } = await this.#gone;
    // The whole process group was signalled, conntax too: the slice is lost, but that is not an error of the tool.
    const isCut = GROUP_SIGNALS.some(one => one === signal);
    if (code !== 0 && !isCut) {
      const { program, killAfterMs } = this.#order;
      const fault = this.#isKilled
        ? `did not end within ${killAfterMs} ms`
        : `ended with ${signal ?? `exit status ${code}`}`;
      const errors = this.#errors === '' ? '' : `: ${this.#errors.trim()}`;
      // Without a stack: what failed is another program.
      throw new MeasureError('generator-died', `${program} ${fault}${errors}`);
    }
    return {
      output: isCut ? undefined : this.#output,
      startedAtMs: this.#startedAtMs,
      before: nothingUsed(this.#startedAtMs),
      after: this.#after ?? nothingUsed(performance.now()),
    };
  }
}

function nothingUsed(atMs: number): ProcessReading {
  return { atMs, cpuUs: 0, loopActiveMs: 0, loopIdleMs: 0, runDelayMs: 0, rssBytes: 0 };
}

/** The kernel's statistics of all threads of a process; zero if it has ended. */
function readTool(pid: number | undefined, startedAtMs: number): ProcessReading {
  const reading = nothingUsed(performance.now());
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const schedstat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
      const [cpuNs = 0, runDelayNs = 0] = schedstat.split(' ').map(Number);
      reading.cpuUs += cpuNs / 1_000;
      reading.runDelayMs += runDelayNs / 1e6;
    }
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    reading.rssBytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024;
  } catch {
    // the process or one of its threads has just ended
  }
  reading.runDelayMs = Math.min(reading.runDelayMs, reading.atMs - startedAtMs);
  return reading;
}

/** Time from the start of the process to its first request. */
const START_MS = 20;
/** Time to summarise and print its results on a busy machine. */
const PRINT_MS = 3_000;

/** One exchange of a tool, in ms since the tool was started; NaN if not reported. */
export interface ToolExchange {
  startMs: number;
  writtenMs: number;
  headersMs: number;
  endMs: number;
  bodyBytes: number;
  /** 0 if not reported. */
  status: number;
  outcome: Outcome;
  error: string | undefined;
}

/** A tool's report of one slice. */
export interface ToolReport {
  /** Start and end of full load, ms since its start. */
  openMs: number;
  closeMs: number;
  /** Each exchange once; the record may be reused. */
  exchanges: Iterable<ToolExchange>;
  /** Requests in flight when it was stopped. */
  unfinished: number;
  /** Where there are several requests: how often it sent each. */
  sentByRequest?: readonly number[];
  /** CPU time used for sending; absent: the kernel's statistics when it was asked to end. */
  cpuUs?: number;
}

/** Destination by address: a tool that resolves a name itself might reach another server than the checked one. */
export interface Place {
  url: string;
  /** Host header; undefined: from the url. */
  host: string | undefined;
}

function placeOf({ origin, address }: Endpoint, path: string): Place {
  if (address === undefined) return { url: origin + path, host: undefined };
  const url = new URL(origin);
  const { host } = url;
  url.hostname = isIPv6(address) ? `[${address}]` : address;
  return { url: url.origin + path, host };
}

/** The requested times of a slice, and its actual length. */
export interface ToolTimes extends Pick<SliceTimes, 'rampMs' | 'windowMs'> {
  /** Time after its start when it was asked to end. */
  stoppedMs: number;
}

/** Durations for the tool's command line, in whole seconds. */
export interface ToolDuration {
  /** Time after which it ends by itself. */
  sendSec: number;
  /** Minimum time for outstanding responses after the last request. */
  answerSec: number;
}

export interface ExternalTool {
  program: string;
  args(
    client: Client,
    users: number,
    times: ToolDuration,
    where: Place,
    requests: PreparedRequests,
  ): readonly string[];
  /**
   * Opens a file descriptor for its standard input, needed until the tool has started.
   * @param seed of the sequence in which several requests are drawn
   */
  openInput(requests: PreparedRequests, seed: number): { fd: number; close(): void };
  /** Whether it reports when each request began; otherwise a request belongs to the window of its end. */
  reportsStarts: boolean;
  /** Whether it drops requests in flight when it is asked to end, instead of waiting for them. */
  dropsInFlight: boolean;
  /** @throws Error when the output is invalid */
  read(output: string, users: number, times: ToolTimes, requestCount: number): ToolReport;
  /** Most open connections for a number of users; null: no limit. */
  poolSize(users: number): number | null;
  /** Connections per start that carry no request. */
  unusedPerStart: number;
}

export class ExternalEngine implements Engine {
  readonly pool: EnginePool;
  readonly dropsInFlight: boolean;
  readonly sentByRequest: number[];
  sent = 0;
  unfinished = 0;
  lastSlice: Engine['lastSlice'];
  readonly #tool: ExternalTool;
  readonly #options: EngineOptions;
  readonly #place: Place;
  readonly #record = newExchange();
  #current: ToolRun | undefined;
  #cutTimer: NodeJS.Timeout | undefined;

  constructor(tool: ExternalTool, options: EngineOptions) {
    const { load, endpoint, requests } = options;
    this.#tool = tool;
    this.#options = options;
    this.#place = placeOf(endpoint, requests[0].path);
    // No tool that draws its requests reports which of them an answer belongs to.
    if (requests.length > 1) this.#record.request = -1;
    this.sentByRequest = requests.map(() => 0);
    this.pool = { size: tool.poolSize(load.concurrency), openings: 0, unused: 0 };
    this.dropsInFlight = tool.dropsInFlight;
  }

  async runSlice(times: SliceTimes): Promise<Window> {
    const { originMs, isRecorded, rampMs, windowMs } = times;
    const { load, requests, sink } = this.#options;
    this.#current = this.#start(times);
    const { output, startedAtMs, before, after } = await this.#current.result.finally(() => {
      clearTimeout(this.#cutTimer);
      this.#current = undefined;
    });
    this.lastSlice = { before, after };
    if (output === undefined) {
      return { openAtMs: startedAtMs, closeAtMs: startedAtMs, originMs, isRecorded };
    }
    this.pool.openings++;
    this.pool.unused += this.#tool.unusedPerStart;
    const stoppedMs = after.atMs - startedAtMs;
    const report = this.#tool.read(
      output,
      load.concurrency,
      { rampMs, windowMs, stoppedMs },
      requests.length,
    );
    if (report.cpuUs !== undefined) after.cpuUs = report.cpuUs;
    const window: Window = {
      openAtMs: startedAtMs + report.openMs,
      closeAtMs: startedAtMs + Math.max(report.openMs, report.closeMs),
      originMs,
      isRecorded,
    };
    sink.openWindow(window);
    for (const exchange of report.exchanges) this.#fold(exchange, startedAtMs);
    for (const [request, count] of (report.sentByRequest ?? []).entries())
      this.sentByRequest[request]! += count;
    this.sent += report.unfinished;
    this.unfinished += report.unfinished;
    return window;
  }

  cut(): void {
    const run = this.#current;
    if (run === undefined) return;
    run.stop();
    this.#cutTimer = setTimeout(() => void run.kill(), CUT_DRAIN_MS + PRINT_MS);
  }

  async close(): Promise<void> {
    await this.#current?.kill();
  }

  #start({ rampMs, windowMs, drainMs, requestSeed = 0 }: SliceTimes): ToolRun {
    const { client, load, requests } = this.#options;
    const { program, args, openInput } = this.#tool;
    const lengthMs = START_MS + rampMs + windowMs;
    const duration = { sendSec: Math.ceil(lengthMs / 1_000) + 1, answerSec: Math.ceil(drainMs / 1_000) };
    const input = openInput(requests, requestSeed);
    try {
      return new ToolRun({
        program,
        args: args(client, load.concurrency, duration, this.#place, requests),
        stdin: input.fd,
        stopAfterMs: lengthMs,
        killAfterMs: lengthMs + drainMs + PRINT_MS,
      });
    } finally {
      input.close();
    }
  }

  #fold(exchange: ToolExchange, startedAtMs: number): void {
    const record = this.#record;
    record.startedAtMs = startedAtMs + exchange.startMs;
    record.intendedAtMs = record.startedAtMs;
    record.writtenAtMs = startedAtMs + exchange.writtenMs;
    record.headersAtMs = startedAtMs + exchange.headersMs;
    record.endedAtMs = startedAtMs + exchange.endMs;
    record.bodyBytes = exchange.bodyBytes;
    record.status = exchange.status;
    record.outcome = exchange.outcome;
    record.error = exchange.error;
    this.sent++;
    this.#options.sink.add(record, this.#tool.reportsStarts ? record.startedAtMs : record.endedAtMs);
  }
}
