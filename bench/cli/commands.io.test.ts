// Everything that the command line does without measuring: it answers, or refuses, and starts and stores nothing.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VALUE_OPTIONS } from '../../report/next-steps.ts';
import { openWorkspace, tinyScenario, type Workspace } from '../e2e/testing/workspace.ts';
import { type Called, callCli } from '../testing/in-process.ts';

/** Runs a command that must not get as far as making a results folder. */
async function callIdly(workspace: Workspace, args: readonly string[]): Promise<Called> {
  const outcome = await callCli(args, { cwd: workspace.dir });
  assert.ok(!existsSync(workspace.results), 'no results folder is made');
  assert.doesNotMatch(outcome.stderr, /^ +at .*:\d+/m, 'no stack trace');
  return outcome;
}

test('list shows the scenarios, for people and for machines', async t => {
  const workspace = await openWorkspace(t);
  const shown = await callIdly(workspace, ['list']);
  assert.equal(shown.status, 0, shown.stderr);
  const { status, stdout } = await callIdly(workspace, ['list', '--json']);
  assert.equal(status, 0);
  const rows = JSON.parse(stdout) as {
    name: string;
    tags: string[];
    question: string;
    cells: number;
    estimatedMs: number;
  }[];
  const names = rows.map(({ name }) => name);
  assert.ok(names.includes('short-vs-persistent'));
  for (const { name, tags, question, estimatedMs } of rows) {
    assert.ok(shown.stdout.includes(name) && shown.stdout.includes(question.split(' ')[0]!));
    assert.ok(tags.length > 0 && estimatedMs > 0, name);
  }
  const cellsOf = (name: string) => rows.find(row => row.name === name)?.cells;
  assert.deepEqual([cellsOf('short-vs-persistent'), cellsOf('pool-size')], [1, 5]);
  assert.match(shown.stdout, /│ pool-size +│[^│]+│ +5 │/);
  const part = await callIdly(workspace, ['list', 'pools', 'framing']);
  const names2 = rows.filter(row => row.tags.includes('pools') || row.name === 'framing');
  assert.match(part.stdout, new RegExp(`^${names2.length} scenarios, .*Tags: .*pools \\(\\d+\\)`, 'm'));
});

test('schema prints the schema that is committed, with or without --json', async t => {
  const workspace = await openWorkspace(t);
  const committed = readFileSync(new URL('../../scenarios/scenario.schema.json', import.meta.url), 'utf8');
  for (const flags of [[], ['--json']]) {
    const { status, stdout } = await callIdly(workspace, ['schema', ...flags]);
    assert.deepEqual([status, stdout], [0, committed]);
  }
});

test('the report knows which options of run take a value, by which it tells scenarios apart', async t => {
  const { stdout } = await callIdly(await openWorkspace(t), ['run', '--help']);
  const found = [...stdout.matchAll(/^ +(--[\w-]+) <\w+>/gm)].map(([, option]) => option);
  assert.deepEqual(found.toSorted(), VALUE_OPTIONS.toSorted());
});

test('a dry run tells the plan and starts nothing', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario());
  const { status, stdout, stderr } = await callIdly(workspace, ['run', file, '--dry-run', '--seed', '3']);
  assert.equal(status, 0, stderr);
  for (const told of [/^tiny: Does it run\?/m, /short \(baseline\)/, /replicates: 1/i, /short persistent/]) {
    assert.match(stdout, told);
  }
  assert.match(stdout, /seed 3\b/i);
  const machine = await callIdly(workspace, ['run', file, '--dry-run', '--seed', '3', '--json']);
  const plan = JSON.parse(machine.stdout) as {
    seed: number;
    cells: { arms: { name: string }[]; firstBlocks: string[][] }[];
  };
  assert.equal(plan.seed, 3);
  assert.deepEqual(
    plan.cells.map(({ arms }) => arms.map(({ name }) => name)),
    [['short', 'persistent']],
  );
  for (const block of plan.cells[0]!.firstBlocks) {
    assert.deepEqual(block.toSorted(), ['persistent', 'short']);
  }
});

test('--no-phases goes over what the scenario says, and the plan says so', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario());
  for (const [flags, isTold] of [
    [[], false],
    [['--no-phases'], true],
  ] as const) {
    const { status, stdout } = await callIdly(workspace, ['run', file, '--dry-run', ...flags]);
    assert.equal(status, 0);
    assert.equal(/Phases: not recorded/.test(stdout), isTold, stdout);
  }
});

test('every command has help with examples', async t => {
  const workspace = await openWorkspace(t);
  for (const command of [
    [],
    ['try'],
    ['init'],
    ['run'],
    ['list'],
    ['report'],
    ['history'],
    ['settings'],
    ['schema'],
  ]) {
    const { status, stdout } = await callIdly(workspace, [...command, '--help']);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`Examples?:\\n +conntax ${command[0] ?? 'try'}`));
  }
});

test('baseline save says that it may fail to store, as on a full disk', async t => {
  const { stdout } = await callIdly(await openWorkspace(t), ['baseline', 'save', '--help']);
  assert.match(stdout, /Exit status: 0 saved, 2 [^0-9]*, 3 [^0-9]* could not be\sstored/);
});

