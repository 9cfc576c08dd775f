// Load tools as arms, from the command line to the report: booked like any client, left out where they are missing.
import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { Called } from '../testing/in-process.ts';
import { findProgram, missingProgram } from '../tools/program.ts';
import { runHere, startCli } from './testing/cli.ts';
import { openWorkspace, tinyScenario, type Workspace } from './testing/workspace.ts';

const clients: ScenarioInput['clients'] = {
  undici: { pool: { maxConnections: 4 } },
  autocannon: { transport: 'autocannon' },
  wrk: { transport: 'wrk' },
  hey: { transport: 'hey', ifInstalled: true },
};

const scenario: ScenarioInput = {
  ...tinyScenario({ sliceMs: 1_000, measureMs: 1_000 }),
  target: { behaviour: { name: 'delay', meanMs: 10 } },
  clients,
  baseline: 'undici',
};

function skipWithout(...programs: string[]): { skip?: string } {
  const obstacles = programs.flatMap(program => missingProgram(program) ?? []);
  if (obstacles.length === 0 || process.env['CI'] !== undefined) return {};
  return { skip: obstacles.map(({ message }) => message).join('; ') };
}

/** A folder with links to these programs only, as PATH. */
async function pathWith(workspace: Workspace, programs: readonly string[]): Promise<string> {
  const folder = join(workspace.dir, `only ${programs.join(' ')}`);
  await mkdir(folder);
  for (const program of programs) {
    const file = findProgram(program);
    if (file !== undefined) await symlink(file, join(folder, program));
  }
  return folder;
}

test(
  'four drivers, one server: every request and connection is accounted for, and the report sets them side by side',
  skipWithout('wrk', 'hey'),
  async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(scenario);
    const { status, stdout, stderr } = await runHere(t, ['run', file, '--verbose'], { cwd: workspace.dir });
    assert.equal(status, 0, stderr + stdout);
    const { trials, run } = workspace.onlyRun();
    assert.deepEqual(trials.map(({ trial }) => trial.arm).sort(), Object.keys(clients).sort());
    for (const result of trials) {
      assert.ok(result.state === 'completed', JSON.stringify(result));
      const { arm } = result.trial;
      const { ledger, generator, slices, completed, caveats } = result.measurement;
      assert.ok(completed >= 4, `${arm}: ${completed} completed`);
      assert.equal(ledger.openedBy, arm === 'wrk' || arm === 'hey' ? 'kernel' : 'client');
      assert.ok(ledger.accepted! >= 4 && ledger.opened >= ledger.accepted!, JSON.stringify(ledger));
      assert.ok(generator.cpuUs > 0 && generator.rssBytes > 0, `${arm}: ${JSON.stringify(generator)}`);
      assert.ok(slices.every(slice => slice.generatorCpuUs > 0));
      assert.equal(caveats.length > 0, arm !== 'undici');
    }
    const failed = run?.cells[0]?.findings.filter(({ state }) => state === 'fail');
    assert.deepEqual(failed, []);
    assert.match(stdout, /Agreement of load tools/);
    assert.match(stdout, /^- wrk is started for each slice/m);
  },
);

test(
  'Ctrl-C while a tool runs in its own process ends the tool, too, and keeps its figures',
  skipWithout('wrk'),
  async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario({
      ...scenario,
      clients: { wrk: { transport: 'wrk' } },
      baseline: 'wrk',
      timing: { ...scenario.timing, warmupMaxMs: 100, sliceMs: 60_000, measureMs: 60_000 },
    });
    const running = startCli(t, ['run', file], { cwd: workspace.dir });
    await running.seen(/warming up/);
    await running.spawnedProgram('wrk --threads');
    running.interrupt();
    const { status } = await running.result;
    assert.equal(status, 130);
  },
);

test(
  'what is not installed is left out where it may be, and else refused with what would help',
  skipWithout('wrk'),
  async t => {
    const workspace = await openWorkspace(t);
    const file = await workspace.writeScenario(scenario);
    const dryRun = async (programs: readonly string[]): Promise<Called> => {
      const PATH = await pathWith(workspace, programs);
      return runHere(t, ['run', file, '--dry-run'], { cwd: workspace.dir, env: { PATH } });
    };
    const withWrk = await dryRun(['wrk']);
    assert.equal(withWrk.status, 0, withWrk.stderr);
    assert.match(withWrk.stdout, /Client hey: skipped: the program hey is not installed/);
    assert.doesNotMatch(withWrk.stdout, /Client wrk: skipped/);
    const withNone = await dryRun([]);
    assert.equal(withNone.status, 2);
    assert.match(
      withNone.stderr,
      /clients\.wrk\.transport: the program wrk is not installed.*\n.*apt-get install wrk/,
    );
  },
);
