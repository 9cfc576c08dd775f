// The floors (biome.json) and doors (.ci/doors.grit) that the linter keeps are shown to bite.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules/.bin/biome');

test('the linter refuses imports against the floors and through the wrong door, and takes the others', t => {
  const imports: [path: string, specifier: string, isTaken: boolean][] = [
    ['results/a.ts', '../bench/contracts.ts', false],
    ['results/audits/a.ts', '../../report/model.ts', false],
    ['results/b.ts', 'hdr-histogram-js', false],
    ['results/histogram.ts', 'hdr-histogram-js', true],
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
    ['bench/clients/undici-connector.ts', 'undici', true],
    ['bench/clients/undici.test.ts', 'fastify', true],
    ['bench/studies/a.ts', 'undici', true],
    ['scenarios/examples/a.ts', 'axios', true],
    ['scenarios/clients/a.ts', 'axios', false],
    ['report/a.ts', 'vega-lite', true],
    ['bench/run/a.ts', '../cli/output.ts', false],
    ['bench/machines/a.ts', '../../report/build.ts', false],
    ['bench/machines/b.ts', 'birpc', false],
    ['bench/machines/channel.ts', 'birpc', true],
    ['bench/cli/a.ts', '../run/generator-child.ts', false],
  ];
  const folder = mkdtempSync(join(tmpdir(), 'conntax-floors-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, '.ci'));
  for (const file of ['biome.json', '.ci/doors.grit']) copyFileSync(join(root, file), join(folder, file));
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), `// A file.\n${text}\n`);
  };
  for (const [path, specifier] of imports) {
    write(path, `import { a } from '${specifier}';\n\nexport const b = a;`);
  }
  const forms = [
    "import type { A } from 'undici';\n\nexport type B = A;",
    "export { a } from 'undici';",
    "export const a = await import('undici');",
    "export type A = typeof import('undici');",
    "export type A = import('undici').Dispatcher;",
  ];
  for (const [index, form] of forms.entries()) write(`bench/run/form-${index}.ts`, form);

  const { stdout } = spawnSync(biome, ['lint', '--max-diagnostics=none', '--reporter=github'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const refused = stdout.split('\n').filter(line => /noRestrictedImports|title=plugin/.test(line));
  for (const [path, specifier, isTaken] of imports) {
    const isRefused = refused.some(line => line.includes(`/${path},`));
    assert.equal(isRefused, !isTaken, `${path} imports ${specifier}\n${stdout}`);
  }
  for (const [index, form] of forms.entries()) {
    assert.ok(
      refused.some(line => line.includes(`/form-${index}.ts,`)),
      `${form}\n${stdout}`,
    );
  }
});