test('settings prints a client as code, and says in a comment what the library lacks', async t => {
  const workspace = await openWorkspace(t);
  const args = ['settings', 'requests-per-connection', '--client', 'k50', '--for', 'go'];
  const printed = await callIdly(workspace, args);
  assert.deepEqual([printed.status, printed.stderr], [0, '']);
  assert.match(
    printed.stdout,
    /^\/\/ Client k50 of requests-per-connection, as measured by conntax with undici\.$/m,
  );
  assert.match(printed.stdout, /^\/\/ Not set: requestsPerConnection = 50 \(/m);
  const json = await callIdly(workspace, [...args, '--json']);
  const { text, lacking } = JSON.parse(json.stdout) as { text: string; lacking: { setting: string }[] };
  assert.equal(printed.stdout, `${text}\n`);
  assert.deepEqual(
    lacking.map(({ setting }) => setting),
    ['requestsPerConnection'],
  );
  const swept = await callIdly(workspace, ['settings', 'pool-size', '--client', 'sized', '--for', 'nginx']);
  assert.match(swept.stdout, /^# Swept by the scenario; this is the cell .*10\.$/m);
  assert.match(swept.stdout, /max_conns=10;/);
});

const MISTYPED: [args: string[], told: RegExp][] = [
  [[], /Usage: conntax/],
  [['rnu'], /unknown command 'rnu'.*Did you mean run\?/s],
  [['run', '--dryrun'], /unknown option '--dryrun'.*Did you mean --dry-run\?/s],
  [
    ['list', 'pol'],
    /no scenario or tag "pol": did you mean pools\?\n +scenarios: .*pool-size.*\n +tags: pools/,
  ],
  [['run', '--seed', 'one'], /--seed <n>.*an integer/],
  [['run', '--budget-sec', '0'], /--budget-sec <s>.*seconds/],
  [['run', '--budget-sec', '4000'], /--budget-sec <s>.*at most 3600/],
  [['run', '--precision', '5'], /--precision <ratio>.*above 0 and at most 1/],
  [
    ['run', 'short-vs-persistant'],
    /no scenario or tag "short-vs-persistant": did you mean short-vs-persistent\?.*scenarios: short-vs-persistent,/s,
  ],
  [['run', 'qick'], /no scenario or tag "qick": did you mean quick\?.*tags: quick,/s],
  [['run', './missing.json'], /missing\.json.*cannot be opened/s],
  [['settings', 'short-vs-persistent', '--client', 'persistent'], /required option '--for <library>'/],
  [
    ['settings', 'short-vs-persistent', '--for', 'htpx'],
    /unknown library "htpx" for --for: did you mean httpx\?/,
  ],
  [
    ['settings', 'short-vs-persistant', '--for', 'go'],
    /no scenario or tag.*scenarios: short-vs-persistent,/s,
  ],
  [
    ['settings', 'short-vs-persistent', '--for', 'go', '--client', 'persistant'],
    /scenario short-vs-persistent has no client "persistant": did you mean persistent\?/,
  ],
  [
    ['settings', 'short-vs-persistent', '--for', 'go'],
    /several clients; expected: --client short or persistent/,
  ],
  [['settings', 'quick', '--for', 'go'], /quick is a tag of several scenarios; expected: one of /],
  [['bisect', 'undici@7.16.0..7.29.0', '--ui'], /bisect has no --ui: .*--open shows the page of the result/],
  [['report'], /no latest run/],
  [['report', 'nowhere'], /unknown run nowhere/],
];
test('what is mistyped is refused with what is expected', async t => {
  const workspace = await openWorkspace(t);
  for (const [args, told] of MISTYPED) {
    const { status, stdout, stderr } = await callIdly(workspace, args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, told);
  }
});

test('all problems of all scenario files are reported together: file, path, what is wrong, what is expected', async t => {
  const workspace = await openWorkspace(t);
  const { clients, ...tiny } = tinyScenario();
  const files = [
    await workspace.writeScenario(
      {
        ...tiny,
        target: { behaviour: { name: 'fixd' }, keepAliveTimeout: 5_000 },
        load: { concurrency: 'four' },
        clients: { short: { requestsPerConnection: 0 }, persistent: { transport: 'undicy' } },
        baseline: 'shrt',
      },
      'wrong.json',
    ),
    await workspace.writeScenario(
      { ...tiny, name: 'refused', clients: { ...clients, short: { pool: { tlsSessions: 'none' } } } },
      'refused.json',
    ),
    await workspace.writeScenario('{"name":', 'torn.json'),
  ];
  const { status, stdout, stderr } = await callIdly(workspace, ['run', ...files]);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^error: 8 problems in 3 scenario files; nothing was started\.$/m);
  for (const [file, path, message, hint] of [
    ['wrong.json', 'target.behaviour.name', '"fixd"', 'did you mean "fixed"?'],
    ['wrong.json', 'target.keepAliveTimeout', 'unknown setting', 'did you mean keepAliveTimeoutMs?'],
    ['wrong.json', 'load.concurrency', '"four"', 'an integer'],
    ['wrong.json', 'clients.short.requestsPerConnection', '0 is not allowed', '"unlimited"'],
    ['wrong.json', 'clients.persistent.transport', 'unknown transport "undicy"', 'did you mean undici?'],
    ['wrong.json', 'baseline', 'no client "shrt"', 'did you mean short?'],
    ['refused.json', 'clients.short.pool.tlsSessions', 'no TLS sessions on a plain', 'set target.tls'],
    ['torn.json', '', 'cannot be loaded', 'valid JSON'],
  ] as const) {
    const part = stderr.split('\n\n').find(text => text.startsWith(`${file}\n`));
    const lines = part?.split('\n') ?? assert.fail(`${file} is not reported:\n${stderr}`);
    const at = lines.findIndex(line => line.startsWith(path === '' ? '  ' : `  ${path}: `));
    assert.ok(lines[at]?.includes(message), `${file} ${path}: ${message} in:\n${part}`);
    assert.ok(lines[at + 1]?.includes(hint), `${file} ${path}: ${hint} in:\n${part}`);
  }
});
