// Starts a server of the user's own by its command, waits until it answers, and reads it as a target; and starts each one of a plan once
// before the run.
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { errorMessage, MeasureError } from '../../results/errors.ts';
import { hostOf } from '../../scenarios/model/facts.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { prepareRequests, redact, secretsOf } from '../clients/request.ts';
import type { Plan, PlannedCell } from '../plan/plan.ts';
import { ChildError, type Placement } from './child.ts';
import { CommandGroup } from './command-group.ts';
import { type FoundTarget, findServers, runsUserModules } from './find-servers.ts';
import { type MeasuredTarget, readByKernel } from './targets.ts';

const DEFAULT_PORT_ENV = 'PORT';
const DEFAULT_READY_TIMEOUT_MS = 30_000;
/** Servers close databases, write files, and drain connections. */
const END_GRACE_MS = 3_000;
const PAUSE_MS = 25;
/** A question that was accepted before the server could answer may never be answered. */
const QUESTION_TIMEOUT_MS = 5_000;
/** A program that listens on `localhost` may have either. */
const ADDRESSES = ['127.0.0.1', '::1'] as const;
const FIRST_BAD_STATUS = 400;

interface StartOptions extends Placement {
  /** The checkout that it runs in; default: the folder that the scenario names. */
  code?: Code | undefined;
  /** What its output must not show in an error. */
  secrets: readonly string[];
  /** Ends the wait for the server. */
  signal: AbortSignal;
}

/** A scenario's target that has a command. */
export type CommandTarget = Target & { command: string };

export function hasCommand(target: Target): target is CommandTarget {
  return target.command !== undefined;
}

/** The folder in which the command of a target runs: its own, or the same one of a checkout. */
function commandFolder({ cwd = '.' }: Pick<Target, 'cwd'>, code?: Code): string {
  return code?.dir == null ? resolve(cwd) : resolve(code.dir, cwd);
}

/**
 * Starts the command of a target.
 * @throws ChildError with the end of its output when it ends, prints no port or is not ready in time; UsageError when it cannot be run
 */
export async function startServer(
  target: CommandTarget,
  { code, secrets, signal, ...placement }: StartOptions,
): Promise<MeasuredTarget> {
  const { portEnv = DEFAULT_PORT_ENV, portFrom = 'env', command } = target;
  const chosenPort = portFrom === 'env' ? await freePort() : 0;
  const group = await CommandGroup.start({
    command,
    cwd: commandFolder(target, code),
    env: { ...process.env, ...target.env, [portEnv]: String(chosenPort) },
    ...placement,
  });
  const server = new StartedServer(target, group, secrets);
  try {
    const { origin, port } = await server.waitUntilReady(chosenPort, signal);
    // The processes of a container are not children of the command: what the command uses says nothing then.
    const isOwner = group.ownsPort(port);
    return {
      endpoint: { origin, path: '/' },
      isLoopback: true,
      get isAlive() {
        return group.end === undefined;
      },
      read: async () => {
        if (group.end !== undefined) throw server.error('died', `ended unexpectedly (${group.end})`);
        return { ...readByKernel(true), usage: isOwner ? group.read() : null };
      },
      kill: () => group.kill(END_GRACE_MS),
    };
  } catch (error) {
    await group.kill(END_GRACE_MS);
    throw error;
  }
}

/** A port that nothing listens on now; another process may take it in between, and then a start on it fails. */
export async function freePort(): Promise<number> {
  await using server = createServer().listen(0);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Place {
  origin: string;
  port: number;
}

type Answer = { isReady: true; origin: string } | { isReady: false; why: string };

class StartedServer {
  readonly #target: CommandTarget;
  readonly #group: CommandGroup;
  readonly #secrets: readonly string[];

  constructor(target: CommandTarget, group: CommandGroup, secrets: readonly string[]) {
    this.#target = target;
    this.#group = group;
    this.#secrets = secrets;
  }

  /** `what` follows the name of the server. */
  error(reason: ChildError['reason'], what: string): ChildError {
    const tail = redact(this.#group.tail(), this.#secrets);
    return new ChildError(reason, `the server of \`${this.#target.command}\` ${what}`, tail);
  }

  /**
   * @param chosenPort 0: it is read from the output
   * @returns where the server answers
   */
  async waitUntilReady(chosenPort: number, signal: AbortSignal): Promise<Place> {
    const { readyTimeoutMs = DEFAULT_READY_TIMEOUT_MS, ready = '/' } = this.#target;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(readyTimeoutMs)]);
    let why: string | undefined;
    while (!deadline.aborted) {
      if (this.#group.end !== undefined) throw this.#endedEarly(this.#group.end);
      for (const port of chosenPort === 0 ? this.#printedPorts() : [chosenPort]) {
        const answer = await this.#ask(port, ready, deadline);
        if (answer.isReady) return { origin: answer.origin, port };
        if (why === undefined || !deadline.aborted) why = `${answer.why} (port ${port})`;
      }
      await delay(PAUSE_MS, undefined, { signal: deadline }).catch(() => {});
    }
    if (signal.aborted) throw this.error('failed', 'was not waited for: interrupted');
    const seconds = `${readyTimeoutMs / 1_000} s`;
    throw why === undefined
      ? this.error(
          'failed',
          `printed no port that it listens on within ${seconds}; expected: a line such as http://127.0.0.1:3000 or port 3000 on its output, or portFrom: 'env'`,
        )
      : this.error('failed', `was not ready within ${seconds}: ${why}; expected: ${this.#expected(ready)}`);
  }

  /** A server may also print the ports of others: its own are those that it listens on. */
  #printedPorts(): number[] {
    return portsInOutput(this.#group.head()).filter(port => this.#group.ownsPort(port));
  }

  #endedEarly(end: string): ChildError {
    return this.error(
      'died',
      `ended (${end}) before it answered; expected: a command that keeps running in the foreground, and ${this.#listening()}`,
    );
  }

  #listening(): string {
    const { portFrom, portEnv = DEFAULT_PORT_ENV } = this.#target;
    return portFrom === 'output'
      ? 'prints the port that it listens on'
      : `listens on the port in the environment variable ${portEnv}`;
  }

  #expected(ready: string): string {
    return this.#target.ready === undefined
      ? `a server that ${this.#listening()}, and answers ${ready}`
      : `a server that ${this.#listening()}, and answers ${ready} with a status below ${FIRST_BAD_STATUS}`;
  }

  /** Asks at both addresses of this machine: another program may listen on the other one, so the first good answer counts. */
  async #ask(port: number, path: string, signal: AbortSignal): Promise<Answer> {
    const reasons = new Set<string>();
    for (const host of ADDRESSES) {
      try {
        const status = await statusOf({ host, port, path }, signal);
        if (this.#target.ready === undefined || status < FIRST_BAD_STATUS) {
          const name = host.includes(':') ? `[${host}]` : host;
          return { isReady: true, origin: `http://${name}:${port}` };
        }
        reasons.add(`${path} answered with status ${status}`);
      } catch (error) {
        reasons.add(errorMessage(error));
      }
    }
    return { isReady: false, why: [...reasons].join('; ') };
  }
}

