// A version of undici that is slow on purpose is named: beside other programs, replicates do not agree and audits fail.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { putFakeNpm } from '../run/testing/fake-npm.ts';
import { runCli } from './testing/cli.ts';
import { openWorkspace, storedRuns, tinyScenario } from './testing/workspace.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** So much more CPU for each request than it takes that replicates of a busy machine agree. */
const SPIN = 'for (const endMs = performance.now() + 3; performance.now() < endMs; );';

test('the first of three versions that is slower is named, with exit status 1', async t => {
  const workspace = await openWorkspace(t);
  await putFakeNpm(t, {
    versions: ['1.0.0', '1.1.0', '1.2.0'],
    async write(folder, version) {
      const slow = `const { dispatch } = undici.Pool.prototype;
      undici.Pool.prototype.dispatch = function (...args) { ${SPIN} return dispatch.apply(this, args); };`;
      await writeFile(
        join(folder, 'index.js'),
        `import undici from ${JSON.stringify(join(root, 'node_modules/undici/index.js'))};
        export * from ${JSON.stringify(join(root, 'node_modules/undici/index.js'))};
        ${version === '1.0.0' ? '' : slow}`,
      );
    },
  });
  const file = await workspace.writeScenario(
    tinyScenario({ minReplicates: 4, maxReplicates: 10, budgetMs: 60_000 }),
  );
  const args = ['bisect', 'undici@1.0..1.2', file, '--client', 'persistent'];
  const { status, stdout, stderr } = await runCli(t, args, {
    cwd: workspace.dir,
    env: { TMPDIR: workspace.dir },
  });
  assert.equal(status, 1, stdout + stderr);
  assert.match(
    stdout.replace(/\s+/g, ' '),
    /^FAIL: undici 1\.1\.0 is the first version that is worse .*requests\/s 0\.\d+×/,
  );
  const codes = storedRuns(workspace.results).map(({ run }) => run!.cells[0]!.code['after']);
  assert.deepEqual(codes.toSorted(), ['undici 1.1.0', 'undici 1.2.0']);
});
