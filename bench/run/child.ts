// Starts and supervises a child process: it answers questions, and can neither outlive nor block the parent.
import { spawn } from 'node:child_process';
import { addAbortListener } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';
import { readSlowness } from '../probes/host.ts';
import { watchOver } from '../watchdog.ts';

/** While it lasts, everything has its own deadlines; afterwards, all that is still to be answered shares one. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #endingMs: number;
  #endsAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param limitMs when measuring ends
   * @param endingMs how long ending may take after that
   */
  constructor(limitMs: number, endingMs: number) {
    this.#endingMs = endingMs;
    this.restart(limitMs);
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Until measuring ends. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  /** A new time, unless the last one is over. */
  restart(limitMs: number): void {
    if (this.isOver) return;
    clearTimeout(this.#timer);
    this.#endsAtMs = performance.now() + limitMs;
    this.#timer = setTimeout(() => this.#controller.abort(), limitMs);
  }

  /** The deadline of an answer that would otherwise have this one. */
  deadlineMs(timeoutMs: number): number {
    if (!this.isOver) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, this.#endsAtMs + this.#endingMs - performance.now()));
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

interface EntryFile {
  path: string;
  /** The Node that runs it. */
  node: string;
  /** For Node, before the path. */
  nodeOptions: string[];
  env: Record<string, string>;
}

/** This folder, from the root of a checkout or of the compiled package. */
const FOLDER = 'bench/run';
const OWN_EXTENSION = extname(import.meta.url);

/** @param entry path without extension, relative to this folder, such as `./generator-child` */
export function entryFile(entry: string, code?: Code): EntryFile {
  const ownFile = (name: string): URL => new URL(`${name}${OWN_EXTENSION}`, import.meta.url);
  const path = code?.dir == null ? fileURLToPath(ownFile(entry)) : fileIn(code.dir, code.label, entry);
  const { packages = {}, node = process.execPath } = code ?? {};
  if (Object.keys(packages).length === 0) return { path, node, nodeOptions: [], env: {} };
  return {
    path,
    node,
    nodeOptions: ['--import', ownFile('replace-packages').href],
    env: { CONNTAX_PACKAGES: JSON.stringify(packages) },
  };
}

/** The name in a folder's package.json; undefined where there is none. */
function packageName(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name;
  } catch {
    return undefined;
  }
}

/** @throws UsageError when the folder has no conntax, or none that can run */
function fileIn(dir: string, label: string, entry: string): string {
  const candidates = [
    join(dir, FOLDER, `${entry}.ts`),
    join(dir, 'dist', FOLDER, `${entry}.js`),
    join(dir, 'node_modules', 'conntax', 'dist', FOLDER, `${entry}.js`),
  ];
  const found = candidates.find(existsSync);
  if (found === undefined) {
    const isOther = [dir, join(dir, 'node_modules', 'conntax')].some(
      folder => packageName(folder) === 'conntax',
    );
    throw new UsageError(
      isOther
        ? `${label} holds a version of conntax whose processes this one cannot start; expected: a checkout with the same protocol version`
        : `no conntax in ${label}; expected: a checkout after npm ci, or a folder with conntax installed; two versions of a server of your own are compared with --start 'npm start'`,
    );
  }
  if (found === candidates[0] && !existsSync(join(dir, 'node_modules'))) {
    throw new UsageError(`${label} has no node_modules: run npm ci there first`);
  }
  return found;
}

/**
 * Proxy variables such as HTTP_PROXY, https_proxy, ALL_PROXY, NO_PROXY, npm_config_https_proxy, npm_config_noproxy,
 * GLOBAL_AGENT_HTTP_PROXY and NODE_USE_ENV_PROXY: of Node, client libraries, load tools and npm.
 */
const PROXY_NAME =
  /^(?:(?:npm_(?:package_)?config|global_agent|npm|yarn)_)?(?:(?:https?|all|ftp|wss?|socks[45]?|no)_?)?proxy$/i;
const NODE_SWITCH = /(^|\s)--(?:no-)?use-env-proxy(?=\s|$)/g;

/**
 * Where Node keeps compiled code by default. It more than halves the CPU time of a child's start, of which a run
 * has dozens.
 */
const COMPILE_CACHE = join(tmpdir(), 'node-compile-cache');

/** Node's switch that ends the verification of certificates: only a scenario may say so (`target.insecure`). */
const TRUST_SWITCH = 'NODE_TLS_REJECT_UNAUTHORIZED';

/** The environment without proxies, because requests must go to the target directly, and without switches of TLS. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !PROXY_NAME.test(name) && !['NODE_USE_ENV_PROXY', TRUST_SWITCH].includes(name.toUpperCase()),
  );
  const cleaned = Object.fromEntries(kept);
  const { NODE_OPTIONS: nodeOptions } = cleaned;
  return nodeOptions === undefined
    ? cleaned
    : { ...cleaned, NODE_OPTIONS: nodeOptions.replaceAll(NODE_SWITCH, '$1').trim() };
}

/**
 * Refuses code that speaks another version of the messages between processes.
 * @param version as reported by the child; older code reports none
 * @throws UsageError when it differs from this version
 */
function requireProtocol(version: number | undefined, title: string): void {
  if (version === PROTOCOL_VERSION) return;
  throw new UsageError(
    `${title} runs another version of conntax, with protocol version ${version ?? 1} instead of ${PROTOCOL_VERSION}; expected: checkouts with the same protocol version, compared by one of them`,
  );
}

/** A child died, was killed or did not answer in time, according to `reason`. */
export class ChildError extends Error {
  override readonly name = 'ChildError';
  readonly reason: 'died' | 'hung' | 'failed';
  /** The last lines that the child wrote to its standard error. */
  readonly stderr: string;
  constructor(reason: ChildError['reason'], message: string, stderr: string) {
    super(message);
    this.reason = reason;
    this.stderr = stderr;
  }
}

/** Where a program runs, with all processes that it starts. */
export interface Placement {
  /** Command that starts it, before its own: where limits of the machine are lower; default: none. */
  prefix?: readonly string[] | undefined;
  /** Core to pin it to; null, which is the default: not pinned. */
  cpu?: number | null;
  /** Niceness of all its threads, 0 to 19; default: 0. */
  niceness?: number;
}

/** What stands before its command. Windows has no `nice`. */
export function placed({ prefix = [], cpu = null, niceness = 0 }: Placement): string[] {
  return [
    ...prefix,
    ...(cpu === null ? [] : ['taskset', '-c', String(cpu)]),
    ...(niceness === 0 || process.platform === 'win32' ? [] : ['nice', '-n', String(niceness)]),
  ];
}

export interface SpawnOptions extends Placement {
  /** Its name in messages. */
  title: string;
  /** Path of the entry without extension, relative to this folder: the sources run as .ts, the package as .js. */
  entry: string;
  /** Code version to run; defaults to this checkout. */
  code?: Code | undefined;
  /** Variables beside those of this process. */
  env?: Readonly<Record<string, string>>;
  /** When it is over, what is still to be answered has to be answered soon. */
  limit?: TimeLimit | undefined;
}

interface Message {
  type: string;
}

/** What the parent hears of a process, wherever it runs. */
export interface ProcessEvents<Reply> {
  said(reply: Reply): void;
  /** To its standard error. */
  wrote(text: string): void;
  /** It ended, or could not be run; the message names it. */
  died(message: string): void;
  /** Nothing of it is left. */
  gone(): void;
}

/** A process that was started, and how to reach it. */
export interface RunningProcess<Command> {
  /** On the machine where it runs; 0 before that is known. */
  readonly pid: number;
  send(command: Command): void;
  /** Ends it at once, unless it has ended. */
  kill(): void;
}

type StartProcess<Command, Reply> = (events: ProcessEvents<Reply>) => RunningProcess<Command>;

export interface Child<Command extends Message, Reply extends Message> {
  readonly pid: number;
  readonly isAlive: boolean;
  tell(command: Command): void;
  /**
   * Sends a command and waits for a reply of the given type.
   * @throws ChildError when the child dies, replies `failed`, or does not reply within timeoutMs (it is then killed)
   */
  ask<Type extends Reply['type']>(
    command: Command,
    type: Type,
    timeoutMs: number,
  ): Promise<Extract<Reply, { type: Type }>>;
  /**
   * Sends the first command and waits for the reply that says the child is ready. Whatever fails, the child is killed.
   * @throws ChildError like ask; UsageError when the child's code has another protocol version
   */
  start<Type extends ReadyType<Reply>>(command: Command, type: Type): Promise<Extract<Reply, { type: Type }>>;
  /** @throws MeasureError when it never loaded a package that its code replaces: the replacement would have no effect */
  requireLoaded(): void;
  /** Kills the process; resolves when it is gone. */
  kill(): Promise<void>;
}

/** The types of replies that carry the version of the messages. */
type ReadyType<Reply extends Message> = Extract<Reply, { protocol: number }>['type'];

/** Importing the libraries and making a certificate takes well under a second on an idle core. */
const IDLE_START_TIMEOUT_MS = 20_000;
const STDERR_TAIL_CHARS = 4_000;

/**
 * The deadline of something that a process has to do, longer the busier the machine is.
 * @param idleMs the deadline on an idle machine
 * @param slowness how many times as long processes take here as there
 */
export function patienceMs(idleMs: number, slowness = readSlowness()): number {
  return Math.round(idleMs * slowness);
}

/**
 * Starts a process of conntax with a message channel, pinned by `taskset` when a core is given. Every process that runs
 * conntax's own code is started here; programs of others (load tools, nginx, npm) have no channel and are started where they
 * are used.
 */
export function spawnChild<Command extends Message, Reply extends Message>(
  options: SpawnOptions,
): Child<Command, Reply> {
  return superviseProcess<Command, Reply>(options, events => startProcess(options, events));
}

/** Deadlines, answers and deaths of a process that `start` starts, on this machine or another. */
export function superviseProcess<Command extends Message, Reply extends Message>(
  options: Pick<SpawnOptions, 'title' | 'limit' | 'code'>,
  start: StartProcess<Command, Reply>,
): Child<Command, Reply> {
  return new SupervisedChild<Command, Reply>(options, start);
}

/** Starts a process on this machine. */
export function startProcess<Command extends Message, Reply>(
  options: SpawnOptions,
  events: ProcessEvents<Reply>,
): RunningProcess<Command> {
  const { node, nodeOptions, path, env } = entryFile(options.entry, options.code);
  const [file, ...args] = [...placed(options), node, ...nodeOptions, path];
  const child = spawn(file!, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...childEnvironment(process.env),
      ...env,
      ...options.env,
    },
  });
  watchOver(child); // its channel closes with this process, but a child that hangs or is stopped does not notice
  child.stderr?.setEncoding('utf8').on('data', (text: string) => events.wrote(text));
  child.on('message', (reply: Reply) => events.said(reply));
  child.once('close', (code, signal) => {
    events.died(`${options.title} ended unexpectedly (${signal ?? `exit status ${code}`})`);
    events.gone();
  });
  child.once('error', error => {
    events.died(`cannot run ${options.title}: ${error.message}`);
    if (child.pid === undefined) events.gone();
  });
  return {
    pid: child.pid ?? 0,
    send(command) {
      // The error, if any, also shows as the child's end.
      if (child.connected) child.send(command, () => {});
    },
    kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    },
  };
}

