// Servers behind mutual TLS, under another name, and on a Unix socket: tried and run as a user would, and what is not known is said.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '../../servers/testing/certificates.ts';
import { openTestProxy } from '../../servers/testing/servers.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, type Workspace } from './testing/workspace.ts';

async function listen(t: TestContext, server: http.Server | https.Server, where: ListenOptions) {
  let requests = 0;
  server.on('request', (_request, response) => {
    requests++;
    response.end('ok');
  });
  await once(server.listen(where), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests: () => requests };
}

/** Runs the scenario that `try` saved, for one short replicate. */
async function runSaved(t: TestContext, { dir, writeScenario }: Workspace, env: Record<string, string> = {}) {
  const saved = JSON.parse(readFileSync(join(dir, 'saved.json'), 'utf8'));
  const file = await writeScenario({ ...saved, timing: TIMING });
  return runHere(t, ['run', file], { cwd: dir, env });
}

const TIMING = {
  warmupMinMs: 0,
  warmupMaxMs: 0,
  measureMs: 300,
  sliceMs: 50,
  minReplicates: 1,
  maxReplicates: 1,
  budgetMs: 5_000,
};

const SAVING = ['-c', '1', '--save', 'saved.json', '--dry-run'];

const PHRASE = 'Zx81-very-secret';

test('mutual TLS by another name, with an encrypted key; a plan without verification says so', async t => {
  const workspace = await openWorkspace(t);
  const authority = await createAuthority(t);
  const { certPem: cert, keyPem: key } = await authority.sign('server', { dnsName: 'api.internal' });
  const mine = await authority.sign('mine');
  const asks = { requestCert: true, rejectUnauthorized: true, ca: authority.caPem };
  const where = { host: '127.0.0.1', port: 0 };
  const server = await listen(t, https.createServer({ cert, key, ...asks }), where);
  const url = `https://127.0.0.1:${server.port}/`;
  const shown = ['--cert', mine.certFile, '--key', authority.encrypt(mine, PHRASE), '--pass', PHRASE];
  const cwd = workspace.dir;

  const planned = await runHere(t, ['try', url, ...shown, '-k', '--dry-run'], { cwd });
  assert.equal(planned.status, 0, planned.stderr);
  assert.match(planned.stdout, /target\.insecure accepts any certificate/);
  assert.match(planned.stdout, /with a client certificate, its certificate NOT verified/);
  assert.equal(server.requests(), 0);

  const wrongKey = ['--cert', mine.certFile, '--key', authority.caFile];
  const refused = await runHere(t, ['try', url, ...wrongKey], { cwd });
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /--key: .*does not contain a private key/);
  const unnamed = await runHere(t, ['try', url, '--cacert', authority.caFile, ...shown], { cwd });
  assert.equal(unnamed.status, 3);
  assert.match(unnamed.stderr, /its certificate is for api\.internal.*--server-name/);
  const unable = await runHere(t, ['try', url, '--client', 'fetch', ...shown], { cwd });
  assert.equal(unable.status, 2);
  assert.match(unable.stderr, /fetch has no option for a client certificate\n?.*undici, node-http or wire/s);
  assert.equal(server.requests(), 0);

  const named = ['--cacert', authority.caFile, '--server-name', 'api.internal', '--client', 'node-http'];
  const saving = await runHere(t, ['try', url, ...shown, ...named, ...SAVING], { cwd });
  assert.equal(saving.status, 0, saving.stderr);
  const tried = await runSaved(t, workspace, { KEY_PASSPHRASE: PHRASE });
  assert.equal(tried.status, 0, tried.stderr);
  const { trials, dir, files } = workspace.onlyRun();
  assert.doesNotMatch(readFileSync(join(dir, 'report.md'), 'utf8'), /NOT verified/);
  for (const trial of trials) {
    assert.ok(trial.state === 'completed');
    const { requestsSent, answered, failed, opened } = trial.measurement.ledger;
    const expected = trial.trial.arm === 'short' ? requestsSent : 1;
    assert.deepEqual([answered, failed, opened], [requestsSent, 0, expected]);
  }
  const kept = files.map(name => readFileSync(join(dir, name), 'latin1'));
  for (const text of [...kept, tried.stdout, tried.stderr, readFileSync(join(cwd, 'saved.json'), 'utf8')]) {
    assert.ok(!text.includes(PHRASE) && !text.includes('PRIVATE KEY'));
  }
});

