// In: an entry file and a core. Out: a supervised process that is asked questions, and can't outlive us or hang us.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Code } from '../core/code.ts';
import { MeasureError } from '../../results/errors.ts';
import { watchOver } from './watchdog.ts';
import { childEnvironment } from './child-environment.ts';
import { type EntryFile, entryFile } from './code-entry.ts';

/** A child died, was killed or did not answer in time. `reason` says which. */
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
  /** What it is called in messages. */
  title: string;
  /** Path of the entry without extension, relative to this folder: the sources run as .ts, the package as .js. */
  entry: string;
  /** Whose code it runs; ours unless given. */
  code?: Code | undefined;
  /** Core to pin it to; null: not pinned. */
  cpu: number | null;
  /** How far all its threads stand back behind other processes that want their core, 0 to 19; 0 unless given. */
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
   * @throws ChildError when the child dies, says `failed`, or does not reply within timeoutMs (it is then killed).
   */
  ask<Type extends Reply['type']>(
    command: Command,
    type: Type,
    timeoutMs: number,
  ): Promise<Extract<Reply, { type: Type }>>;
  /** @throws MeasureError when it has not loaded a package that its code has in another version: that changes nothing then. */
  requireLoaded(): void;
  /** Ends the process, at once; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What a child was asked for; where that fails, the child is gone before it is told. */
export async function orKill<T>(child: { kill(): Promise<void> }, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    await child.kill();
    throw error;
  }
}

const STDERR_TAIL_CHARS = 4_000;

/** The command of our own node, pinned and standing back as asked. Windows has no `nice`: there it does not. */
function commandOf({ path, nodeOptions }: EntryFile, { cpu, niceness = 0 }: SpawnOptions): string[] {
  return [
    ...(cpu === null ? [] : ['taskset', '-c', String(cpu)]),
    ...(niceness === 0 || process.platform === 'win32' ? [] : ['nice', '-n', String(niceness)]),
    process.execPath,
    ...nodeOptions,
    path,
  ];
}

/** Starts a process of ours, pinned by `taskset` when a core is given, with a channel to it. */
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
  watchOver(child); // its channel closes with this process, but one that hangs or is stopped does not see that

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
      die(`${title} could not be run: ${error.message}`);
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
        `${title} has not loaded ${names}: another version of it changes nothing there. Name a package that it loads, an --arm that loads this one, or the other --side`,
      );
    },
    kill,
  };
}
