// Servers of other makes, by their url: what they do with connections stands in the ledger, exactly, though they tell us nothing.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CellResult } from '../../results/model/run.ts';
import type { Ledger } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { createCertificate } from '../../servers/app.ts';
import { runHere } from './testing/cli.ts';
import { reasonWithout, startLighttpd, startNginx } from './testing/server-programs.ts';
import { openWorkspace, type StoredFolder, type Workspace } from './testing/workspace.ts';

/** The defaults of nginx, as a scenario states them. */
const KEPT = {
  keepAliveTimeoutMs: 75_000,
  maxRequestsPerSocket: 0,
  keepAliveHint: false,
  connectionClose: false,
};

/** Long enough for some dozens of requests, however busy the machine. */
const TIMING = {
  warmupMinMs: 0,
  warmupMaxMs: 0,
  measureMs: 300,
  sliceMs: 50,
  minReplicates: 1,
  maxReplicates: 1,
  budgetMs: 5_000,
};

/** One user on one connection, so that every count is exact. */
function scenario(
  name: string,
  target: ScenarioInput['target'],
  more: Partial<ScenarioInput> = {},
): ScenarioInput {
  return {
    name,
    question: 'How many connections does it take?',
    target,
    load: { concurrency: 1 },
    timing: TIMING,
    clients: { only: { pool: { maxConnections: 1, idleTimeoutMs: 60_000 } } },
    baseline: 'only',
    ...more,
  };
}

async function runScenarios(
  t: TestContext,
  workspace: Workspace,
  scenarios: readonly ScenarioInput[],
  words: readonly string[] = [],
) {
  const files: string[] = [];
  for (const one of scenarios) files.push(await workspace.writeScenario(one, `${one.name}.json`));
  const outcome = await runHere(t, ['run', ...files, ...words, '--verbose'], { cwd: workspace.dir });
  assert.equal(outcome.status, 0, `${outcome.stderr}\n${outcome.stdout}`);
  return { outcome, stored: workspace.onlyRun() };
}

function cellOf({ run }: StoredFolder, name: string): CellResult {
  const cell = run?.cells.find(({ cell }) => cell === name);
  assert.ok(cell !== undefined, `${name} was measured`);
  return cell;
}

function ledgerOf({ trials }: StoredFolder, name: string): Ledger {
  const trial = trials.find(({ trial }) => trial.cell === name);
  assert.ok(trial?.state === 'completed', `${name} has a completed trial`);
  const { ledger, target } = trial.measurement;
  assert.deepEqual(
    [target, ledger.requestsSeen, ledger.handshakesFull, ledger.requestsPerConnection],
    [null, null, null, null],
    'of a server that is not ours nothing is made up',
  );
  assert.deepEqual([ledger.openedBy, ledger.failed, ledger.unfinished], ['client', 0, 0]);
  assert.ok(ledger.requestsSent > 1, `${ledger.requestsSent} requests`);
  return ledger;
}

function ledgerAudit(cell: CellResult): { state: string; detail: string } {
  const found = cell.findings.find(({ rule }) => rule === 'ledger');
  assert.ok(found !== undefined);
  return found;
}

/** What a proxy talks to: it counts the connections that it accepts. */
async function openUpstream(t: TestContext): Promise<{ port: number; accepted(): number }> {
  let accepted = 0;
  const server = http.createServer((_request, response) => response.end('upstream')).listen(0, '127.0.0.1');
  server.keepAliveTimeout = 0; // the proxy says how long
  server.on('connection', () => accepted++);
  await new Promise(resolve => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, accepted: () => accepted };
}

