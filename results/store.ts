// Stored runs: written so that a crash loses at most one trial, and read back as untrusted data.
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { withVerdicts } from './compare.ts';
import { type Problem, UsageError } from './errors.ts';
import {
  absolutePath,
  describeIssue,
  describeMisfit,
  kindOf,
  listFolder,
  makeFolder,
  newerWriter,
  readTextFile,
  replaceFile,
  writing,
} from './files.ts';
import { headlineOf } from './metrics.ts';
import { type ArmSummary, type CellResult, Run } from './model/run.ts';
import { TrialResult } from './model/trial.ts';
import { unpackRun } from './page-data.ts';
import type { Random } from './random.ts';
import { exactly, type Interval, MIN_REPLICATES } from './stats.ts';
import { visibleLine } from './visible.ts';

export const RUNS_FOLDER = 'runs';
/** A text file with the id of the newest run: works where symbolic links need a privilege. */
export const LATEST_FILE = 'latest';
export const RUN_FILE = 'run.json';
export const TRIALS_FILE = 'trials.ndjson';

const RUN_ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-z]{4}$/;
const SUFFIX_LENGTH = 4;

/** A run id such as `2026-11-23T12-25-52Z-k3f9`, which sorts by time: UTC to the second, plus a random suffix. */
export function newRunId(date: Date, random: Random): string {
  const time = `${date.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => Math.floor(random() * 36).toString(36)).join('');
  return `${time}-${suffix}`;
}

/** Whether a text is a run id, and so also a safe folder name. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** A run being written. All calls are synchronous: they happen between trials, never during one. */
export interface RunStore {
  /** The run's folder. */
  readonly dir: string;
  /** Adds a line to trials.ndjson and syncs it to disk. Throws MeasureError, and leaves only whole lines. */
  appendTrial(result: TrialResult): void;
  /**
   * Writes the other files, then run.json, then names the run as the latest, each atomically: a run.json means that
   * everything else is there. Closes the store. Throws MeasureError.
   */
  finish(end: { run: Run; files: readonly { name: string; content: string }[] }): void;
  /** Removes the folder of a run in which nothing was measured. */
  discard(): void;
  /** Closes the store without finishing the run. Does nothing after `finish`. */
  close(): void;
}

/**
 * Creates `runs/<runId>/` in the results folder, and that folder if needed. Throws MeasureError if it cannot be written, so
 * that the user knows before anything is measured.
 */
export function openRunStore(resultsDir: string, runId: string): RunStore {
  const dir = join(resultsDir, RUNS_FOLDER, runId);
  const trialsPath = join(dir, TRIALS_FILE);
  makeFolder(
    join(resultsDir, RUNS_FOLDER),
    '; expected: a folder of results that can be written, such as --results /tmp/results',
  );
  const trialsFile = writing(dir, () => {
    mkdirSync(dir);
    return openSync(trialsPath, 'ax');
  });
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(trialsFile);
    isOpen = false;
  };
  return {
    dir,
    appendTrial(result) {
      writing(trialsPath, () => {
        // Writes to a file that was deleted meanwhile would still succeed, and nothing would be left.
        statSync(trialsPath);
        appendLine(trialsFile, JSON.stringify(result));
      });
    },
    finish({ run, files }) {
      close();
      for (const { name, content } of files) {
        if (basename(name) !== name) throw new TypeError(`not a file name: ${name}`);
        replaceFile(join(dir, name), content);
      }
      replaceFile(join(dir, RUN_FILE), `${JSON.stringify(run, null, 2)}\n`);
      nameLatest(resultsDir, runId);
    },
    discard() {
      close();
      rmSync(dir, { recursive: true, force: true });
    },
    close,
  };
}

/** Names the run that commands use by default. @throws MeasureError */
export function nameLatest(resultsDir: string, runId: string): void {
  replaceFile(join(resultsDir, LATEST_FILE), `${runId}\n`);
}

/** Appends and syncs; on any error, removes the part of the line that was written. */
function appendLine(file: number, line: string): void {
  const { size } = fstatSync(file);
  try {
    const bytes = Buffer.from(`${line}\n`);
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    fsyncSync(file);
  } catch (error) {
    ftruncateSync(file, size);
    throw error;
  }
}

/** Brings a stored cell in line with today's rules: earlier runs gave an interval to two replicates, a verdict to every metric, and stored clients in shuffled order. */
export function settleCell(cell: CellResult): CellResult {
  const order = Object.keys(cell.scenario.clients);
  const rankOf = (arm: string): number => (order.includes(arm) ? order.indexOf(arm) : order.length);
  const comparisons = cell.comparisons
    .toSorted((a, b) => rankOf(a.candidate) - rankOf(b.candidate))
    .map(comparison =>
      comparison.replicateRatios.length < MIN_REPLICATES ? { ...comparison, ratio: null } : comparison,
    );
  return {
    ...cell,
    arms: cell.arms.toSorted((a, b) => rankOf(a.arm) - rankOf(b.arm)).map(settleArm),
    comparisons: withVerdicts(comparisons, headlineOf(cell.scenario.load).metric),
  };
}

function settleArm(arm: ArmSummary): ArmSummary {
  if (arm.trials >= MIN_REPLICATES) return arm;
  const point = (of: Interval | null): Interval | null => (of === null ? null : exactly(of.value));
  return { ...arm, requestsPerSec: point(arm.requestsPerSec), capacityPerSec: point(arm.capacityPerSec) };
}

const SCHEMA_VERSION = Run.shape.schemaVersion.value;
/** Problems reported per file, because a file of another kind has thousands. */
const MAX_PROBLEMS = 10;

export interface StoredRun {
  /** Its folder, or that of the page it was read from. */
  dir: string;
  /** Whether it was read from a page: what is made of it does not belong beside it. */
  isPage: boolean;
  run: Run;
  trials: TrialResult[];
  /** Whether an incomplete last line was skipped; only in a run that is itself incomplete. */
  isTorn: boolean;
}

/** Names that stand for runs. */
const LATEST = 'latest';
const PREVIOUS = 'previous';

/**
 * Reads a run by its id, a unique start or end of it, the words `latest` and `previous`, or the path of its folder, its
 * run.json or its page; without a name, the latest. Throws UsageError that says what is wrong, where, and what was expected.
 */
export function readRun(resultsDir: string, ref: string = LATEST): StoredRun {
  if (/\.html?$/i.test(ref) && kindOf(absolutePath(ref)) === 'file') return readPage(ref);
  const dir = dirOf(resultsDir, ref);
  const run = readRunFile(dir);
  return { dir, isPage: false, run, ...readTrials(dir, run) };
}

/** A page is enough to have the run again, without its folder. */
function readPage(file: string): StoredRun {
  const path = absolutePath(file);
  const [first, ...lines] = unpackRun(readTextFile(path) ?? '', file);
  const run = parseRun(first, file);
  const trials = lines.map((line, index) => parseTrial(line, { file, lineNumber: index + 1, run }));
  requireAll(trials, run, file);
  return { dir: dirname(path), isPage: true, run, trials, isTorn: false };
}

function dirOf(resultsDir: string, ref: string): string {
  if (ref === LATEST) return join(resultsDir, RUNS_FOLDER, latestId(resultsDir));
  if (ref === PREVIOUS) return previousDir(resultsDir);
  return namedDir(resultsDir, ref);
}

function latestId(resultsDir: string): string {
  const path = join(resultsDir, LATEST_FILE);
  const id = readTextFile(path)?.trim();
  if (id === undefined) {
    throw new UsageError(`no latest run in ${resultsDir}: measure or name one${known(resultsDir, '')}`);
  }
  if (!isRunId(id)) throw new UsageError(`${path} does not contain a run id${known(resultsDir, '')}`);
  if (kindOf(join(resultsDir, RUNS_FOLDER, id)) === undefined) {
    throw new UsageError(`${path} names run ${id}, whose folder does not exist${known(resultsDir, id)}`);
  }
  return id;
}

/** The folder of the newest finished run before the latest. */
function previousDir(resultsDir: string): string {
  const latest = latestId(resultsDir);
  const dir = storedIds(resultsDir)
    .filter(id => id < latest)
    .map(id => join(resultsDir, RUNS_FOLDER, id))
    .find(folder => kindOf(join(folder, RUN_FILE)) === 'file');
  if (dir === undefined) throw new UsageError(`no finished run before ${latest} in ${resultsDir}`);
  return dir;
}

function namedDir(resultsDir: string, ref: string): string {
  const byId = join(resultsDir, RUNS_FOLDER, ref);
  if (isRunId(ref) && kindOf(byId) !== undefined) return byId;
  const path = absolutePath(ref);
  switch (kindOf(path)) {
    case 'folder':
      return path;
    case 'file':
      if (basename(path) === RUN_FILE) return dirname(path);
      throw new UsageError(
        `${ref} is not a run; expected: the id of a run, its folder, its ${RUN_FILE} or its page`,
      );
  }
  const meant = storedIds(resultsDir).filter(id => id.startsWith(ref) || id.endsWith(ref));
  if (meant.length > 1) {
    throw new UsageError(`${ref} matches ${meant.length} runs: ${meant.slice(0, 3).join(', ')}`);
  }
  if (meant[0] !== undefined) return join(resultsDir, RUNS_FOLDER, meant[0]);
  throw new UsageError(
    `unknown run ${ref}: it is neither in ${resultsDir} nor a folder${known(resultsDir, ref)}`,
  );
}

/** Newest first. */
function storedIds(resultsDir: string): string[] {
  return listFolder(join(resultsDir, RUNS_FOLDER)).filter(isRunId).sort().reverse();
}

/** The ids nearest to the one given, newest first among equals. */
function known(resultsDir: string, wanted: string): string {
  const ids = storedIds(resultsDir);
  if (ids.length === 0) return '; no runs are stored';
  const nearest = ids.toSorted((a, b) => distance(wanted, a) - distance(wanted, b)).slice(0, 3);
  return `; ${ids.length} stored, ${wanted === '' ? 'the newest' : 'the nearest'}: ${nearest.join(', ')}`;
}

function readRunFile(dir: string): Run {
  const file = join(dir, RUN_FILE);
  const text = readTextFile(file);
  if (text === undefined) {
    const why = kindOf(join(dir, TRIALS_FILE))
      ? `the run was not finished (its trials are in ${TRIALS_FILE})`
      : 'it is not the folder of a run';
    throw new UsageError(`${dir} has no ${RUN_FILE}: ${why}`);
  }
  return parseRun(text, file);
}

function parseRun(text: string, file: string): Run {
  const json = parseJson(text);
  if (json === undefined) throw new UsageError(`${file} is not JSON: it is damaged or of another kind`);
  const version =
    typeof json === 'object' && json !== null && 'schemaVersion' in json ? json.schemaVersion : null;
  if (version === null) throw new UsageError(`${file} is not a run: it has no schema version`);
  if (version !== SCHEMA_VERSION) {
    const writer = newerWriter(json);
    throw new UsageError(
      `${file} has schema version ${JSON.stringify(version)}; this conntax reads version ${SCHEMA_VERSION}: use ${writer === undefined ? 'the conntax that wrote it' : `conntax ${writer}, which wrote it, or a newer one`}`,
    );
  }
  const run = parse(Run, json, { file, place: '', run: json });
  return { ...run, cells: run.cells.map(settleCell) };
}

function readTrials(dir: string, run: Run): { trials: TrialResult[]; isTorn: boolean } {
  const file = join(dir, TRIALS_FILE);
  const text = readTextFile(file);
  if (text === undefined)
    throw new UsageError(`${dir} has no ${TRIALS_FILE}: the trials of the run are missing`);
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  const trials = lines.map((line, index) => parseTrial(line, { file, lineNumber: index + 1, run }));
  const isTorn = rest !== '' && parseJson(rest) === undefined;
  if (isTorn && run.state !== 'complete') return { trials, isTorn };
  if (isTorn) {
    throw new UsageError(
      `${file}: line ${lines.length + 1} is incomplete, although the run is marked as complete`,
    );
  }
  if (rest !== '') trials.push(parseTrial(rest, { file, lineNumber: lines.length + 1, run }));
  requireAll(trials, run, file);
  return { trials, isTorn };
}

/**
 * Figures of a report come from both files, so a file that lost trials would give figures that contradict each other.
 * @throws UsageError
 */
function requireAll(trials: readonly TrialResult[], { cells }: Run, file: string): void {
  for (const { cell, arms } of cells) {
    for (const { arm, trials: expected } of arms) {
      const found = trials.filter(
        ({ state, trial }) => state === 'completed' && trial.cell === cell && trial.arm === arm,
      );
      const count = new Set(found.map(({ trial }) => trial.id)).size;
      if (count >= expected) continue;
      throw new UsageError(
        `${file} has ${count} of the ${expected} completed trials of ${visibleLine(arm)} in ${visibleLine(cell)} that ${RUN_FILE} was made of: lines are missing`,
      );
    }
  }
}

function parseTrial(
  line: string,
  { file, lineNumber, run }: { file: string; lineNumber: number; run: Run },
): TrialResult {
  const json = parseJson(line);
  if (json === undefined) throw new UsageError(`${file}: line ${lineNumber} is not JSON`);
  return parse(TrialResult, json, { file, place: `line ${lineNumber}`, run });
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  { file, place, run }: { file: string; place: string; run: unknown },
): z.output<Schema> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems: Problem[] = parsed.error.issues.slice(0, MAX_PROBLEMS).map(issue => {
    const { path, message } = describeIssue(issue);
    return { file, path: [place, path].filter(part => part !== '').join('.'), message };
  });
  const where = place === '' ? file : `${file}, ${place},`;
  throw new UsageError(
    describeMisfit(where, parsed.error.issues[0], { run, otherwise: 'was not written by this conntax' }),
    problems,
  );
}

/** Undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
