// On a terminal: three living lines while it measures, colours unless they are not wanted, and a cursor that comes back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify, stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { type CliResult, PLAIN_CONNTAX, startProgram } from './testing/cli.ts';
import { reasonNotTo } from './testing/privileges.ts';
import { openWorkspace, soloScenario, tinyScenario, type Workspace } from './testing/workspace.ts';

const skip = reasonNotTo('script');

const ESCAPE = '\u001b[';
const COLOUR = new RegExp(`${ESCAPE.replace('[', '\\[')}[\\d;]+m`);
const ERASE_LINE = `${ESCAPE}2K`;
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;

/** Runs conntax in a pseudo terminal; all that it prints there is on stdout. */
function runOnTerminal(
  t: TestContext,
  { dir }: Workspace,
  args: readonly string[],
  env: Record<string, string> = {},
  size = 'stty cols 120 rows 40',
): Promise<CliResult> {
  const command = [...PLAIN_CONNTAX, ...args].map(word => `'${word}'`).join(' ');
  const words = ['script', '--quiet', '--return', '--command', `${size} && ${command}`, '/dev/null'];
  return startProgram(t, words, { cwd: dir, env: { TERM: 'xterm-256color', ...env } }).result;
}

test('a run on a terminal', { skip }, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario({ warmupMaxMs: 100 }));
  const { status, stdout } = await runOnTerminal(t, workspace, ['run', file]);
  assert.equal(status, 0, stdout);

  await t.test('has three living lines that show every phase, and leaves nothing of them', () => {
    for (const phase of ['warming up', 'measuring']) {
      assert.ok(
        stdout.split(ERASE_LINE).some(part => part.includes(phase)),
        phase,
      );
    }
    for (const line of [
      /[█░]{8,} {2}\d+s left/,
      /short [\d,]+ req\/s [▁-█]/,
      /no ratio before the first replicate/,
    ])
      assert.match(stripVTControlCharacters(stdout), line);
    const end = stdout.slice(stdout.lastIndexOf(ERASE_LINE));
    assert.doesNotMatch(end, /warming up|measuring/);
    assert.match(end, /Report: results\/runs\//);
  });

  await t.test('gives the cursor back', () => {
    assert.ok(stdout.includes(HIDE_CURSOR));
    assert.ok(stdout.lastIndexOf(SHOW_CURSOR) > stdout.lastIndexOf(HIDE_CURSOR));
  });

  await t.test('has colours, and its report has none with NO_COLOR', async t => {
    assert.match(stdout, COLOUR);
    const coloured = await runOnTerminal(t, workspace, ['report']);
    assert.match(coloured.stdout, COLOUR);
    const plain = await runOnTerminal(t, workspace, ['report'], { NO_COLOR: '1' });
    assert.ok(!plain.stdout.includes(ESCAPE), 'no escape codes at all');
    assert.equal(plain.stdout, coloured.stdout.replaceAll(new RegExp(COLOUR, 'g'), ''));
  });
});

const PLAIN: [why: string, env: Record<string, string>, size?: string][] = [
  ['does not know its size', {}, 'stty cols 0 rows 0'],
  ['cannot go back to a line', { TERM: 'dumb' }],
];
for (const [why, env, size] of PLAIN) {
  test(`a terminal that ${why} gets plain lines`, { skip }, async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(soloScenario());
    const { status, stdout } = await runOnTerminal(
      t,
      workspace,
      ['run', file],
      { NO_COLOR: '1', ...env },
      size,
    );
    assert.equal(status, 0, stdout);
    assert.ok(!stdout.includes(ESCAPE), JSON.stringify(stdout));
    assert.match(stdout, /replicate 1 {2}measuring/);
  });
}

test('NO_COLOR holds for every command and for errors', { skip }, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario());
  for (const args of [['list'], ['run', file, '--dry-run'], ['report'], ['--help']]) {
    const { stdout } = await runOnTerminal(t, workspace, args, { NO_COLOR: '1' });
    assert.notEqual(stdout, '');
    assert.ok(!stdout.includes(ESCAPE), `${args.join(' ')}: ${JSON.stringify(stdout)}`);
  }
  const { status, stdout } = await runOnTerminal(t, workspace, ['report']);
  assert.equal(status, 2);
  assert.match(stdout, COLOUR, 'without it an error is red');
});

/** Several times for each of its lines; without a rest, looking would take a core from what is looked at. */
const LOOK_EVERY_MS = 30;

/** Screens that a command has shown in tmux, the last one with all that has scrolled by; lines that tmux had to wrap are joined. */
async function screensOf({ dir }: Workspace, args: readonly string[], columns: number): Promise<string[][]> {
  const run = promisify(execFile);
  const env = { PATH: process.env['PATH'], HOME: dir, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' };
  const server = ['-u', '-S', join(dir, `tmux-${columns}`), '-f', '/dev/null'];
  const tmux = async (...words: string[]): Promise<string> =>
    (await run('tmux', [...server, ...words], { cwd: dir, env })).stdout;
  const capture = async (...words: string[]): Promise<string[]> =>
    (await tmux('capture-pane', '-p', '-J', ...words)).split('\n').map(line => line.trimEnd());
  const command = [...PLAIN_CONNTAX, ...args].map(word => `'${word}'`).join(' ');
  // The pane stays until it is looked at for the last time.
  await tmux('new-session', '-d', '-x', `${columns}`, '-y', '40', `${command}; tmux wait-for -S ended; cat`);
  try {
    let hasEnded = false;
    const end = tmux('wait-for', 'ended').then(() => {
      hasEnded = true;
    });
    const screens: string[][] = [];
    while (!hasEnded) {
      screens.push(await capture());
      await delay(LOOK_EVERY_MS);
    }
    await end;
    return [...screens, await capture('-S', '-')];
  } finally {
    await tmux('kill-server');
  }
}

test('in tmux, nothing is wrapped at any width, and living lines replace each other', {
  skip: reasonNotTo('tmux'),
}, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario());
  const living = await screensOf(workspace, ['run', file], 60);
  assert.ok(living.some(lines => lines.some(line => /[█░]{8,} {2}\d+s left/.test(line))));
  for (const lines of living)
    assert.ok(lines.filter(line => / left/.test(line)).length <= 1, lines.join('\n'));
  assert.ok(!living.at(-1)!.some(line => / left/.test(line)), 'nothing of them is left');
  const reports = await Promise.all(
    [100, 160].map(async columns => ({
      columns,
      screens: await screensOf(workspace, ['report', '--verbose'], columns),
    })),
  );
  for (const { columns, screens } of [{ columns: 60, screens: living }, ...reports]) {
    for (const line of screens.flat()) assert.ok(stringWidth(line) <= columns, `${columns} columns: ${line}`);
  }
  for (const { screens } of reports) assert.ok(screens.at(-1)!.length > 40, 'all of the report is seen');
});
