// The command `import`: a report is stored once, as a run that other commands take like any other.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { readRun } from '../../results/store.ts';
import { answeredTurn, sampleReport } from '../import/testing/sample-report.ts';
import { callCli } from '../testing/in-process.ts';

async function openFolder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-import-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

function writeReport(dir: string, requests: number): void {
  const turns = [1, 2, 3].flatMap(block => [
    answeredTurn({ arm: 'short', block }, requests, 2_000 + block),
    answeredTurn({ arm: 'persistent', block }, requests, 1_000 - block),
  ]);
  writeFileSync(join(dir, 'report.json'), sampleReport(turns));
}

suite('conntax import', () => {
  test('stores a run that report and compare take, and shows it', async t => {
    const cwd = await openFolder(t);
    writeReport(cwd, 500);
    const imported = await callCli(['import', 'report.json'], { cwd });
    assert.equal(imported.status, 0, imported.stderr);
    assert.match(imported.stdout, /Reuse is 2\.\d+ times as fast/);
    const { dir, run, trials } = readRun(join(cwd, 'results'));
    assert.match(imported.stderr, new RegExp(`Imported as ${run.id}`));
    assert.equal(trials.length, 6);
    for (const file of ['report.html', 'report.md', 'latency.hlog', 'metrics.prom'])
      assert.ok(existsSync(join(dir, file)), file);

    const shown = await callCli(['report', '--verbose'], { cwd });
    assert.equal(shown.status, 0, shown.stderr);
    assert.match(shown.stdout, /coarser than\s+slices/);
    writeReport(cwd, 510);
    assert.equal((await callCli(['import', 'report.json'], { cwd })).status, 0);
    const [first, second] = readdirSync(join(cwd, 'results/runs')).sort();
    const compared = await callCli(['compare', first!, second!], { cwd });
    assert.equal(compared.status, 0, compared.stderr);
    const page = await callCli(['report', join(dir, 'report.html'), '--json'], { cwd });
    assert.equal(page.status, 0, page.stderr);
  });

  test('a report that was imported before is not stored again, and one that is missing is named', async t => {
    const cwd = await openFolder(t);
    writeReport(cwd, 500);
    assert.equal((await callCli(['import', 'report.json'], { cwd })).status, 0);
    const before = readFileSync(join(cwd, 'results/latest'), 'utf8');
    const again = await callCli(['import', 'report.json'], { cwd });
    assert.equal(again.status, 2);
    assert.match(again.stderr, new RegExp(`report\\.json was imported before, as ${before.trim()}`));
    const missing = await callCli(['import', 'none.json'], { cwd });
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /none\.json does not exist/);
    assert.deepEqual(readdirSync(join(cwd, 'results/runs')), [before.trim()]);
  });
});
