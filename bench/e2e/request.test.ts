// A scenario's request reaches the server as stated, and a secret in it reaches nothing else.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { openEchoServer } from '../../servers/testing/echo-server.ts';
import { listenOnLoopback } from '../../servers/testing/listen.ts';
import { runCli } from './testing/cli.ts';
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
  const server = await openEchoServer(t);
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
  const { status, stdout, stderr } = await runCli(t, ['run', file], { cwd: workspace.dir, env });
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
    const { status, stderr } = await runCli(t, ['run', file], { cwd: workspace.dir });
    assert.equal(status, 2);
    assert.match(stderr, told);
  }
  assert.equal(server.received.length, 0);
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
  const { stdout, stderr } = await runCli(t, ['run', file], { cwd: workspace.dir, env });
  const all = [...filesIn(workspace.results), { name: 'output', text: stdout + stderr }];
  assert.ok(
    all.some(({ text }) => text.includes('[redacted]')),
    'the error is shown',
  );
  for (const { name, text } of all) assert.ok(!text.includes(SECRET), `the secret is in ${name}`);
});
