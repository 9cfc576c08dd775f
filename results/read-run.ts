// In: the name of a stored run. Out: the run, parsed by schema: files are data from elsewhere and are never trusted.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { Problem } from '../bench/core/errors.ts';
import { UsageError } from '../bench/core/errors.ts';
import { Run } from '../bench/core/run-types.ts';
import { TrialResult } from '../bench/core/types.ts';
import { LATEST_FILE, RUN_FILE, RUNS_FOLDER, TRIALS_FILE } from './layout.ts';
import { isRunId } from './run-id.ts';
import { settleCell } from './settle-cell.ts';

const SCHEMA_VERSION = Run.shape.schemaVersion.value;
/** How many of a file's problems are told; a file of another kind has thousands. */
const MOST_PROBLEMS = 10;

export interface StoredRun {
  dir: string;
  run: Run;
  trials: TrialResult[];
  /** Whether a last line that was cut short was left out; only in a run that is itself not complete. */
  isTorn: boolean;
}

/**
 * Reads a run by its id, by the path of its folder or its run.json, or without a name the latest. Throws UsageError with
 * what is wrong, where, and what would be right.
 */
export function readRun(resultsDir: string, ref?: string): StoredRun {
  const dir = ref === undefined ? latestDir(resultsDir) : namedDir(resultsDir, ref);
  const run = readRunFile(dir);
  return { dir, run, ...readTrials(dir, run) };
}

function latestDir(resultsDir: string): string {
  const path = join(resultsDir, LATEST_FILE);
  if (!existsSync(path)) {
    throw new UsageError(
      `there is no latest run in ${resultsDir}: measure one, or name one${known(resultsDir, '')}`,
    );
  }
  const id = readText(path).trim();
  if (!isRunId(id)) throw new UsageError(`${path} does not hold the id of a run${known(resultsDir, '')}`);
  const dir = join(resultsDir, RUNS_FOLDER, id);
  if (!existsSync(dir)) {
    throw new UsageError(`${path} names the run ${id}, whose folder is gone${known(resultsDir, id)}`);
  }
  return dir;
}

function namedDir(resultsDir: string, ref: string): string {
  const byId = join(resultsDir, RUNS_FOLDER, ref);
  if (isRunId(ref) && existsSync(byId)) return byId;
  const path = resolve(ref);
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) return path;
    if (basename(path) === RUN_FILE) return dirname(path);
    throw new UsageError(`${ref} is not a run: give a run's id, its folder or its ${RUN_FILE}`);
  }
  throw new UsageError(`there is no run ${ref} in ${resultsDir}, nor such a folder${known(resultsDir, ref)}`);
}

/** The ids nearest to what was asked for, newest first among equals. */
function known(resultsDir: string, wanted: string): string {
  const folder = join(resultsDir, RUNS_FOLDER);
  const ids = existsSync(folder) ? readdirSync(folder).filter(isRunId).sort().reverse() : [];
  if (ids.length === 0) return '; there are no stored runs';
  const nearest = ids.toSorted((a, b) => distance(wanted, a) - distance(wanted, b)).slice(0, 3);
  return `; ${ids.length} stored, ${wanted === '' ? 'the newest' : 'the nearest'}: ${nearest.join(', ')}`;
}

function readRunFile(dir: string): Run {
  const file = join(dir, RUN_FILE);
  if (!existsSync(file)) {
    const why = existsSync(join(dir, TRIALS_FILE))
      ? `the run was not finished (its trials are in ${TRIALS_FILE})`
      : 'this is not the folder of a run';
    throw new UsageError(`${dir} has no ${RUN_FILE}: ${why}`);
  }
  const json = parseJson(readText(file));
  if (json === undefined) throw new UsageError(`${file} is not JSON: it was damaged or is of another kind`);
  const version =
    typeof json === 'object' && json !== null && 'schemaVersion' in json ? json.schemaVersion : null;
  if (version !== SCHEMA_VERSION) {
    throw new UsageError(
      `${file} has schema version ${JSON.stringify(version)}; this conntax reads version ${SCHEMA_VERSION}: use the conntax that wrote it`,
    );
  }
  const run = parse(Run, json, file, '');
  return { ...run, cells: run.cells.map(settleCell) };
}

function readTrials(dir: string, run: Run): { trials: TrialResult[]; isTorn: boolean } {
  const file = join(dir, TRIALS_FILE);
  if (!existsSync(file)) throw new UsageError(`${dir} has no ${TRIALS_FILE}: the run's trials are missing`);
  const lines = readText(file).split('\n');
  const rest = lines.pop() ?? '';
  const trials = lines.map((line, index) => parseTrial(line, file, index + 1));
  if (rest === '') return { trials, isTorn: false };
  if (run.state !== 'complete' && parseJson(rest) === undefined) return { trials, isTorn: true };
  if (run.state === 'complete' && parseJson(rest) === undefined) {
    throw new UsageError(
      `${file}: line ${lines.length + 1} is cut short, though the run says that it is complete`,
    );
  }
  return { trials: [...trials, parseTrial(rest, file, lines.length + 1)], isTorn: false };
}

function parseTrial(line: string, file: string, lineNumber: number): TrialResult {
  const json = parseJson(line);
  if (json === undefined) throw new UsageError(`${file}: line ${lineNumber} is not JSON`);
  return parse(TrialResult, json, file, `line ${lineNumber}`);
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  file: string,
  place: string,
): z.output<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems: Problem[] = parsed.error.issues.slice(0, MOST_PROBLEMS).map(issue => ({
    file,
    path: [...(place === '' ? [] : [place]), ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
  const where = place === '' ? file : `${file}, ${place},`;
  const first = problems[0];
  throw new UsageError(`${where} is not what conntax stores: ${first?.path}: ${first?.message}`, problems);
}

/** Undefined for what is not JSON; JSON itself has no undefined. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${path} can't be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