test("a proxy with a password: its connections are the client's, its password is nowhere", async t => {
  const workspace = await openWorkspace(t);
  const server = await listen(t, http.createServer(), { host: '127.0.0.1', port: 0 });
  const proxy = await openTestProxy(t, { credentials: `me:${PHRASE}` });
  const proxyUrl = proxy.url.replace('//', `//me:${PHRASE}@`);
  const url = `http://127.0.0.1:${server.port}/health`;
  const cwd = workspace.dir;
  const refused = await callCli(['try', url, '-x', proxy.url], { cwd });
  assert.equal(refused.status, 3);
  assert.match(refused.stderr, /answered 407 .*expected: -x with a user and a password/);
  assert.equal(server.requests(), 0);
  const unable = await callCli(['try', url, '-x', proxy.url, '--client', 'wire'], { cwd });
  assert.equal(unable.status, 2);
  assert.match(unable.stderr, /cannot follow -x: wire speaks with the server itself/);

  const saving = await runHere(t, ['try', url, '-x', proxyUrl, ...SAVING], { cwd });
  assert.equal(saving.status, 0, saving.stderr);
  const before = proxy.connections();
  const tried = await runSaved(t, workspace, { PROXY_URL: proxyUrl });
  assert.equal(tried.status, 0, tried.stderr);
  const { trials, run, dir, files } = workspace.onlyRun();
  let opened = 0;
  for (const trial of trials) {
    assert.ok(trial.state === 'completed');
    const { ledger } = trial.measurement;
    opened += ledger.opened;
    assert.deepEqual([ledger.accepted, ledger.answered, ledger.failed], [null, ledger.requestsSent, 0]);
    if (trial.trial.arm === 'short') assert.equal(ledger.opened, ledger.requestsSent);
  }
  // One more asked the server before the run.
  assert.equal(proxy.connections() - before, opened + 1);
  const ledgerAudit = run?.cells[0]?.findings.find(({ rule }) => rule === 'ledger');
  assert.match(
    ledgerAudit?.detail ?? '',
    /accepted unknown.*whose own connections to the server are not counted/,
  );
  const credentials = Buffer.from(`me:${PHRASE}`).toString('base64');
  const kept = files.map(name => readFileSync(join(dir, name), 'latin1'));
  const saved = readFileSync(join(cwd, 'saved.json'), 'utf8');
  for (const text of [...kept, saved, saving.stdout, saving.stderr, tried.stdout, tried.stderr])
    assert.ok(!text.includes(PHRASE) && !text.includes(credentials));
});

test('a Unix socket: connections opened are known, accepted ones are not', async t => {
  const workspace = await openWorkspace(t);
  const socketPath = join(workspace.dir, 'app.sock');
  const server = await listen(t, http.createServer(), { path: socketPath });
  const words = ['try', 'http://app.test/health', '--unix-socket', 'app.sock', '--client', 'wire'];
  const saving = await runHere(t, [...words, ...SAVING], { cwd: workspace.dir });
  assert.equal(saving.status, 0, saving.stderr);
  const { status, stderr } = await runSaved(t, workspace);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /at \S+app\.sock \(Unix socket\)/);
  const { trials, run, dir } = workspace.onlyRun();
  assert.match(readFileSync(join(dir, 'report.md'), 'utf8'), /reached by a Unix socket/);
  assert.ok(server.requests() > 2);
  for (const trial of trials) {
    assert.ok(trial.state === 'completed');
    const { ledger } = trial.measurement;
    assert.equal(ledger.accepted, null);
    const expected = trial.trial.arm === 'short' ? ledger.requestsSent : 1;
    assert.deepEqual([ledger.opened, ledger.openedBy, ledger.failed], [expected, 'client', 0]);
  }
  const ledgerAudit = run?.cells[0]?.findings.find(({ rule }) => rule === 'ledger');
  assert.match(ledgerAudit?.detail ?? '', /accepted unknown/);
});
