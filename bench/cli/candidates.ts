// What a bisection chooses from: published versions of a package, or commits of the repository here; and how each of them is had.
import type { Bisection } from '../../results/bisect.ts';
import { UsageError } from '../../results/errors.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import {
  openInstallations,
  PACKAGE_NAME,
  publishedVersions,
  type VersionRange,
} from '../run/npm-packages.ts';
import { checkOut, commitsBetween, SHORT_SHA } from './checkout.ts';
import type { Context } from './context.ts';
import { requireStart, type StartOptions } from './versions.ts';

export interface CandidateOptions extends StartOptions {
  /** Run in the checkout of each commit. */
  install?: string;
}

export interface Candidates extends Pick<Bisection, 'kind' | 'name' | 'versions' | 'titles'> {
  /** The range as it was typed, and the repository: `v1.4.0..HEAD of /srv/app`; absent where the name says it all. */
  origin?: string;
  /** Installed or checked out at the first call. @throws UsageError when that fails; the signal's reason when the signal aborts */
  codeOf(version: string): Promise<Code>;
}

/** @throws UsageError for options of a server without the command that starts it */
export function requireOptions(options: CandidateOptions): void {
  if (options.start !== undefined) return;
  requireStart(options);
  if (options.install === undefined) return;
  throw new UsageError('--install runs in the checkout of each commit; expected: --start, or no --install');
}

/** `undici@7.16.0..7.29.0`. @throws UsageError */
export function parseVersions(text: string): VersionRange {
  const name = PACKAGE_NAME.exec(text)?.[0] ?? '';
  const ends = /^@(\d+(?:\.\d+){0,2})\.\.(\d+(?:\.\d+){0,2})$/.exec(text.slice(name.length));
  if (name !== '' && ends !== null) return { name, from: ends[1]!, to: ends[2]! };
  throw new UsageError(
    `"${text}" is not a range of versions; expected: a package with its first and last version, no pre-releases, such as undici@7.16.0..7.29.0; of your own server two commits, such as v1.4.0..HEAD, and --start`,
  );
}

/** `v1.4.0..HEAD`. @throws UsageError */
export function parseCommits(text: string): { from: string; to: string } {
  const ends = /^(.*[^.])\.\.([^.].*)$/.exec(text);
  if (ends !== null) return { from: ends[1]!, to: ends[2]! };
  throw new UsageError(
    `"${text}" is not a range of commits; expected: an older and a newer branch, tag or commit, such as v1.4.0..HEAD`,
  );
}

/**
 * Lists the versions of a range; what is installed or checked out of them is removed with `installed`.
 * @throws UsageError for a range that is wrong or has only one version; the signal's reason when the signal aborts
 */
export async function findCandidates(
  range: string,
  options: CandidateOptions,
  context: Context,
  installed: AsyncDisposableStack,
): Promise<Candidates> {
  return options.start === undefined
    ? await packageCandidates(parseVersions(range), context, installed)
    : await commitCandidates(parseCommits(range), options, context, installed);
}

/** @throws UsageError for fewer than two */
function requireSeveral(versions: readonly string[], what: string): Bisection['versions'] {
  const [first, second, ...others] = versions;
  if (first !== undefined && second !== undefined) return [first, second, ...others];
  throw new UsageError(`${what}; expected: at least two to compare`);
}

async function packageCandidates(
  range: VersionRange,
  { output, signal }: Context,
  installed: AsyncDisposableStack,
): Promise<Candidates> {
  const { name, from, to } = range;
  const published = await publishedVersions(range, signal);
  const packages = installed.use(openInstallations(signal, output.note));
  return {
    kind: 'versions',
    name,
    versions: requireSeveral(published, `${name}@${from}..${to} holds only one published version`),
    titles: {},
    codeOf: version => packages.install(`${name}@${version}`),
  };
}

async function commitCandidates(
  { from, to }: { from: string; to: string },
  { install, cwd: subfolder = '.' }: CandidateOptions,
  { cwd, output, signal }: Context,
  installed: AsyncDisposableStack,
): Promise<Candidates> {
  const { root, commits: found } = await commitsBetween(from, to, cwd);
  const commits = found.map(commit => ({ ...commit, short: commit.sha.slice(0, SHORT_SHA) }));
  const checkedOut = new Map<string, Code>();
  return {
    kind: 'commits',
    name: 'commit',
    origin: `${from}..${to} of ${root}`,
    versions: requireSeveral(
      commits.map(({ short }) => short),
      `${from} and ${to} are the same commit`,
    ),
    titles: Object.fromEntries(commits.map(({ short, subject }) => [short, subject])),
    async codeOf(version) {
      const known = checkedOut.get(version);
      if (known !== undefined) return known;
      const { sha: ref } = commits.find(({ short }) => short === version)!;
      const { code, remove } = await checkOut({ ref, cwd, subfolder, install, signal, note: output.note });
      installed.defer(remove);
      checkedOut.set(version, code);
      return code;
    },
  };
}
