// What is written of a planned scenario can be read again, and is planned as before.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transports, userModules } from '../../bench/clients/index.ts';
import { type PlannedCell, planRun } from '../../bench/plan/plan.ts';
import { type LoadOptions, listScenarios, loadScenarios } from '../../bench/plan/read-scenarios.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { Scenario } from './scenario.ts';
import { scenarioText, writtenScenario } from './written.ts';

const builtinDir = fileURLToPath(new URL('../', import.meta.url));
const options: LoadOptions = { builtinDir, cwd: builtinDir, transports, userModules, behaviours };

/** Modules are written by their absolute paths, and reports show a module as it is written. */
function withPaths(cell: PlannedCell): PlannedCell {
  const clients = Object.entries(cell.scenario.clients).map(([name, client]) => [
    name,
    { ...client, transport: client.modulePath ?? client.transport },
  ]);
  return { ...cell, scenario: { ...cell.scenario, clients: Object.fromEntries(clients) } };
}

test('every built-in scenario, written and read again, is planned as before', async t => {
  const { variants } = await listScenarios(options);
  const { cells } = planRun(variants, { seed: 7 });
  const folder = await mkdtemp(join(tmpdir(), 'conntax-written-'));
  t.after(() => rm(folder, { recursive: true }));
  const scenarios = Map.groupBy(cells, ({ scenario }) => scenario.name);
  assert.ok(scenarios.size > 20);
  const files = [...scenarios].map(async ([name, group]) => {
    const file = join(folder, `${name}.json`);
    await writeFile(file, scenarioText(writtenScenario(group.map(({ scenario }) => scenario))!));
    return file;
  });
  const again = planRun(await loadScenarios(await Promise.all(files), options), { seed: 7 });
  assert.deepEqual(again.cells, cells.map(withPaths));
});

const base = {
  name: 'mine',
  question: 'Which?',
  clients: { short: { requestsPerConnection: 1 }, persistent: {} },
  baseline: 'short',
};

test('only what differs from the defaults is written', () => {
  const written = { ...base, target: { url: 'http://127.0.0.1:3000/', keepAliveTimeoutMs: 5_000 } };
  assert.deepEqual(writtenScenario([Scenario.parse(written)]), written);
});

test('a module is named by its absolute path, in place of what planning added', () => {
  const client = { transport: './mine.ts', modulePath: '/srv/load/mine.ts' };
  const written = writtenScenario([Scenario.parse({ ...base, clients: { ...base.clients, ours: client } })])!;
  assert.deepEqual(written.clients['ours'], { transport: '/srv/load/mine.ts' });
});

test('limits and published figures of clients that could not be measured stay out', () => {
  const limit = (of: string) => ({ metric: 'p99Us' as const, of, atMost: 1 });
  const row = (arm: string) => ({ arm, meanMs: 1 });
  const written = writtenScenario([
    Scenario.parse({
      ...base,
      expect: [limit('persistent'), limit('wrk'), { ...limit('short'), over: 'wrk' }],
      published: { source: 'a page', rows: [row('wrk'), row('short')] },
    }),
  ])!;
  assert.deepEqual(written.expect, [limit('persistent')]);
  assert.deepEqual(written.published?.rows, [row('short')]);
});

test('a scenario with names that no file may have is not written', () => {
  const hostile = { ...Scenario.parse(base), name: '</script>' };
  assert.equal(writtenScenario([hostile]), undefined);
});
