// A server of the user's own: two commits of it by `ab --start`, and what is said of commands, refs and installs that fail.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callCli } from '../testing/in-process.ts';
import { runHere, startCli } from './testing/cli.ts';
import { openWorkspace, soloScenario, tinyScenario, type Workspace } from './testing/workspace.ts';

const NODE = `'${process.execPath}'`;
const START = `${NODE} server.mjs`;
/** It answers with its version, so that the two cannot be confused. */
const SERVER = (version: string) => `import http from 'node:http';
if (process.env.INSTALLED === undefined) (await import('node:fs')).readFileSync('installed');
http.createServer((_, response) => response.end('${version}')).listen(process.env.PORT);`;

interface Repository extends Workspace {
  git(...args: string[]): string;
}

/** A repository in which `old` is the version before; it has no file `installed`. */
async function openRepository(t: TestContext): Promise<Repository> {
  const workspace = await openWorkspace(t);
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', workspace.dir, '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      encoding: 'utf8',
    });
  git('init', '--quiet', '--initial-branch', 'main');
  writeFileSync(join(workspace.dir, 'server.mjs'), SERVER('one'));
  git('add', 'server.mjs');
  git('commit', '--quiet', '--message', 'one');
  git('branch', 'old');
  writeFileSync(join(workspace.dir, 'server.mjs'), SERVER('second'));
  git('commit', '--quiet', '--all', '--message', 'two');
  return { ...workspace, git };
}

/** No worktree of a run is left, neither for git nor in the temporary folder. */
function assertNoCheckout({ git, dir }: Repository): void {
  assert.equal(git('worktree', 'list', '--porcelain').match(/^worktree /gm)?.length, 1);
  const left = readdirSync(dir).filter(name => name.startsWith('conntax-'));
  assert.deepEqual(left, []);
}

test('two commits of a server, each in its own checkout, with CPU time of each; nothing is left', async t => {
  const repository = await openRepository(t);
  const { dir } = repository;
  const file = await repository.writeScenario(tinyScenario());
  const args = ['ab', file, '--start', START, '--before-ref', 'old', '--after-ref', 'main'];
  const more = [
    '--install',
    'echo yes > installed',
    '--client',
    'persistent',
    '--path',
    '/x',
    '--no-confirm',
    '--verbose',
  ];
  const { stdout, stderr } = await runHere(t, [...args, ...more], { cwd: dir, env: { TMPDIR: dir } });
  const [cell] = repository.onlyRun().run!.cells;
  assert.match(cell!.targetCode['before']!, /^old \([0-9a-f]{12}\)$/, stderr);
  assert.match(cell!.targetCode['after']!, /^main \([0-9a-f]{12}\)$/);
  assert.equal(cell!.scenario.request?.path, '/x');
  assert.equal(cell!.expectations[0]!.expectation.metric, 'targetCpuUsPerRequest');
  const bytes = repository.onlyRun().trials.map(result => {
    assert.equal(result.state, 'completed', stderr);
    const { completed, bytes, target } = (result as Extract<typeof result, { state: 'completed' }>)
      .measurement;
    assert.ok(target !== null && target.cpuUsPerRequest > 0);
    return [result.trial.arm, bytes / completed];
  });
  assert.deepEqual(Object.fromEntries(bytes), { before: 'one'.length, after: 'second'.length });
  assert.match(stdout, /server CPU \/ request, after \/ before/);
  assertNoCheckout(repository);
});

