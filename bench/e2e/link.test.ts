// A network between client and target, from the command line to the report; Ctrl-C leaves no relay behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere, startCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const ROUND_TRIP_MS = 10;
const SERVICE_MS = 2;

function linkedScenario(timing: ScenarioInput['timing'] = {}): ScenarioInput {
  return {
    ...tinyScenario({ warmupMaxMs: 0, sliceResponses: 2, ...timing }),
    target: { behaviour: { name: 'delay', meanMs: SERVICE_MS }, tls: '1.2' },
    link: { roundTripMs: ROUND_TRIP_MS },
    clients: {
      short: { requestsPerConnection: 1, pool: { maxConnections: 4, tlsSessions: 'none' } },
      persistent: { pool: { maxConnections: 4, tlsSessions: 'none' } },
    },
    published: { source: 'a paper', rows: [{ arm: 'short', meanMs: 42 }] },
  };
}

test('a run behind a link: handshakes and answers take their round trips, beside what the model says', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(linkedScenario());
  const { status, stdout, stderr } = await runHere(t, ['run', file, '--verbose'], { cwd: workspace.dir });
  const { run, trials } = workspace.onlyRun();
  const [cell] = run!.cells;
  // On a busy machine the relay is late, or users stand still, and the run says that its figures can't be believed.
  const failed = cell!.findings.filter(({ state }) => state === 'fail').map(({ rule }) => rule);
  assert.ok(
    failed.every(rule => rule === 'link' || rule === 'littles-law'),
    JSON.stringify(failed),
  );
  assert.equal(status, failed.length === 0 ? 0 : 3, stderr);
  assert.equal(cell!.serviceMs, SERVICE_MS);
  const roundTrips: Record<string, number> = { short: 4, persistent: 1 };
  for (const result of trials) {
    assert.ok(result.state === 'completed', result.trial.id);
    const { response, ledger, link } = result.measurement;
    const leastMs = roundTrips[result.trial.arm]! * ROUND_TRIP_MS + SERVICE_MS - 1;
    assert.ok(response.minUs / 1_000 >= leastMs, `${result.trial.arm}: ${response.minUs} us`);
    assert.deepEqual([ledger.accepted, ledger.requestsSeen], [ledger.opened, ledger.requestsSent]);
    assert.equal(ledger.handshakesFull, ledger.opened);
    assert.ok(link !== null && link.bytes > 0);
  }
  for (const words of [
    'Published figures, model and measurement',
    'Link relay',
    'late p99',
    'more round trips per request',
  ]) {
    assert.ok(stdout.replaceAll(/\s+/g, ' ').includes(words), `no "${words}" in:\n${stdout}`);
  }
  assert.match(stdout, /^short \(baseline\)†* +4\.00 +42 /m, 'round trips, and what was published');
  assert.doesNotMatch(stdout, /over loopback/);
});

test('Ctrl-C while it measures behind a link: the relay is gone, too', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(
    linkedScenario({ measureMs: 60_000, budgetMs: 60_000, sliceMs: 500 }),
  );
  const cli = startCli(t, ['run', file], { cwd: workspace.dir });
  await cli.seen(/measuring/);
  assert.equal(cli.children('link-child').length, 1);
  cli.interrupt();
  const { status, stderr } = await cli.result;
  assert.equal(status, 130, stderr);
  assert.equal(workspace.onlyRun().run?.state, 'partial');
});

test('a link before a server that is not ours is refused before anything is started', async t => {
  const workspace = await openWorkspace(t);
  const scenario = { ...linkedScenario(), target: { url: 'http://example.test/' } };
  const file = await workspace.writeScenario(scenario);
  const { status, stderr } = await callCli(['run', file], { cwd: workspace.dir });
  assert.equal(status, 2);
  assert.match(stderr.replaceAll(/\s+/g, ' '), /link: .*would include the relay's connections/);
});
