// Finds the versions that `ab` and `bisect` compare: folders, packages, Node, and git refs, which are checked out for the comparison.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { formatCommit } from '../../report/words/run.ts';
import { errorMessage, UsageError } from '../../results/errors.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { describeGit } from '../probes/host.ts';
import { entryFile } from '../run/child.ts';
import { runCommand, SUCCESS } from '../run/command-group.ts';
import { openInstallations, openTemporaryFolder } from '../run/npm-packages.ts';
import type { Context } from './context.ts';
import type { Side } from './options.ts';

/** How a server of the user's own is started from each version. */
export interface StartOptions {
  /** Starts the server, in each version. */
  start?: string;
  /** Below the folder of each version: where start and install run. */
  cwd?: string;
  ready?: string;
  portEnv?: string;
  portFrom?: 'env' | 'output';
  path?: string;
}

/** Where the two versions are. */
export interface VersionOptions extends StartOptions {
  /** Which of the two processes runs both versions. */
  side: Side;
  before?: string;
  after?: string;
  beforePackage?: string;
  afterPackage?: string;
  /** Version of the npm package `node`. */
  beforeNode?: string;
  afterNode?: string;
  beforeRef?: string;
  afterRef?: string;
  /** Run in the checkout of each ref. */
  install?: string;
}

/** The version of a side that no option names. */
const OWN_CODE: Code = { label: 'this conntax', dir: null, packages: {} };

const SIDE_NAMES = ['before', 'after'] as const;
type SideName = (typeof SIDE_NAMES)[number];

/** What one of the two versions is, as an option says it. */
interface Source {
  kind: 'folder' | 'package' | 'node' | 'ref';
  value: string;
  /** As typed: `--before-ref`. */
  option: string;
  name: SideName;
}

/** @returns undefined where no option says it. @throws UsageError where several do */
function sourceOf(options: VersionOptions, name: SideName): Source | undefined {
  const all = [
    { kind: 'folder', value: options[name], option: `--${name}` },
    { kind: 'package', value: options[`${name}Package`], option: `--${name}-package` },
    { kind: 'node', value: options[`${name}Node`], option: `--${name}-node` },
    { kind: 'ref', value: options[`${name}Ref`], option: `--${name}-ref` },
  ] as const;
  const given = all.flatMap(({ value, ...one }) => (value === undefined ? [] : [{ ...one, value, name }]));
  if (given.length < 2) return given[0];
  throw new UsageError(`use only one of ${given.map(({ option }) => option).join(' and ')}`);
}

/** @throws UsageError for options that contradict each other, or compare nothing */
export function requireTwo(options: VersionOptions): void {
  const sources = SIDE_NAMES.flatMap(name => sourceOf(options, name) ?? []);
  if (sources.length === 0) {
    throw new UsageError(
      options.start === undefined
        ? 'nothing to compare: give --before or --after (folders), or one of them with -package or -node (versions)'
        : 'nothing to compare: give --before or --after (folders), or --before-ref or --after-ref (branches, tags, commits)',
    );
  }
  if (options.start === undefined) requireStart(options);
  else sources.forEach(requireServer);
  if (options.install !== undefined && sources.every(({ kind }) => kind !== 'ref')) {
    throw new UsageError(
      '--install runs in the checkouts of --before-ref and --after-ref; expected: one of them',
    );
  }
}

/** @throws UsageError for a version that holds no server of the user's own */
function requireServer({ kind, option, name }: Source): void {
  if (kind === 'folder' || kind === 'ref') return;
  const replaced =
    kind === 'package' ? 'replaces a package of conntax' : 'replaces the Node that runs conntax';
  throw new UsageError(`${option} ${replaced}; with --start, use --${name} or --${name}-ref`);
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
export function requireStart(options: StartOptions): void {
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
  { cwd, output: { note }, signal }: Pick<Context, 'cwd' | 'output' | 'signal'>,
  installed: AsyncDisposableStack,
): Promise<{ before: Code; after: Code }> {
  const { start, install, cwd: subfolder = '.' } = options;
  const packages = installed.use(openInstallations(signal, note));
  const codeOf = async (name: SideName): Promise<Code> => {
    const { kind, value } = sourceOf(options, name) ?? { kind: 'none', value: '' };
    switch (kind) {
      case 'ref':
        return requireConntax(
          await checkOut({ ref: value, cwd, subfolder, install, signal, note }, installed),
          options,
        );
      case 'package':
        return await packages.install(value);
      case 'node':
        return await packages.install(`node@${value}`);
      case 'folder':
        return requireConntax(await folderCode(resolve(cwd, value), value, { start, subfolder }), options);
      case 'none':
        return start === undefined ? OWN_CODE : await folderCode(cwd, 'this folder', { start, subfolder });
      default:
        return kind satisfies never;
    }
  };
  return { before: await codeOf('before'), after: await codeOf('after') };
}

/** Without a server of the user's own, the versions are of conntax. @throws UsageError where there is none that can run */
function requireConntax(code: Code, { start, side }: VersionOptions): Code {
  if (start === undefined)
    entryFile(side === 'client' ? './generator-child' : '../../servers/target-child', code);
  return code;
}

/** The user's own server is named by its commit, too: a folder says little once it has changed. */
async function folderCode(
  dir: string,
  name: string,
  { start, subfolder }: { start: string | undefined; subfolder: string },
): Promise<Code> {
  for (const folder of [dir, resolve(dir, subfolder)]) {
    if (!existsSync(folder)) throw new UsageError(`folder not found: ${folder}`);
  }
  const git = start === undefined ? null : await describeGit(dir);
  return { label: git === null ? name : `${name} (${formatCommit(git)})`, dir, packages: {} };
}

const exec = promisify(execFile);
/** Digits of a commit that are shown. */
export const SHORT_SHA = 12;

interface CheckoutOptions {
  ref: string;
  /** A folder of the repository; the checkout's folder is the same one. */
  cwd: string;
  /** Below that folder: where the install command runs. */
  subfolder: string;
  /** Run by sh in the checkout; undefined: nothing. */
  install: string | undefined;
  signal: AbortSignal;
  note: (text: string) => void;
}

/** In a git hook, these would name another repository or index. */
function gitEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^GIT_(?!SSH|ASKPASS)/.test(name)),
  );
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await exec('git', ['-C', cwd, ...args], { env: gitEnvironment() });
  return stdout.replace(/\n$/, '');
}

