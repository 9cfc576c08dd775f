// Each example client does what its reader would copy it for: against servers that see what it sends.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transports, userModules } from '../../bench/clients/index.ts';
import { openBlackHole, openMisbehavingServer } from '../../bench/clients/testing/misbehaving-server.ts';
import { openSubject, type Stated } from '../../bench/clients/testing/subject.ts';
import { loadScenarios } from '../../bench/plan/read-scenarios.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { openTestTarget } from '../../servers/testing/target.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { loadUserModule } = await userModules();

async function openModule(t: TestContext, path: string, endpoint: Endpoint, stated: Stated) {
  const loading = await loadUserModule(path);
  assert.ok(loading.isLoaded, JSON.stringify(loading));
  const { module } = loading;
  return openSubject(t, { name: path, module, settings: { transport: path } }, endpoint, stated);
}

function openExample(t: TestContext, name: string, endpoint: Endpoint, stated: Stated = {}) {
  return openModule(t, fileURLToPath(new URL(`${name}-client.ts`, import.meta.url)), endpoint, stated);
}

async function serve(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Endpoint> {
  const server = createServer(handle);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise(resolve => server.close(resolve)));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, path: '/' };
}

for (const name of ['axios', 'got', 'factory']) {
  suite(name, { concurrency: true }, () => {
    for (const tls of ['none', '1.3'] as const) {
      test(`a pool of 3 for 6 users, TLS ${tls}: whole bodies, and no more connections than that`, async t => {
        const target = await openTestTarget(t, { tls, behaviour: { name: 'fixed', bytes: 20_000 } });
        const { askTimes } = await openExample(t, name, target.endpoint, { pool: { maxConnections: 3 } });
        const ended = await askTimes(30, 6);
        assert.ok(
          ended.every(({ outcome, bodyBytes }) => outcome === 'ok' && bodyBytes === 20_000),
          String(ended[0]?.error),
        );
        assert.equal(target.read().accepted, 3);
      });
    }

    test('a bad status is reported, whether the client throws on it or not', async t => {
      const endpoint = await serve(t, (_request, response) => response.writeHead(503).end('busy'));
      const { ask } = await openExample(t, name, endpoint);
      const { status, error } = await ask();
      assert.equal(status, 503, String(error));
    });
  });
}

for (const name of ['axios', 'got']) {
  test(`${name}: requestsPerConnection 1 holds for a pool with a limit too`, async t => {
    const target = await openTestTarget(t);
    const stated = { requestsPerConnection: 1, pool: { maxConnections: 2 } } as const;
    const { askTimes } = await openExample(t, name, target.endpoint, stated);
    await askTimes(20, 6);
    assert.equal(target.read().accepted, 20);
  });
}

test('axios: maxIdleConnections is the maxFreeSockets of its agent', async t => {
  const target = await openTestTarget(t);
  const { askTimes, ask } = await openExample(t, 'axios', target.endpoint, {
    pool: { maxIdleConnections: 1 },
  });
  await askTimes(4, 4);
  await ask();
  assert.equal(target.read().accepted, 4);
});

test('got: a timeout is reported with its phase', async t => {
  const silent = await openMisbehavingServer(t, () => {});
  const headers = await openExample(t, 'got', silent.endpoint, { timeouts: { headersMs: 60 } });
  assert.equal((await headers.ask()).outcome, 'timeoutHeaders');
  const connect = await openExample(t, 'got', await openBlackHole(t), { timeouts: { connectMs: 60 } });
  assert.equal((await connect.ask()).outcome, 'timeoutConnect');
});

test('factory: every request carries the token; errors have one form; a service has one pool', async t => {
  const seen: (string | undefined)[] = [];
  const endpoint = await serve(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(seen.length === 3 ? 401 : 200).end('ok');
  });
  const { ask, connections } = await openExample(t, 'factory', endpoint, { options: { service: 'billing' } });
  const ended = [await ask(), await ask(), await ask()];
  assert.deepEqual(seen, Array(3).fill('Bearer a-token'));
  assert.deepEqual(
    ended.map(({ status }) => status),
    [200, 200, 401],
  );
  assert.match(ended[2]!.error!, /status code 401/);
  assert.equal(connections.length, 1);
});

test('factory: a client for each call loses the pool', async t => {
  const target = await openTestTarget(t);
  const { askTimes } = await openExample(t, 'factory', target.endpoint, {
    options: { lifetime: 'per-call' },
  });
  await askTimes(6, 2);
  assert.equal(target.read().accepted, 6);
});

test('the module in docs/clients.md works as it stands there', async t => {
  const text = await readFile(join(root, 'docs/clients.md'), 'utf8');
  const [, code] = /```ts\n(\/\/ my-client\.ts\n.*?)```/s.exec(text)!;
  const dir = await mkdtemp(join(tmpdir(), 'conntax-docs-'));
  t.after(() => rm(dir, { recursive: true }));
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  const here = pathToFileURL(join(root, 'bench/index.ts')).href;
  await writeFile(join(dir, 'my-client.ts'), code!.replace("'conntax'", `'${here}'`));
  const target = await openTestTarget(t);
  const stated = { pool: { maxConnections: 2 } };
  const { askTimes } = await openModule(t, join(dir, 'my-client.ts'), target.endpoint, stated);
  const ended = await askTimes(12, 4);
  assert.ok(ended.every(({ outcome, bodyBytes }) => outcome === 'ok' && bodyBytes === 1_024));
  assert.equal(target.read().accepted, 2);
});

test('the scenario that compares them is valid', async () => {
  const builtinDir = join(root, 'scenarios');
  const options = { builtinDir, cwd: builtinDir, transports, userModules, behaviours };
  const [scenario] = await loadScenarios(['./examples/own-clients.ts'], options);
  assert.deepEqual(Object.keys(scenario!.clients), ['axios', 'got', 'factory', 'factory-per-call']);
});
