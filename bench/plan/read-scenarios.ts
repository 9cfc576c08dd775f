// In: names, tags or paths as typed on a command line. Out: the scenarios they stand for, checked and complete.
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { BehaviourModule, ClientPlugin, LoadModule } from '../contracts.ts';
import { type Problem, UsageError } from '../../results/errors.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import { locateCaFile } from './ca-file.ts';
import { namedModules, readModules, withModulePaths } from './client-modules.ts';
import { byLikeness } from './nearest.ts';
import { problemText } from './problem-text.ts';
import { type FileContent, readScenarioFile, SCENARIO_EXTENSIONS } from './read-scenario-file.ts';
import { memberOf } from './schema-hints.ts';
import { createVariantsValidator } from './sweep.ts';

/** Plug-ins by name, each loaded when first needed: the registry's form. */
export type LazyPlugins<Module> = Readonly<Record<string, () => Promise<{ default: Module }>>>;

export interface LoadOptions {
  /** Folder of the scenarios that come with conntax. */
  builtinDir: string;
  /** Folder that relative paths start from. */
  cwd: string;
  transports: LazyPlugins<ClientPlugin>;
  /** What reads client modules of users; loaded when a scenario names one. */
  userModules: () => Promise<{ loadUserModule: LoadModule }>;
  behaviours: LazyPlugins<BehaviourModule>;
  /** Called before code of the user's is run, with the path of its file. */
  announce?: (file: string) => Promise<void>;
}

/** The tag that is run when nothing is asked for. */
export const DEFAULT_TAG = 'quick';

interface Candidate {
  path: string;
  /** As it says itself, else by its file name. */
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

/** The built-in scenarios that a name or tag stands for. A file that can't be read may have any tag: it is taken too. */
function matches(selector: string, builtins: readonly Candidate[]): Candidate[] {
  const named = builtins.filter(({ name }) => name === selector);
  if (named.length > 0) return named;
  if (!builtins.some(({ tags }) => tags.includes(selector))) return [];
  return builtins.filter(({ tags, read }) => tags.includes(selector) || !read.isRead);
}

function unknownSelectors(selectors: readonly string[], builtins: readonly Candidate[]): UsageError {
  const names = builtins.map(({ name }) => name);
  const tags = [...new Set(builtins.flatMap(candidate => candidate.tags))];
  const lines = selectors.flatMap(selector => [
    `There is no scenario or tag "${selector}".`,
    `  scenarios: ${byLikeness(selector, names).join(', ')}`,
    `  tags: ${byLikeness(selector, tags).join(', ')}`,
  ]);
  return new UsageError(
    [...lines, 'A scenario of your own is named by its path, such as ./mine.json'].join('\n'),
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
      hint: 'a name of its own',
    })),
  );
}

export interface CheckedScenarios {
  variants: Variant[];
  /** Of the files that are not among them. */
  problems: Problem[];
}

async function check(candidates: readonly Candidate[], options: LoadOptions): Promise<CheckedScenarios> {
  const [transports, behaviours] = await Promise.all([
    loadPlugins(options.transports),
    loadPlugins(options.behaviours),
  ]);
  const validate = createVariantsValidator({ transports, behaviours });
  const load: LoadModule = async path => {
    await options.announce?.(path);
    return (await options.userModules()).loadUserModule(path);
  };
  const problems: Problem[] = duplicateProblems(candidates);
  const variants: Variant[] = [];
  for (const { path, read } of candidates) {
    if (!read.isRead) {
      problems.push(read.problem);
      continue;
    }
    const validation = validate(read.content, read.file, await readModules(read.content, path, load));
    if (!validation.isValid) {
      problems.push(...validation.problems);
      continue;
    }
    for (const variant of validation.variants) {
      const located = await locateCaFile(withModulePaths(variant, path), path);
      if ('scenario' in located) variants.push(located.scenario);
      else {
        // All variants of a sweep have the same file.
        problems.push({ file: read.file, ...located.problem });
        break;
      }
    }
  }
  return { variants, problems };
}

/**
 * Finds, reads and checks scenarios. A selector is the path of a file, the name of a built-in scenario, or a tag; none
 * at all means the tag `quick`. A scenario that several selectors stand for comes once; one with a sweep comes as all of
 * its variants.
 *
 * @throws UsageError for selectors that stand for nothing, or with every problem of every selected file
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
    if (isPath(selector) && builtin === undefined && !path.endsWith('.json')) await options.announce?.(path);
    const found = isPath(selector)
      ? [builtin ?? (await readCandidate(path, options.cwd))]
      : matches(selector, builtins);
    for (const candidate of found) selected.set(candidate.path, candidate);
  }
  const { variants, problems } = await check([...selected.values()], options);
  if (problems.length > 0) throw new UsageError(problemText(problems), problems);
  return variants;
}

/** Whether scenarios by these selectors are code of the user's, or name client modules, which are. */
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

/** Every scenario that comes with conntax, by name, each with all of its variants; and what is wrong with the others. */
export async function listScenarios(options: LoadOptions): Promise<CheckedScenarios> {
  return check(await readBuiltins(options), options);
}