interface Waiter<Reply> {
  type: string;
  resolve(reply: Reply): void;
  reject(error: ChildError): void;
}

class SupervisedChild<Command extends Message, Reply extends Message> implements Child<Command, Reply> {
  readonly #title: string;
  readonly #process: RunningProcess<Command>;
  readonly #gone: Promise<void>;
  readonly #waiting = new Set<Waiter<Reply>>();
  /** Packages that its code replaces and that it has not loaded yet. */
  readonly #unloaded: Set<string>;
  readonly #limit: TimeLimit | undefined;
  #stderr = '';
  #death: ChildError | undefined;

  constructor(
    { title, limit, code }: Pick<SpawnOptions, 'title' | 'limit' | 'code'>,
    start: StartProcess<Command, Reply>,
  ) {
    this.#title = title;
    this.#limit = limit;
    this.#unloaded = new Set(Object.keys(code?.packages ?? {}));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = promise;
    this.#process = start({
      said: reply => this.#receive(reply),
      wrote: text => {
        this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARS);
      },
      died: message => this.#die(message),
      gone: resolve,
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get isAlive(): boolean {
    return this.#death === undefined;
  }

  tell(command: Command): void {
    this.#process.send(command);
  }

  async ask<Type extends Reply['type']>(
    command: Command,
    type: Type,
    timeoutMs: number,
  ): Promise<Extract<Reply, { type: Type }>> {
    if (this.#death !== undefined) throw this.#death;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const waiter = { type, resolve, reject };
    this.#waiting.add(waiter);
    const limit = this.#limit;
    const startedAtMs = performance.now();
    // Where this process itself stood still, the answer may have come meanwhile: it is read first.
    const giveUp = (): void => void setImmediate(() => this.#waiting.has(waiter) && end());
    const end = (): void => {
      const when = limit?.isOver
        ? `within ${Math.round(performance.now() - startedAtMs)} ms, when the announced time of the run was over`
        : `within ${timeoutMs} ms`;
      reject(this.#error('hung', `${this.#title} did not answer "${command.type}" ${when}`));
      void this.kill();
    };
    let timer = setTimeout(giveUp, limit?.deadlineMs(timeoutMs) ?? timeoutMs);
    const hurry = (): void => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, limit!.deadlineMs(timeoutMs - (performance.now() - startedAtMs)));
    };
    using _ = limit && addAbortListener(limit.signal, hurry);
    try {
      this.tell(command);
      return (await promise) as Extract<Reply, { type: Type }>;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiter);
    }
  }