/** The status of one GET; its body is not read. */
function statusOf(place: { host: string; port: number; path: string }, signal: AbortSignal): Promise<number> {
  const { promise, resolve: done, reject } = Promise.withResolvers<number>();
  const request = http.get({ ...place, agent: false, signal, timeout: QUESTION_TIMEOUT_MS }, response => {
    done(response.statusCode ?? 0);
    request.destroy();
  });
  request.once('timeout', () => request.destroy(new Error('no answer')));
  request.once('error', reject);
  return promise;
}

/** The end of a number that is not part of a time, a version or a longer word. */
const END = String.raw`(?![\w:]|\.\d)`;

/**
 * What servers print: an address with a port (`http://localhost:3000`, `127.0.0.1:3000`, `[::]:3000`, `*:3000`, ` :3000`), or the
 * word port and a number (`port 3000`, `port: 3000`, `"port":3000`).
 */
const PORT = new RegExp(
  [
    String.raw`https?:\/\/(?:\[[0-9a-f:.]+\]|[^\s/:"'[\]]+):(\d{2,5})${END}`,
    String.raw`(?:\blocalhost|\b\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]*\]):(\d{2,5})${END}`,
    String.raw`(?<=^|[\s(])\*?:(\d{2,5})${END}`,
    String.raw`\bports?(?:\(s\))?["']?\s*(?:[:=]|is|number)?\s*["']?(\d{2,5})${END}`,
  ].join('|'),
  'gim',
);

const HIGHEST_PORT = 65_535;

/** The ports in the output, in order, colours ignored; a server may also print those of others, such as its database. */
export function portsInOutput(output: string): number[] {
  // The last line may not be complete, and half a number is another port.
  const lines = stripVTControlCharacters(output.slice(0, output.lastIndexOf('\n') + 1));
  const ports = [...lines.matchAll(PORT)].map(([, ...groups]) =>
    Number(groups.find(group => group !== undefined)),
  );
  return [...new Set(ports)].filter(port => port > 0 && port <= HIGHEST_PORT);
}

interface RehearseOptions {
  /** Core to pin the servers to; null: not pinned. */
  cpu: number | null;
  signal: AbortSignal;
  /** Called before a command is started. */
  onStart: (command: string, folder: string) => void;
}

/**
 * Starts each server of the plan that has a command, sends it one request, and ends it.
 * @returns the servers by cell, in the order of the cell's targets
 * @throws MeasureError when one does not start, or cannot be measured; UsageError when it cannot be run; the reason of the signal
 */
export async function rehearseServers(
  { cells }: Plan,
  options: RehearseOptions,
): Promise<Map<string, FoundTarget[]>> {
  const found = new Map<string, FoundTarget[]>();
  const seen = new Map<string, FoundTarget>();
  for (const cell of cells) {
    const { target, request, requests } = cell.scenario;
    if (!hasCommand(target)) continue;
    const servers: FoundTarget[] = [];
    for (const { code } of cell.targets) {
      const key = JSON.stringify([target, request, requests, code]);
      const server = seen.get(key) ?? (await rehearse(cell, target, code, options));
      seen.set(key, server);
      servers.push(server);
    }
    found.set(cell.id, servers);
  }
  return found;
}

async function rehearse(
  { id, scenario }: PlannedCell,
  stated: CommandTarget,
  code: PlannedCell['targets'][number]['code'],
  { cpu, signal, onStart }: RehearseOptions,
): Promise<FoundTarget> {
  const requests = prepareRequests(scenario, '/', process.env);
  onStart(stated.command, commandFolder(stated, code));
  try {
    const server = await startServer(stated, { code, cpu, secrets: secretsOf(requests), signal });
    try {
      const { origin } = server.endpoint;
      const hasUserModules = runsUserModules(scenario.clients);
      const located = { url: new URL('/', origin).href, reach: {}, addresses: [hostOf(origin)], requests };
      const target = { servers: [located], cells: [{ id, target: stated, hasUserModules }] };
      return (await findServers([target], signal)).get(id)!;
    } finally {
      await server.kill();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ChildError)) throw error;
    const place = code === undefined ? '' : ` (${code.label})`;
    const output = error.stderr === '' ? 'It printed nothing.' : `Its output ends with:\n${error.stderr}`;
    throw new MeasureError('target-start', `${error.message}${place}. ${output}`, { cause: error });
  }
}
