// Starts an installed server program, such as nginx or lighttpd, for the duration of a test.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** Debian puts servers where a user's PATH does not lead. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
const MAX_TRIES = 10;

interface ServerProgram {
  /** Its own folder, empty at first, and gone with it. */
  folder: string;
  ports: readonly number[];
}

interface ServerProgramOptions {
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
async function startServerProgram(
  t: TestContext,
  { program, portCount, configure, ready }: ServerProgramOptions,
): Promise<ServerProgram> {
  const path = pathOf(program);
  if (path === undefined) throw new Error(`${program} is not installed, which .ci/run should have done`);
  const folder = await mkdtemp(join(tmpdir(), `conntax-${program}-`));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const server = { folder, ports: await freePorts(portCount) };
    const child = spawn(path, await configure(server), { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(() => end(child));
    if (await listening(child, ready)) return server;
    await end(child);
  }
  throw new Error(`${program} found no free port in ${MAX_TRIES} tries`);
}

export interface NginxOptions {
  /** Directives by path. */
  locations: Readonly<Record<string, readonly string[]>>;
  /** Other directives of the http block, such as an upstream. */
  http?: readonly string[];
  certificate?: { certPem: string; keyPem: string };
}

export interface Nginx {
  port: number;
  /** Of the same paths over TLS, where there is a certificate. */
  tlsPort: number;
}

/** Keeps to its folder, runs as the current user, and is a single process, so that ending it ends everything. */
function configuration(options: NginxOptions, folder: string, [port, tlsPort]: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const tls = [
    `listen 127.0.0.1:${tlsPort} ssl backlog=4096;`,
    `ssl_certificate ${folder}/cert.pem;`,
    `ssl_certificate_key ${folder}/key.pem;`,
  ];
  return [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr notice;',
    'events { worker_connections 4096; }',
    'http {',
    'access_log off;',
    ...temporary.map(name => `${name}_temp_path ${folder}/${name};`),
    ...(options.http ?? []),
    'server {',
    `listen 127.0.0.1:${port} backlog=4096;`,
    ...(options.certificate === undefined ? [] : tls),
    ...Object.entries(options.locations).map(
      ([path, directives]) => `location = ${path} { ${directives.join(' ')} }`,
    ),
    '}',
    '}',
    '',
  ].join('\n');
}

export async function startNginx(t: TestContext, options: NginxOptions): Promise<Nginx> {
  const { ports } = await startServerProgram(t, {
    program: 'nginx',
    portCount: 2,
    ready: /\[notice\].* nginx\/\d/,
    async configure({ folder, ports }) {
      const { certificate } = options;
      if (certificate !== undefined) {
        await writeFile(join(folder, 'cert.pem'), certificate.certPem);
        await writeFile(join(folder, 'key.pem'), certificate.keyPem);
      }
      const file = join(folder, 'nginx.conf');
      await writeFile(file, configuration(options, folder, ports));
      return ['-p', folder, '-e', 'stderr', '-c', file];
    },
  });
  return { port: ports[0]!, tlsPort: ports[1]! };
}

/** Serves `/file.txt` of 1 KiB; `settings` are lines of its configuration. Returns its port. */
export async function startLighttpd(t: TestContext, settings: readonly string[]): Promise<number> {
  const { ports } = await startServerProgram(t, {
    program: 'lighttpd',
    portCount: 1,
    ready: /server started/,
    async configure({ folder, ports }) {
      const file = join(folder, 'lighttpd.conf');
      const lines = [
        `server.document-root = "${folder}"`,
        'server.bind = "127.0.0.1"',
        `server.port = ${ports[0]}`,
        'server.listen-backlog = 1024',
        'mimetype.assign = ( ".txt" => "text/plain" )',
        ...settings,
      ];
      await writeFile(join(folder, 'file.txt'), 'x'.repeat(1024));
      await writeFile(file, `${lines.join('\n')}\n`);
      return ['-D', '-f', file];
    },
  });
  return ports[0]!;
}
