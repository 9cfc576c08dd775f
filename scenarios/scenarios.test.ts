// Every scenario that comes with conntax is valid, is named as its file, and the quick ones are quick.
import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transports, userModules } from '../bench/clients/index.ts';
import { planRun } from '../bench/plan/plan.ts';
import { type LoadOptions, listScenarios, loadScenarios } from '../bench/plan/read-scenarios.ts';
import { behaviours } from '../servers/behaviours/index.ts';
import type { Variant } from './model/sweep.ts';

const builtinDir = fileURLToPath(new URL('./', import.meta.url));
const options: LoadOptions = { builtinDir, cwd: builtinDir, transports, userModules, behaviours };

test('every shipped scenario is valid and named as its file', async () => {
  const files = (await readdir(builtinDir)).filter(
    file => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  const { variants: scenarios, problems } = await listScenarios(options);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    [...new Set(scenarios.map(scenario => `${scenario.name}.ts`))],
    files.sort((left, right) => (left.slice(0, -3) < right.slice(0, -3) ? -1 : 1)),
  );
  assert.ok(scenarios.length >= 3);
});

test('the examples are valid as they stand, and none of them is run unasked', async () => {
  const folder = join(builtinDir, 'examples');
  const files = (await readdir(folder)).filter(file => file.endsWith('.json'));
  assert.ok(files.includes('your-server.json'));
  const examples = await loadScenarios(
    files.map(file => join(folder, file)),
    options,
  );
  assert.deepEqual(
    examples.map(({ name }) => `${name}.json`),
    files,
  );
  const { variants: builtins } = await listScenarios(options);
  assert.ok(builtins.every(({ target }) => target.url === undefined));
});

test('the catalogue: limits on every client, 30 s at most each and 15 minutes together, a section with its picture', async () => {
  const variants = await loadScenarios(['catalogue'], options);
  const page = await readFile(join(builtinDir, '../docs/catalogue.md'), 'utf8');
  const cells = Map.groupBy(variants, ({ name }) => name);
  assert.ok(cells.size >= 15);
  for (const [name, points] of cells) {
    const [{ question, tags, timing, clients }] = points as [Variant];
    assert.ok(tags.length >= 2, `${name} belongs to a part of the catalogue`);
    assert.deepEqual([timing.budgetMs, timing.until], [30_000, 'decided'], name);
    const limited = new Set(
      points.flatMap(({ expect }) => expect.flatMap(({ of, over = of }) => [of, over])),
    );
    const free = Object.keys(clients).filter(client => !limited.has(client));
    assert.deepEqual(free, [], `${name} expects nothing of these clients`);
    assert.ok(
      page.includes(`](images/catalogue/${name}.svg)\n`),
      `${name} has a picture in docs/catalogue.md (npm run catalogue:pictures)`,
    );
    const { size } = await stat(join(builtinDir, `../docs/images/catalogue/${name}.svg`));
    assert.ok(size <= 30_000, `the picture of ${name} has ${size} bytes`);
    assert.ok(
      page.includes(`\n### ${name}\n\n**${question}**`),
      `${name} has its section in docs/catalogue.md`,
    );
  }
  const { estimatedMs } = planRun(variants, { seed: 1 });
  assert.ok(estimatedMs <= 15 * 60_000, `about ${estimatedMs} ms`);
});

test('the quick scenarios fit the 90 seconds of npm run bench', async () => {
  const plan = planRun(await loadScenarios([], options), { seed: 1 });
  assert.ok(plan.cells.length >= 2);
  assert.ok(plan.estimatedMs <= 85_000, `about ${plan.estimatedMs} ms`);
});
