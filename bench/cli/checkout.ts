// Checks out a git ref into a worktree of its own, and runs an install command there; both are gone after the comparison.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, UsageError } from '../../results/errors.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { runCommand, SUCCESS } from '../run/command-group.ts';
import { openTemporaryFolder } from '../run/npm-packages.ts';

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

interface CheckedOut {
  code: Code;
  remove(): void;
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
 * Makes a worktree of a ref in a temporary folder, and runs the install command in it. It is also removed when this process ends
 * before `remove` was called.
 * @throws UsageError for a ref that is no commit, or an install that fails; the reason of the signal
 */
export async function checkOut(options: CheckoutOptions): Promise<CheckedOut> {
  const { ref, cwd, subfolder, install, signal, note } = options;
  const { sha, root, prefix } = await findCommit(ref, cwd);
  const folder = openTemporaryFolder('conntax-ref-', () => {
    execFileSync('git', ['-C', root, 'worktree', 'prune'], { env: gitEnvironment(), stdio: 'ignore' });
  });
  const tree = join(folder.path, 'tree');
  try {
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
      await runInstall({ install, place, label, signal });
    } else if (existsSync(join(place, 'package.json')) && !existsSync(join(place, 'node_modules'))) {
      note(`${label} has no node_modules, which --install 'npm ci' would make`);
    }
    return { code: { label, dir, packages: {} }, remove: folder.remove };
  } catch (error) {
    folder.remove();
    throw error;
  }
}

interface Install {
  install: string;
  place: string;
  label: string;
  signal: AbortSignal;
}

async function runInstall({ install, place, label, signal }: Install): Promise<void> {
  const { end, tail } = await runCommand({ command: install, cwd: place, env: process.env }, signal);
  if (end === SUCCESS) return;
  throw new UsageError(
    `${install} failed in ${label} (${end}); expected: an install command that ends with status 0. ${tail === '' ? 'It printed nothing.' : `Its output ends with:\n${tail}`}`,
  );
}
