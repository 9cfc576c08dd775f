// Pages of a repository and of its commits on the web, from the address of a git remote, which may be of any form and hold secrets.

/** What a run knows of the commit that it ran in. */
interface Commit {
  commit: string;
  repositoryUrl?: string | undefined;
}

/** `git@host:path`, as git abbreviates an address of ssh. */
const SHORT_SSH = /^(?:[\w.+-]+@)?([\w.-]+):(?!\/)(.+)$/;
/** In links only what needs no escaping in HTML or Markdown. */
const PLAIN_PAGE = /^https:\/\/[\w.-]+(?::\d+)?(?:\/[\w.~+-]+)+$/;
const COMMIT = /^[0-9a-f]{7,64}$/i;

/**
 * The page of a repository, without user, password, query and `.git`: `git@github.com:us/ours.git` is `https://github.com/us/ours`.
 *
 * @param remote as `git remote get-url` prints it
 * @returns undefined for a path, and whatever else has no page
 */
export function repositoryPage(remote: string): string | undefined {
  const short = /^\w+:\/\//.test(remote) ? null : SHORT_SSH.exec(remote);
  const address = short === null ? remote : `ssh://${short[1]}/${short[2]}`;
  if (!URL.canParse(address)) return undefined;
  const { protocol, hostname, port, pathname } = new URL(address);
  // The port of ssh is not that of the page.
  const place = { 'https:': port === '' ? hostname : `${hostname}:${port}`, 'ssh:': hostname }[protocol];
  const page = `https://${place}${pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`;
  return place !== undefined && PLAIN_PAGE.test(page) ? page : undefined;
}

/** The page of a commit, as GitHub, GitLab, Gitea and Forgejo have it, or as Bitbucket does; undefined where none is known. */
export function commitPage({ commit, repositoryUrl }: Commit): string | undefined {
  // Stored runs come from elsewhere.
  if (repositoryUrl === undefined || !PLAIN_PAGE.test(repositoryUrl) || !COMMIT.test(commit))
    return undefined;
  const { hostname } = new URL(repositoryUrl);
  const folder = hostname.includes('gitlab')
    ? '-/commit'
    : hostname.includes('bitbucket')
      ? 'commits'
      : 'commit';
  return `${repositoryUrl}/${folder}/${commit}`;
}
