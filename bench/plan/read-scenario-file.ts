// In: the path of a scenario file. Out: what it holds, unchecked, or why it could not be read.
import { readFile, stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { placeText } from '../core/error-place.ts';
import type { Problem } from '../../results/errors.ts';
import { foreignText } from '../core/thrown.ts';
import { parseJson } from './parse-json.ts';

export type FileContent = { file: string } & (
  | { isRead: true; content: unknown }
  | { isRead: false; problem: Problem }
);

/** Extensions of files that can hold a scenario. `.ts` and `.js` are code that the user chose to run. */
export const SCENARIO_EXTENSIONS = ['.ts', '.js', '.json'] as const;

/** The path as a reader would type it: relative where the file lies below the working directory. */
export function shownPath(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below === '' || below.startsWith('..') ? path : below;
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function contentOf(path: string): Promise<unknown> {
  if (path.endsWith('.json')) return parseJson(await readFile(path, 'utf8'));
  const module: { default?: unknown } = await import(pathToFileURL(path).href);
  return module.default;
}

async function findProblem(path: string): Promise<Pick<Problem, 'message' | 'hint'> | undefined> {
  const extensions = SCENARIO_EXTENSIONS.join(', ');
  if (!SCENARIO_EXTENSIONS.some(extension => path.endsWith(extension))) {
    return { message: 'is no scenario file', hint: `a file that ends in ${extensions}` };
  }
  try {
    const found = await stat(path);
    return found.isFile()
      ? undefined
      : { message: 'is not a file', hint: `a file that ends in ${extensions}` };
  } catch (error) {
    return { message: `cannot be opened: ${errorText(error)}`, hint: 'the path of an existing file' };
  }
}

/** Reads one file; whatever goes wrong with it is a problem, never a throw. `path` is absolute. */
export async function readScenarioFile(path: string, cwd: string): Promise<FileContent> {
  const file = shownPath(path, cwd);
  const unreadable = await findProblem(path);
  if (unreadable !== undefined) return { file, isRead: false, problem: { file, path: '', ...unreadable } };
  try {
    const content = await contentOf(path);
    if (content !== undefined) return { file, isRead: true, content };
    const hint = 'export default defineScenario({ ... })';
    return { file, isRead: false, problem: { file, path: '', message: 'has no default export', hint } };
  } catch (error) {
    const isJson = path.endsWith('.json');
    const place = isJson ? '' : placeText(error); // what is wrong with JSON says where by itself
    const message = `cannot be loaded: ${foreignText(error)}${place}`;
    const hint = isJson ? 'valid JSON (comments are allowed)' : 'a module that loads without an error';
    return { file, isRead: false, problem: { file, path: '', message, hint } };
  }
}
