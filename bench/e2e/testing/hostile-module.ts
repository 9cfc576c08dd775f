// Runs conntax with a client module that misbehaves: the run must end as specified and leave nothing behind.
import assert from 'node:assert/strict';
import type { TrialResult } from '../../../results/model/trial.ts';
import type { HostileModule } from '../../testing/hostile-modules.ts';
import { type CliResult, runCli, type Scope } from './cli.ts';
import { openWorkspace, tinyScenario, type Workspace } from './workspace.ts';

/** Signs by which a test recognises this module's exit; an audit may also fail a trial that was measured to its end. */
const STATUSES: Record<HostileModule['expected'], readonly number[]> = {
  refused: [2],
  'failed-trial': [3],
  measured: [0, 3],
};
const OUR_STACK = /\n\s+at .*\/bench\/(?!testing)|internal error/;
const MOST_STORED_CHARS = 200_000;

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
  assert.ok(stderr.length < MOST_STORED_CHARS, `${stderr.length} characters`);
  return { ...result, workspace };
}

function assertTrialsOf({ expected }: HostileModule, trials: readonly TrialResult[], stderr: string): void {
  assert.ok(JSON.stringify(trials).length < MOST_STORED_CHARS, 'nothing without end is stored');
  if (expected === 'measured')
    assert.ok(
      trials.every(({ state }) => state === 'completed'),
      stderr,
    );
}
