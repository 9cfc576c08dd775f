// Sends load with a tool that is a program of its own: one process per slice, whose output is read as exchanges.

import { isIPv6 } from 'node:net';
import type { Outcome } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import {
  CUT_DRAIN_MS,
  type Engine,
  type EngineOptions,
  type EnginePool,
  newExchange,
  type PreparedRequests,
  type SliceTimes,
  type Window,
} from '../contracts.ts';
import { ToolRun } from './program.ts';

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