/** @throws UsageError outside a repository, or for a ref that is not a commit */
async function findCommit(ref: string, cwd: string): Promise<{ sha: string; root: string; prefix: string }> {
  let root: string;
  try {
    root = await git(cwd, 'rev-parse', '--show-toplevel');
  } catch (error) {
    throw new UsageError(`${ref}: ${cwd} is not in a git repository (${lastLine(error)})`);
  }
  const prefix = await git(cwd, 'rev-parse', '--show-prefix');
  try {
    const sha = await git(cwd, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
    return { sha, root, prefix };
  } catch {
    throw new UsageError(
      `${ref} is not a commit of ${root}; expected: a branch, a tag or a commit that this clone has (in CI: actions/checkout with fetch-depth: 0)`,
    );
  }
}

export interface Commit {
  sha: string;
  /** The first line of its message. */
  subject: string;
}

/**
 * The repository, and the commits of a range, oldest first, both ends included: those of a merged branch are in its merge.
 * @throws UsageError outside a repository, for a ref that is not a commit, or where one end does not lead to the other
 */
export async function commitsBetween(
  from: string,
  to: string,
  cwd: string,
): Promise<{ root: string; commits: Commit[] }> {
  const [first, last] = [await findCommit(from, cwd), await findCommit(to, cwd)];
  try {
    await git(cwd, 'merge-base', '--is-ancestor', first.sha, last.sha);
  } catch {
    throw new UsageError(`${from} is not an ancestor of ${to}; expected: the older commit first`);
  }
  const log = ['log', '-z', '--first-parent', '--reverse', '--format=%H %s'];
  const later = await git(cwd, ...log, `${first.sha}..${last.sha}`);
  const own = await git(cwd, ...log, '--max-count=1', first.sha);
  const commits = [own, ...later.split('\0')]
    .map(line => line.replace(/\0$/, ''))
    .filter(line => line !== '')
    .map(line => ({ sha: line.slice(0, line.indexOf(' ')), subject: line.slice(line.indexOf(' ') + 1) }));
  return { root: first.root, commits };
}

function lastLine(error: unknown): string {
  const { stderr = '' } = error as { stderr?: string };
  return stderr.trim().split('\n').at(-1) || errorMessage(error);
}

/**
 * Makes a worktree of a ref in a temporary folder, and runs the install command in it. It is removed with `installed`, or when this
 * process ends before.
 * @throws UsageError for a ref that is not a commit, or an install that fails; the reason of the signal
 */
export async function checkOut(
  { ref, cwd, subfolder, install, signal, note }: CheckoutOptions,
  installed: AsyncDisposableStack,
): Promise<Code> {
  const { sha, root, prefix } = await findCommit(ref, cwd);
  const folder = openTemporaryFolder('conntax-ref-', () => {
    execFileSync('git', ['-C', root, 'worktree', 'prune'], { env: gitEnvironment(), stdio: 'ignore' });
  });
  installed.defer(folder.remove);
  const tree = join(folder.path, 'tree');
  const short = sha.slice(0, SHORT_SHA);
  const label = sha.startsWith(ref) ? short : `${ref} (${short})`;
  note(`Checking out ${label}`);
  await git(root, 'worktree', 'add', '--detach', '--quiet', tree, sha).catch(error => {
    throw new UsageError(`cannot check out ${label}: ${lastLine(error)}`);
  });
  const dir = join(tree, prefix);
  const place = resolve(dir, subfolder);
  if (!existsSync(place)) throw new UsageError(`${label} has no folder ${join(prefix, subfolder)}`);
  if (install !== undefined) {
    note(`Running ${install} in ${label}`);
    const { end, tail } = await runCommand({ command: install, cwd: place, env: process.env }, signal);
    if (end !== SUCCESS)
      throw new UsageError(
        `${install} failed in ${label} (${end}); expected: an install command that ends with status 0. ${tail === '' ? 'It printed nothing.' : `Its output ends with:\n${tail}`}`,
      );
  } else if (existsSync(join(place, 'package.json')) && !existsSync(join(place, 'node_modules'))) {
    note(`${label} has no node_modules, which --install 'npm ci' would make`);
  }
  return { label, dir, packages: {} };
}
