// A scenario's request reaches the server as stated, and a secret in it reaches nothing else.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { Requests } from '../../scenarios/model/request.ts';
import { listenOnLoopback, openEchoServer } from '../../servers/testing/servers.ts';
import { drawnCounts } from '../clients/testing/request-case.ts';
import { requestSeed } from '../plan/plan.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const SECRET = 'Zx81-very-secret';

/** Every file below a folder as text. */
function filesIn(folder: string): { name: string; text: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(name => ({ name, text: readFileSync(name, 'latin1') }));
}

test('a POST with a body from a file and a secret header, to a server of someone else: each request has both', async t => {
  const workspace = await openWorkspace(t);
  const server = await openEchoServer(t, { serviceMs: 5 });
  await writeFile(join(workspace.dir, 'order.json'), '{"a":1}');
  const file = await workspace.writeScenario({
    ...tinyScenario(),
    target: { url: `${server.endpoint.origin}/orders` },
    request: {
      method: 'POST',
      bodyFile: './order.json',
      query: { key: { env: 'CONNTAX_TEST_SECRET' } },
      headers: {
        'content-type': 'application/json',
        authorization: { env: 'CONNTAX_TEST_SECRET', prefix: 'Bearer ' },
      },
    },
  });
  const env = { CONNTAX_TEST_SECRET: SECRET };
  const { status, stdout, stderr } = await runHere(t, ['run', file], { cwd: workspace.dir, env });
  assert.equal(status, 0, stderr);
  assert.match(
    stdout + readFileSync(join(workspace.onlyRun().dir, 'report.md'), 'utf8'),
    /POST, query parameters key, headers content-type, authorization, the body in/,
  );
  assert.ok(server.received.length > 10);
  for (const { method, url, headers, body } of server.received) {
    assert.deepEqual([method, url, body], ['POST', `/orders?key=${SECRET}`, '{"a":1}']);
    assert.equal(new Map(headers).get('authorization'), `Bearer ${SECRET}`);
  }
  for (const { name, text } of [...filesIn(workspace.results), { name: 'output', text: stdout + stderr }])
    assert.ok(!text.includes(SECRET), `the secret is in ${name}`);
});

test('a secret that is not set, and a body that is not there, are said before anything is sent', async t => {
  const workspace = await openWorkspace(t);
  const server = await openEchoServer(t);
  const requests = [
    [{ headers: { authorization: { env: 'CONNTAX_TEST_UNSET' } } }, /CONNTAX_TEST_UNSET is not set/],
    [{ method: 'POST', bodyFile: './none.json' }, /request\.bodyFile: cannot be read: .*none\.json/],
  ] as const;
  for (const [request, told] of requests) {
    const file = await workspace.writeScenario({
      ...tinyScenario(),
      target: { url: server.endpoint.origin },
      request,
    });
    const { status, stderr } = await callCli(['run', file], { cwd: workspace.dir });
    assert.equal(status, 2);
    assert.match(stderr, told);
  }
  assert.equal(server.received.length, 0);
});

