// Starts an installed server program on a free port for the duration of a test.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** Debian puts servers where a user's PATH does not lead. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
const MOST_TRIES = 10;

export interface ServerProgram {
  /** Its own folder, empty at first, and gone with it. */
  folder: string;
  ports: readonly number[];
}

export interface ServerProgramOptions {
  program: string;
  portCount: number;
  /** Writes what it needs into its folder. Returns the words after the program's name. */
  configure(server: ServerProgram): Promise<readonly string[]>;
  /** What it says on stderr once it listens on every port. */
  ready: RegExp;
}

function pathOf(program: string): string | undefined {
  return FOLDERS.filter(folder => folder !== '')
    .map(folder => join(folder, program))
    .find(path => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** For the `skip` of a test: only where the program is missing, and never in CI, which installs it. */
export function reasonWithout(program: string): string | false {
  if (pathOf(program) !== undefined || process.env['CI'] !== undefined) return false;
  return `${program} is not installed here: apt-get install --no-install-recommends ${program}`;
}

/** Ports that were free a moment ago; another program may still take one before the caller does. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => new Promise(resolve => server.once('listening', resolve))));
  const ports = servers.map(server => (server.address() as { port: number }).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}

/** Resolves when it listens; undefined when another program has taken one of its ports; fails on any other end. */
function listening(child: ChildProcess, ready: RegExp): Promise<true | undefined> {
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<true | undefined>();
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (/Address already in use/i.test(said)) resolve(undefined);
    else if (ready.test(said)) resolve(true);
  });
  child.once('error', reject);
  child.once('close', () => reject(new Error(`${child.spawnfile} ended before it listened:\n${said}`)));
  return promise;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise(resolve => child.once('close', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Starts it, on other ports as often as it takes. */
export async function startServerProgram(
  t: TestContext,
  { program, portCount, configure, ready }: ServerProgramOptions,
): Promise<ServerProgram> {
  const path = pathOf(program);
  if (path === undefined) throw new Error(`${program} is not installed, which .ci/run should have done`);
  const folder = await mkdtemp(join(tmpdir(), `conntax-${program}-`));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const server = { folder, ports: await freePorts(portCount) };
    const child = spawn(path, await configure(server), { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(() => end(child));
    if (await listening(child, ready)) return server;
    await end(child);
  }
  throw new Error(`${program} found no free port in ${MOST_TRIES} tries`);
}
