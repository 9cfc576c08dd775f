// What `conntax settings` prints is run or compiled: against a server that counts connections, where the tool is installed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { AxiosInstance } from 'axios';
import type { Got } from 'got';
import { type Dispatcher, request } from 'undici';
import { settingsCode } from '../../report/settings/code.ts';
import type { WriterName } from '../../report/settings/libraries/index.ts';
import { Client } from '../../scenarios/model/client.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** No proxy may come between. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));

/** Requests that are sent at once, and how often. */
const USERS = 6;
const BURSTS = 2;
const POOL = 3;

const CLIENTS = {
  // With a limit, two bursts need no more connections than it allows.
  persistent: {
    client: Client.parse({
      pool: { maxConnections: POOL },
      timeouts: { connectMs: 5_000, headersMs: 5_000 },
    }),
    connections: POOL,
  },
  short: {
    client: Client.parse({ requestsPerConnection: 1, pool: { maxConnections: POOL } }),
    connections: USERS * BURSTS,
  },
} as const;

/** A client with every setting that some library of another language has. */
const EVERYTHING = Client.parse({
  protocol: 'h2',
  pool: {
    maxConnections: 30,
    maxTotalConnections: 40,
    maxIdleConnections: 20,
    idleTimeoutMs: 4_500,
    maxLifetimeMs: 60_000,
    scheduling: 'fifo',
    tcpKeepAliveMs: 10_000,
    tlsSessions: 'library',
  },
  timeouts: { connectMs: 1_500, headersMs: 2_000, bodyMs: 3_000, totalMs: 5_000 },
});

async function openFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conntax-settings-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Answers after a moment, so that requests overlap, and counts what it accepts. */
async function openServer(t: TestContext): Promise<{ url: string; counts: { connections: number } }> {
  const counts = { connections: 0 };
  const server = http.createServer((_, response) => void setTimeout(() => response.end('ok'), 20));
  server.on('connection', () => {
    counts.connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, counts };
}

/** Writes the code beside the project's packages, and imports it. */
async function importCode(
  t: TestContext,
  name: WriterName,
  client: Client,
): Promise<Record<string, unknown>> {
  const folder = await openFolder(t);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'client.mjs');
  writeFileSync(file, settingsCode(client, name, []).text);
  return import(pathToFileURL(file).href);
}

type RequestOptions = () => object;

const SENDERS: Partial<
  Record<WriterName, (exports: Record<string, unknown>, url: string) => Promise<unknown>>
> = {
  undici: async ({ requestOptions }, url) => {
    const { body } = await request(url, (requestOptions as RequestOptions)());
    return body.text();
  },
  'node-http': async ({ httpAgent, requestOptions }, url) => {
    const options = (requestOptions as RequestOptions | undefined)?.() ?? {};
    const [response] = (await once(
      http.get(url, { agent: httpAgent as http.Agent, ...options }),
      'response',
    )) as [IncomingMessage];
    return text(response);
  },
  axios: async ({ client }, url) => (client as AxiosInstance).get(url),
  got: async ({ client }, url) => (client as Got)(url).text(),
};

for (const [name, send] of Object.entries(SENDERS)) {
  for (const [kind, { client, connections }] of Object.entries(CLIENTS)) {
    test(`${name}, ${kind}: ${USERS * BURSTS} requests over ${connections} connections`, async t => {
      const { url, counts } = await openServer(t);
      const exports = await importCode(t, name as WriterName, client);
      t.after(() => {
        (exports['httpAgent'] as http.Agent | undefined)?.destroy();
        return (exports['dispatcher'] as Dispatcher | undefined)?.destroy();
      });
      for (let burst = 0; burst < BURSTS; burst += 1)
        await Promise.all(Array.from({ length: USERS }, () => send(exports, url)));
      assert.equal(counts.connections, connections);
    });
  }
}

