// Which file is started for whose code, and that a replaced package really is another.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { entryFile } from './code-entry.ts';

const exec = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

async function makeFolder(t: TestContext, files: readonly string[]): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'conntax-code-')));
  t.after(() => rm(dir, { recursive: true }));
  for (const file of files) {
    await mkdir(join(dir, file, '..'), { recursive: true });
    await writeFile(join(dir, file), '');
  }
  return dir;
}

suite('entry file', () => {
  test('ours, unless said otherwise', () => {
    const { path, nodeOptions, env } = entryFile('./load-child');
    assert.equal(path, join(root, 'bench/run/generator-child.ts'));
    assert.deepEqual([nodeOptions, env], [[], {}]);
  });

  const places = [
    ['a checkout', 'bench/run/generator-child.ts', 'node_modules/undici/index.js'],
    ['a compiled package', 'dist/bench/run/load-child.js'],
    ['a folder with it installed', 'node_modules/conntax/dist/bench/run/load-child.js'],
  ] as const;
  for (const [why, file, ...others] of places) {
    test(`of ${why}`, async t => {
      const dir = await makeFolder(t, [file, ...others]);
      assert.equal(entryFile('./load-child', { label: '', dir, packages: {} }).path, join(dir, file));
    });
  }

  test('a folder without conntax is refused', async t => {
    const dir = await makeFolder(t, ['package.json']);
    assert.throws(
      () => entryFile('./load-child', { label: '', dir, packages: {} }),
      /there is no conntax in/,
    );
  });

  test('so is a checkout whose packages are not installed', async t => {
    const dir = await makeFolder(t, ['bench/run/generator-child.ts']);
    assert.throws(() => entryFile('./load-child', { label: '', dir, packages: {} }), /npm ci/);
  });

  test('a replaced package is that of its folder, and no other package changes', async t => {
    const folder = await makeFolder(t, []);
    await mkdir(join(folder, 'node_modules'));
    await symlink(join(root, 'node_modules/undici-7'), join(folder, 'node_modules/undici'));
    const { nodeOptions, env } = entryFile('./load-child', {
      label: '',
      dir: null,
      packages: { undici: folder },
    });
    const script = join(root, 'bench/run/testing/print-versions.ts');
    const versions = async (options: string[]): Promise<Record<string, string>> => {
      const { stdout } = await exec(process.execPath, [...options, script], {
        env: { ...process.env, ...env },
      });
      return JSON.parse(stdout);
    };
    const [replaced, own] = await Promise.all([versions(nodeOptions), versions([])]);
    assert.match(replaced['undici']!, /^7\./);
    assert.match(own['undici']!, /^8\./);
    assert.equal(replaced['fastify'], own['fastify']);
  });
});
