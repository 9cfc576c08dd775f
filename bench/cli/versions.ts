// Finds the two versions that `ab` compares: folders, packages, git refs, and commands that start a server of the user's own.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from '../../results/errors.ts';
import { writing } from '../../results/files.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { checkOut, type FoundCode } from './checkout.ts';
import type { Context } from './context.ts';
import type { Side } from './option-defaults.ts';

const exec = promisify(execFile);
const INSTALL_TIMEOUT_MS = 120_000;

/** Where the two versions are, and how a server of the user's own is started from them. */
export interface VersionOptions {
  /** Which of the two processes runs both versions. */
  side: Side;
  before?: string;
  after?: string;
  beforePackage?: string;
  afterPackage?: string;
  beforeRef?: string;
  afterRef?: string;
  /** Run in the checkout of each ref. */
  install?: string;
  /** Starts the server, in each version. */
  start?: string;
  /** Below the folder of each version: where start and install run. */
  cwd?: string;
  ready?: string;
  portEnv?: string;
  portFrom?: 'env' | 'output';
  path?: string;
}

/** The version of a side that no option names. */
const OWN_CODE: Code = { label: 'this conntax', dir: null, packages: {} };

/**
 * Installs one package with npm in a folder of its own, without running its scripts. `spec` is what `npm install` takes, such as
 * `undici@7`.
 *
 * @throws UsageError when `spec` is not a package, or npm cannot install it; the signal's reason when the signal aborts
 */
async function installPackage(spec: string, signal: AbortSignal): Promise<FoundCode> {
  const name = /^(@[^/@\s]+\/)?[^/@\s]+/.exec(spec)?.[0];
  if (name === undefined || spec.startsWith('-')) {
    throw new UsageError(`"${spec}" is not a package; expected: a name and a version, such as undici@7`);
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
    throw new UsageError(`npm cannot install ${spec}: ${stderr.trim() || message}`);
  }
}

const SIDE_NAMES = ['before', 'after'] as const;

/** What the options say of one of the two versions. */
function sourcesOf(options: VersionOptions, name: (typeof SIDE_NAMES)[number]) {
  return { dir: options[name], spec: options[`${name}Package`], ref: options[`${name}Ref`] };
}

/** @throws UsageError for options that contradict each other, or compare nothing */
export function requireTwo(options: VersionOptions): void {
  const all = SIDE_NAMES.map(name => ({ name, ...sourcesOf(options, name) }));
  for (const { name, dir, spec, ref } of all) {
    const given = [
      ...(dir === undefined ? [] : [`--${name}`]),
      ...(spec === undefined ? [] : [`--${name}-package`]),
      ...(ref === undefined ? [] : [`--${name}-ref`]),
    ];
    if (given.length > 1) throw new UsageError(`use either ${given.join(' or ')}, not both`);
    if (spec !== undefined && options.start !== undefined) {
      throw new UsageError(
        `--${name}-package replaces a package of conntax; with --start, use --${name} or --${name}-ref`,
      );
    }
  }
  if (all.every(({ dir, spec, ref }) => dir === undefined && spec === undefined && ref === undefined)) {
    throw new UsageError(
      options.start === undefined
        ? 'nothing to compare: give --before or --after (folders), or --before-package or --after-package'
        : 'nothing to compare: give --before or --after (folders), or --before-ref or --after-ref (branches, tags, commits)',
    );
  }
  if (options.install !== undefined && all.every(({ ref }) => ref === undefined)) {
    throw new UsageError(
      '--install runs in the checkouts of --before-ref and --after-ref; expected: one of them',
    );
  }
  requireStart(options);
}

/** Options that say something of the command, by their names and keys. */
const START_OPTIONS = [
  ['ready', 'ready'],
  ['port-env', 'portEnv'],
  ['port-from', 'portFrom'],
  ['cwd', 'cwd'],
  ['path', 'path'],
] as const;

/** @throws UsageError for options of the command without a command */
function requireStart(options: VersionOptions): void {
  if (options.start !== undefined) return;
  const lonely = START_OPTIONS.find(([, key]) => options[key] !== undefined);
  if (lonely === undefined) return;
  const [name] = lonely;
  throw new UsageError(`--${name} is about the server of --start; expected: --start, or no --${name}`);
}

/**
 * Finds both versions; what is installed or checked out for it is removed with `installed`.
 * @throws UsageError when one of them cannot be found or installed; the signal's reason when the signal aborts
 */
export async function findVersions(
  options: VersionOptions,
  { cwd, output, signal }: Pick<Context, 'cwd' | 'output' | 'signal'>,
  installed: AsyncDisposableStack,
): Promise<{ before: Code; after: Code }> {
  const { start, install, cwd: subfolder = '.' } = options;
  const codeOf = async (name: (typeof SIDE_NAMES)[number]): Promise<Code> => {
    const { dir, spec, ref } = sourcesOf(options, name);
    if (ref !== undefined) {
      const found = await checkOut({ ref, cwd, subfolder, install, signal, note: output.note });
      installed.defer(found.remove);
      return found.code;
    }
    if (spec !== undefined) {
      output.note(`Installing ${spec}`);
      const found = await installPackage(spec, signal);
      installed.defer(found.remove);
      return found.code;
    }
    if (dir !== undefined) return folderCode(resolve(cwd, dir), dir, subfolder);
    return start === undefined ? OWN_CODE : folderCode(cwd, 'this folder', subfolder);
  };
  return { before: await codeOf('before'), after: await codeOf('after') };
}

function folderCode(dir: string, label: string, subfolder: string): Code {
  for (const folder of [dir, resolve(dir, subfolder)]) {
    if (!existsSync(folder)) throw new UsageError(`folder not found: ${folder}`);
  }
  return { label, dir, packages: {} };
}
