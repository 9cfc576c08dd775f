// `conntax try URL`: a server that is running gets an answer without a scenario file, and the scenario of it can be kept.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { listenOnLoopback, openEchoServer } from '../../servers/testing/servers.ts';
import { callCli } from '../testing/in-process.ts';
import { runCli, runHere } from './testing/cli.ts';
import { openWorkspace } from './testing/workspace.ts';

const SECRET = 'Zx81-very-secret';
/** Of a header whose name differs from that of a parameter by a dash only. */
const OTHER = 'Qy92-very-secret';
const PASSWORD = 'Zx82-very-secret';

test('a URL with secrets and a password is measured as asked, kept as a scenario, and repeated nowhere', async t => {
  const workspace = await openWorkspace(t);
  const { endpoint, received } = await openEchoServer(t, { serviceMs: 5 });
  const url = endpoint.origin.replace('http://', `http://user:${PASSWORD}@`);
  const words = [
    'try',
    `${url}/a?page=1&api_key=${SECRET}`,
    '-H',
    `x-api-key: ${SECRET}`,
    '-H',
    `api-key: ${OTHER}`,
    '-H',
    'accept: text/plain',
    '-d',
    'q=1',
    '--client',
    'fetch', // which refuses a URL with a password in it
    '-c',
    '1',
    '--budget-sec',
    '2',
    '--save',
    'mine.json',
  ];
  const { status, stdout, stderr } = await runCli(t, words, { cwd: workspace.dir });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[^\n]*(serves|No difference|Unsure)[^\n]*\n/, 'the answer comes first');
  assert.match(
    stdout,
    /^short connections handle |^95 % interval |[\d.]+× \([\d.]+ to [\d.]+\)/m,
    'with its interval',
  );
  const credentials = Buffer.from(`user:${PASSWORD}`).toString('base64');
  for (const { method, url, headers, body } of received) {
    assert.deepEqual([method, url, body], ['POST', `/a?page=1&api_key=${SECRET}`, 'q=1']);
    const sent = new Map(headers);
    assert.deepEqual(
      ['x-api-key', 'api-key', 'accept', 'authorization'].map(name => sent.get(name)),
      [SECRET, OTHER, 'text/plain', `Basic ${credentials}`],
    );
  }
  const { run } = workspace.onlyRun();
  assert.deepEqual(Object.keys(run!.cells[0]!.scenario.clients), ['persistent', 'short']);
  assert.match(stdout, /^Next:/m);
  assert.match(
    stdout.replaceAll(/\s+/g, ' '),
    /announces that it closes idle connections after 5 s/,
    "Node's own default",
  );
  const kept = readdirSync(workspace.results, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  for (const text of [...kept, stdout, stderr, readFileSync(join(workspace.dir, 'mine.json'), 'utf8')])
    for (const secret of [SECRET, OTHER, PASSWORD, credentials]) assert.ok(!text.includes(secret));

  const again = ['run', './mine.json', '--dry-run'];
  const unset = await callCli(again, { cwd: workspace.dir });
  assert.equal(unset.status, 2);
  assert.match(unset.stderr, /API_KEY is not set/);
  const env = {
    API_KEY: SECRET,
    X_API_KEY: SECRET,
    API_KEY_2: OTHER,
    AUTHORIZATION: `Basic ${credentials}`,
  };
  const { API_KEY_2: _, ...incomplete } = env;
  assert.match(
    (await runHere(t, again, { cwd: workspace.dir, env: incomplete })).stderr,
    /headers\.api-key: .*API_KEY_2 is not set/,
  );
  const whole = await runHere(t, again, { cwd: workspace.dir, env });
  assert.equal(whole.status, 0, whole.stderr);
});

test('users share pools of a half and a quarter, where the client has a pool', async t => {
  const workspace = await openWorkspace(t);
  const { endpoint } = await openEchoServer(t);
  const clients: [client: string, names: RegExp][] = [
    ['undici', /pool-3[\s\S]*pool-5/],
    ['fetch', /^(?![\s\S]*pool-)/],
  ];
  for (const [client, names] of clients) {
    const time = ['--budget-sec', '3600'];
    const words = ['try', endpoint.origin, '-c', '10', '--client', client, '--dry-run', ...time];
    const { status, stdout, stderr } = await callCli(words, { cwd: workspace.dir });
    assert.equal(status, 0, stderr);
    assert.match(stdout, names);
  }
});

