// The job of every night on recorded replicates: compared with the baseline, and red only when it is red twice.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunSummary } from '../../results/baselines.ts';
import { appendHistory } from '../../results/history.ts';
import { sampleHistory } from '../../results/testing/sample-run.ts';
import { openWorkspace, tinyScenario } from '../e2e/testing/workspace.ts';
import { replay, withTimeouts } from '../run/testing/recorded-replicates.ts';
import { replayContext } from '../testing/in-process.ts';
import { saveBaselineCommand } from './baseline.ts';
import { ciCommand } from './ci.ts';

test('conntax ci', async t => {
  const workspace = await openWorkspace(t);
  const { dir, results } = workspace;
  const summaryFile = join(dir, 'summary.md');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summaryFile, TOKEN: 'of this job' };
  const file = await workspace.writeScenario({
    ...tinyScenario({ minReplicates: 3, maxReplicates: 3, budgetMs: 60_000 }),
    load: { concurrency: 8 },
    request: { headers: { authorization: { env: 'TOKEN' } } },
    clients: { patient: {}, impatient: { timeouts: { totalMs: 20 } } },
    baseline: 'patient',
  });
  /** A third of the requests of the impatient client fail, in every run. */
  const createSource = replay(trial => (trial.trial.arm === 'impatient' ? withTimeouts(trial) : trial));
  const ci = async () => {
    const { context, printed } = replayContext(dir, { env, createSource });
    const status = await ciCommand([file], { results, allowHost: [] }, context);
    return { status, stdout: printed.out.join('\n'), stderr: printed.notes.join('\n') };
  };
  const historyLength = (): number =>
    readFileSync(join(results, 'history.ndjson'), 'utf8').trimEnd().split('\n').length;

  await t.test('the first time it says how to begin, and remembers the run', async () => {
    const { status, stderr, stdout } = await ci();
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^No baseline "main" to compare with\. To use this run: conntax baseline save/m);
    assert.match(stderr, /^Measured; writing the report$/m);
    assert.equal(historyLength(), 1);
    assert.ok(readFileSync(summaryFile, 'utf8').includes('impatient'), 'the step summary');
    assert.ok(!stdout.includes('\u001b'), 'plain output');
  });

  await t.test('a regression is measured again, confirmed and reported: exit status 1', async () => {
    const { context } = replayContext(dir);
    await saveBaselineCommand(undefined, { results, force: true }, context);
    const path = join(results, 'baselines', 'main.json');
    const baseline: RunSummary = JSON.parse(readFileSync(path, 'utf8'));
    // As if no request had failed then: a third of them does, in every run.
    const arm = baseline.cells[0]!.arms.find(one => one.arm === 'impatient')!;
    assert.ok(arm.failed > 0);
    arm.completed += arm.failed;
    arm.failed = 0;
    writeFileSync(path, JSON.stringify(baseline));
    const nights = sampleHistory(baseline, { count: 8, metric: 'p99Us', atLevel: 8, factor: 1 });
    for (const night of nights) appendHistory(results, night);
    const { status, stderr, stdout } = await ci();
    assert.match(stdout, /^FAIL: error rate of impatient rose by /m);
    assert.match(stderr, /re-measuring its cells/);
    assert.match(
      stderr,
      /^Confirmed: error rate of impatient in tiny: \+[\d.]+ per 1,000 requests \(.*\) at first, \+[\d.]+ .* when re-measured, \+[\d.]+ .* combined\.$/m,
    );
    assert.match(stderr, /^::error title=conntax%3A tiny::error rate, impatient/m);
    assert.equal(stderr.match(/^::error /gm)?.length, 1, 'annotated once, after the confirmation');
    assert.equal(status, 1);
    assert.equal(historyLength(), 10);
    const night = readFileSync(join(results, 'history.ndjson'), 'utf8').trimEnd().split('\n').at(-1)!;
    const latest = readFileSync(join(results, 'latest'), 'utf8').trim();
    assert.equal(
      (JSON.parse(night) as RunSummary).runId,
      latest,
      'the run of the night, not that of the second look',
    );
    const page = readFileSync(join(results, 'runs', latest, 'gate.md'), 'utf8');
    assert.match(page, /^Regression: from 0 % to .* of requests in tiny/m);
    assert.match(page, /Confirmed: error rate of impatient in tiny/);
    assert.match(stdout, /^REGRESSION +error rate of impatient /m);
    assert.match(
      page,
      /^\| no significant change \| tiny \| impatient \| requests\/s \| 10 \|/m,
      'the eight, the first and this one',
    );
    assert.match(readFileSync(summaryFile, 'utf8'), /^### History: clients relative to/m);
  });
});