test("nginx's keep-alive settings, each exact in the ledger", { skip: reasonWithout('nginx') }, async t => {
  const workspace = await openWorkspace(t);
  const upstream = await openUpstream(t);
  const certificate = await createCertificate();
  await writeFile(join(workspace.dir, 'authority.pem'), certificate.certPem);
  const { port, tlsPort } = await startNginx(t, {
    certificate,
    http: [
      `upstream fresh { server 127.0.0.1:${upstream.port}; }`,
      `upstream reused { server 127.0.0.1:${upstream.port}; keepalive 8; keepalive_requests 1000000; }`,
    ],
    locations: {
      '/ten': ['keepalive_requests 10;', 'return 200 ten;'],
      '/none': ['keepalive_timeout 0;', 'return 200 none;'],
      '/brief': ['keepalive_timeout 50ms;', 'return 200 brief;'],
      '/hinted': ['keepalive_timeout 75s 60s;', 'keepalive_requests 1000000;', 'return 200 hinted;'],
      '/fresh': [
        'keepalive_requests 1000000;',
        'proxy_set_header Connection close;',
        'proxy_pass http://fresh;',
      ],
      '/reused': [
        'keepalive_requests 1000000;',
        'proxy_http_version 1.1;',
        'proxy_set_header Connection "";',
        'proxy_pass http://reused;',
      ],
    },
  });
  const at = (path: string) => `http://127.0.0.1:${port}${path}`;
  const { outcome, stored } = await runScenarios(
    t,
    workspace,
    [
      scenario('ten', {
        ...KEPT,
        url: `http://localhost:${port}/ten?a=b`,
        maxRequestsPerSocket: 10,
      }),
      scenario('none', { url: at('/none'), connectionClose: true }),
      scenario(
        'brief',
        { ...KEPT, url: at('/brief'), keepAliveTimeoutMs: 50 },
        {
          load: { concurrency: 1, thinkMs: 300 },
          timing: { ...TIMING, measureMs: 1_200, slicing: 'whole' },
        },
      ),
      scenario('fresh', { ...KEPT, url: at('/fresh') }),
      scenario('reused', { ...KEPT, url: at('/reused') }),
      scenario('tls', {
        ...KEPT,
        url: `https://127.0.0.1:${tlsPort}/ten`,
        caFile: 'authority.pem',
        maxRequestsPerSocket: 10,
      }),
      scenario('elsewhere', { ...KEPT, url: `http://0.0.0.0:${port}/hinted`, keepAliveHint: true }),
    ],
    ['--allow-host', '0.0.0.0'],
  );

  await t.test('keepalive_requests 10: a connection for each 10 requests', () => {
    for (const name of ['ten', 'tls']) {
      const { opened, accepted, acceptedBy, needed, requestsSent } = ledgerOf(stored, name);
      const expected = Math.ceil(requestsSent / 10);
      assert.ok(expected > 1, `${requestsSent} requests are enough to see it`);
      assert.deepEqual([opened, accepted, acceptedBy], [expected, expected, 'kernel']);
      assert.ok(needed.least === expected && needed.most! <= expected + 1);
      assert.equal(ledgerAudit(cellOf(stored, name)).state, 'pass');
    }
  });

  await t.test('keepalive_timeout 0 is Connection: close: a connection for each request', () => {
    const { opened, accepted, needed, requestsSent } = ledgerOf(stored, 'none');
    assert.deepEqual([opened, accepted, needed.most], [requestsSent, requestsSent, requestsSent]);
  });

  await t.test('keepalive_timeout below the think time: the same, though nothing says so', () => {
    const { opened, accepted, requestsSent } = ledgerOf(stored, 'brief');
    assert.deepEqual([opened, accepted], [requestsSent, requestsSent]);
  });

  await t.test('a connection that may be kept is', () => {
    for (const name of ['fresh', 'reused', 'elsewhere']) {
      assert.equal(ledgerOf(stored, name).opened, 1, name);
    }
  });

  await t.test('behind a proxy: the client sees no difference, the kernel does', () => {
    const fresh = ledgerOf(stored, 'fresh');
    const reused = ledgerOf(stored, 'reused');
    assert.equal(fresh.accepted! - fresh.opened, fresh.requestsSent, 'one to the upstream for each request');
    assert.equal(reused.accepted, reused.opened, 'the one that the request before the run had opened');
    assert.equal(upstream.accepted(), fresh.requestsSent + 2, 'the upstream counts the same, and those two');
    const { state, detail } = ledgerAudit(cellOf(stored, 'fresh'));
    assert.equal(state, 'warn');
    assert.match(
      detail,
      /^connections opened 1, accepted [\d,]+ \(kernel\), .*a proxy connecting to its upstream/,
    );
    assert.equal(ledgerAudit(cellOf(stored, 'reused')).state, 'pass');
  });

  await t.test('a server that is not on loopback: only what this machine opened is counted', () => {
    const { accepted, acceptedBy } = ledgerOf(stored, 'elsewhere');
    assert.deepEqual([accepted, acceptedBy], [1, 'kernelOpens']);
    assert.match(ledgerAudit(cellOf(stored, 'elsewhere')).detail, /opened 1, 1 \(kernel\), needed 1$/);
  });

  await t.test('what was found before the run is stored and reported', () => {
    const { server } = cellOf(stored, 'ten');
    assert.deepEqual(
      [server?.address, server?.isLoopback, server?.status, server?.httpVersion, server?.tlsVersion],
      ['127.0.0.1', true, 200, '1.1', null],
    );
    assert.match(server?.software ?? '', /^nginx\//);
    const { server: overTls } = cellOf(stored, 'tls');
    assert.match(overTls?.tlsVersion ?? '', /^TLSv1\.[23]$/);
    assert.equal(overTls?.alpn, 'http/1.1');
    assert.equal(cellOf(stored, 'elsewhere').server?.keepAliveHeader, 'timeout=60');
    assert.match(
      outcome.stderr,
      /^ {2}http:\/\/127\.0\.0\.1:\d+\/none: status 200 over HTTP\/1\.1, Server: nginx/m,
    );
    assert.doesNotMatch(outcome.stderr, /(which|but) target\.|states/, 'no statement is contradicted');
  });

  await t.test('the report says what is unknown, and what counted the rest', () => {
    for (const told of [
      /http:\/\/localhost:\d+\/ten\?a=b is an\s+external\s+server/,
      /by\s+the\s+kernel\s+for\s+all\s+programs/,
      /The server runs on another machine/,
    ]) {
      assert.match(outcome.stdout, told);
    }
    // The last column is the bottleneck, before which stands the CPU of the server.
    assert.match(outcome.stdout, /^only +.* – +\S.*$/m, 'no CPU of the server');
  });
});

test("lighttpd's keep-alive settings", { skip: reasonWithout('lighttpd') }, async t => {
  const workspace = await openWorkspace(t);
  const port = await startLighttpd(t, [
    'server.max-keep-alive-requests = 5',
    'server.max-keep-alive-idle = 75',
  ]);
  const url = `http://127.0.0.1:${port}/file.txt`;
  const each = await requestsUntilClose(t, url);
  assert.ok(each > 1, `${each}`);
  const { stored } = await runScenarios(t, workspace, [
    scenario('limited', { ...KEPT, url, maxRequestsPerSocket: each }),
  ]);
  const { opened, accepted, requestsSent } = ledgerOf(stored, 'limited');
  assert.deepEqual([opened, accepted], [Math.ceil(requestsSent / each), opened]);
  assert.match(cellOf(stored, 'limited').server?.software ?? '', /^lighttpd\//);
});

test('over IPv6 the kernel counts what the client opens', async t => {
  const workspace = await openWorkspace(t);
  const ofAll = http.createServer((_request, response) => response.end('ok')).listen(0, '::');
  const ofSix = http.createServer((_request, response) => response.end('ok')).listen(0, '::1');
  for (const server of [ofAll, ofSix]) {
    if (!server.listening) await new Promise(resolve => server.once('listening', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;
  const short = { clients: { only: { requestsPerConnection: 1 } } };
  const { stored } = await runScenarios(t, workspace, [
    scenario('six', { url: `http://[::1]:${portOf(ofSix)}/` }, short),
    scenario('both', { url: `http://[::1]:${portOf(ofAll)}/` }, short),
    scenario('four', { url: `http://127.0.0.1:${portOf(ofAll)}/` }, short),
  ]);
  for (const [name, address] of [
    ['six', '::1'],
    ['both', '::1'],
    ['four', '127.0.0.1'],
  ] as const) {
    const { opened, accepted, acceptedBy, requestsSent } = ledgerOf(stored, name);
    assert.deepEqual([opened, accepted, acceptedBy], [requestsSent, requestsSent, 'kernel'], name);
    assert.equal(cellOf(stored, name).server?.address, address);
    assert.equal(ledgerAudit(cellOf(stored, name)).state, 'pass');
  }
});

/** Requests that a server answers on one connection before it closes it, by a client that is not conntax. */
async function requestsUntilClose(t: TestContext, url: string): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let count = 1; ; count++) {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    http.get(url, { agent }, resolve).once('error', reject);
    const response = await promise;
    await response.toArray();
    if (response.headers.connection === 'close') return count;
  }
}
