// Finds the two versions that `ab` compares: folders, packages, Node, git refs, and commands that start a server of the user's own.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatCommit } from '../../report/words/run.ts';
import { UsageError } from '../../results/errors.ts';
import { own } from '../../scenarios/model/own.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import { formatProblems } from '../plan/read-scenarios.ts';
import { describeGit } from '../probes/host.ts';
import { entryFile } from '../run/child.ts';
import { openInstallations } from '../run/npm-packages.ts';
import { checkOut } from './checkout.ts';
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

/** What the options say, by the settings of a scenario that they stand for. */
const OPTION_OF: Readonly<Record<string, string>> = {
  'target.command': '--start',
  'target.ready': '--ready',
  'target.portEnv': '--port-env',
  'target.portFrom': '--port-from',
  'request.path': '--path',
};

/** The error with options in place of the settings that they stand for, each said once for all scenarios; any other as it is. */
export function startErrorInOptions(error: unknown, options: StartOptions): unknown {
  if (!(error instanceof UsageError) || error.problems.length === 0) return error;
  const isGiven = (path: string): boolean => path !== 'request.path' || options.path !== undefined;
  const said = error.problems.map(problem => {
    const option = own(OPTION_OF, problem.path);
    return option === undefined || !isGiven(problem.path)
      ? problem
      : { ...problem, file: COMMAND_LINE, path: option };
  });
  const once = [...new Map(said.map(problem => [JSON.stringify(problem), problem])).values()];
  const text = formatProblems(once);
  const isAllOptions = once.every(({ file }) => file === COMMAND_LINE);
  return new UsageError(isAllOptions ? text.replace(' in 1 scenario file', '') : text, once, {
    cause: error,
  });
}

const COMMAND_LINE = 'the command line';

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
  { cwd, output, signal }: Pick<Context, 'cwd' | 'output' | 'signal'>,
  installed: AsyncDisposableStack,
): Promise<{ before: Code; after: Code }> {
  const { start, install, cwd: subfolder = '.' } = options;
  const packages = installed.use(openInstallations(signal, output.note));
  const codeOf = async (name: SideName): Promise<Code> => {
    const { kind, value } = sourceOf(options, name) ?? { kind: 'none', value: '' };
    switch (kind) {
      case 'ref': {
        const found = await checkOut({ ref: value, cwd, subfolder, install, signal, note: output.note });
        installed.defer(found.remove);
        return requireConntax(found.code, options);
      }
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
