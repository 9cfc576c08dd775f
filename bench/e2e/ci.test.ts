// The job of every night, as a scheduler starts it: measured by real processes and remembered.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { runCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

test('conntax ci for the first time: it says how to begin, and remembers the run', async t => {
  const workspace = await openWorkspace(t);
  const { dir, results } = workspace;
  const summaryFile = join(dir, 'summary.md');
  const file = await workspace.writeScenario({
    ...tinyScenario({ minReplicates: 3, maxReplicates: 3, budgetMs: 150_000, measureMs: 100 }),
    load: { concurrency: 8 },
    // Failures that don't depend on how busy the machine is.
    target: { behaviour: { name: 'delay', meanMs: 5 }, faults: [{ kind: 'status', ratio: 0.2 }] },
  });
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summaryFile };
  const { status, stderr, stdout } = await runCli(t, ['ci', file], { cwd: dir, env });
  assert.equal(status, 0, stderr);
  assert.match(
    stderr,
    /^No baseline "main" to compare with\. (To use this run: conntax baseline save|Baseline save would refuse this run)/m,
  );
  assert.equal(readFileSync(join(results, 'history.ndjson'), 'utf8').trimEnd().split('\n').length, 1);
  const history = await callCli(['history'], { cwd: dir });
  assert.equal(history.status, 0, history.stderr);
  assert.match(history.stdout, /^Too few runs for a trend\n1 run; a trend needs 6/m);
  assert.ok(readFileSync(summaryFile, 'utf8').includes('persistent'), 'the step summary');
  assert.ok(!stdout.includes('\u001b'), 'plain output');
  for (const { arm, failed, completed } of workspace.onlyRun().run!.cells[0]!.arms)
    assert.ok(
      failed > 0 && completed > 0,
      `${arm}: ${failed} requests failed and ${completed} were answered`,
    );
});
