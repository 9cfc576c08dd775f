// Asks npm which versions of a package are published, and installs versions of packages into folders that are gone after the run.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, UsageError } from '../../results/errors.ts';
import { writing } from '../../results/files.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { watchOver } from '../watchdog.ts';
import { runCommand, SUCCESS } from './command-group.ts';

interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** A process that was killed a moment ago may still finish writing a file. */
const RETRIES = { maxRetries: 10, retryDelay: 50 } as const;

/** How those that are there are removed. */
const removals = new Set<() => void>();

function removeAll(): void {
  for (const remove of removals) remove();
}

/**
 * Makes a folder. It is also removed when this process ends before `remove` was called.
 *
 * @param prefix of its name
 * @param afterRemoval what else is to be undone then
 */
export function openTemporaryFolder(prefix: string, afterRemoval: () => void = () => {}): TemporaryFolder {
  const start = join(tmpdir(), prefix);
  const path = writing(start, () => mkdtempSync(start));
  const remove = (): void => {
    if (!removals.delete(remove)) return;
    if (removals.size === 0) process.off('exit', removeAll);
    rmSync(path, { recursive: true, force: true, ...RETRIES });
    afterRemoval();
  };
  if (removals.size === 0) process.on('exit', removeAll);
  removals.add(remove);
  return { path, remove };
}

const exec = promisify(execFile);

/** A package name as npm has it, scoped or not. */
export const PACKAGE_NAME = /^(?:@[^/@\s]+\/)?[^/@\s-][^/@\s]*/;

/** Not a library to be loaded, but the program that runs the code. */
const NODE = 'node';
const NODE_PROGRAM = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
/** Older ones do not know the syntax that the children are written in. */
const MIN_NODE_MAJOR = 24;

/** A version of Node takes longer than any library: it is 100 MB. */
const INSTALL_TIMEOUT_MS = 300_000;
const VIEW_TIMEOUT_MS = 60_000;

/** Versions of packages, each installed once, and all removed together. */
interface Installations extends AsyncDisposable {
  /**
   * The code of this conntax with one package installed as `spec` says, which is what `npm install` takes, such as `undici@7`.
   * For the package `node` it is this conntax, run by that version of Node.
   *
   * @throws UsageError when `spec` is not a package, or npm cannot install it; the signal's reason when the signal aborts
   */
  install(spec: string): Promise<Code>;
}

/** @param say reports what is about to be installed */
export function openInstallations(signal: AbortSignal, say: (text: string) => void): Installations {
  let root: TemporaryFolder | undefined;
  const installed = new Map<string, Code>();
  return {
    async install(spec) {
      const known = installed.get(spec);
      if (known !== undefined) return known;
      const name = PACKAGE_NAME.exec(spec)?.[0];
      if (name === undefined) {
        throw new UsageError(`"${spec}" is not a package; expected: a name and a version, such as undici@7`);
      }
      say(`Installing ${spec}`);
      root ??= openTemporaryFolder('conntax-packages-');
      const folder = await mkdtemp(join(root.path, 'package-'));
      const code = await installInto(folder, { name, spec }, signal);
      installed.set(spec, code);
      return code;
    },
    async [Symbol.asyncDispose]() {
      root?.remove();
    },
  };
}

/**
 * No package may run its scripts, except that of `node`, which fetches the program for this platform: without it there is none.
 */
async function installInto(
  folder: string,
  { name, spec }: { name: string; spec: string },
  signal: AbortSignal,
): Promise<Code> {
  const isNode = name === NODE;
  const manifest = isNode ? { private: true, allowScripts: { [NODE]: true } } : { private: true };
  try {
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await npmInstall({ folder, spec, hasScripts: isNode }, signal);
    const own = join(folder, 'node_modules', name);
    return isNode ? await nodeCode(own) : await packageCode(folder, own, name);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`npm cannot install ${spec}: ${errorMessage(cause)}`);
  }
}

/** @throws Error with the end of what npm printed; the signal's reason when the signal aborts */
async function npmInstall(
  { folder, spec, hasScripts }: { folder: string; spec: string; hasScripts: boolean },
  signal: AbortSignal,
): Promise<void> {
  const scripts = hasScripts ? '' : '--ignore-scripts';
  const tooLong = AbortSignal.timeout(INSTALL_TIMEOUT_MS);
  try {
    const { end, tail } = await runCommand(
      {
        command: `exec npm install ${scripts} --no-audit --no-fund --no-package-lock --prefer-offline "$CONNTAX_SPEC"`,
        cwd: folder,
        env: { ...process.env, CONNTAX_SPEC: spec },
      },
      AbortSignal.any([signal, tooLong]),
    );
    if (end !== SUCCESS) throw new Error(tail === '' ? end : tail);
  } catch (error) {
    signal.throwIfAborted();
    throw tooLong.aborted ? new Error(`it took longer than ${INSTALL_TIMEOUT_MS / 1_000} s`) : error;
  }
}

async function packageCode(folder: string, own: string, name: string): Promise<Code> {
  const { version } = JSON.parse(await readFile(join(own, 'package.json'), 'utf8')) as { version: string };
  return { label: `${name} ${version}`, dir: null, packages: { [name]: folder } };
}

async function nodeCode(own: string): Promise<Code> {
  const program = join(own, NODE_PROGRAM);
  if (!existsSync(program)) {
    throw new Error('its install script brought no program; expected: npm without ignore-scripts');
  }
  const { stdout } = await exec(program, ['--version']);
  const version = stdout.trim().replace(/^v/, '');
  if (Number.parseInt(version, 10) < MIN_NODE_MAJOR) {
    throw new UsageError(`Node ${version} cannot run conntax; expected: ${MIN_NODE_MAJOR} or newer`);
  }
  return { label: `Node ${version}`, dir: null, packages: {}, node: program };
}

/** Both ends belong to the range; each may leave out its last numbers, as in `7.16`. */
export interface VersionRange {
  name: string;
  from: string;
  to: string;
}

/**
 * The published versions of a package in a range, oldest first, without pre-releases.
 *
 * @throws UsageError when npm knows no such package, or an end that is a whole version is not published; the signal's reason when
 *   the signal aborts
 */
export async function publishedVersions(
  { name, from, to }: VersionRange,
  signal: AbortSignal,
): Promise<string[]> {
  let printed: string;
  try {
    const args = ['view', `${name}@>=${from} <=${to}`, 'version', '--json'];
    const asked = exec('npm', args, { timeout: VIEW_TIMEOUT_MS, signal });
    watchOver(asked.child);
    printed = (await asked).stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const range = `versions of ${name} from ${from} to ${to}`;
    const { stderr = '' } = cause as { stderr?: string };
    if (stderr.includes('E404')) {
      throw new UsageError(
        `npm finds no ${range}; expected: a published package, its older version first, no pre-releases`,
      );
    }
    throw new UsageError(`npm cannot list the ${range}: ${stderr.trim() || errorMessage(cause)}`);
  }
  const versions = inOrder(JSON.parse(printed) as string | string[]);
  const missing = [from, to].find(end => isWhole(end) && !versions.includes(end));
  if (missing === undefined) return versions;
  const near = missing === from ? versions[0] : versions.at(-1);
  throw new UsageError(`${name} ${missing} is not published; the nearest in the range is ${near}`);
}

function isWhole(version: string): boolean {
  return version.split('.').length === 3;
}

/** npm lists versions in the order of the registry's answer, and a single one as itself. */
function inOrder(versions: string | string[]): string[] {
  return [versions].flat().toSorted(new Intl.Collator('en', { numeric: true }).compare);
}
