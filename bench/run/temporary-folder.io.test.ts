// A folder is gone when its program ends, even while a command still writes into it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';

const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

const PROGRAM = `
import { readdirSync } from 'node:fs';
import { openTemporaryFolder } from ${module('./npm-packages.ts')};
import { CommandGroup } from ${module('./command-group.ts')};
const { path } = openTemporaryFolder('conntax-test-');
const command = 'i=0; while :; do i=$((i+1)); : > "$i"; done';
await CommandGroup.start({ command, cwd: path, env: process.env });
console.log(path);
while (readdirSync(path).length < 100) await new Promise(setImmediate);
process.exit(0);
`;

test('a folder that is being written to is gone when the program ends', async () => {
  const args = ['--input-type=module', '--eval', PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const path = stdout.trim();
  assert.match(path, /conntax-test-/);
  assert.ok(!existsSync(path), path);
});
