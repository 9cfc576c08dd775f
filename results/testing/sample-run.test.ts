// Sample runs are such as a real run could have stored.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Run } from '../model/run.ts';
import { TrialResult } from '../model/trial.ts';
import { sampleRun } from './sample-run.ts';

for (const options of [
  {},
  { scenario: 'requests-per-connection' },
  { scenario: 'same-load' },
  { scenario: 'capacity' },
  { scenario: 'behind-a-link' },
  { scenario: 'drivers' },
  { trouble: 'failed-trial' },
  { trouble: 'invalid-trial' },
] as const) {
  test(`a sample run is valid by schema and the same at every call: ${JSON.stringify(options)}`, () => {
    const { run, trials } = sampleRun(options);
    assert.deepEqual(Run.parse(JSON.parse(JSON.stringify(run))), run);
    assert.deepEqual(TrialResult.array().parse(JSON.parse(JSON.stringify(trials))), trials);
    assert.deepEqual(sampleRun(options), { run, trials });
  });
}

test('a sample run passes its audits, unless it is asked for trouble', () => {
  for (const scenario of ['short-vs-persistent', 'requests-per-connection', 'behind-a-link'] as const) {
    const findings = sampleRun({ scenario }).run.cells.flatMap(cell => cell.findings);
    assert.deepEqual(
      findings.filter(finding => finding.state !== 'pass'),
      [],
    );
  }
  const findings = sampleRun({ trouble: 'invalid-trial' }).run.cells.flatMap(cell => cell.findings);
  assert.ok(findings.some(finding => finding.rule === 'ledger' && finding.state === 'fail'));
});