test('what cannot be tried is said before anything is sent, with what was expected', async t => {
  const workspace = await openWorkspace(t);
  const { endpoint, received } = await openEchoServer(t);
  const url = endpoint.origin;
  writeFileSync(join(workspace.dir, 'server.js'), '// mine');
  const refused: [words: string[], told: RegExp][] = [
    [['127.0.0.1:3000'], /not a URL.*expected: such as http:\/\/127\.0\.0\.1:3000/],
    [['ftp://127.0.0.1/'], /not a URL/],
    [[url, '-X', 'FETCH'], /Allowed choices are GET/],
    [[url, '-H', 'novalue'], /a name, a colon and a value/],
    [[url, '-H', 'content-length: 3'], /conntax try\n {2}-H content-length: .*belongs to the client/],
    [[url, '-d', 'a', '--data-file', 'b'], /cannot be used with/],
    [[url, '--data-file', './none'], /--data-file: cannot be read/],
    [[url, '--save', 'none/mine.json'], /--save none\/mine\.json: .*\/none is not a folder/],
    [[url, '-d', '@none'], /-d: cannot be read/],
    [[url, '-c', '5', '--rate', '10'], /-c 5 cannot be used with --rate/],
    [[url, '--save', 'server.js'], /--save server\.js: this file exists, and is not a scenario/],
    [[url, '-c', '0'], /a whole number from 1 to 10000/],
    [[url, '--client', 'undicy'], /conntax try\n.*unknown transport "undicy".*did you mean undici/s],
    [['http://192.0.2.1/'], /not on loopback.*--allow-host 192\.0\.2\.1/s],
  ];
  for (const [words, told] of refused) {
    const { status, stdout, stderr } = await callCli(['try', ...words], { cwd: workspace.dir });
    assert.deepEqual([status, stdout], [2, ''], words.join(' '));
    assert.match(stderr, told);
    assert.doesNotMatch(stderr, /^ +at .*:\d+/m, 'no stack trace');
  }
  assert.equal(received.length, 0);
  assert.ok(!existsSync(workspace.results));
  assert.equal(readFileSync(join(workspace.dir, 'server.js'), 'utf8'), '// mine');
});

test('data is of a file behind an @, and of several options together, as curl has it; a saved scenario may be replaced', async t => {
  const workspace = await openWorkspace(t);
  writeFileSync(join(workspace.dir, 'order.json'), '{"quantity":2}');
  const saving = ['--save', 'mine.json', '--dry-run'];
  for (const [words, request] of [
    [['-d', '@order.json'], { method: 'POST', bodyFile: './order.json' }],
    [['-d', 'a=1', '-d', 'b=2'], { method: 'POST', body: 'a=1&b=2' }],
  ] as const) {
    const { status, stderr } = await callCli(['try', 'http://127.0.0.1:9/', ...words, ...saving], {
      cwd: workspace.dir,
    });
    assert.equal(status, 0, stderr);
    assert.match(stderr, /No Content-Type is sent with the data; add -H 'content-type: /);
    const saved = JSON.parse(readFileSync(join(workspace.dir, 'mine.json'), 'utf8'));
    assert.deepEqual(saved.request, request);
  }
});

test('that nothing listens is said before how long a run would take', async t => {
  const workspace = await openWorkspace(t);
  const { status, stderr } = await callCli(['try', 'http://127.0.0.1:1/'], { cwd: workspace.dir });
  assert.equal(status, 3, stderr);
  assert.match(stderr, /does not answer/);
  assert.doesNotMatch(stderr, /About|Likely precision/);
});

test('a status that would count as failed ends it after the first question', async t => {
  const workspace = await openWorkspace(t);
  const { endpoint, received } = await openEchoServer(t);
  const words = ['try', `${endpoint.origin}/secret`, '--expect-status', '401'];
  const { status, stdout, stderr } = await callCli(words, { cwd: workspace.dir });
  assert.deepEqual([status, stdout], [2, ''], stderr);
  assert.match(stderr, /\/secret responded with status 200 .*--expect-status 200/s);
  assert.ok(received.length <= 3, `${received.length} requests`);
  assert.ok(!existsSync(workspace.results));
});

test('the scenario that is saved is the one that ran: at a server that keeps no connection, without the pools', async t => {
  const workspace = await openWorkspace(t);
  const server = http.createServer((_request, response) => response.setHeader('connection', 'close').end());
  const url = `http://127.0.0.1:${await listenOnLoopback(t, server)}/`;
  const time = ['--budget-sec', '3600'];
  const clientsOf = (file: string): string[] =>
    Object.keys(JSON.parse(readFileSync(join(workspace.dir, file), 'utf8')).clients);
  const options = { cwd: workspace.dir };
  await callCli(['try', url, '--save', 'planned.json', '--dry-run', ...time], options);
  assert.deepEqual(clientsOf('planned.json'), ['persistent', 'short', 'pool-5', 'pool-10']);
  const { stderr } = await callCli(['try', url, '--save', 'ran.json', ...time], options);
  assert.deepEqual(clientsOf('ran.json'), ['persistent', 'short'], stderr);
});
