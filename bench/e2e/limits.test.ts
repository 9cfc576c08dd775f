// Limits of the machine: what can't fit is refused before it starts, and a wait for ports says why.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { runCli, startCli } from './testing/cli.ts';
import { reasonNotTo } from './testing/privileges.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const skipNetwork = reasonNotTo('bring up a network');

/** Runs a command in a network of its own with few ports, of which none can be used again soon after it was closed. */
function networkOf(portCount: number): string[] {
  const first = 40_000;
  const script = [
    'ip link set lo up',
    `echo ${first} ${first + portCount - 1} > /proc/sys/net/ipv4/ip_local_port_range`,
    'echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse',
    'exec "$@"',
  ].join(' && ');
  return ['unshare', '--net', 'sh', '-c', script, 'sh'];
}

test('too few descriptors: refused before it starts, with what to do', {
  skip: reasonNotTo('prlimit'),
}, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({ ...tinyScenario(), load: { concurrency: 8 } });
  const wrapper = ['prlimit', '--nofile=80:80'];
  const { status, stdout, stderr } = await runCli(t, ['run', file], { cwd: workspace.dir, wrapper });
  assert.deepEqual([status, stdout], [3, '']);
  assert.match(
    stderr,
    /^error: descriptors: .*needed \(tiny, target\), but only 80 are allowed: raise the hard limit/m,
  );
  assert.match(stderr, /ulimit -Hn \d+/);
  assert.equal(stderr.match(/but only 80/g)?.length, 1, 'it is said once');
  assert.ok(!existsSync(workspace.results), 'no results folder is made');
});

test('a pool larger than the range of ports is refused before it starts', { skip: skipNetwork }, async t => {
  const workspace = await openWorkspace(t);
  const clients: ScenarioInput['clients'] = { persistent: { pool: { maxConnections: 200 } } };
  const file = await workspace.writeScenario({ ...tinyScenario(), clients, baseline: 'persistent' });
  const { status, stdout, stderr } = await runCli(t, ['run', file], {
    cwd: workspace.dir,
    wrapper: networkOf(100),
  });
  assert.deepEqual([status, stdout], [3, '']);
  assert.match(
    stderr,
    /^error: ports: 200 at once needed \(tiny, client persistent\), but the range has 100: widen/m,
  );
  assert.ok(!existsSync(workspace.results), 'no results folder is made');
});

/** Requests are given up after 5 ms, so it is the client who closes, and whose ports are held, for a minute each. */
function hastyScenario(timing: ScenarioInput['timing']): ScenarioInput {
  return {
    ...tinyScenario(timing),
    target: { behaviour: { name: 'delay', meanMs: 1_000 } },
    clients: { short: { requestsPerConnection: 1, timeouts: { totalMs: 5 } } },
  };
}

test('a slice that needs more ports than there are: a failed trial with its cause', {
  skip: skipNetwork,
}, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(hastyScenario({ warmupMinMs: 300, warmupMaxMs: 300 }));
  const { status, stderr } = await runCli(t, ['run', file], { cwd: workspace.dir, wrapper: networkOf(100) });
  assert.equal(status, 3, stderr);
  const { run, trials } = workspace.onlyRun();
  assert.equal(run?.cells[0]?.failedTrials, 1);
  assert.deepEqual(
    trials.map(trial => (trial.state === 'failed' ? trial.error.code : trial.state)),
    ['ports-exhausted'],
  );
  assert.match(stderr, /needs about \d+ more ports, and of 100 local ports .* widen net\.ipv4/);
});

test('short connections that the server closes hold no port of the client: no wait, no failure', {
  skip: skipNetwork,
}, async t => {
  const workspace = await openWorkspace(t);
  const clients: ScenarioInput['clients'] = { short: { requestsPerConnection: 1 } };
  const timing = { measureMs: 500 };
  const file = await workspace.writeScenario({ ...tinyScenario(timing), clients, baseline: 'short' });
  const { status, stderr } = await runCli(t, ['run', file], { cwd: workspace.dir, wrapper: networkOf(100) });
  assert.equal(status, 0, stderr);
  const { run } = workspace.onlyRun();
  assert.ok((run?.cells[0]?.arms[0]?.opened ?? 0) > 100, 'more connections than there are ports');
});

test('when the ports run out, the wait is announced and said why; Ctrl-C ends it', {
  skip: skipNetwork,
}, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(
    hastyScenario({ warmupMinMs: 60_000, warmupMaxMs: 60_000, budgetMs: 60_000 }),
  );
  const cli = startCli(t, ['run', file], { cwd: workspace.dir, wrapper: networkOf(1_200) });
  await cli.seen(/! waiting for ports: \d+ of 1200 are in TIME_WAIT and the next slice needs about \d+/);
  cli.interrupt();
  const { status, stderr } = await cli.result;
  assert.equal(status, 130);
  assert.match(stderr, /ports: 1200 .*net\.ipv4\.tcp_tw_reuse = 0/);
  assert.match(stderr, /Nothing was measured yet/);
});
