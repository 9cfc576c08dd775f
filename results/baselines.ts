// In: the name of a baseline. Out: the summary kept under it, parsed by schema; or a new one written.
import { join } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { UsageError } from './errors.ts';
import { listFolder, makeFolder, readText, replaceFile } from './files.ts';
import { issueText } from './issue-text.ts';
import { RunSummary } from './run-summary.ts';

const FOLDER = 'baselines';
const EXTENSION = '.json';
const NAME = /^[a-z0-9][a-z0-9._-]*$/i;

export const DEFAULT_BASELINE = 'main';

/** @returns the file written. @throws UsageError for a name that is no plain word, MeasureError when it can't be written. */
export function saveBaseline(resultsDir: string, name: string, summary: RunSummary): string {
  const file = fileOf(resultsDir, name);
  makeFolder(join(resultsDir, FOLDER));
  replaceFile(file, `${JSON.stringify(summary, null, 2)}\n`);
  return file;
}

/** @throws UsageError when there is none of that name, naming those that there are; or when it is not what we write. */
export function readBaseline(resultsDir: string, name: string): RunSummary {
  const file = fileOf(resultsDir, name);
  const text = readText(file);
  if (text === undefined) {
    const names = listBaselines(resultsDir).toSorted((a, b) => distance(name, a) - distance(name, b));
    const known = names.length === 0 ? 'there are none yet' : `known: ${names.join(', ')}`;
    throw new UsageError(
      `there is no baseline "${name}" in ${join(resultsDir, FOLDER)} (${known}); "conntax baseline save --name ${name}" makes one of the latest run`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const parsed = RunSummary.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path, message } = issueText(parsed.error.issues[0]!);
  throw new UsageError(`${file} is no baseline of this conntax: ${path}: ${message}`);
}

export function listBaselines(resultsDir: string): string[] {
  return listFolder(join(resultsDir, FOLDER))
    .filter(file => file.endsWith(EXTENSION))
    .map(file => file.slice(0, -EXTENSION.length))
    .filter(name => NAME.test(name))
    .sort();
}

function fileOf(resultsDir: string, name: string): string {
  if (!NAME.test(name)) {
    throw new UsageError(
      `"${name}" can't be the name of a baseline: letters, digits, dot, dash and underscore`,
    );
  }
  return join(resultsDir, FOLDER, `${name}${EXTENSION}`);
}
