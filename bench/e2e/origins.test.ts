// Several origins of conntax's own server, and several external ones: what each counted, what is stored, and the draw are the same numbers.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { drawnCounts } from '../clients/testing/request-case.ts';
import { requestSeed } from '../plan/plan.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

async function serve(t: TestContext) {
  const seen = { requests: new Map<string, number>(), connections: 0 };
  const server = http.createServer((request, response) => {
    seen.requests.set(request.url!, (seen.requests.get(request.url!) ?? 0) + 1);
    response.end('ok');
  });
  server.keepAliveTimeout = 60_000; // longer than any pause of a client
  server.on('connection', () => seen.connections++);
  const host = `127.0.0.1:${await listenOnLoopback(t, server)}`;
  return { host, seen };
}

test('requests and connections of each server are what is stored of each, drawn by their weights', async t => {
  const workspace = await openWorkspace(t);
  const [first, second] = [await serve(t), await serve(t)];
  const weights = [{ weight: 3 }, { weight: 1 }];
  const file = await workspace.writeScenario({
    ...tinyScenario({ drainMs: 10_000 }),
    target: { urls: [{ url: `http://${first.host}/one`, weight: 3 }, `http://${second.host}/two`] },
    clients: {
      short: { requestsPerConnection: 1 },
      kept: { transport: 'node-http', pool: { maxConnections: 1 } },
      fetch: { transport: 'fetch' },
    },
    baseline: 'short',
    expect: [{ metric: 'successRatio', of: 'kept', atLeast: 0.5 }],
  });
  const { status, stderr } = await runHere(t, ['run', file], { cwd: workspace.dir });
  assert.equal(status, 0, stderr);
  assert.match(stderr, new RegExp(`^ {2}http://${first.host}/one: status 200 `, 'm'));
  assert.match(stderr, new RegExp(`^ {2}http://${second.host}/two: status 200 `, 'm'));

  const { run, trials, dir } = workspace.onlyRun();
  // Each was asked once before the run, over a connection of its own.
  const total = [
    { requests: 1, connections: 1 },
    { requests: 1, connections: 1 },
  ];
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    const { slices, ledger, requests } = result.measurement;
    const measured = slices.reduce((sum, { exchanges }) => sum + exchanges, 0);
    const drawn = slices.map(({ block, exchanges }) => [block, exchanges] as const);
    const all = [...drawn, ['warm-up/0', ledger.requestsSent - measured] as const].map(([slice, sent]) =>
      drawnCounts(weights, requestSeed({ id: 'tiny' }, run!.seed, 0, slice), sent),
    );
    for (const [index, { host }] of [first, second].entries()) {
      const { requestsSent, requestsSeen, opened, accepted } = ledger.origins[index]!;
      const expected = all.reduce((sum, counts) => sum + counts[index]!, 0);
      assert.deepEqual([requestsSent, requestsSeen, accepted], [expected, null, null]);
      assert.deepEqual([requests[index]!.name, requests[index]!.sent], [host, expected]);
      if (result.trial.arm === 'short') assert.equal(opened, requestsSent);
      if (result.trial.arm === 'kept') assert.equal(opened, 1);
      total[index]!.requests += requestsSent;
      total[index]!.connections += opened!;
    }
  }
  assert.deepEqual(
    [first, second].map(({ seen }) => ({
      requests: [...seen.requests.values()].reduce((sum, count) => sum + count, 0),
      connections: seen.connections,
    })),
    total,
  );
  assert.deepEqual(
    [first, second].map(({ seen }) => [...seen.requests.keys()]),
    [['/one'], ['/two']],
  );

  const markdown = readFileSync(join(dir, 'report.md'), 'utf8');
  assert.match(markdown, /external servers at \S+\/one \(75 % of the requests\) and \S+\/two \(25 %\)/);
  assert.match(markdown, new RegExp(`\\| kept \\| ${second.host} \\| [\\d,]+ \\| – \\| 1 \\| – \\|`));
  assert.match(markdown, /what each of them received and accepted is unknown/);
});

test("several origins of conntax's own server: both ends count the same of each", async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario({ drainMs: 10_000 }),
    target: { origins: [3, 1] },
    clients: { short: { requestsPerConnection: 1 }, kept: { pool: { maxConnections: 1 } } },
  });
  const { status, stderr } = await runHere(t, ['run', file], { cwd: workspace.dir });
  assert.equal(status, 0, stderr);
  const { trials, dir } = workspace.onlyRun();
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    const { origins, requestsSent } = result.measurement.ledger;
    assert.equal(origins.length, 2);
    for (const origin of origins) {
      assert.equal(origin.requestsSeen, origin.requestsSent);
      assert.equal(origin.accepted, origin.opened);
      assert.equal(origin.opened, result.trial.arm === 'short' ? origin.requestsSent : 1);
    }
    const [first, second] = origins.map(origin => origin.requestsSent);
    assert.equal(first! + second!, requestsSent);
  }
  const markdown = readFileSync(join(dir, 'report.md'), 'utf8');
  assert.match(markdown, /at 2 origins \(75 %, 25 % of the requests\)/);
  assert.match(markdown, /\| kept \| 2 \| [\d,]+ \| [\d,]+ \| 1 \| 1 \|/);
});

test('a plan of several servers says how often each is asked, and sends nothing', async t => {
  const workspace = await openWorkspace(t);
  const [first, second] = [await serve(t), await serve(t)];
  const urls = [`http://${first.host}/`, `http://${second.host}/`];
  const scenario = { ...tinyScenario(), target: { urls } };
  const cwd = workspace.dir;
  const planned = await callCli(['run', await workspace.writeScenario(scenario), '--dry-run'], { cwd });
  assert.equal(planned.status, 0, planned.stderr);
  assert.match(planned.stdout, /external servers at \S+ \(50 % of the requests\) and \S+ \(50 %\)/);
  assert.match(
    planned.stdout,
    /each asked once before the run: http:\S+ \(127\.0\.0\.1\); http:\S+ \(127\.0\.0\.1\)/,
  );

  const refused: [changes: object, told: RegExp][] = [
    [
      { clients: { wire: { transport: 'wire' } }, baseline: 'wire' },
      /cannot follow target\.urls: wire has one pool/,
    ],
    [
      { target: { urls: [urls[0], 'http://me:pw@127.0.0.1:9/', 'http://127.0.0.1:8/?token=abc'] } },
      /target\.urls\.1: .*credentials in a URL.*target\.urls\.2: the parameter token looks like a credential/s,
    ],
    [
      { target: { urls: [...urls, 'http://0.0.0.0:9/'] } },
      /target\.urls http:\/\/0\.0\.0\.0:9\/: .*--allow-host 0\.0\.0\.0/s,
    ],
  ];
  for (const [changes, told] of refused) {
    const file = await workspace.writeScenario({ ...scenario, ...changes });
    const { status, stderr } = await callCli(['run', file], { cwd });
    assert.equal(status, 2);
    assert.match(stderr, told);
    assert.doesNotMatch(stderr, /pw@|abc/);
  }
  assert.deepEqual([first.seen.connections, second.seen.connections], [0, 0]);
  assert.ok(!existsSync(workspace.results));
});
