// Starts and supervises a child process: it answers questions, and can neither outlive nor block the parent.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';
import { watchOver } from '../watchdog.ts';

interface EntryFile {
  path: string;
  /** For Node, before the path. */
  nodeOptions: string[];
  env: Record<string, string>;
}

/** This folder, from the root of a checkout or of the compiled package. */
const FOLDER = 'bench/run';
const OWN_EXTENSION = extname(import.meta.url);

/** @param entry path without extension, relative to this folder, such as `./generator-child` */
export function entryFile(entry: string, code?: Code): EntryFile {
  const path = code?.dir == null ? ownFile(entry) : fileIn(code.dir, entry);
  const packages = code?.packages ?? {};
  if (Object.keys(packages).length === 0) return { path, nodeOptions: [], env: {} };
  return {
    path,
    nodeOptions: ['--import', new URL(`replace-packages${OWN_EXTENSION}`, import.meta.url).href],
    env: { CONNTAX_PACKAGES: JSON.stringify(packages) },
  };
}

function ownFile(entry: string): string {
  return fileURLToPath(new URL(`${entry}${OWN_EXTENSION}`, import.meta.url));
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
function fileIn(dir: string, entry: string): string {
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
        ? `${dir} holds a version of conntax whose processes this one cannot start; expected: a checkout with the same protocol version`
        : `no conntax in ${dir}; expected: a checkout after npm ci, or a folder with conntax installed`,
    );
  }
  if (found === candidates[0] && !existsSync(join(dir, 'node_modules'))) {
    throw new UsageError(`${dir} has no node_modules: run npm ci there first`);
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

/** The environment without proxies: requests must go to the target directly. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !PROXY_NAME.test(name) && name.toUpperCase() !== 'NODE_USE_ENV_PROXY',
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
export function requireProtocol(version: number | undefined, title: string): void {
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

export interface SpawnOptions {
  /** Its name in messages. */
  title: string;
  /** Path of the entry without extension, relative to this folder: the sources run as .ts, the package as .js. */
  entry: string;
  /** Code version to run; defaults to this checkout. */
  code?: Code | undefined;
  /** Core to pin it to; null: not pinned. */
  cpu: number | null;
  /** Niceness of all its threads, 0 to 19; default: 0. */
  niceness?: number;
}

interface Message {
  type: string;
}

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
  /** @throws MeasureError when it never loaded a package that its code replaces: the replacement would have no effect */
  requireLoaded(): void;
  /** Kills the process; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Awaits a reply of a child; on failure, kills the child before rethrowing. */
export async function orKill<T>(child: { kill(): Promise<void> }, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    await child.kill();
    throw error;
  }
}

const STDERR_TAIL_CHARS = 4_000;

/** The command line of this node, pinned and niced as requested. Windows has no `nice`. */
function commandOf({ path, nodeOptions }: EntryFile, { cpu, niceness = 0 }: SpawnOptions): string[] {
  return [
    ...(cpu === null ? [] : ['taskset', '-c', String(cpu)]),
    ...(niceness === 0 || process.platform === 'win32' ? [] : ['nice', '-n', String(niceness)]),
    process.execPath,
    ...nodeOptions,
    path,
  ];
}

/** Starts a child with a message channel, pinned by `taskset` when a core is given. */
export function spawnChild<Command extends Message, Reply extends Message>(
  options: SpawnOptions,
): Child<Command, Reply> {
  const { title, entry, code } = options;
  const started = entryFile(entry, code);
  const [file, ...args] = commandOf(started, options);
  const child: ChildProcess = spawn(file!, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...childEnvironment(process.env), ...started.env },
  });
  watchOver(child); // its channel closes with this process, but a child that hangs or is stopped does not notice

  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARS);
  });

  const unloaded = new Set(Object.keys(code?.packages ?? {}));
  let death: ChildError | undefined;
  const waiting = new Set<{ type: string; resolve(reply: Reply): void; reject(error: ChildError): void }>();
  const die = (message: string): void => {
    death ??= new ChildError('died', message, stderr);
    for (const waiter of waiting) waiter.reject(death);
  };
  const gone = new Promise<void>(resolve => {
    child.once('close', (code, signal) => {
      die(`${title} ended unexpectedly (${signal ?? `exit status ${code}`})`);
      resolve();
    });
    child.once('error', error => {
      die(`cannot run ${title}: ${error.message}`);
      if (child.pid === undefined) resolve();
    });
  });
  child.on('message', (reply: Reply & { message?: string; name?: string }) => {
    if (reply.type === 'package-loaded') unloaded.delete(reply.name ?? '');
    for (const waiter of waiting) {
      if (reply.type === 'failed') {
        waiter.reject(new ChildError('failed', `${title}: ${reply.message ?? 'failed'}`, stderr));
      } else if (reply.type === waiter.type) waiter.resolve(reply);
    }
  });

  function send(message: Command): void {
    // The error, if any, also shows as the child's end.
    if (child.connected) child.send(message, () => {});
  }

  async function kill(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await gone;
  }

  return {
    pid: child.pid ?? 0,
    get isAlive() {
      return death === undefined;
    },
    tell: send,
    async ask(command, type, timeoutMs) {
      if (death !== undefined) throw death;
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      const waiter = { type, resolve, reject };
      waiting.add(waiter);
      const timer = setTimeout(() => {
        reject(
          new ChildError('hung', `${title} did not answer "${command.type}" within ${timeoutMs} ms`, stderr),
        );
        void kill();
      }, timeoutMs);
      try {
        send(command);
        return (await promise) as Extract<Reply, { type: typeof type }>;
      } finally {
        clearTimeout(timer);
        waiting.delete(waiter);
      }
    },
    requireLoaded() {
      if (unloaded.size === 0) return;
      const names = [...unloaded].join(', ');
      throw new MeasureError(
        'package-unused',
        `${title} never loaded ${names}, so replacing it has no effect; expected: a package that it loads, a --client that loads this one, or the other --side`,
      );
    },
    kill,
  };
}
