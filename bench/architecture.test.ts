// The rules of the house: floors and doors, which the linter keeps, are shown to bite; clock, randomness and opening comments are checked here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules/.bin/biome');

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
  assert.deepEqual(findLines(/^(?:scenarios\/model|results|report|bench\/plan)\//, clockOrRandomness), []);
});

test('only the command line, the benchmarks and the child entries exit or write to the terminal', () => {
  const allowed = /^(?!bench\/(?:cli|studies|campaign)\/|.*-child\.ts$)/;
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

test('npm test runs every test file, and none twice', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const run = [...scripts['test']!.matchAll(/test:\S+/g)].flatMap(([name]) => {
    const [, pattern] = /'([^']+)'$/.exec(scripts[name]!) ?? assert.fail(`${name} names no files`);
    // A pattern of alternatives may give a file more than once; Node runs it once.
    return [...new Set(globSync(pattern!, { cwd: root }))];
  });
  const files = globSync('{bench,servers,scenarios,results,report}/**/*.test.ts', { cwd: root });
  assert.deepEqual(run.sort(), files.sort());
});

test('the linter refuses imports against the floors and through the wrong door, and takes the others', t => {
  const imports: [path: string, specifier: string, isTaken: boolean][] = [
    ['results/a.ts', '../bench/contracts.ts', false],
    ['results/audits/a.ts', '../../report/model.ts', false],
    ['results/b.ts', 'hdr-histogram-js', false],
    ['results/c.ts', '../scenarios/model/load.ts', true],
    ['results/d.ts', 'vega', false],
    ['scenarios/model/a.ts', '../../results/stats.ts', false],
    ['scenarios/a.ts', '../bench/contracts.ts', false],
    ['scenarios/b.ts', '../bench/index.ts', true],
    ['servers/behaviours/a.ts', '../../bench/contracts.ts', false],
    ['report/charts/a.ts', '../../servers/app.ts', false],
    ['bench/load/a.ts', '../clients/undici.ts', false],
    ['bench/load/b.ts', 'undici', false],
    ['bench/load/c.ts', '../../results/histogram.ts', true],
    ['bench/plan/a.ts', '../run/run.ts', false],
    ['bench/clients/a.ts', '../load/open.ts', false],
    ['bench/clients/b.ts', 'fastify', false],
    ['bench/clients/undici.ts', 'undici', true],
    ['bench/run/a.ts', '../cli/output.ts', false],
    ['bench/cli/a.ts', '../run/generator-child.ts', false],
  ];
  const folder = mkdtempSync(join(tmpdir(), 'conntax-floors-'));
  t.after(() => rmSync(folder, { recursive: true }));
  copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  for (const [path, specifier] of imports) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      `// A file.\nimport { a } from '${specifier}';\n\nexport const b = a;\n`,
    );
  }

  const { stdout } = spawnSync(biome, ['lint', '--max-diagnostics=none', '--reporter=github'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const refused = stdout.split('\n').filter(line => line.includes('noRestrictedImports'));
  for (const [path, specifier, isTaken] of imports) {
    const isRefused = refused.some(line => line.includes(`/${path},`));
    assert.equal(isRefused, !isTaken, `${path} imports ${specifier}\n${stdout}`);
  }
});
