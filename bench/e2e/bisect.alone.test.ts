// A version of undici, and a commit of a server, that are slow on purpose are named: beside other programs, replicates do not agree and audits fail.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { putFakeNpm } from '../run/testing/fake-npm.ts';
import { runHere } from './testing/cli.ts';
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
    tinyScenario({ minReplicates: 3, maxReplicates: 10, budgetMs: 60_000 }),
  );
  const args = ['bisect', 'undici@1.0..1.2', file, '--client', 'persistent'];
  const { status, stdout, stderr } = await runHere(t, args, {
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

/** A server that answers after `work`. */
const SERVER = (work: string) => `import http from 'node:http';
http.createServer((_, response) => { ${work} response.end('x'); }).listen(process.env.PORT);`;

test('the commit that made a server slower is named, though another one does not start', async t => {
  const workspace = await openWorkspace(t);
  const { dir } = workspace;
  const git = (...args: string[]): string => {
    const author = ['-c', 'user.name=t', '-c', 'user.email=t@localhost'];
    return execFileSync('git', ['-C', dir, ...author, ...args], { encoding: 'utf8' }).trim();
  };
  git('init', '--quiet', '--initial-branch', 'main');
  for (const [subject, server] of [
    ['fine', SERVER('')],
    ['broken', 'process.exit(4);'],
    ['repaired', SERVER('/* again */')],
    ['slow', SERVER(SPIN)],
  ] as const) {
    await writeFile(join(dir, 'server.mjs'), server);
    git('add', 'server.mjs');
    git('commit', '--quiet', '--message', subject);
  }
  const file = await workspace.writeScenario(
    tinyScenario({ minReplicates: 3, maxReplicates: 10, budgetMs: 60_000 }),
  );
  const args = ['bisect', 'HEAD~3..main', file, '--client', 'persistent', '--start'];
  const { status, stdout, stderr } = await runHere(t, [...args, `'${process.execPath}' server.mjs`], {
    cwd: dir,
    env: { TMPDIR: dir },
  });
  assert.equal(status, 1, stdout + stderr);
  const [broken, repaired, slow] = ['HEAD~2', 'HEAD~1', 'HEAD'].map(ref =>
    git('rev-parse', ref).slice(0, 12),
  );
  const printed = stdout.replace(/\s+/g, ' ');
  assert.ok(printed.startsWith(`FAIL: commit ${slow} is the first commit that is worse`), printed);
  assert.match(printed, new RegExp(`${slow}: slow`));
  assert.match(printed, new RegExp(`commit ${repaired}, the commit before it, is not`));
  assert.match(printed, new RegExp(`commit ${broken} could not be measured: .*exit status 4`));
  assert.equal(git('worktree', 'list').split('\n').length, 1);
  const left = (await readdir(dir)).filter(name => name.startsWith('conntax-'));
  assert.deepEqual(left, []);
});
