// In: a package and version as npm knows them. Out: it installed in a folder of its own, for one run.
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writing } from '../../results/files.ts';
import type { Code } from '../core/code.ts';
import { UsageError } from '../../results/errors.ts';

const exec = promisify(execFile);
const INSTALL_TIMEOUT_MS = 120_000;

/**
 * Installs one package with npm, without its scripts. `spec` is what `npm install` takes, such as `undici@7`.
 *
 * @throws UsageError when it is no package, or npm can't install it; the signal's reason when that aborts
 */
export async function installPackage(
  spec: string,
  signal: AbortSignal,
): Promise<{ code: Code; remove: () => Promise<void> }> {
  const name = /^(@[^/@\s]+\/)?[^/@\s]+/.exec(spec)?.[0];
  if (name === undefined || spec.startsWith('-')) {
    throw new UsageError(`"${spec}" is no package: a name and a version, such as undici@7`);
  }
  const start = join(tmpdir(), 'conntax-package-');
  const folder = writing(start, () => mkdtempSync(start));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
    await exec('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', spec], {
      cwd: folder,
      timeout: INSTALL_TIMEOUT_MS,
      signal,
    });
    const manifest = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    return { code: { label: `${name} ${version}`, dir: null, packages: { [name]: folder } }, remove };
  } catch (cause) {
    await remove();
    signal.throwIfAborted();
    const { stderr = '', message } = cause as Error & { stderr?: string };
    throw new UsageError(`npm can't install ${spec}: ${stderr.trim() || message}`);
  }
}
