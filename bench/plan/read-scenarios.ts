// Finds, reads and checks scenarios by name, tag or path.

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  describeErrorPlace,
  describeForeign,
  errorMessage,
  memberOfForeign,
  type Problem,
  UsageError,
} from '../../results/errors.ts';
import { visibleLine } from '../../results/visible.ts';
import { CLIENT_SETTINGS, isModulePath } from '../../scenarios/model/client.ts';
import { own } from '../../scenarios/model/facts.ts';
import type { Request } from '../../scenarios/model/request.ts';
import type { Scenario, ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import type { ClientPlugin, LoadModule, Obstacle, TransportModule } from '../contracts.ts';
import {
  byLikeness,
  counted,
  guess,
  isGuess,
  isPlainObject,
  memberOf,
  nameHint,
  nearest,
} from './problems.ts';
import { findDuplicateKeys, parseJson } from './scenario-json.ts';
import { createVariantsValidator } from './sweep.ts';
import type { FileModules } from './validate.ts';

/** Paths are relative to the folder of the scenario file. */
function placeOf(path: string, file: string): string {
  return resolve(dirname(file), path);
}

function membersOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Modules named by the clients or by values of a sweep. */
function namedModules(content: unknown): string[] {
  const ofArms = membersOf(memberOf(content, 'clients')).map(([, client]) => memberOf(client, 'transport'));
  const swept = membersOf(memberOf(content, 'sweep')).flatMap(([path, values]) =>
    path.endsWith('.transport') && Array.isArray(values) ? values : [],
  );
  const names = [...ofArms, ...swept].filter(name => typeof name === 'string');
  return [...new Set(names)].filter(isModulePath);
}

function unknownSetting({ honours }: TransportModule): Obstacle | undefined {
  const unknown = honours.find(setting => !CLIENT_SETTINGS.includes(setting));
  if (unknown === undefined) return undefined;
  return {
    message: `lists ${JSON.stringify(unknown)} in honours, which is not a setting`,
    hint: nameHint(unknown, CLIENT_SETTINGS),
  };
}

/** Reads every module that the scenario names. @param file absolute path of the scenario's own file */
async function readModules(content: unknown, file: string, load: LoadModule): Promise<FileModules> {
  const modules: Record<string, TransportModule> = {};
  const faults: Record<string, Obstacle> = {};
  for (const name of namedModules(content)) {
    const loading = await load(placeOf(name, file));
    const fault = loading.isLoaded ? unknownSetting(loading.module) : loading;
    if (fault !== undefined) faults[name] = { message: fault.message, hint: fault.hint };
    else if (loading.isLoaded) modules[name] = loading.module;
  }
  return { modules, faults };
}

/** Relative paths start from the folder of the scenario's file. Reports still show the path of a module as written. */
function withAbsolutePaths(variant: Variant, file: string): Variant {
  const { target, clients, request, requests } = variant;
  const files = (['caFile', 'certFile', 'keyFile', 'socketPath'] as const).flatMap(name => {
    const path = target[name];
    return path === undefined ? [] : [[name, placeOf(path, file)] as const];
  });
  const withBody = <Asked extends Request>(asked: Asked): Asked =>
    asked.bodyFile === undefined ? asked : { ...asked, bodyFile: placeOf(asked.bodyFile, file) };
  return {
    ...variant,
    target: {
      ...target,
      ...Object.fromEntries(files),
      ...(target.command === undefined ? {} : { cwd: placeOf(target.cwd ?? '.', file) }),
    },
    clients: Object.fromEntries(
      Object.entries(clients).map(([arm, client]) => [
        arm,
        isModulePath(client.transport) ? { ...client, modulePath: placeOf(client.transport, file) } : client,
      ]),
    ),
    ...(request === undefined ? {} : { request: withBody(request) }),
    ...(requests === undefined ? {} : { requests: requests.map(withBody) }),
  };
}

/** Whether the folder of a command exists. */
async function findFolderProblem({ command, cwd }: Scenario['target']): Promise<Found | undefined> {
  if (command === undefined || cwd === undefined) return undefined;
  const found = await stat(cwd).catch(() => undefined);
  if (found?.isDirectory()) return undefined;
  const message = found === undefined ? `${cwd} does not exist` : `${cwd} is not a folder`;
  const hint = "the folder in which the command runs, by its path from the scenario's folder";
  return { path: 'target.cwd', message, hint };
}

/** Parts come from the file, so control characters and line breaks are made visible. */
function problemLines(problem: Problem): string[] {
  const path = visibleLine(problem.path);
  const message = visibleLine(problem.message);
  const hint = problem.hint === undefined ? undefined : visibleLine(problem.hint);
  const what = path === '' ? `  ${message}` : `  ${path}: ${message}`;
  if (hint === undefined) return [what];
  return [what, isGuess(hint) ? `    ${hint}` : `    expected: ${hint}`];
}

/** A headline, then the problems of each file with what was expected, in order. */
export function formatProblems(problems: readonly Problem[], kind = 'scenario file'): string {
  const byFile = Map.groupBy(problems, problem => problem.file);
  const head = `${counted(problems.length, 'problem')} in ${counted(byFile.size, kind)}; nothing was started.`;
  const parts = [...byFile].map(([file, found]) =>
    [visibleLine(file), ...found.flatMap(problemLines)].join('\n'),
  );
  return [head, ...parts].join('\n\n');
}

type FileContent = { file: string } & (
  | { isRead: true; content: unknown }
  | { isRead: false; problems: Problem[] }
);

/** Extensions of scenario files. `.ts` and `.js` are code that the user chose to run. */
const SCENARIO_EXTENSIONS = ['.ts', '.js', '.json'] as const;

/** The path as a user would type it: relative if the file is below the working directory. */
export function shownPath(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below === '' || below.startsWith('..') ? path : below;
}

type Found = Omit<Problem, 'file'>;

/** The content of a file, or what is wrong with its text. @throws whatever reading it throws */
async function contentOf(path: string): Promise<{ content: unknown } | { found: Found[] }> {
  if (path.endsWith('.json')) {
    const text = await readFile(path, 'utf8');
    const content = parseJson(text);
    const found = findDuplicateKeys(text).map(duplicate => ({ ...duplicate, hint: 'each key once' }));
    return found.length === 0 ? { content } : { found };
  }
  const module: { default?: unknown } = await import(pathToFileURL(path).href);
  if (module.default !== undefined) return { content: module.default };
  const hint = 'export default defineScenario({ ... })';
  return { found: [{ path: '', message: 'has no default export', hint }] };
}

async function findProblem(path: string): Promise<Pick<Problem, 'message' | 'hint'> | undefined> {
  const extensions = SCENARIO_EXTENSIONS.join(', ');
  if (!SCENARIO_EXTENSIONS.some(extension => path.endsWith(extension))) {
    return { message: 'is not a scenario file', hint: `a file with the extension ${extensions}` };
  }
  try {
    const found = await stat(path);
    return found.isFile()
      ? undefined
      : { message: 'is not a file', hint: `a file with the extension ${extensions}` };
  } catch (error) {
    return { message: `cannot be opened: ${errorMessage(error)}`, hint: 'the path of an existing file' };
  }
}

/** What was expected, where loading a scenario module raised this error. */
function moduleHint(error: unknown): string {
  const isUnknownPackage = memberOfForeign(error, 'code') === 'ERR_MODULE_NOT_FOUND';
  return isUnknownPackage && /'conntax'/.test(describeForeign(error))
    ? "npm install conntax where the file is; within a clone, the path of its bench/index.ts instead of 'conntax'"
    : 'a module that loads without an error';
}

/** Reads one file; any failure is returned as a problem, never thrown. `path` is absolute. */
async function readScenarioFile(path: string, cwd: string): Promise<FileContent> {
  const file = shownPath(path, cwd);
  const withProblems = (found: readonly Found[]): FileContent => ({
    file,
    isRead: false,
    problems: found.map(problem => ({ file, ...problem })),
  });
  const unreadable = await findProblem(path);
  if (unreadable !== undefined) return withProblems([{ path: '', ...unreadable }]);
  try {
    const read = await contentOf(path);
    return 'content' in read ? { file, isRead: true, content: read.content } : withProblems(read.found);
  } catch (error) {
    const isJson = path.endsWith('.json');
    const place = isJson ? '' : describeErrorPlace(error); // errors of JSON already name their place
    const message = `cannot be loaded: ${describeForeign(error)}${place}`;
    const hint = isJson ? 'valid JSON (comments are allowed)' : moduleHint(error);
    return withProblems([{ path: '', message, hint }]);
  }
}

/** Plug-ins by name, each loaded when first needed. */
export type LazyPlugins<Module> = Readonly<Record<string, () => Promise<{ default: Module }>>>;

export interface LoadOptions {
  /** Folder of the scenarios that come with conntax. */
  builtinDir: string;
  /** Folder that relative paths start from. */
  cwd: string;
  transports: LazyPlugins<ClientPlugin>;
  /** The loader of users' client modules, itself loaded when a scenario names one. */
  userModules: () => Promise<{ loadUserModule: LoadModule }>;
  behaviours: LazyPlugins<BehaviourModule>;
  /** Stands in the place of every scenario's target. */
  replaced?: ReplacedTarget | undefined;
  /** What is wrong with users' files that must not be read, by their absolute paths. */
  faults?: Readonly<Record<string, Obstacle>> | undefined;
  /** Called with the path of a user's file before its code is run, and those of files that follow, as far as they are known. */
  announce?: (file: string, later: readonly string[]) => Promise<void>;
}

/** The tag that is run by default. */
const DEFAULT_TAG = 'quick';

interface Candidate {
  path: string;
  /** From its content, else from its file name. */
  name: string;
  tags: readonly string[];
  read: FileContent;
}

/** Loads every plug-in of a kind, by name. */
export async function loadPlugins<Module>(lazy: LazyPlugins<Module>): Promise<Record<string, Module>> {
  const loaded = await Promise.all(
    Object.entries(lazy).map(async ([name, load]) => [name, (await load()).default] as const),
  );
  return Object.fromEntries(loaded);
}

async function readCandidate(path: string, cwd: string): Promise<Candidate> {
  const read = await readScenarioFile(path, cwd);
  const content = read.isRead ? read.content : undefined;
  const name = memberOf(content, 'name');
  const tags = memberOf(content, 'tags');
  return {
    path,
    name: typeof name === 'string' ? name : basename(path, extname(path)),
    tags: Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [],
    read,
  };
}

function isScenarioFile(file: string): boolean {
  const isOther = /\.(d|test)\.[a-z]+$/.test(file) || file.endsWith('.schema.json');
  return !isOther && SCENARIO_EXTENSIONS.some(extension => file.endsWith(extension));
}

async function readBuiltins({ builtinDir, cwd }: LoadOptions): Promise<Candidate[]> {
  const files = (await readdir(builtinDir)).filter(isScenarioFile);
  const candidates = await Promise.all(files.map(file => readCandidate(join(builtinDir, file), cwd)));
  return candidates.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function isPath(selector: string): boolean {
  return /[\\/]/.test(selector) || SCENARIO_EXTENSIONS.some(extension => selector.endsWith(extension));
}

/** The built-in scenarios with a name or tag. An unreadable file could have any tag, so it is included. */
function matches(selector: string, builtins: readonly Candidate[]): Candidate[] {
  const named = builtins.filter(({ name }) => name === selector);
  if (named.length > 0) return named;
  if (!builtins.some(({ tags }) => tags.includes(selector))) return [];
  return builtins.filter(({ tags, read }) => tags.includes(selector) || !read.isRead);
}

function unknownSelectors(selectors: readonly string[], builtins: readonly Candidate[]): UsageError {
  const names = builtins.map(({ name }) => name);
  const tags = [...new Set(builtins.flatMap(candidate => candidate.tags))];
  const lines = selectors.flatMap(selector => {
    const meant = nearest(selector, [...names, ...tags]);
    return [
      `no scenario or tag "${selector}"${meant === undefined ? '' : `: ${guess(meant)}`}`,
      `  scenarios: ${byLikeness(selector, names).join(', ')}`,
      `  tags: ${byLikeness(selector, tags).join(', ')}`,
    ];
  });
  return new UsageError(
    [...lines, 'To run your own scenario, give its path, such as ./mine.json'].join('\n'),
  );
}

function duplicateProblems(candidates: readonly Candidate[]): Problem[] {
  const named = candidates.filter(({ read }) => read.isRead);
  const byName = Map.groupBy(named, ({ name }) => name);
  return [...byName.values()].flatMap(([first, ...others]) =>
    others.map(other => ({
      file: other.read.file,
      path: 'name',
      message: `"${other.name}" is also the name of ${first!.read.file}`,
      hint: 'a unique name',
    })),
  );
}

interface CheckedScenarios {
  variants: Variant[];
  /** Problems of the files without valid scenarios. */
  problems: Problem[];
}

/** A user's file that must not be read, and why. */
function faultOf(path: string, { faults = {} }: Pick<LoadOptions, 'faults'>): Obstacle | undefined {
  return own(faults, path);
}

async function check(candidates: readonly Candidate[], options: LoadOptions): Promise<CheckedScenarios> {
  const [transports, behaviours] = await Promise.all([
    loadPlugins(options.transports),
    loadPlugins(options.behaviours),
  ]);
  const validate = createVariantsValidator({ transports, behaviours });
  const modulePaths = candidates.flatMap(({ path, read }) =>
    read.isRead ? namedModules(read.content).map(name => placeOf(name, path)) : [],
  );
  const load: LoadModule = async path => {
    const fault = faultOf(path, options);
    if (fault !== undefined) return { isLoaded: false, ...fault };
    await options.announce?.(path, modulePaths.slice(modulePaths.lastIndexOf(path) + 1));
    return (await options.userModules()).loadUserModule(path);
  };
  const problems: Problem[] = duplicateProblems(candidates);
  const variants: Variant[] = [];
  for (const { path, read } of candidates) {
    if (!read.isRead) {
      problems.push(...read.problems);
      continue;
    }
    const { replaced } = options;
    const content = replaced === undefined ? read.content : withTarget(read.content, replaced);
    const validation = validate(content, read.file, await readModules(content, path, load));
    if (!validation.isValid) {
      problems.push(...validation.problems);
      continue;
    }
    for (const variant of validation.variants) {
      const placed = withAbsolutePaths(variant, path);
      const problem = await findFolderProblem(placed.target);
      if (problem !== undefined) {
        problems.push({ file: read.file, ...problem });
        break; // all variants of a sweep have the same folder
      }
      variants.push(placed);
    }
  }
  return { variants, problems };
}

/**
 * Finds, reads and checks scenarios. A selector is the path of a file, the name of a built-in scenario, or a tag; without
 * selectors, the tag `quick` is used. A scenario matched by several selectors is returned once; one with a sweep is returned
 * as all of its variants.
 *
 * @throws UsageError for selectors that match nothing, or with every problem of every selected file
 */
export async function loadScenarios(selectors: readonly string[], options: LoadOptions): Promise<Variant[]> {
  const asked = selectors.length > 0 ? selectors : [DEFAULT_TAG];
  const builtins = await readBuiltins(options);
  const unknown = asked.filter(selector => !isPath(selector) && matches(selector, builtins).length === 0);
  if (unknown.length > 0) throw unknownSelectors(unknown, builtins);
  const selected = new Map<string, Candidate>();
  for (const selector of asked) {
    const path = resolve(options.cwd, selector);
    const builtin = builtins.find(candidate => candidate.path === path);
    const found = isPath(selector)
      ? [builtin ?? (await readOwn(path, options))]
      : matches(selector, builtins);
    for (const candidate of found) selected.set(candidate.path, candidate);
  }
  const { variants, problems } = await check([...selected.values()], options);
  if (problems.length > 0) throw new UsageError(formatProblems(problems), problems);
  return variants;
}

/** A user's own scenario. @param path absolute */
async function readOwn(path: string, options: LoadOptions): Promise<Candidate> {
  const { cwd, announce } = options;
  const fault = faultOf(path, options);
  if (fault === undefined) {
    if (!path.endsWith('.json')) await announce?.(path, []);
    return readCandidate(path, cwd);
  }
  const file = shownPath(path, cwd);
  const name = basename(path, extname(path));
  return { path, name, tags: [], read: { file, isRead: false, problems: [{ file, path: '', ...fault }] } };
}

/** Whether reading these scenarios runs users' code: scenario modules, or client modules that they name. */
export async function runsUserCode(
  selectors: readonly string[],
  { builtinDir, cwd }: Pick<LoadOptions, 'builtinDir' | 'cwd'>,
): Promise<boolean> {
  for (const selector of selectors.filter(isPath)) {
    const path = resolve(cwd, selector);
    if (dirname(path) === builtinDir) continue;
    if (!path.endsWith('.json')) return true;
    const read = await readScenarioFile(path, cwd);
    if (read.isRead && namedModules(read.content).length > 0) return true;
  }
  return false;
}

/**
 * The built-in scenarios with these names or tags, by default all, with all of their variants; and the problems of the
 * invalid ones.
 * @throws UsageError for selectors that match nothing
 */
export async function listScenarios(
  options: LoadOptions,
  selectors: readonly string[] = [],
): Promise<CheckedScenarios> {
  const builtins = await readBuiltins(options);
  const unknown = selectors.filter(selector => matches(selector, builtins).length === 0);
  if (unknown.length > 0) throw unknownSelectors(unknown, builtins);
  const selected = selectors.length === 0 ? builtins : selectors.flatMap(name => matches(name, builtins));
  return check([...new Set(selected)], options);
}

/** A server in the place of each scenario's own. */
export interface ReplacedTarget {
  target: NonNullable<ScenarioInput['target']>;
  /** Path of the requests; default: that of the scenario. */
  path?: string;
}

/** The path of a URL; undefined where there is none. */
function pathOf(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

/** The path that all external servers of a target have. @throws UsageError where they differ */
function pathOfAll(target: unknown): string | undefined {
  const urls = memberOf(target, 'urls');
  const all = Array.isArray(urls)
    ? urls.map(each => memberOf(each, 'url') ?? each)
    : [memberOf(target, 'url')];
  const paths = [...new Set(all.map(pathOf))];
  if (paths.length === 1) return paths[0];
  throw new UsageError(
    `target.urls: one server takes the place of several, whose paths differ (${paths.join(', ')}); expected: --path, or request.path in the scenario`,
  );
}

/**
 * The content of a scenario with another target. What it says of its own server goes, except for what its requests are: their
 * path, and which statuses are good.
 * @throws UsageError where they are not the same for each of several servers
 */
export function withTarget(content: unknown, { target, path }: ReplacedTarget): unknown {
  if (!isPlainObject(content)) return content;
  const own = content['target'];
  const expectStatus = memberOf(own, 'expectStatus');
  const askedPath = path ?? memberOf(content['request'], 'path') ?? pathOfAll(own);
  const request = isPlainObject(content['request']) ? content['request'] : {};
  return {
    ...content,
    target: { ...target, ...(expectStatus === undefined ? {} : { expectStatus }) },
    ...(askedPath === undefined ? {} : { request: { ...request, path: askedPath } }),
  };
}
