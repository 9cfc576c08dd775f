// In: a load tool that is a program of its own. Out: an engine: a process of it for each slice, its words as exchanges.
import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Outcome, ProcessReading } from '../../results/model/trial.ts';
import { CLIENT_SETTINGS, type Client } from '../../scenarios/model/client.ts';
import { CUT_DRAIN_MS } from '../../scenarios/model/load.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import {
  type ClientSetting,
  type Engine,
  type EngineOptions,
  type EnginePool,
  newExchange,
  type Obstacle,
  type Refusal,
  type SliceTimes,
  type Window,
} from '../contracts.ts';
import { watchOver } from '../watchdog.ts';

// From what a load tool honours. Out: why it honours nothing else, a sentence a setting; and what none of them can do.

const NO_IDLENESS = 'its users never rest, so that none of its connections is idle within a slice';
const NO_TIMEOUT =
  'it has no such timeout here: what hangs is unfinished when the slice ends, or ends the trial';
const ONE_EACH = 'it has a connection for each user';

const REASONS: Readonly<Record<ClientSetting, string>> = {
  api: 'it has one interface only',
  options: 'they are for a module of your own',
  protocol: 'it speaks HTTP/1.1 only here',
  'pool.maxConnections': ONE_EACH,
  'pool.maxTotalConnections': ONE_EACH,
  'pool.maxIdleConnections': NO_IDLENESS,
  'pool.idleTimeoutMs': NO_IDLENESS,
  'pool.idleTimeoutBufferMs': NO_IDLENESS,
  'pool.maxLifetimeMs': 'it keeps a connection for as long as it can',
  'pool.pipelining': 'each of its users waits for its answer before it asks again',
  'pool.maxConcurrentStreams': 'it speaks HTTP/1.1 only here',
  'pool.scheduling': ONE_EACH,
  'pool.tcpKeepAliveMs': 'it has no setting for it',
  'pool.tlsSessions': 'it has no setting for it',
  'timeouts.connectMs': NO_TIMEOUT,
  'timeouts.headersMs': NO_TIMEOUT,
  'timeouts.bodyMs': NO_TIMEOUT,
  'timeouts.totalMs': 'it sends by itself, so that its requests are not in the hands of the harness',
};

/** Of every setting that is not among those honoured. */
export function engineCannot(honours: readonly ClientSetting[]): Record<ClientSetting, string> {
  const others = CLIENT_SETTINGS.filter(setting => !honours.includes(setting));
  return Object.fromEntries(others.map(setting => [setting, REASONS[setting]!]));
}

export function bodyRefusals(tool: string, { body }: Client): Refusal[] {
  if (body === 'read') return [];
  return [
    {
      path: 'body',
      message: `${tool} reads every body to its end`,
      hint: "body: 'read', or another transport",
    },
  ];
}

/** Of a tool that has a switch for `Connection: close`, and counts no requests of a connection. */
export function countingRefusals(tool: string, { requestsPerConnection }: Client): Refusal[] {
  if (requestsPerConnection === 1 || requestsPerConnection === 'unlimited') return [];
  return [
    {
      path: 'requestsPerConnection',
      message: `${tool} can only close each connection after one request, or none`,
      hint: "1 or 'unlimited', or transport: autocannon",
    },
  ];
}

// From a program that is installed, and its arguments. Out: one run of it, watched and bounded: its words, and what it used.

/** How often it is asked to end: the first time may come before it listens. */
const ASK_AGAIN_MS = 50;
/** Sent to the whole process group, this program and its parent too: what the slice has measured is lost, and that is no fault. */
const GROUP_SIGNALS: readonly (string | null)[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const STDERR_TAIL_CHARS = 2_000;

/** Where on PATH the program is; undefined when it is not. */
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

/** Why a program of Debian's package of the same name can't be used here; undefined: it can. */
export function missingProgram(name: string): Obstacle | undefined {
  const leaveOut = 'or ifInstalled: true, which leaves the arm out where it is missing';
  if (process.platform !== 'linux') {
    return {
      message: `${name} is measured by what Linux says of its process, and this is ${process.platform}`,
      hint: `another transport, ${leaveOut}`,
    };
  }
  if (findProgram(name) !== undefined) return undefined;
  return {
    message: `the program ${name} is not installed: it is in no folder of PATH`,
    hint: `apt-get install ${name}, ${leaveOut}`,
  };
}

export interface ToolOrder {
  program: string;
  args: readonly string[];
  /** A file descriptor for its standard input; absent: nothing to read. */
  stdin?: number;
  /** When it is asked to end, since its start. */
  stopAfterMs: number;
  /** When it is killed if it has not ended by then. */
  killAfterMs: number;
}

interface ToolResult {
  /** What it printed; undefined where a signal ended it before it could: asked to end before it listened, or with its whole group. */
  output: string | undefined;
  startedAtMs: number;
  /** Its process when it was started, and when it was asked to end. */
  before: ProcessReading;
  after: ProcessReading;
}

export interface ToolRun {
  /** @throws Error when it fails, or had to be killed. */
  readonly result: Promise<ToolResult>;
  /** Asks it to end now. */
  stop(): void;
  /** Ends it at once; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts the program; it runs on the cores that this process may run on. */
export function runTool({ program, args, stdin, stopAfterMs, killAfterMs }: ToolOrder): ToolRun {
  const startedAtMs = performance.now();
  const child = spawn(program, args, { stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] });
  watchOver(child);
  let output = '';
  let errors = '';
  let after: ProcessReading | undefined;
  let isKilled = false;
  let asking: NodeJS.Timeout | undefined;
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-STDERR_TAIL_CHARS);
  });

  function stop(): void {
    if (asking !== undefined) return;
    after = readTool(child.pid, startedAtMs);
    child.kill('SIGINT');
    asking = setInterval(() => child.kill('SIGINT'), ASK_AGAIN_MS);
  }

  const stopTimer = setTimeout(stop, stopAfterMs);
  const killTimer = setTimeout(() => {
    isKilled = true;
    child.kill('SIGKILL');
  }, killAfterMs);
  const gone = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    clearTimeout(stopTimer);
    clearTimeout(killTimer);
    clearInterval(asking);
  });

  async function finish(): Promise<ToolResult> {
    const { code, signal } = await gone;
    const fault = isKilled
      ? `did not end within ${killAfterMs} ms`
      : `ended with ${signal ?? `exit status ${code}`}`;
    const isCut = GROUP_SIGNALS.includes(signal);
    if (code !== 0 && !isCut)
      throw new Error(`${program} ${fault}${errors === '' ? '' : `: ${errors.trim()}`}`);
    return {
      output: isCut ? undefined : output,
      startedAtMs,
      before: nothingUsed(startedAtMs),
      after: after ?? nothingUsed(performance.now()),
    };
  }

  return {
    result: finish(),
    stop,
    async kill() {
      child.kill('SIGKILL');
      await gone.catch(() => {}); // one that could not be started is gone, too
    },
  };
}

function nothingUsed(atMs: number): ProcessReading {
  return { atMs, cpuUs: 0, loopActiveMs: 0, loopIdleMs: 0, runDelayMs: 0, rssBytes: 0 };
}

/** What the kernel says of all threads of a process; nothing used where there is none any more. */
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
    // it, or one of its threads, has just ended
  }
  reading.runDelayMs = Math.min(reading.runDelayMs, reading.atMs - startedAtMs);
  return reading;
}

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
