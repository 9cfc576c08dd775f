// Where load may not go, nothing is sent; where no server answers, nothing is measured: each is said, with what is expected.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { createCertificate } from '../../servers/app.ts';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { type Called, callCli } from '../testing/in-process.ts';
import { runCli, startCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario, type Workspace } from './testing/workspace.ts';

function scenario(target: ScenarioInput['target'], name = 'tiny'): ScenarioInput {
  const { clients } = tinyScenario();
  return {
    ...tinyScenario(),
    name,
    target,
    clients: { persistent: clients.persistent! },
    baseline: 'persistent',
  };
}

/** Runs what must not get as far as making a results folder. */
async function callIdly(workspace: Workspace, words: readonly string[]): Promise<Called> {
  const outcome = await callCli(['run', ...words], { cwd: workspace.dir });
  assert.ok(!existsSync(workspace.results), 'no results folder is made');
  assert.doesNotMatch(outcome.stderr, /^ +at .*:\d+/m, 'no stack trace');
  return outcome;
}

test('load leaves this machine only where the user has named the host', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(scenario({ url: 'http://0.0.0.0:9/' }));
  const refusals: [words: string[], told: RegExp][] = [
    [
      [file],
      /^error: target\.url http:\/\/0\.0\.0\.0:9\/: 0\.0\.0\.0 is not on loopback.*that is an attack.*--allow-host 0\.0\.0\.0,/s,
    ],
    [[file, '--allow-host', 'http://0.0.0.0'], /--allow-host <host>.*without scheme, port or path/],
  ];
  for (const [words, told] of refusals) {
    const { status, stdout, stderr } = await callIdly(workspace, words);
    assert.deepEqual([status, stdout], [2, ''], words.join(' '));
    assert.match(stderr, told);
  }
});

test('a dry run looks a server up and sends it nothing; where none answers, a run ends before it begins', async t => {
  const workspace = await openWorkspace(t);
  let accepted = 0;
  const server = createServer(socket => {
    accepted++;
    socket.destroy();
  });
  const url = `http://localhost:${await listenOnLoopback(t, server)}/`;
  const file = await workspace.writeScenario(scenario({ url }));
  const dry = await callIdly(workspace, [file, '--dry-run']);
  assert.deepEqual([dry.status, accepted], [0, 0], dry.stderr);
  assert.match(dry.stdout, /Target: external server at http:\/\/localhost:\d+\//);
  assert.match(dry.stdout, /not declared: whether responses carry Connection: close, how long/);
  assert.match(dry.stdout, /each asked once before the run: http:\/\/localhost:\d+\/ \(.*127\.0\.0\.1/);
  const hungUp = await callIdly(workspace, [file]);
  assert.equal(hungUp.status, 3);
  assert.match(hungUp.stderr, /^error: http:\/\/localhost:\d+\/ does not answer: it closed the connection/m);
  assert.ok(accepted > 0);
});

test('a server that answers with another protocol, or never: the run ends, by itself and by Ctrl-C', async t => {
  const workspace = await openWorkspace(t);
  const switching = createServer(socket =>
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
      }),
  );
  const file = await workspace.writeScenario(
    scenario({ url: `http://127.0.0.1:${await listenOnLoopback(t, switching)}/` }),
  );
  const switched = await callIdly(workspace, [file]);
  assert.equal(switched.status, 3);
  assert.match(switched.stderr, /^error: .* cannot be measured: it answers with status 101/m);

  const asked = Promise.withResolvers<void>();
  const silent = createServer(socket => socket.on('error', () => {}).once('data', () => asked.resolve()));
  const other = await workspace.writeScenario(
    scenario({ url: `http://127.0.0.1:${await listenOnLoopback(t, silent)}/` }),
    'silent.json',
  );
  const cli = startCli(t, ['run', other], { cwd: workspace.dir });
  await asked.promise;
  cli.interrupt();
  const { status, stderr } = await cli.result;
  assert.equal(status, 130);
  assert.doesNotMatch(stderr, /does not answer|internal error/);
});

test('the authorities of the system are trusted, and a server of bad statuses alone fails its trials', async t => {
  const workspace = await openWorkspace(t);
  const { certPem, keyPem } = await createCertificate();
  const authority = join(workspace.dir, 'authority.pem');
  await writeFile(authority, certPem);
  const safe = https.createServer({ cert: certPem, key: keyPem }, (_request, response) => response.end('ok'));
  const lost = http.createServer((_request, response) => response.writeHead(503).end('not now'));
  const files = [
    await workspace.writeScenario(
      scenario({ url: `https://127.0.0.1:${await listenOnLoopback(t, safe)}/` }, 'safe'),
      'safe.json',
    ),
    await workspace.writeScenario(
      scenario({ url: `http://127.0.0.1:${await listenOnLoopback(t, lost)}/` }, 'lost'),
      'lost.json',
    ),
  ];
  const untrusted = await callIdly(workspace, [files[0]!]);
  assert.equal(untrusted.status, 3);
  assert.match(untrusted.stderr, /not signed by a trusted authority .*target\.caFile can name one/);

  const env = { SSL_CERT_FILE: authority };
  const trusted = await runCli(t, ['run', ...files], { cwd: workspace.dir, env });
  assert.equal(trusted.status, 3, trusted.stderr);
  assert.match(
    trusted.stderr,
    /! http:\/\/127\.0\.0\.1:\d+\/ responded with status 503 before the run; .*failed request/,
  );
  const { run } = workspace.onlyRun();
  const [safely, badly] = run!.cells;
  assert.ok(safely!.arms[0]!.completed > 0 && safely!.arms[0]!.failed === 0);
  assert.ok(badly!.failedTrials > 0, 'without a good answer there are no figures');
  assert.match(trusted.stderr, /none of [\d,]+ requests of persistent succeeded: .*status 503/);
});
