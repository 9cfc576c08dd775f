// Puts a program named npm first in the PATH: it lists and "installs" versions of packages without a registry, and logs its calls.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

/** What an install that does not end waits for. */
export const ENDLESS_INSTALL = 'sleep 600.25';

export interface FakeNpm {
  /** Everything that was to be installed so far, such as `some@1.0.0`. */
  installed(): Promise<string[]>;
}

/** Puts a package into a folder. */
export type WritePackage = (folder: string, version: string) => Promise<void>;

/**
 * @param broken versions that cannot be installed
 * @param endless versions whose install does not end
 * @param write what each version consists of beside its package.json; default: nothing
 */
export async function putFakeNpm(
  t: TestContext,
  {
    versions,
    broken = [],
    endless = [],
    write = async () => {},
  }: {
    versions: readonly string[];
    broken?: readonly string[];
    endless?: readonly string[];
    write?: WritePackage;
  },
): Promise<FakeNpm> {
  const folder = await mkdtemp(join(tmpdir(), 'conntax-fake-npm-'));
  const log = join(folder, 'installed.txt');
  const program = join(folder, 'npm');
  const failing = broken.map(version => `*@${version}) echo "npm error ${version} is broken" >&2; exit 1;;`);
  const hanging = endless.map(version => `*@${version}) touch begun; ${ENDLESS_INSTALL}; exit;;`);
  await writeFile(join(folder, 'versions.json'), JSON.stringify(versions));
  for (const version of versions) {
    const own = join(folder, version);
    await mkdir(own);
    await writeFile(
      join(own, 'package.json'),
      JSON.stringify({ version, type: 'module', exports: './index.js' }),
    );
    await write(own, version);
  }
  await writeFile(log, '');
  await writeFile(
    program,
    `#!/bin/sh
if [ "$1" = view ]; then cat '${folder}/versions.json'; exit; fi
for spec; do :; done
echo "$spec" >> '${log}'
case "$spec" in ${[...failing, ...hanging].join(' ')} esac
mkdir -p node_modules
cp -R "${folder}/\${spec##*@}" "node_modules/\${spec%@*}"
`,
  );
  await chmod(program, 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}${delimiter}${path}`;
  t.after(async () => {
    process.env['PATH'] = path;
    await rm(folder, { recursive: true, force: true });
  });
  return { installed: async () => (await readFile(log, 'utf8')).split('\n').filter(line => line !== '') };
}
