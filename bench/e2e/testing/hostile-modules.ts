// Client modules that misbehave, and runs of conntax with them: each must end as specified and leave nothing behind.
import assert from 'node:assert/strict';
import type { TrialResult } from '../../../results/model/trial.ts';
import { type CliResult, runCli, type Scope } from './cli.ts';
import { openWorkspace, tinyScenario, type Workspace } from './workspace.ts';

interface HostileModule {
  /** Also a part of the file's name. */
  name: string;
  /** A whole module, `.mjs`. */
  source: string;
  /**
   * refused: status 2, before anything starts. failed-trial: status 3, the trial failed or is marked, with the cause.
   * measured: a run to its end, in which what failed is counted as such.
   */
  expected: 'refused' | 'failed-trial' | 'measured';
}

type Expected = HostileModule['expected'];

const REAL_SEND = `async () => {
  const response = await fetch(url);
  return { status: response.status, bytes: (await response.arrayBuffer()).byteLength };
}`;

/** Whose client is sound, but for what stands before it. */
const before = (name: string, expected: Expected, statements: string): HostileModule => ({
  name,
  expected,
  source: `${statements}\nexport default { open: ({ url }) => ({ send: ${REAL_SEND}, close() {} }) };\n`,
});

/** Whose default export is this. */
const exporting = (name: string, expected: Expected, exported: string): HostileModule => ({
  name,
  expected,
  source: `export default ${exported};\n`,
});

/** Whose open() has this body. */
const opening = (name: string, expected: Expected, body: string): HostileModule =>
  exporting(name, expected, `{ open({ url }) { ${body} } }`);

/** Whose client sends like this, one request in a hundred or so; else as it should. */
const sending = (name: string, expected: Expected, body: string): HostileModule =>
  opening(
    name,
    expected,
    `const real = ${REAL_SEND}; let n = 0;
    return { send(request) { if (++n % 100 !== 50) return real(); ${body} }, close() {} };`,
  );

/** Whose client has this beside a sound send. */
const ending = (name: string, expected: Expected, members: string): HostileModule =>
  opening(name, expected, `return { send: ${REAL_SEND}, close() {}, ${members} };`);

export const hostileModules: readonly HostileModule[] = [
  before('exits-with-0', 'refused', 'process.exit(0);'),
  before('exits-with-1', 'refused', 'process.exit(1);'),
  before('kills-itself', 'refused', "process.kill(process.pid, 'SIGKILL');"),
  before('aborts', 'refused', 'process.abort();'),
  before(
    'rejects-unheard',
    'refused',
    "Promise.reject(new Error('unheard')); await new Promise(setImmediate);",
  ),
  before('never-settles', 'refused', 'await new Promise(() => {});'),
  before('loops', 'refused', 'for (;;);'),
  before('waits-with-a-timer', 'refused', 'setInterval(() => {}, 1_000); await new Promise(() => {});'),
  before('throws', 'refused', "throw new Error('not today');"),
  before('throws-nothing', 'refused', 'throw undefined;'),
  before('throws-no-text', 'refused', 'throw { toString() { throw 1; }, get message() { throw 2; } };'),
  before('throws-megabytes', 'refused', "throw new Error('long '.repeat(1_000_000));"),
  before('throws-escapes', 'refused', "throw new Error('\\u001b[2J\\u0007red');"),
  before('imports-nothing', 'refused', "import './no-such-file.mjs';"),
  before('has-a-fault-of-syntax', 'refused', 'const = 1;'),
  before('leaves-the-channel', 'refused', 'process.disconnect(); await new Promise(setImmediate);'),
  before('prints', 'measured', "console.log('{'); process.stdout.write('}\\n'); console.error('!');"),
  before('takes-exit-away', 'measured', 'process.exit = () => {};'),
  before('talks-to-the-parent', 'measured', "process.send?.({ type: 'step', step: { variants: [] } });"),
  before(
    'hears-no-signal',
    'measured',
    "for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => {});",
  ),
  before('keeps-a-timer', 'measured', 'setInterval(() => {}, 10);'),
  { name: 'is-empty', source: '', expected: 'refused' },
  { name: 'has-no-default', source: 'export const open = 1;\n', expected: 'refused' },
  exporting('is-null', 'refused', 'null'),
  exporting('is-a-function', 'refused', '() => ({})'),
  exporting('is-a-trap', 'refused', "new Proxy({}, { get() { throw new Error('trap'); } })"),
  exporting('has-a-getter', 'refused', "{ get open() { throw new Error('getter'); } }"),
  exporting('honours-a-word', 'refused', "{ open() {}, honours: 'body' }"),
  exporting('honours-the-unknown', 'refused', "{ open() {}, honours: ['pool.maxSockets'] }"),
  exporting('warns-with-numbers', 'refused', '{ open() {}, caveats: [1] }'),
  exporting('refuses-all', 'refused', "{ open() {}, refuse: () => 'never' }"),
  exporting('fails-to-refuse', 'refused', "{ open() {}, refuse() { throw new Error('undecided'); } }"),
  opening('opens-with-a-throw', 'failed-trial', "throw new Error('no token');"),
  opening(
    'opens-with-a-trap',
    'failed-trial',
    'throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 2; } });',
  ),
  opening('opens-nothing', 'failed-trial', 'return undefined;'),
  opening('opens-and-exits', 'failed-trial', 'process.exit(0);'),
  opening('opens-never', 'failed-trial', 'return new Promise(() => {});'),
  opening('opens-in-a-loop', 'failed-trial', 'for (;;);'),
  opening('never-sends', 'failed-trial', 'return { send: () => new Promise(() => {}), close() {} };'),
  opening(
    'sends-nothing',
    'failed-trial',
    'return { send: async () => ({ status: 200, bytes: 1 }), close() {} };',
  ),
  sending('exits-while-sending', 'failed-trial', 'process.exit(0);'),
  sending('loops-while-sending', 'failed-trial', 'for (;;);'),
  sending('rejects-beside', 'failed-trial', "Promise.reject(new Error('beside')); return real();"),
  sending('sends-twice', 'failed-trial', 'return real().then(real);'),
  sending('throws-at-once', 'measured', "throw new Error('at once');"),
  sending('throws-a-symbol', 'measured', "throw Symbol('thrown');"),
  sending('throws-a-trap', 'measured', 'throw new Proxy(new Error(), { get() { throw 1; } });'),
  sending('answers-infinity', 'measured', 'return { status: 200, bytes: Infinity };'),
  sending('answers-a-fraction', 'measured', 'return { status: 200, bytes: 0.5 };'),
  sending('answers-less-than-nothing', 'measured', 'return { status: 200, bytes: -1 };'),
  sending('answers-nothing', 'measured', 'return undefined;'),
  sending('throws-megabytes-while-sending', 'measured', "throw new Error('long '.repeat(200_000));"),
  ending('closes-never', 'measured', 'close: () => new Promise(() => {})'),
  ending('closes-with-a-throw', 'measured', "close() { throw new Error('gone'); }"),
  ending('counts-in-words', 'measured', "stats: () => ({ opened: 'many', open: {} })"),
];

