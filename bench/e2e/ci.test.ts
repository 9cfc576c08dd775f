// The job of every night: measured, remembered, held against the baseline, and red only when it is red twice.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunSummary } from '../../results/baselines.ts';
import { appendHistory } from '../../results/history.ts';
import { sampleHistory } from '../../results/testing/sample-history.ts';
import { runCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

test('conntax ci', async t => {
  const workspace = await openWorkspace(t);
  const { dir, results } = workspace;
  const summaryFile = join(dir, 'summary.md');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summaryFile };
  const file = await workspace.writeScenario({
    // Twice the users and half the slice: as many requests for the intervals, in half the time.
    ...tinyScenario({ minReplicates: 3, maxReplicates: 3, budgetMs: 60_000, sliceResponses: 10 }),
    load: { concurrency: 8 },
    target: { behaviour: { name: 'delay', distribution: 'exponential', meanMs: 20 } },
    clients: { patient: {}, impatient: { timeouts: { totalMs: 20 } } },
    baseline: 'patient',
  });
  const ci = () => runCli(t, ['ci', file], { cwd: dir, env });
  const historyLength = (): number =>
    readFileSync(join(results, 'history.ndjson'), 'utf8').trimEnd().split('\n').length;

  await t.test('the first time it says how to begin, and remembers the run', async () => {
    const { status, stderr, stdout } = await ci();
    assert.equal(status, 0, stderr);
    assert.match(stderr, /No baseline "main".*conntax baseline save/);
    assert.equal(historyLength(), 1);
    assert.ok(readFileSync(summaryFile, 'utf8').includes('impatient'), 'the step summary');
    assert.ok(!stdout.includes('\u001b'), 'plain output');
  });

  await t.test('a regression is measured again, confirmed and told: exit status 1', async () => {
    assert.equal((await runCli(t, ['baseline', 'save', '--force'], { cwd: dir })).status, 0);
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
    assert.match(stdout, /^Regression: error rate of impatient in tiny/m);
    assert.match(stderr, /re-measuring its cells/);
    assert.match(
      stderr,
      /^Confirmed: error rate of impatient in tiny: \+[\d.]+ per 1,000 requests \(.*\) at first, \+[\d.]+ .* again, \+[\d.]+ .* together\.$/m,
    );
    assert.match(stderr, /^::error title=conntax%3A tiny::error rate, impatient/m);
    assert.equal(stderr.match(/^::error /gm)?.length, 1, 'told once, when it was sure');
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
    assert.match(page, /^Regression: error rate|\*\*Regression: error rate/m);
    assert.match(page, /Confirmed: error rate of impatient in tiny/);
    assert.match(stdout, /^The history: arms against/m);
    assert.match(stdout, /^tiny +impatient +requests\/s +10 /m, 'the eight, the first and this one');
    assert.match(readFileSync(summaryFile, 'utf8'), /^### The history: arms against/m);
  });
});
