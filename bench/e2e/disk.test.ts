// Results that can't be written: whole lines only, no file half written, and known before measuring where that can be.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { callCli } from '../testing/in-process.ts';
import { type CliResult, runCli } from './testing/cli.ts';
import { reasonNotTo } from './testing/privileges.ts';
import { openWorkspace, type StoredFolder, storedRuns, tinyScenario } from './testing/workspace.ts';

const skip = reasonNotTo('mount');

/**
 * Runs a comparison whose results folder is a file system of its own, gone with the process. What was stored is copied
 * out before that.
 */
async function runOnDisk(
  t: TestContext,
  mountOptions: string,
  timing: ScenarioInput['timing'] = {},
): Promise<CliResult & { stored: StoredFolder[] }> {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario(timing));
  const script =
    'mkdir results && mount -t tmpfs -o "$0" tmpfs results && "$@"; status=$?; cp -r results stored; exit $status';
  const outcome = await runCli(t, ['run', file], {
    cwd: workspace.dir,
    hasCharts: true,
    wrapper: ['unshare', '--mount', 'sh', '-c', script, mountOptions],
  });
  return { ...outcome, stored: storedRuns(join(workspace.dir, 'stored')) };
}

describe('when results cannot be written', { concurrency: 2 }, () => {
  test('a disk that fills while measuring: whole lines, and no other file', { skip }, async t => {
    // Room for one trial at least, however busy the machine, and not for all ten.
    const { status, stderr, stored } = await runOnDisk(t, 'size=20k', {
      minReplicates: 5,
      maxReplicates: 5,
      budgetMs: 60_000,
    });
    assert.equal(status, 3, stderr);
    const [folder, ...others] = stored;
    assert.equal(others.length, 0);
    assert.match(
      stderr,
      new RegExp(
        `^error: cannot write results/runs/${folder?.id}/trials\\.ndjson: the disk is full \\(ENOSPC\\)$`,
        'm',
      ),
    );
    assert.deepEqual(folder?.files, ['trials.ndjson']);
    assert.ok(folder.trials.length >= 1 && folder.trials.length < 10, `${folder.trials.length} trials`);
    assert.doesNotMatch(stderr, /^ +at /m, 'no stack trace');
  });

  test('a disk that fills at the end: the report is shown all the same', { skip }, async t => {
    // Room for the trials and the smaller files, and not for the page.
    const { status, stdout, stderr, stored } = await runOnDisk(t, 'size=96k');
    assert.equal(status, 3, stderr);
    assert.match(stderr, /^error: cannot write \S*report\.html: the disk is full/m);
    assert.match(stdout, /requests\/s/);
    const [folder] = stored;
    assert.ok(folder !== undefined);
    assert.equal(folder.run, undefined, 'without run.json the folder does not claim to be complete');
    assert.deepEqual(folder.files, ['report.md', 'trials.ndjson']);
    assert.equal(folder.trials.length, 2);
  });

  test('a read-only folder is known before anything is measured', { skip }, async t => {
    const { status, stdout, stderr, stored } = await runOnDisk(t, 'ro');
    assert.deepEqual([status, stdout, stored], [3, '', []]);
    assert.match(stderr, /^error: cannot write results\/runs\S*: .*\(EROFS\); expected: .* --results \S+$/m);
    assert.doesNotMatch(stderr, /^\[1\/1\]/m, 'nothing was started');
  });

  test('so is a file in place of the folder', async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(tinyScenario());
    await writeFile(workspace.results, 'mine');
    for (const results of ['results', 'results/below']) {
      const { status, stdout, stderr } = await callCli(['run', file, '--results', results], {
        cwd: workspace.dir,
      });
      assert.deepEqual([status, stdout], [3, '']);
      assert.match(stderr, /^error: cannot write results\/\S*: .*not a directory/m);
      assert.doesNotMatch(stderr, /^\[1\/1\]/m, 'nothing was started');
    }
  });
});