/** Signs by which a test recognises this module's exit; an audit may also fail a trial that was measured to its end. */
const STATUSES: Record<HostileModule['expected'], readonly number[]> = {
  refused: [2],
  'failed-trial': [3],
  measured: [0, 3],
};
const OUR_STACK = /\n\s+at .*\/bench\/(?!testing)|internal error/;
const MAX_STORED_CHARS = 200_000;

/** Runs `conntax` on it, with --json; fails when it ends otherwise, shows a stack of ours, or leaves a process. */
export async function checkHostileModule(t: Scope, module: HostileModule): Promise<void> {
  const { status, stdout, stderr, workspace } = await runModules(t, [module]);
  assert.ok(STATUSES[module.expected].includes(status!), `status ${status}\n${stderr}`);
  if (module.expected === 'refused') {
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(module.name), 'the module is named');
    return;
  }
  JSON.parse(stdout);
  const { trials } = workspace.onlyRun();
  assertTrialsOf(module, trials, stderr);
}

/**
 * The same for several in one run, each a client of its own: what one of them does must not touch the others.
 * @param modules all of them refused, or none
 */
export async function checkHostileModules(t: Scope, modules: readonly HostileModule[]): Promise<void> {
  const { status, stdout, stderr, workspace } = await runModules(t, modules);
  if (modules.every(({ expected }) => expected === 'refused')) {
    assert.deepEqual([status, stdout], [2, ''], stderr);
    for (const { name } of modules)
      assert.match(stderr, new RegExp(`clients\\.${name}\\.transport: .*${name}`));
    return;
  }
  assert.ok(STATUSES['failed-trial'].includes(status!), `status ${status}\n${stderr}`);
  JSON.parse(stdout);
  const { trials } = workspace.onlyRun();
  for (const module of modules) {
    const own = trials.filter(({ trial }) => trial.arm === module.name);
    assert.equal(own.length, 1, module.name);
    assertTrialsOf(module, own, stderr);
    if (module.expected === 'failed-trial') assert.equal(own[0]!.state, 'failed', module.name);
  }
}

async function runModules(
  t: Scope,
  modules: readonly HostileModule[],
): Promise<CliResult & { workspace: Workspace }> {
  const workspace = await openWorkspace(t);
  for (const { source, name } of modules) await workspace.writeScenario(source, `${name}.mjs`);
  const clients = Object.fromEntries(modules.map(({ name }) => [name, { transport: `./${name}.mjs` }]));
  const scenario = { ...tinyScenario(), clients, baseline: modules[0]!.name };
  const file = await workspace.writeScenario(scenario);
  const result = await runCli(t, ['run', file, '--json'], { cwd: workspace.dir });
  const { stderr } = result;
  assert.doesNotMatch(stderr, OUR_STACK);
  assert.doesNotMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u, 'no escape reaches the terminal');
  assert.ok(stderr.length < MAX_STORED_CHARS, `${stderr.length} characters`);
  return { ...result, workspace };
}

function assertTrialsOf({ expected }: HostileModule, trials: readonly TrialResult[], stderr: string): void {
  assert.ok(JSON.stringify(trials).length < MAX_STORED_CHARS, 'nothing without end is stored');
  if (expected === 'measured')
    assert.ok(
      trials.every(({ state }) => state === 'completed'),
      stderr,
    );
}