test('several requests: what the server counted, what is stored, and the draw are the same numbers', async t => {
  const workspace = await openWorkspace(t);
  const requests = Requests.parse([
    { name: 'read', path: '/read', weight: 5 },
    { name: 'gone', path: '/gone', weight: 2, headers: { cookie: { env: 'CONNTAX_TEST_SECRET' } } },
    { name: 'broken', path: '/broken', method: 'POST', body: '{}' },
  ]);
  const statuses: Readonly<Record<string, number>> = { '/read': 200, '/gone': 404, '/broken': 503 };
  const served = new Map<string, number>();
  const server = http.createServer((asked, response) => {
    const key = `${asked.method} ${asked.url} ${asked.headers.cookie ?? ''}`.trim();
    served.set(key, (served.get(key) ?? 0) + 1);
    asked
      .resume()
      .on('end', () => response.writeHead(statuses[asked.url!]!, { 'content-length': 2 }).end('ok'));
  });
  const file = await workspace.writeScenario({
    ...tinyScenario(),
    target: { url: `http://127.0.0.1:${await listenOnLoopback(t, server)}/`, expectStatus: ['2xx', 404] },
    requests,
    clients: { undici: {}, wire: { transport: 'wire' }, http: { transport: 'node-http' } },
    baseline: 'undici',
  });
  const env = { CONNTAX_TEST_SECRET: SECRET };
  const { status, stdout, stderr } = await runHere(t, ['run', file], { cwd: workspace.dir, env });
  assert.equal(status, 3, stderr);
  assert.match(
    stdout.replaceAll(/\s+/g, ' '),
    /answers of undici: no good answer to broken, of which all [\d,]+ failed \([\d.]+ % of all requests\); audit answers of wire: /,
    'as a client without one would be, so is a request',
  );
  assert.match(stderr, /^ {2}gone: http.*: status 404/m, 'each is asked once before the run');
  assert.match(stderr, /^ {2}! broken: POST http\S*\/broken responded with status 503/m);

  const { run, trials, dir } = workspace.onlyRun();
  const total = requests.map(() => 0);
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    const { slices, ledger, requests: figures, completed, failed } = result.measurement;
    assert.equal(ledger.unfinished, 0);
    const counts = requests.map(() => 0);
    const add = (slice: Parameters<typeof requestSeed>[3], sent: number): void => {
      const drawn = drawnCounts(requests, requestSeed({ id: 'tiny' }, run!.seed, 0, slice), sent);
      for (const [index, count] of drawn.entries()) counts[index]! += count;
    };
    for (const { block, exchanges } of slices) add(block, exchanges);
    // What one user alone sent, after the measured slices.
    add('warm-up/0', ledger.requestsSent - slices.reduce((sum, { exchanges }) => sum + exchanges, 0));
    assert.deepEqual(
      figures.map(({ name, sent }) => [name, sent]),
      requests.map(({ name }, index) => [name, counts[index]]),
    );
    for (const [index, count] of counts.entries()) total[index]! += count;
    const sumOf = (name: 'completed' | 'failed'): number => figures.reduce((sum, one) => sum + one[name]!, 0);
    assert.deepEqual([sumOf('completed'), sumOf('failed')], [completed, failed]);
    assert.deepEqual([figures[0]!.failed, figures[1]!.failed, figures[2]!.completed], [0, 0, 0]);
  }
  const asked = ['GET /read', `GET /gone ${SECRET}`, 'POST /broken'];
  assert.deepEqual(
    asked.map(key => served.get(key)),
    total.map(count => count + 1),
  );
  assert.equal(served.size, asked.length);

  const markdown = readFileSync(join(dir, 'report.md'), 'utf8');
  assert.match(markdown, /Requests by name/);
  assert.match(markdown, /\| http† \| broken \| [\d,]+† \| 0† \| 0† \| 100 %† \| – \| – \| – \|/);
  assert.match(
    markdown,
    /\| wire† \| 404 \| [\d,]+† \| [\d.]+ %† \| [\d.]+† \| [\d.]+†‡? \| [\d.]+†‡? \| success \|/,
  );
  for (const { name, text } of [...filesIn(workspace.results), { name: 'output', text: stdout + stderr }])
    assert.ok(!text.includes(SECRET), `the secret is in ${name}`);
});

test('an error text of a client that repeats the secret is stored without it', async t => {
  const workspace = await openWorkspace(t);
  const url = `http://127.0.0.1:${await listenOnLoopback(
    t,
    http.createServer((_request, response) => {
      response.end('ok');
    }),
  )}/`;
  const module = `export default {
    sendsRequest: true,
    open: () => ({
      send: async ({ headers }) => { throw new Error('not sent: ' + JSON.stringify(headers)); },
      close() {},
    }),
  };`;
  await writeFile(join(workspace.dir, 'leaky.mjs'), module);
  const scenario = tinyScenario({ sliceResponses: 1 });
  const file = await workspace.writeScenario({
    ...scenario,
    target: { url },
    request: { headers: { authorization: { env: 'CONNTAX_TEST_SECRET' } } },
    clients: { leaky: { transport: './leaky.mjs' } },
    baseline: 'leaky',
  });
  const env = { CONNTAX_TEST_SECRET: SECRET };
  const { stdout, stderr } = await runHere(t, ['run', file], { cwd: workspace.dir, env });
  const all = [...filesIn(workspace.results), { name: 'output', text: stdout + stderr }];
  assert.ok(
    all.some(({ text }) => text.includes('[redacted]')),
    'the error is shown',
  );
  for (const { name, text } of all) assert.ok(!text.includes(SECRET), `the secret is in ${name}`);
});
