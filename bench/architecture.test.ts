// Rules of the house that the linter does not know: clock, randomness, exits, opening comments, and that every test is run.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Text for a browser, not code that runs here. */
const PAGE_SCRIPT = 'report/formats/page-script.ts';

const sources = globSync('{bench,servers,scenarios,results,report}/**/*.ts', { cwd: root })
  .filter(path => !/\.test\.ts$|\.d\.ts$|\/testing\//.test(path))
  .sort()
  .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Code without comments, each replaced by its line ends so that positions stay. A string that holds `//` loses its end. */
function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, comment => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(?<!:)\/\/.*/g, '');
}

function findLines(paths: RegExp, pattern: RegExp): string[] {
  return sources
    .filter(({ path }) => paths.test(path))
    .flatMap(({ path, text }) =>
      withoutComments(text)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    );
}

test('the sources are found', () => {
  assert.ok(sources.length > 100);
});

test('pure folders read no clock and draw no randomness of their own: both are parameters', () => {
  const clockOrRandomness =
    /\b(?:Date\.now|performance\.now|process\.hrtime|Math\.random|randomUUID|randomBytes|setTimeout|setInterval)\b|\bnew Date\s*\(\s*\)/;
  const found = findLines(/^(?:scenarios\/model|results|report|bench\/plan)\//, clockOrRandomness);
  assert.deepEqual(
    found.filter(line => !line.startsWith(PAGE_SCRIPT)),
    [],
  );
});

test('only the command line, the benchmarks and the child entries exit or write to the terminal', () => {
  // servers/process.ts is the loop that the child entries share.
  const allowed = /^(?!bench\/(?:cli|studies|campaign)\/|servers\/process\.ts$|.*-child\.ts$)/;
  assert.deepEqual(findLines(allowed, /\bprocess\.(?:stdout|stderr)\.write\b|\bprocess\.exit\s*\(/), []);
});

test('every file opens with a comment that says what it is for', () => {
  const silent = sources.filter(({ text }) => !/^(?:#!.*\n)?\/[/*]/.test(text)).map(({ path }) => path);
  assert.deepEqual(silent, []);
});

test('a built-in scenario holds nothing but its definition', () => {
  const scenarios = sources.filter(({ path }) => /^scenarios\/[^/]+\.ts$/.test(path));
  assert.ok(scenarios.length > 5);
  for (const { path, text } of scenarios) {
    const outermost = withoutComments(text)
      .split('\n')
      .filter(line => /^[^\s}]/.test(line));
    assert.deepEqual(
      outermost.map(line => line.replace(/\{ .* \}/, '{…}')),
      ["import {…} from '../bench/index.ts';", 'export default defineScenario({'],
      path,
    );
  }
});

/** Files that a module loads when it is imported; types are gone by then, and what it imports later is not among them. */
function loadedBy(path: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  for (const [, names, from] of readFileSync(join(root, path), 'utf8').matchAll(
    /^(?:import|export) (?!type )([^;]*?) ?from '([^']+)';$/gms,
  )) {
    const isTypesOnly = /^\{(?:\s*type [^,}]+,?\s*)+\}$/.test(names!);
    if (isTypesOnly) continue;
    if (from!.startsWith('.')) loadedBy(join(path, '..', from!), loaded);
    else loaded.add(from!);
  }
  return loaded;
}

test('what sends load is loaded without the schemas, which would take a third of its start', () => {
  for (const path of [
    'bench/run/generator-child.ts',
    ...['undici', 'node-http', 'wire', 'fetch'].map(client => `bench/clients/${client}.ts`),
    ...['autocannon', 'wrk', 'hey'].map(tool => `bench/tools/${tool}.ts`),
  ]) {
    const loaded = loadedBy(path);
    assert.ok(loaded.size > 4, path);
    assert.ok(!loaded.has('zod'), path);
  }
  assert.ok(loadedBy('scenarios/model/target.ts').has('zod'));
});

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** The files of a command. A pattern of alternatives may give a file more than once; Node runs it once. */
function filesOf(command: string): string[] {
  const [, pattern] = /'([^']+)'$/.exec(scripts[command]!) ?? assert.fail(`${command} names no files`);
  return [...new Set(globSync(pattern!, { cwd: root }))].sort();
}

test('npm test runs every test file, and none twice', () => {
  const run = [...scripts['test']!.matchAll(/test:\S+/g)].flatMap(([command]) => filesOf(command));
  const files = globSync('{bench,servers,scenarios,results,report}/**/*.test.ts', { cwd: root });
  assert.deepEqual(run.sort(), files.sort());
  const parts = ['test:slow', 'test:io', 'test:e2e'].flatMap(filesOf);
  assert.deepEqual(filesOf('test:long'), parts.sort(), 'the long ones are run together, and by themselves');
});
