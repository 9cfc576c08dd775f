// A target whose answers go wrong on purpose: failures counted equal those injected, in the audit, the stored ledger and the report.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { accountFaults } from '../../results/faults.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const FAULTS = [
  { kind: 'status', status: 503, ratio: 0.03 },
  { kind: 'close', ratio: 0.03 },
  { kind: 'closeInBody', ratio: 0.03 },
  { kind: 'reset', ratio: 0.03 },
  { kind: 'noAnswer', ratio: 0.005 },
  { kind: 'slowBytes', overMs: 20, ratio: 0.02 },
  { kind: 'connectionClose', ratio: 0.03 },
];

test('a run with every kind of fault: each client counts them all, and its ledger holds', async t => {
  const workspace = await openWorkspace(t);
  // Far longer than a good answer takes on a busy machine.
  const timeouts = { totalMs: 2_000 };
  const clients = {
    persistent: { timeouts },
    short: { requestsPerConnection: 1, timeouts },
    node: { transport: 'node-http', timeouts },
  };
  const file = await workspace.writeScenario({
    ...tinyScenario({ measureMs: 600, slicing: 'whole', warmupMinMs: 250, warmupMaxMs: 250 }),
    target: { behaviour: { name: 'fixed', bytes: 64 }, faults: FAULTS },
    clients,
    baseline: 'persistent',
    expect: Object.keys(clients).map(of => ({ metric: 'successRatio', of, atLeast: 0.5 })),
  });
  const { status, stdout, stderr } = await runHere(t, ['run', file], { cwd: workspace.dir });
  assert.equal(status, 0, stderr + stdout);
  const { dir, run, trials } = workspace.onlyRun();
  const [cell] = run!.cells;
  assert.deepEqual(
    cell!.findings
      .filter(({ rule, state }) => ['faults', 'ledger', 'conservation'].includes(rule) && state !== 'pass')
      .map(({ rule, detail }) => `${rule}: ${detail}`),
    [],
  );
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    const { ledger } = result.measurement;
    assert.ok(
      ledger.faults.some(count => count > 0),
      JSON.stringify(ledger),
    );
    const { ways, others } = accountFaults(result.trial, ledger)!;
    assert.deepEqual(others, []);
    for (const { way, counted, injected } of ways) assert.equal(counted, injected.least, way);
  }
  const markdown = readFileSync(join(dir, 'report.md'), 'utf8');
  assert.match(markdown, /Injected faults/);
  assert.match(markdown, /Faults of the target: of all requests, drawn with the seed: 3 % status 503, /);
});

test('what HTTP/2 cannot do is refused with its reason, before anything starts', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario(),
    target: { protocol: 'h2', tls: '1.3', faults: FAULTS },
    clients: { only: { protocol: 'h2' } },
    baseline: 'only',
  });
  const { status, stderr } = await callCli(['run', file, '--dry-run'], { cwd: workspace.dir });
  assert.equal(status, 2);
  for (const index of [1, 2, 3])
    assert.match(stderr, new RegExp(`target\\.faults\\.${index}:[^\n]*over HTTP/2 carries other requests`));
  assert.match(stderr, /target\.faults\.6:[^\n]*HTTP\/2 has no Connection header/);
  assert.doesNotMatch(stderr, /target\.faults\.[045]:/);
});