test('undici, round-robin: a pool of the right kind, within its limit', async t => {
  const { url, counts } = await openServer(t);
  const client = Client.parse({ pool: { maxConnections: POOL, scheduling: 'round-robin' } });
  const exports = await importCode(t, 'undici', client);
  t.after(() => (exports['dispatcher'] as Dispatcher).destroy());
  await Promise.all(Array.from({ length: USERS }, () => SENDERS.undici!(exports, url)));
  assert.equal(counts.connections, POOL);
});

/** Whether a command ends well. */
function works(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args, { env }).then(
    () => true,
    () => false,
  );
}

/** Skips a test with the reason, unless the command works. */
async function needs(t: TestContext, reason: string, command: string, ...args: string[]): Promise<boolean> {
  const isThere = await works(command, ...args);
  if (!isThere) t.skip(reason);
  return isThere;
}

const PYTHON: Partial<Record<WriterName, { module: string; client: string }>> = {
  'python-requests': { module: 'requests', client: 'session' },
  httpx: { module: 'httpx', client: 'client' },
};

/** What the program below ends with where its library is missing. */
const NO_MODULE = 77;

/** Compiles the first file; sends bursts by the client of each other one, to the URL beside it. */
const PYTHON_PROGRAM = ({ module, client }: { module: string; client: string }): string => `
import sys
from concurrent.futures import ThreadPoolExecutor
try:
    import ${module}
except ImportError:
    sys.exit(${NO_MODULE})
everything, *pairs = sys.argv[1:]
compile(open(everything).read(), everything, "exec")
for file, url in zip(pairs[::2], pairs[1::2]):
    names = {}
    exec(open(file).read(), names)
    with ThreadPoolExecutor(${USERS}) as pool:
        for burst in range(${BURSTS}):
            for response in pool.map(names["${client}"].get, [url] * ${USERS}):
                assert response.text == "ok"
`;

for (const [name, library] of Object.entries(PYTHON)) {
  test(`${name}: every setting compiles, and clients keep to their limits`, async t => {
    if (!(await needs(t, 'python3 is not installed', 'python3', '--version'))) return;
    const folder = await openFolder(t);
    const write = (file: string, client: Client): string => {
      writeFileSync(join(folder, file), settingsCode(client, name as WriterName, []).text);
      return join(folder, file);
    };
    const servers = await Promise.all(Object.keys(CLIENTS).map(() => openServer(t)));
    const pairs = Object.entries(CLIENTS).flatMap(([kind, { client }], index) => [
      write(`${kind}.py`, client),
      servers[index]!.url,
    ]);
    try {
      await run('python3', ['-c', PYTHON_PROGRAM(library), write('everything.py', EVERYTHING), ...pairs], {
        env,
      });
    } catch (error) {
      if ((error as { code?: number }).code !== NO_MODULE) throw error;
      return t.skip(`Python has no module ${library.module}`);
    }
    assert.deepEqual(
      servers.map(({ counts }) => counts.connections),
      Object.values(CLIENTS).map(({ connections }) => connections),
    );
  });
}

/** Sends bursts by each client to the URL of its own. */
const GO_MAIN = (urls: readonly string[]): string => `package main

import (
	"io"
	"net/http"
	"sync"

	_ "probe/everything"
	persistent "probe/persistent"
	short "probe/short"
)

func burst(client *http.Client, url string) {
	var wait sync.WaitGroup
	for user := 0; user < ${USERS}; user++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			response, err := client.Get(url)
			if err != nil {
				panic(err)
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}()
	}
	wait.Wait()
}

func main() {
	for index, client := range []*http.Client{persistent.New(), short.New()} {
		for count := 0; count < ${BURSTS}; count++ {
			burst(client, []string{"${urls.join('", "')}"}[index])
		}
	}
}
`;

