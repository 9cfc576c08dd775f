// Calls that go wrong before anything is done: by a shell's slip, by npm, by a folder that is gone. Each is refused with a sentence.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CONNTAX, runCli, startProgram } from './testing/cli.ts';
import { openWorkspace } from './testing/workspace.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('nothing in a name can steer the terminal, or begin a line of its own', async t => {
  const { dir } = await openWorkspace(t);
  for (const [word, shown] of [
    [
      '\u001b[2J\n::error::x',
      /^error: "\\u001b\[2J\\n::error::x" contains control characters; expected: .*\n$/,
    ],
    [
      '\u202egnp',
      /^error: unknown run \\u202egnp: it is neither in results nor a folder; no runs are stored\n$/,
    ],
  ] as const) {
    const { status, stdout, stderr } = await runCli(t, ['report', word], { cwd: dir });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, shown);
  }
});

test('a Node that is too old is named, with what is needed, before anything else is loaded', async t => {
  const { dir } = await openWorkspace(t);
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const pretend = 'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})';
  const [node, main] = CONNTAX as [string, string];
  const words = [node, '--import', `data:text/javascript,${pretend}`, main, 'list'];
  const { status, stdout, stderr } = await startProgram(t, words, { cwd: dir }).result;
  assert.deepEqual([status, stdout], [2, '']);
  assert.ok(
    stderr.startsWith(`error: conntax needs Node ${engines.node.replace('>=', '')} or newer; this is v`),
    stderr,
  );
});

test('importing conntax where it is not installed ends with what to do', async t => {
  const { dir } = await openWorkspace(t);
  await writeFile(join(dir, 'mine.ts'), "import { defineScenario } from 'conntax';\n");
  const { status, stderr } = await runCli(t, ['run', './mine.ts', '--dry-run'], { cwd: dir });
  assert.equal(status, 2);
  assert.match(
    stderr,
    /expected: npm install conntax where the file is; within a clone, the path of its bench\/index\.ts/,
  );
});

test('a working folder that was deleted is said so', async t => {
  const { dir } = await openWorkspace(t);
  const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
  for (const words of [['list'], ['report'], ['run', 'x.json']]) {
    const { status, stderr } = await startProgram(t, ['sh', '-c', script, 'sh', ...CONNTAX, ...words], {
      cwd: dir,
    }).result;
    assert.deepEqual([status, stderr], [2, 'error: the working folder was deleted: change to another one\n']);
  }
});

test('an option that npm has kept for itself is refused, with the line that was meant', async t => {
  const npm = (words: readonly string[], env?: Record<string, string>) =>
    startProgram(t, ['npm', 'run', ...words], { cwd: ROOT, ...(env === undefined ? {} : { env }) }).result;
  for (const [words, right] of [
    [['conntax', 'list', '--json'], 'npm run conntax -- list --json'],
    [['bench', 'no-such', '--dry-run', '--no-phases'], 'npm run bench -- no-such --dry-run --no-phases'],
    [['conntax', 'history', '--results', 'elsewhere'], 'npm run conntax -- ...'],
    [['conntax', 'try', 'http://127.0.0.1:1/', '-c', '5'], 'npm run conntax -- ...'],
  ] as const) {
    const { status, stderr } = await npm(words);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /error: npm took --/);
    assert.ok(stderr.includes(`use: ${right}\n`), stderr);
  }
  const { status, stderr } = await npm(['conntax', 'try', 'http://127.0.0.1:1/', '-X', 'POST']);
  assert.equal(status, 2);
  assert.match(stderr, /too many arguments for 'try'/);
  assert.match(stderr, /npm reads options itself.*npm run conntax -- /);
});

test("npm's own settings are left to npm", async t => {
  const { dir } = await openWorkspace(t);
  const npmrc = join(dir, 'npmrc');
  await writeFile(npmrc, '; of the user\njson = true\ndry-run=true\n');
  for (const env of [{ npm_config_userconfig: npmrc }, { NPM_CONFIG_JSON: 'true' }]) {
    const { status, stdout, stderr } = await startProgram(t, ['npm', 'run', 'conntax', '--', 'list'], {
      cwd: ROOT,
      env,
    }).result;
    assert.equal(status, 0, stderr);
    assert.match(stdout, /│ pool-size/);
  }
});
