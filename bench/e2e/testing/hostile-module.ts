// Runs conntax with a client module that misbehaves: the run must end as specified and leave nothing behind.
import assert from 'node:assert/strict';
import type { HostileModule } from '../../testing/hostile-modules.ts';
import { runCli, type Scope } from './cli.ts';
import { openWorkspace, tinyScenario } from './workspace.ts';

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
  const { dir, writeScenario, onlyRun } = await openWorkspace(t);
  await writeScenario(module.source, `${module.name}.mjs`);
  const clients = { hostile: { transport: `./${module.name}.mjs` } };
  const file = await writeScenario({ ...tinyScenario(), clients, baseline: 'hostile' });
  const { status, stdout, stderr } = await runCli(t, ['run', file, '--json'], { cwd: dir });
  assert.ok(STATUSES[module.expected].includes(status!), `status ${status}\n${stderr}`);
  assert.doesNotMatch(stderr, OUR_STACK);
  assert.doesNotMatch(stderr.replaceAll('\n', ''), /\p{Cc}/u, 'no escape reaches the terminal');
  assert.ok(stderr.length < MOST_STORED_CHARS, `${stderr.length} characters`);
  if (module.expected === 'refused') {
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(module.name), 'the module is named');
    return;
  }
  JSON.parse(stdout);
  const { trials } = onlyRun();
  assert.ok(JSON.stringify(trials).length < MOST_STORED_CHARS, 'nothing without end is stored');
  if (module.expected === 'measured')
    assert.ok(
      trials.every(({ state }) => state === 'completed'),
      stderr,
    );
}
