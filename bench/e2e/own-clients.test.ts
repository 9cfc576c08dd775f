// A user's own client, from a path in a scenario to the report: measured, counted, shown as written; or refused in words.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { TrialResult } from '../../results/model/trial.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const examples = fileURLToPath(new URL('../../scenarios/examples', import.meta.url));

function measurementOf(trials: readonly TrialResult[], arm: string) {
  const trial = trials.find(result => result.trial.arm === arm);
  assert.ok(trial?.state === 'completed', `${arm}: ${JSON.stringify(trial)}`);
  return trial.measurement;
}

test('the examples are measured: reuse is as each of them is made, by the count of both ends', async t => {
  const { dir, writeScenario, onlyRun } = await openWorkspace(t);
  const at = (file: string): string => `${relative(dir, examples)}/${file}`;
  const clients = {
    short: { transport: at('axios-client.ts'), requestsPerConnection: 1, pool: { maxConnections: 4 } },
    got: { transport: at('got-client.ts'), pool: { maxConnections: 4 } },
    'per-call': { transport: at('factory-client.ts'), options: { lifetime: 'per-call' } },
  };
  const file = await writeScenario({ ...tinyScenario(), clients, baseline: 'got' });
  const { status, stderr } = await runHere(t, ['run', file], { cwd: dir });
  assert.equal(status, 0, stderr);

  const { trials, run, dir: stored } = onlyRun();
  for (const arm of Object.keys(clients)) {
    const { ledger, wait, connect, caveats, completed } = measurementOf(trials, arm);
    assert.ok(completed > 0, arm);
    assert.deepEqual([ledger.failed, ledger.opened], [0, ledger.accepted], arm);
    if (arm === 'got') assert.ok(ledger.opened <= 4, arm);
    else {
      assert.equal(ledger.opened, ledger.requestsSent, arm);
      assert.ok(connect.count > 0, arm);
    }
    assert.equal(wait.count, 0, 'what is not known is not recorded');
    assert.match(caveats.join(), /wait, first byte and body are unknown/);
  }
  const report = readFileSync(join(stored, 'report.md'), 'utf8');
  assert.ok(report.includes(at('axios-client.ts')), 'a report names the module as the scenario does');
  const others = report.replaceAll(relative(dir, examples), '');
  assert.ok(!others.includes(examples), 'and not where it lies on this machine');
  assert.equal(run?.cells[0]?.scenario.clients['got']?.transport, at('got-client.ts'));
});

suite('what is wrong with a module', () => {
  const wrong: [what: string, text: string, status: number, said: RegExp][] = [
    [
      'found before anything starts',
      'export default { send() {} };',
      2,
      /clients\.mine\.transport: \.\/mine\.ts its default export has no function open\(\)\n {4}expected: /,
    ],
    [
      'found when it is opened: the trial fails with its words',
      'export default { open() { throw new Error("no token in the vault"); } };',
      3,
      /open\(\) of \/.*mine\.ts failed: no token in the vault \(at \/.*mine\.ts:1\)\n(?!\s+at )/,
    ],
  ];
  for (const [what, text, expected, said] of wrong) {
    test(what, async t => {
      const { dir, writeScenario } = await openWorkspace(t);
      await writeScenario(text, 'mine.ts');
      const clients = { mine: { transport: './mine.ts' } };
      const file = await writeScenario({ ...tinyScenario(), clients, baseline: 'mine' });
      const { status, stdout, stderr } = await runHere(t, ['run', file], { cwd: dir });
      assert.equal(status, expected, stderr);
      assert.match(stdout + stderr, said);
    });
  }
});
