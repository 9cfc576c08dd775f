// Modules that end the process that reads them are each named with what they did, all at once, and no other is blamed.
import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../results/errors.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports, userModules } from '../clients/index.ts';
import { readScenarios } from './scenario-questions.ts';

const SOUND =
  'export default { open: () => ({ send: async () => ({ status: 200, bytes: 0 }), close() {} }) };\n';

/** Reads a scenario with a client for each of these modules. */
async function read(t: TestContext, modules: Readonly<Record<string, string>>) {
  const cwd = await realpath(await mkdtemp(join(tmpdir(), 'conntax-modules-')));
  t.after(() => rm(cwd, { recursive: true }));
  for (const [name, text] of Object.entries(modules)) await writeFile(join(cwd, `${name}.mjs`), text);
  const names = Object.keys(modules);
  const clients = Object.fromEntries(names.map(name => [name, { transport: `./${name}.mjs` }]));
  const scenario = { name: 'mine', question: 'q', clients, baseline: names[0] };
  await writeFile(join(cwd, 'mine.json'), JSON.stringify(scenario));
  const builtinDir = fileURLToPath(new URL('../../scenarios', import.meta.url));
  return readScenarios(['mine.json'], { builtinDir, cwd, transports, userModules, behaviours });
}

test('every problem of several modules is reported in one go, under its own name', async t => {
  const reading = read(t, {
    'exits-later': `setTimeout(() => process.exit(3), 20);\n${SOUND}`,
    sound: SOUND,
    'never-settles': `await new Promise(() => {});\n${SOUND}`,
    throws: `throw new Error('not today');\n${SOUND}`,
    'also-sound': `await new Promise(resolve => setTimeout(resolve, 300));\n${SOUND}`,
    'kills-itself': `process.kill(process.pid, 'SIGKILL');\n${SOUND}`,
  });
  await assert.rejects(reading, (error: unknown) => {
    assert.ok(error instanceof UsageError, String(error));
    const told = Object.fromEntries(error.problems.map(({ path, message }) => [path.split('.')[1], message]));
    assert.deepEqual(Object.keys(told), ['exits-later', 'never-settles', 'throws', 'kills-itself']);
    assert.match(
      told['exits-later']!,
      /^\.\/exits-later\.mjs ends the process that reads it \(exit status 3\)$/,
    );
    assert.match(told['never-settles']!, /never finishes: its top-level await never resolves$/);
    assert.match(told['throws']!, /cannot be loaded: not today \(at .*throws\.mjs:1\)$/);
    assert.match(told['kills-itself']!, /ends the process that reads it \(SIGKILL\)$/);
    return true;
  });
});

test('sound modules are read, with all of their clients', async t => {
  const [variant] = await read(t, { one: SOUND, two: SOUND });
  assert.deepEqual(Object.keys(variant!.clients), ['one', 'two']);
});