const refused: [why: string, args: string[], status: number, told: RegExp][] = [
  [
    'a ref that is no commit',
    ['--before-ref', 'mian'],
    2,
    /mian is not a commit of .*; expected: a branch, a tag or a commit that this clone has/,
  ],
  ['what git would take for an option', ['--before-ref=--help'], 2, /--help is not a commit of/],
  [
    'an install that fails',
    ['--before-ref', 'old', '--install', 'echo no registry >&2; exit 4'],
    2,
    /exit 4 failed in old \([0-9a-f]+\) \(exit status 4\); expected: an install command that ends with status 0\. Its output ends with:\nno registry/,
  ],
  [
    'a command that ends',
    ['--before-ref', 'old', '--install', 'true'],
    3,
    /ended \(exit status 1\) before it answered; .*\(old \([0-9a-f]+\)\)\. Its output ends with:\n[\s\S]*no such file or directory, open 'installed'/,
  ],
  [
    'a folder below that is not there',
    ['--before-ref', 'old', '--cwd', 'api'],
    2,
    /old .* has no folder api/,
  ],
  ['the same of a checkout', ['--before', '.', '--cwd', 'api'], 2, /folder not found: .*api/],
  ['a path without a slash', ['--before', '.', '--path', 'x'], 2, /the command line\n {2}--path: "x" is not/],
  ['one version only', [], 2, /nothing to compare: give --before or --after \(folders\), or --before-ref/],
  [
    'two ways to say one side',
    ['--before', '.', '--before-ref', 'old'],
    2,
    /use only one of --before and --before-ref/,
  ],
  [
    'a package, which is of conntax',
    ['--before-package', 'undici@7'],
    2,
    /--before-package replaces a package of conntax; with --start, use --before or --before-ref/,
  ],
  [
    'a Node, which runs conntax',
    ['--after-node', '24'],
    2,
    /--after-node replaces the Node that runs conntax; with --start, use --after or --after-ref/,
  ],
  [
    'an install without a checkout',
    ['--before', '.', '--install', 'true'],
    2,
    /--install runs in the checkouts of/,
  ],
];
test('refused, and nothing of it is left', async t => {
  const repository = await openRepository(t);
  for (const [why, args, expected, told] of refused) {
    const { status, stderr } = await callCli(['ab', '--start', START, ...args], { cwd: repository.dir });
    assert.equal(status, expected, `${why}: ${stderr}`);
    assert.match(stderr, told, why);
    assertNoCheckout(repository);
  }
  const lacking = await callCli(['ab', '--before-ref', 'old', '--dry-run'], { cwd: repository.dir });
  assert.equal(lacking.status, 2, 'before a plan is made');
  assert.match(lacking.stderr, /no conntax in old \([0-9a-f]+\); .* compared with --start 'npm start'/);
  assertNoCheckout(repository);
  const { status, stderr } = await callCli(['ab', '--before', '.', '--ready', '/x'], { cwd: repository.dir });
  assert.equal(status, 2);
  assert.match(stderr, /--ready is about the server of --start; expected: --start, or no --ready/);
  assert.ok(!existsSync(repository.results), 'nothing was stored');
});

test('a dry run over commits says which repository they are of, and where the command runs', async t => {
  const repository = await openRepository(t);
  const args = ['bisect', 'old..main', '--start', START, '--dry-run'];
  const { status, stdout, stderr } = await callCli(args, { cwd: repository.dir });
  assert.equal(status, 0, stderr);
  const root = repository.git('rev-parse', '--show-toplevel').trim();
  assert.match(stderr, /^commit [0-9a-f]{12} to [0-9a-f]{12}, 2 commits \(old\.\.main of /m);
  assert.ok(stderr.includes(`(old..main of ${root}): at most`), stderr);
  assert.match(stdout, /server\.mjs" in the folder of each version, port given in PORT/);
  assertNoCheckout(repository);
});

test('Ctrl-C during the install: its processes and the checkouts are gone', async t => {
  const repository = await openRepository(t);
  const { dir } = repository;
  const args = [
    'ab',
    '--start',
    START,
    '--before-ref',
    'old',
    '--install',
    'echo begun > begun; sleep 600; :',
  ];
  const cli = startCli(t, args, { cwd: dir, env: { TMPDIR: dir } });
  await cli.seen(/Running echo begun/);
  cli.interrupt();
  const { status, stderr } = await cli.result;
  assert.equal(status, 130, stderr);
  assertNoCheckout(repository);
});

for (const [how, end] of [
  ['Ctrl-C', 'interrupt'],
  ['SIGKILL', 'kill'],
] as const) {
  test(`${how} while a server is measured: it is gone`, async t => {
    const workspace = await openWorkspace(t);
    writeFileSync(join(workspace.dir, 'server.mjs'), SERVER('one'));
    const { target: _own, ...scenario } = soloScenario({ measureMs: 60_000, budgetMs: 60_000 });
    const file = await workspace.writeScenario({ ...scenario, target: { command: `${START}; :` } });
    const cli = startCli(t, ['run', file], { cwd: workspace.dir, env: { INSTALLED: 'yes' } });
    await cli.seen(/measuring/);
    cli[end]();
    await cli.result; // it fails if a process is left
  });
}

test('refused: a folder that does not exist, and settings of another kind of server', async t => {
  const workspace = await openWorkspace(t);
  const { target: _own, ...scenario } = tinyScenario();
  const cases: [target: object, told: RegExp][] = [
    [
      { command: 'true', cwd: 'nowhere' },
      /target\.cwd: .*nowhere does not exist\n +expected: the folder in which/,
    ],
    [{ command: 'true', url: 'http://127.0.0.1:1/' }, /target\.command: .*\n +expected: only one of them/],
    [{ ready: '/' }, /target\.ready: only a server that conntax starts has this setting/],
    [{ command: 'true', env: { API_KEY: 'x' } }, /target\.env\.API_KEY: looks like a credential/],
  ];
  for (const [target, told] of cases) {
    const file = await workspace.writeScenario({ ...scenario, target });
    const { status, stderr } = await callCli(['run', file], { cwd: workspace.dir });
    assert.equal(status, 2, stderr);
    assert.match(stderr, told);
  }
});
