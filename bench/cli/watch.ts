// The `watch` command: observes the sockets of a process that is running, and says whether it leaks any.
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import { EXIT, UsageError } from '../../results/errors.ts';
import { MIN_OBSERVED } from '../../results/leak.ts';
import { readProcessState, readSockets, type SocketState } from '../probes/kernel.ts';
import { type Level, Levels } from '../probes/levels.ts';
import type { CommonOptions, Context } from './context.ts';
import type { Output } from './output.ts';

export interface WatchOptions extends CommonOptions {
  pid?: number;
  port?: number;
  forSec: number;
  everyMs: number;
}

const MIB = 2 ** 20;
/** Rows of the live table; the end shows all. */
const LIVE_ROWS = 8;
/** Where there is no terminal to redraw, a line as often. */
const PLAIN_EVERY_MS = 10_000;

/** What it means when the number of sockets in a state grows. States that are over by themselves are not leaks. */
const CAUSES: Partial<Record<SocketState, string>> = {
  ESTABLISHED:
    'connections are opened and neither reused nor closed: a client or agent made for each request, response bodies that are never read, or a pool without a limit',
  CLOSE_WAIT:
    'the other side has closed them and this process has not: response bodies that are never read, or sockets without an owner',
  SYN_SENT:
    'the other side does not answer: a full backlog, a firewall, or a host that is down; no connect timeout ends the wait',
  FIN_WAIT2: 'this process has closed them and the other side has not',
  LAST_ACK: 'the last packet of the other side does not arrive',
};

const CLIENTS_CAUSE =
  'clients open connections and keep them: clients that leak, or no keep-alive timeout at this server to close idle ones';

/** @returns the exit status: 1 if something leaks, 3 if there was too little to tell. @throws UsageError */
export async function watchCommand(options: WatchOptions, context: Context): Promise<number> {
  const { output } = context;
  checkOptions(options);
  const levels = new Levels();
  output.note(
    `Watching ${subjectName(options)}, every ${options.everyMs} ms for ${options.forSec} s. Ctrl-C ends it with a verdict.`,
  );
  const hasEnded = await context.keep(
    () => observe(options, levels, context),
    () => output.note('Interrupted: the verdict is of what was seen.'),
  );
  const read = levels.read();
  if (options.json) {
    const { pid, port } = options;
    const counts = { observations: levels.count, elapsedMs: Math.round(levels.elapsedMs) };
    output.out(JSON.stringify({ pid, port, hasEnded, ...counts, levels: read }, null, 2));
  } else show(read, levels, hasEnded, output);
  if (levels.count < MIN_OBSERVED) return EXIT.cannotMeasure;
  return read.some(isLeak) ? EXIT.failed : EXIT.ok;
}

function checkOptions({ pid, port, forSec, everyMs }: WatchOptions): void {
  if (process.platform !== 'linux') {
    throw new UsageError(`watch reads /proc, which ${process.platform} does not have; expected: Linux`);
  }
  if (pid === undefined && port === undefined) {
    throw new UsageError(
      'nothing to watch; expected: --pid, --port or both, such as conntax watch --pid 4711',
    );
  }
  const expected = Math.floor((forSec * 1_000) / everyMs);
  if (expected < MIN_OBSERVED) {
    throw new UsageError(
      `${forSec} s with an observation every ${everyMs} ms are ${expected} observations; expected: at least ${MIN_OBSERVED}, by a longer --for-sec or a shorter --every-ms`,
    );
  }
  if (pid !== undefined && readProcessState(pid) === undefined) {
    throw new UsageError(
      `--pid ${pid}: no such process; expected: the id of one that is running (pgrep -af node)`,
    );
  }
}

/** `sockets at port 80 of process 1`, or one of the two. */
function subjectName({ pid, port }: WatchOptions): string {
  return [
    ...(port === undefined ? [] : [`sockets at port ${port}`]),
    ...(pid === undefined ? [] : [`process ${pid}`]),
  ].join(' of ');
}