  async start<Type extends ReadyType<Reply>>(
    command: Command,
    type: Type,
  ): Promise<Extract<Reply, { type: Type }>> {
    try {
      const reply = await this.ask(command, type, patienceMs(IDLE_START_TIMEOUT_MS));
      requireProtocol((reply as { protocol?: number }).protocol, this.#title);
      return reply;
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  requireLoaded(): void {
    if (this.#unloaded.size === 0) return;
    const names = [...this.#unloaded].join(', ');
    throw new MeasureError(
      'package-unused',
      `${this.#title} never loaded ${names}, so replacing it has no effect; expected: a package that it loads, a --client that loads this one, or the other --side`,
    );
  }

  async kill(): Promise<void> {
    this.#process.kill();
    await this.#gone;
  }

  #receive(reply: Reply & { message?: string; name?: string }): void {
    if (reply.type === 'package-loaded') this.#unloaded.delete(reply.name ?? '');
    for (const waiter of this.#waiting) {
      if (reply.type === 'failed') {
        waiter.reject(this.#error('failed', `${this.#title}: ${reply.message ?? 'failed'}`));
      } else if (reply.type === waiter.type) waiter.resolve(reply);
    }
  }

  #die(message: string): void {
    this.#death ??= this.#error('died', message);
    for (const waiter of this.#waiting) waiter.reject(this.#death);
  }

  #error(reason: ChildError['reason'], message: string): ChildError {
    return new ChildError(reason, message, this.#stderr);
  }
}