test('go: the code is formatted, compiles, and clients keep to their limits', async t => {
  if (!(await needs(t, 'go is not installed', 'go', 'version'))) return;
  const folder = await openFolder(t);
  const kinds = { ...CLIENTS, everything: { client: EVERYTHING } };
  const files = Object.entries(kinds).map(([kind, { client }]) => {
    mkdirSync(join(folder, kind));
    const file = join(folder, kind, 'client.go');
    writeFileSync(file, `${settingsCode(client, 'go', []).text}\n`);
    return file;
  });
  const { stdout } = await run('gofmt', ['-d', ...files], { env });
  assert.equal(stdout, '');
  const servers = await Promise.all(Object.keys(CLIENTS).map(() => openServer(t)));
  writeFileSync(join(folder, 'go.mod'), 'module probe\n\ngo 1.19\n');
  writeFileSync(join(folder, 'main.go'), GO_MAIN(servers.map(({ url }) => url)));
  await run('go', ['run', '.'], { cwd: folder, env: { ...env, GOPROXY: 'off', GOFLAGS: '-mod=mod' } });
  assert.deepEqual(
    servers.map(({ counts }) => counts.connections),
    Object.values(CLIENTS).map(({ connections }) => connections),
  );
});

const APACHE_JARS = ['httpclient5', 'httpcore5'].map(name => `/usr/share/java/${name}.jar`);

test('java and apache-httpclient: the code compiles', async t => {
  if (!(await needs(t, 'javac is not installed', 'javac', '-version'))) return;
  for (const name of ['java', 'apache-httpclient'] as const) {
    if (name === 'apache-httpclient' && !(await works('ls', ...APACHE_JARS))) {
      t.diagnostic('apache-httpclient skipped: libhttpclient5-java is not installed');
      continue;
    }
    const folder = await openFolder(t);
    const file = join(folder, 'Client.java');
    writeFileSync(file, settingsCode({ ...EVERYTHING, requestsPerConnection: 1 }, name, []).text);
    const classPath = name === 'java' ? folder : APACHE_JARS.join(':');
    await run('javac', ['-Xlint:all', '-Werror', '-cp', classPath, '-d', folder, file], { env });
  }
});

for (const [kind, { client, connections }] of Object.entries(CLIENTS)) {
  test(`curl, ${kind}: ${USERS} requests keep to the limit`, async t => {
    if (!(await needs(t, 'curl is not installed', 'curl', '--version'))) return;
    const { url, counts } = await openServer(t);
    const file = join(await openFolder(t), 'client.curl');
    writeFileSync(file, settingsCode(client, 'curl', []).text);
    const targets = Array.from({ length: USERS }, () => ['-o', '/dev/null', url]).flat();
    await run('curl', ['--no-progress-meter', '--fail', '--config', file, ...targets], { env });
    assert.equal(counts.connections, kind === 'short' ? USERS : connections);
  });
}

test('curl: it reads a file with every setting', async t => {
  if (!(await needs(t, 'curl is not installed', 'curl', '--version'))) return;
  const { url } = await openServer(t);
  const file = join(await openFolder(t), 'client.curl');
  writeFileSync(file, settingsCode(EVERYTHING, 'curl', []).text);
  const { stderr } = await run(
    'curl',
    ['--no-progress-meter', '--fail', '--config', file, '-o', '/dev/null', url],
    {
      env,
    },
  );
  assert.equal(stderr, '');
});

test('nginx accepts the configuration', async t => {
  const path = `${process.env['PATH']}:/usr/sbin`;
  const isThere = await run('nginx', ['-v'], { env: { ...env, PATH: path } }).then(
    () => true,
    () => false,
  );
  if (!isThere) return t.skip('nginx is not installed');
  const folder = await openFolder(t);
  for (const client of [EVERYTHING, CLIENTS.short.client]) {
    const file = join(folder, 'nginx.conf');
    const files = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      kind => `${kind}_temp_path ${folder}/${kind};`,
    );
    const code = settingsCode(client, 'nginx', []).text;
    writeFileSync(
      file,
      `pid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${files.join('\n')}\n${code}\n}\n`,
    );
    await run('nginx', ['-t', '-q', '-p', folder, '-c', file], { env: { ...env, PATH: path } });
  }
});
