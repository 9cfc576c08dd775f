// What is published works: built, packed, installed into an empty folder, and run there by this Node.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
  // `npm test` tells its scripts where its package is; npm in another folder must not believe it.
  npm_config_local_prefix: undefined,
  npm_package_json: undefined,
};

function run(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<{ stdout: string; stderr: string }> {
  return execute(command, args, { cwd, env, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 });
}

interface Packed {
  filename: string;
  files: { path: string }[];
}

async function pack(destination: string): Promise<Packed> {
  // As `prepack` does it, but `npm run check` has checked the types.
  await run('npm', ['run', 'build', '--', '--noCheck', '--singleThreaded'], root);
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', destination];
  const [packed] = JSON.parse((await run('npm', args, root)).stdout) as Packed[];
  return packed!;
}

const scenario = {
  name: 'tiny',
  question: 'Does the package run?',
  target: { behaviour: { name: 'delay', meanMs: 5 } },
  load: { concurrency: 2 },
  timing: {
    warmupMinMs: 0,
    warmupMaxMs: 0,
    measureMs: 100,
    sliceMs: 50,
    minReplicates: 1,
    maxReplicates: 1,
    budgetMs: 1_000,
  },
  clients: { short: { requestsPerConnection: 1 }, persistent: { pool: { maxConnections: 2 } } },
  baseline: 'short',
};

test('the package holds what it needs, and runs where it is installed', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'conntax-package-'));
  const wasBuilt = existsSync(join(root, 'dist'));
  t.after(async () => {
    await rm(folder, { recursive: true, force: true });
    if (!wasBuilt) await rm(join(root, 'dist'), { recursive: true, force: true });
  });
  const { filename, files } = await pack(folder);
  const paths = files.map(({ path }) => path);

  await t.test('contents', () => {
    for (const path of [
      'README.md',
      'LICENSE',
      'package.json',
      'scenarios/scenario.schema.json',
      'scenarios/examples/your-server.json',
    ]) {
      assert.ok(paths.includes(path), `${path} is missing`);
    }
    for (const entry of [
      'bench/cli/main',
      'bench/index',
      'bench/embed/index',
      'bench/run/generator-child',
      'servers/target-child',
      'servers/link-child',
    ]) {
      assert.ok(paths.includes(`dist/${entry}.js`), `${entry} is missing`);
    }
    const surplus = paths.filter(path => /\.test\.|\/(testing|fixtures|studies)\/|(?<!\.d)\.ts$/.test(path));
    assert.deepEqual(surplus, []);
    assert.match(readFileSync(join(root, 'dist/bench/cli/main.js'), 'utf8'), /^#!\/usr\/bin\/env node\n/);
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      scripts: Record<string, string>;
    };
    assert.equal(manifest.scripts['prepack'], 'npm run build');
    assert.ok(!Object.hasOwn(manifest.dependencies, 'node'), 'users bring a Node of their own');
  });

  const home = join(folder, 'home');
  await mkdir(home);
  const install = ['install', '--prefix', home, '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', [...install, join(folder, filename)], home);
  const conntax = join(home, 'node_modules/.bin/conntax');

  await t.test('conntax list', async () => {
    const listed = JSON.stringify(JSON.parse((await run(conntax, ['list', '--json'], home)).stdout));
    assert.match(listed, /"short-vs-persistent"/);
  });

  await t.test('conntax run, with a client module of the user that imports the package', async () => {
    await writeFile(
      join(home, 'client.ts'),
      `import { defineClient } from 'conntax';
export default defineClient({
  open: ({ url }) => ({
    async send() {
      const answer = await fetch(url);
      return { status: answer.status, bytes: (await answer.arrayBuffer()).byteLength };
    },
    close() {},
  }),
});
`,
    );
    const clients = { ...scenario.clients, mine: { transport: './client.ts' } };
    await writeFile(join(home, 'tiny.json'), JSON.stringify({ ...scenario, clients }));
    const results = join(home, 'results');
    const { stdout } = await run(conntax, ['run', 'tiny.json', '--results', results, '--json'], home);
    assert.match(JSON.stringify(JSON.parse(stdout)), /"tiny"/);
    const [stored, ...others] = globSync('**/run.json', { cwd: results });
    assert.ok(stored !== undefined && others.length === 0, 'one run is stored');
    const { state, cells } = JSON.parse(readFileSync(join(results, stored), 'utf8')) as {
      state: string;
      cells: { arms: { arm: string; completed: number; failed: number }[] }[];
    };
    assert.equal(state, 'complete');
    const arms = cells[0]?.arms ?? [];
    assert.deepEqual(arms.map(({ arm }) => arm).sort(), ['mine', 'persistent', 'short']);
    for (const { arm, completed } of arms) assert.ok(completed > 0, `${arm} did nothing`);
    assert.equal(arms.find(({ arm }) => arm === 'mine')?.failed, 0);
    assert.ok(existsSync(join(results, dirname(stored), 'report.html')));
  });

  await t.test('another load generator checks a scenario by conntax/embed', async () => {
    const code = `const { embed } = await import('conntax/embed');
const options = { file: 'script', allowedHosts: [] };
await embed(${JSON.stringify(scenario)}, options).catch(error => console.log(error.message));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], home);
    assert.match(stdout, /target\.url: no server to send to/);
  });

  await t.test('a scenario module of the user imports the package', async () => {
    const text = `import { defineScenario } from 'conntax';\nexport default defineScenario(${JSON.stringify(scenario)});\n`;
    await writeFile(join(home, 'mine.ts'), text);
    const { stdout } = await run(conntax, ['run', 'mine.ts', '--dry-run', '--json'], home);
    assert.match(JSON.stringify(JSON.parse(stdout)), /"tiny"/);
  });
});
