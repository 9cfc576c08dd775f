// The house rules of docs/architecture.md, kept by every source file; and each rule proven to bite.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findViolations } from './testing/architecture-rules.ts';
import { createSourceFile } from './testing/source-file.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function isSource(path: string): boolean {
  return !/\.test\.ts$|\.d\.ts$|(?:^|\/)(?:testing|fixtures|node_modules)\//.test(path);
}

test('every source file keeps the house rules', () => {
  const paths = globSync('{bench,servers,scenarios,results,report}/**/*.ts', { cwd: root }).filter(isSource);
  const files = paths.sort().map(path => createSourceFile(path, readFileSync(join(root, path), 'utf8')));
  assert.ok(files.length > 10, 'the sources were not found');
  const lines = findViolations(files).map(({ file, line, message }) => `${file}:${line} ${message}`);
  if (lines.length > 0) assert.fail(`\n${lines.join('\n')}\n`);
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

const HEAD = '// In: a. Out: b.\n';
const scenario = `${HEAD}import { defineScenario } from '../bench/define-scenario.ts';\nexport default defineScenario({ name: 'a; b' });\n`;

const broken: [why: string, path: string, text: string, line: number, message: RegExp][] = [
  [
    'core imports nothing of ours',
    'bench/core/a.ts',
    `${HEAD}import { b } from '../plan/b.ts';`,
    2,
    /bench\/plan\/b\.ts/,
  ],
  [
    'not even a type',
    'bench/core/a.ts',
    `${HEAD}import type { b } from '../plan/b.ts';`,
    2,
    /may import bench\/core/,
  ],
  ['nor on demand', 'bench/core/a.ts', `${HEAD}\nconst b = await import('../plan/b.ts');`, 3, /bench\/plan/],
  ['nor for its effect', 'bench/core/a.ts', `${HEAD}import '../plan/b.ts';`, 2, /bench\/plan/],
  [
    'nor by re-export',
    'bench/core/a.ts',
    `${HEAD}export { b } from '../plan/b.ts';\nlet c;`,
    2,
    /bench\/plan/,
  ],
  [
    'nor over many lines',
    'bench/core/a.ts',
    `${HEAD}import {\n  b,\n} from '../plan/b.ts';`,
    2,
    /bench\/plan/,
  ],
  [
    'plan knows no results',
    'bench/plan/a.ts',
    `${HEAD}import { b } from '../../results/b.ts';`,
    2,
    /results\/b\.ts/,
  ],
  [
    'load knows one file of results',
    'bench/load/a.ts',
    `${HEAD}import { b } from '../../results/stats.ts';`,
    2,
    /histogram/,
  ],
  [
    'results know no report',
    'results/a.ts',
    `${HEAD}import { b } from '../report/b.ts';`,
    2,
    /report\/b\.ts/,
  ],
  [
    'servers know no probes',
    'servers/a.ts',
    `${HEAD}import { b } from '../bench/probes/b.ts';`,
    2,
    /bench\/probes/,
  ],
  [
    'run knows no report',
    'bench/run/a.ts',
    `${HEAD}import { b } from '../../report/b.ts';`,
    2,
    /report\/b\.ts/,
  ],
  [
    'the registry is opened by three files',
    'bench/commands/a.ts',
    `${HEAD}import { b } from '../registry.ts';`,
    2,
    /registry/,
  ],
  [
    'a child entry is no module',
    'bench/commands/a.ts',
    `${HEAD}import '../run/generator-child.ts';`,
    2,
    /never imported/,
  ],
  [
    'behaviours do not know each other',
    'servers/behaviours/a.ts',
    `${HEAD}import { b } from './b.ts';`,
    2,
    /each other/,
  ],
  [
    'charts do not know each other',
    'report/charts/a.ts',
    `${HEAD}import { b } from './b.ts';`,
    2,
    /each other/,
  ],
  [
    'a chart knows no format',
    'report/charts/a.ts',
    `${HEAD}import { b } from '../formats/b.ts';`,
    2,
    /no format/,
  ],
  [
    'undici has one door',
    'bench/load/a.ts',
    `${HEAD}import { Pool } from 'undici';`,
    2,
    /bench\/transports\/undici/,
  ],
  [
    'so have its inner files',
    'bench/load/a.ts',
    `${HEAD}import { Pool } from 'undici/lib/x.js';`,
    2,
    /may know/,
  ],
  ['and types', 'servers/b.ts', `${HEAD}import type { A } from 'fastify';`, 2, /servers\/app\.ts/],
  ['vega stays in report', 'results/a.ts', `${HEAD}import { compile } from 'vega-lite';`, 2, /report\//],
  ['no clock in plan', 'bench/plan/a.ts', `${HEAD}\nconst now = Date.now();`, 3, /Date\.now: no clock/],
  ['not in a template either', 'results/a.ts', `${HEAD}const id = \`run-\${Date.now()}\`;`, 2, /no clock/],
  ['nor the date of today', 'report/a.ts', `${HEAD}const now = new Date();`, 2, /no clock/],
  ['no dice in core', 'bench/core/a.ts', `${HEAD}const x = Math.random();`, 2, /no dice/],
  ['only the command line prints', 'bench/run/a.ts', `${HEAD}console.log('x');`, 2, /return or throw/],
  ['and exits', 'results/a.ts', `${HEAD}process.exit(1);`, 2, /process\.exit/],
  ['a file says what it is for', 'bench/plan/a.ts', `import { b } from './b.ts';`, 1, /begin with a comment/],
  [
    'a shebang is not a comment',
    'bench/cli/main.ts',
    '#!/usr/bin/env node\nmain();',
    1,
    /begin with a comment/,
  ],
  ['a file holds one concept', 'bench/plan/a.ts', HEAD.repeat(601), 1, /601 lines, at most 600/],
  [
    'no barrels',
    'bench/plan/a.ts',
    `${HEAD}export * from './b.ts';\nexport { c } from './c.ts';`,
    1,
    /only re-exports/,
  ],
  ['a scenario holds no other code', 'scenarios/a.ts', `${scenario}export const x = 1;\n`, 1, /nothing but/],
  [
    'and imports nothing else',
    'scenarios/a.ts',
    scenario.replace('define-scenario', 'core/scenario'),
    2,
    /define-scenario/,
  ],
  [
    'an example client is code, and knows only what its readers have',
    'scenarios/examples/a.ts',
    `${HEAD}import { b } from '../../bench/core/client.ts';`,
    2,
    /scenarios\/examples\/ may import bench\/define-client\.ts, bench\/define-scenario\.ts/,
  ],
  [
    'the clients of examples stay there',
    'bench/load/a.ts',
    `${HEAD}import axios from 'axios';`,
    2,
    /examples/,
  ],
  [
    'transports know one probe',
    'bench/transports/a.ts',
    `${HEAD}import { b } from '../probes/process.ts';`,
    2,
    /client-sockets/,
  ],
  ['every file has a room', 'bench/misc/a.ts', HEAD, 1, /belongs to no room/],
];

for (const [why, path, text, line, message] of broken) {
  test(`rule: ${why}`, () => {
    const violations = findViolations([createSourceFile(path, text)]);
    assert.equal(violations.length, 1, JSON.stringify(violations));
    assert.equal(violations[0]!.file, path);
    assert.equal(violations[0]!.line, line);
    assert.match(violations[0]!.message, message);
  });
}

const sound: [why: string, path: string, text: string][] = [
  [
    'a comment may name anything',
    'bench/core/a.ts',
    `${HEAD}// import { b } from '../plan/b.ts'; Date.now()`,
  ],
  ['so may a text', 'bench/core/a.ts', `${HEAD}const text = 'console.log(Date.now()) // /*';\nlet b;`],
  ['a regular expression is no string', 'bench/core/a.ts', `${HEAD}const quote = /['"/]/; // Date.now()`],
  ['load has its histogram', 'bench/load/a.ts', `${HEAD}import { b } from '../../results/histogram.ts';`],
  ['undici has its door', 'bench/clients/undici.ts', `${HEAD}import { Pool } from 'undici';`],
  ['a study may know the bare package', 'bench/studies/a.ts', `${HEAD}import { Pool } from 'undici';`],
  [
    'a child opens the registry',
    'servers/target-child.ts',
    `${HEAD}import { b } from '../bench/registry.ts';`,
  ],
  [
    'the public types come from the registry',
    'bench/index.ts',
    `${HEAD}import type { b } from './registry.ts';`,
  ],
  ['a given date is no clock', 'report/a.ts', `${HEAD}const date = new Date(startedAt);`],
  ['a shebang may come first', 'bench/cli/main.ts', `#!/usr/bin/env node\n${HEAD}process.exit(0);`],
  [
    'a re-export beside code is no barrel',
    'bench/plan/a.ts',
    `${HEAD}export { b } from './b.ts';\nexport const c = 1;`,
  ],
  ['a scenario', 'scenarios/a.ts', scenario],
  [
    'an example client',
    'scenarios/examples/a.ts',
    `${HEAD}import got from 'got';\nimport { b } from '../../bench/define-client.ts';\nexport default b({});`,
  ],
];
for (const [why, path, text] of sound) {
  test(`no rule against: ${why}`, () => assert.deepEqual(findViolations([createSourceFile(path, text)]), []));
}