/** @returns whether the process ended */
async function observe(options: WatchOptions, levels: Levels, { output, signal }: Context): Promise<boolean> {
  const { pid, port, forSec, everyMs } = options;
  const live = output.isTty ? createLogUpdate(process.stderr) : undefined;
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + forSec * 1_000;
  let noteAtMs = startedAtMs + PLAIN_EVERY_MS;
  try {
    for (let dueMs = startedAtMs; ; dueMs = Math.max(dueMs + everyMs, performance.now())) {
      await delay(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(() => {});
      const nowMs = performance.now();
      // A busy machine observes less often: a verdict then takes longer.
      if (signal.aborted || (nowMs > endsAtMs && levels.count >= MIN_OBSERVED)) return false;
      const state = pid === undefined ? { sockets: readSockets('self') } : readProcessState(pid);
      if (state === undefined) return true;
      const sockets = state.sockets.filter(
        ({ local, remote }) => port === undefined || local.port === port || remote.port === port,
      );
      levels.add({ ...state, sockets }, nowMs);
      if (live !== undefined) live(liveView(levels, endsAtMs - nowMs, output));
      else if (nowMs >= noteAtMs) {
        noteAtMs += PLAIN_EVERY_MS;
        output.note(plainLine(levels, endsAtMs - nowMs));
      }
    }
  } finally {
    live?.clear();
    live?.done();
  }
}

function amount({ unit }: Pick<Level, 'unit'>, value: number): string {
  return unit === 'bytes' ? `${(value / MIB).toFixed(1)} MiB` : Math.round(value).toLocaleString('en');
}

function rate({ unit }: Pick<Level, 'unit'>, perMinute: number): string {
  const value = unit === 'bytes' ? perMinute / MIB : perMinute;
  return value.toLocaleString('en', { maximumSignificantDigits: 2 });
}

function secondsLeft(leftMs: number): string {
  return `${Math.max(0, Math.ceil(leftMs / 1_000))} s left`;
}

function liveView(levels: Levels, leftMs: number, output: Output): string {
  const rows = levels.read();
  const shown = [
    ...rows.slice(0, LIVE_ROWS),
    ...rows.slice(LIVE_ROWS).filter(({ unit }) => unit !== 'sockets'),
  ];
  const lines = shown.map(level => `${amount(level, level.last).padStart(10)}  ${level.name}${trend(level)}`);
  return [...lines, secondsLeft(leftMs)].map(line => line.slice(0, output.columns - 1)).join('\n');
}

function plainLine(levels: Levels, leftMs: number): string {
  const [most] = levels.read();
  const what = most === undefined ? 'no sockets' : `${most.name}: ${amount(most, most.last)}${trend(most)}`;
  return `  ${what}  ${secondsLeft(leftMs)}`;
}

function trend({ growth, unit }: Level): string {
  return growth.verdict === 'grows' ? `  grows by ${rate({ unit }, growth.perMinute)} a minute` : '';
}

/** Memory that grows may be a cache or a heap that is not collected yet; sockets and descriptors are held by someone. */
function isLeak({ growth, unit, sockets }: Level): boolean {
  if (growth.verdict !== 'grows' || unit === 'bytes') return false;
  return sockets === undefined || causeOf({ sockets }) !== undefined;
}

/** Why it grows, as far as state and direction say; undefined for descriptors and for states that are over by themselves. */
function causeOf({ sockets }: Pick<Level, 'sockets'>): string | undefined {
  if (sockets === undefined) return undefined;
  const isAccepted = sockets.state === 'ESTABLISHED' && sockets.peer.startsWith('from ');
  return isAccepted ? CLIENTS_CAUSE : CAUSES[sockets.state];
}

const VERDICTS = {
  grows: 'grows',
  settled: 'grew, then stopped',
  stable: 'no growth shown',
  tooShort: 'too short to tell',
} as const;

function show(read: readonly Level[], levels: Levels, hasEnded: boolean, output: Output): void {
  if (hasEnded) output.note('The process has ended.');
  const table = new Table({
    head: ['what', 'first', 'last', 'a minute (95 % interval)', 'new, at least', 'verdict'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const level of read) {
    const { growth, seenNew } = level;
    const { verdict, perMinute, leastPerMinute, mostPerMinute } = growth;
    const slope =
      verdict === 'tooShort'
        ? ''
        : `${rate(level, perMinute)} (${rate(level, leastPerMinute)} to ${rate(level, mostPerMinute)})`;
    table.push([
      level.name,
      amount(level, level.first),
      amount(level, level.last),
      slope,
      seenNew === undefined ? '' : seenNew.toLocaleString('en'),
      VERDICTS[verdict],
    ]);
  }
  output.out(table.toString());
  output.out(conclusion(read, levels));
}

/** The sentences below the table. */
function conclusion(read: readonly Level[], levels: Levels): string {
  const seconds = Math.round(levels.elapsedMs / 1_000);
  if (levels.count < MIN_OBSERVED) {
    return `${levels.count} observations in ${seconds} s are too few for a verdict; expected: at least ${MIN_OBSERVED}.`;
  }
  const leaks = read.filter(isLeak).map(level => {
    const cause = causeOf(level);
    const { perMinute, leastPerMinute, mostPerMinute } = level.growth;
    const how = `${level.name}: grows by ${rate(level, perMinute)} a minute (${rate(level, leastPerMinute)} to ${rate(level, mostPerMinute)})`;
    return `LEAK  ${how}${cause === undefined ? '' : `: ${cause}`}.`;
  });
  const remarks = read
    .filter(({ unit, growth }) => unit === 'bytes' && growth.verdict === 'grows')
    .map(
      level =>
        `Memory grows by ${rate(level, level.growth.perMinute)} MiB a minute: a leak, a cache that fills, or a heap that is not collected yet.`,
    );
  if (leaks.length === 0) {
    leaks.push(
      `No number of sockets or descriptors kept growing in ${seconds} s. What grows more slowly than the upper end of the interval, or only at another load, is not seen: watch for longer.`,
    );
  } else leaks.push('It is a leak if the load was steady; a load that rises opens connections, too.');
  return [...leaks, ...remarks].join('\n');
}
