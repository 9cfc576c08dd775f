// In: a load tool that is a program of its own. Out: an engine: a process of it for each slice, its words as exchanges.
import { isIPv6 } from 'node:net';
import type { Client } from '../../scenarios/model/client.ts';
import type { Endpoint, Engine, EngineOptions, EnginePool, SliceTimes, Window } from '../contracts.ts';
import { newExchange } from '../core/exchange.ts';
import { CUT_DRAIN_MS } from '../../scenarios/model/load.ts';
import type { ProcessReading } from '../../servers/protocol.ts';
import type { Outcome } from '../../results/model/trial.ts';
import { runTool, type ToolRun } from '../transports/external-tool.ts';

/** From the start of a process until it sends. */
const START_MS = 20;
/** To add up and print what it has seen, on a busy machine. */
const PRINT_MS = 3_000;

/** One exchange of a tool, in ms since the tool was started; NaN where it does not say. */
export interface ToolExchange {
  startMs: number;
  writtenMs: number;
  headersMs: number;
  endMs: number;
  bodyBytes: number;
  /** 0 where it does not say. */
  status: number;
  outcome: Outcome;
  error: string | undefined;
}

/** What a tool says of one slice. */
export interface ToolReport {
  /** In which it sent at full load, ms since its start. */
  openMs: number;
  closeMs: number;
  /** Each once; the record may be the same one again. */
  exchanges: Iterable<ToolExchange>;
  /** Begun and not ended when it was stopped. */
  unfinished: number;
  /** CPU time that sending took; absent: as the kernel said when it was asked to end. */
  cpuUs?: number;
}

/** Where requests go, by address; a tool would look a name up by itself, and may find another server than was checked. */
export interface Place {
  url: string;
  /** What they name as their host; undefined: what the url says. */
  host: string | undefined;
}

function placeOf({ origin, path, address }: Endpoint): Place {
  if (address === undefined) return { url: origin + path, host: undefined };
  const url = new URL(origin);
  const { host } = url;
  url.hostname = isIPv6(address) ? `[${address}]` : address;
  return { url: url.origin + path, host };
}

/** What a slice asked of a tool, and how long it had. */
export interface ToolTimes extends Pick<SliceTimes, 'rampMs' | 'windowMs'> {
  /** When it was asked to end, since its start. */
  stoppedMs: number;
}

/** What a tool is told of time, in whole seconds. */
export interface ToolDuration {
  /** After which it is to end if nobody asks it to. */
  sendSec: number;
  /** How long a request may take once no more are sent, at least. */
  answerSec: number;
}

export interface ExternalTool {
  program: string;
  args(client: Client, users: number, times: ToolDuration, where: Place): readonly string[];
  /** A file descriptor for its standard input, open until the tool has started. */
  openInput?(): { fd: number; close(): void };
  /** Whether it reports when each request began; where not, one belongs to a window by its end. */
  reportsStarts: boolean;
  /** Whether it drops what is in flight when it is asked to end, instead of waiting for it. */
  dropsInFlight: boolean;
  /** @throws Error when the output makes no sense. */
  read(output: string, users: number, times: ToolTimes): ToolReport;
  /** Connections that it keeps at once, by users; null: no bound. */
  poolSize(users: number): number | null;
  /** Connections of each start that carry no request. */
  unusedPerStart: number;
}

export function openExternalEngine(tool: ExternalTool, options: EngineOptions): Engine {
  const { client, endpoint, sink, load } = options;
  const users = load.concurrency;
  const place = placeOf(endpoint);
  const record = newExchange();
  const pool: EnginePool = { size: tool.poolSize(users), openings: 0, unused: 0 };
  let sent = 0;
  let unfinished = 0;
  let lastSlice: { before: ProcessReading; after: ProcessReading } | undefined;
  let current: ToolRun | undefined;
  let cutTimer: NodeJS.Timeout | undefined;

  function start({ rampMs, windowMs, drainMs }: SliceTimes): ToolRun {
    const lengthMs = START_MS + rampMs + windowMs;
    const input = tool.openInput?.();
    try {
      return runTool({
        program: tool.program,
        args: tool.args(
          client,
          users,
          { sendSec: Math.ceil(lengthMs / 1_000) + 1, answerSec: Math.ceil(drainMs / 1_000) },
          place,
        ),
        ...(input === undefined ? {} : { stdin: input.fd }),
        stopAfterMs: lengthMs,
        killAfterMs: lengthMs + drainMs + PRINT_MS,
      });
    } finally {
      input?.close();
    }
  }

  function fold(exchange: ToolExchange, startedAtMs: number): void {
    record.startedAtMs = startedAtMs + exchange.startMs;
    record.intendedAtMs = record.startedAtMs;
    record.writtenAtMs = startedAtMs + exchange.writtenMs;
    record.headersAtMs = startedAtMs + exchange.headersMs;
    record.endedAtMs = startedAtMs + exchange.endMs;
    record.bodyBytes = exchange.bodyBytes;
    record.status = exchange.status;
    record.outcome = exchange.outcome;
    record.error = exchange.error;
    sent++;
    sink.add(record, tool.reportsStarts ? record.startedAtMs : record.endedAtMs);
  }

  return {
    async runSlice(times) {
      const { originMs, isRecorded, rampMs, windowMs } = times;
      current = start(times);
      const { output, startedAtMs, before, after } = await current.result.finally(() => {
        clearTimeout(cutTimer);
        current = undefined;
      });
      lastSlice = { before, after };
      if (output === undefined) {
        return { openAtMs: startedAtMs, closeAtMs: startedAtMs, originMs, isRecorded };
      }
      pool.openings++;
      pool.unused += tool.unusedPerStart;
      const report = tool.read(output, users, { rampMs, windowMs, stoppedMs: after.atMs - startedAtMs });
      if (report.cpuUs !== undefined) after.cpuUs = report.cpuUs;
      const window: Window = {
        openAtMs: startedAtMs + report.openMs,
        closeAtMs: startedAtMs + Math.max(report.openMs, report.closeMs),
        originMs,
        isRecorded,
      };
      sink.openWindow(window);
      for (const exchange of report.exchanges) fold(exchange, startedAtMs);
      sent += report.unfinished;
      unfinished += report.unfinished;
      return window;
    },
    cut() {
      const run = current;
      if (run === undefined) return;
      run.stop();
      cutTimer = setTimeout(() => void run.kill(), CUT_DRAIN_MS + PRINT_MS);
    },
    get sent() {
      return sent;
    },
    get unfinished() {
      return unfinished;
    },
    get lastSlice() {
      return lastSlice;
    },
    pool,
    dropsInFlight: tool.dropsInFlight,
    async close() {
      await current?.kill();
    },
  };
}
