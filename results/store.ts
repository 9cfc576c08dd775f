// In: results as they come. Out: a run's folder on disk, of which a crash at any moment loses one trial at most.
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
import { basename, join } from 'node:path';
import { makeFolder, replaceFile, writing } from './files.ts';
import type { Run } from './model/run.ts';
import type { TrialResult } from './model/trial.ts';
import type { Random } from './random.ts';

// From nothing. Out: the names of the files that a stored run consists of.

export const RUNS_FOLDER = 'runs';
/** A text file with the id of the newest run: works where symbolic links need a privilege. */
export const LATEST_FILE = 'latest';
export const RUN_FILE = 'run.json';
export const TRIALS_FILE = 'trials.ndjson';

// From a date and dice. Out: the name of a run, which sorts by time.

const RUN_ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-z]{4}$/;
const SUFFIX_LENGTH = 4;

/** Such as `2026-11-23T12-25-52Z-k3f9`: UTC to the second, and a suffix that tells runs of one second apart. */
export function newRunId(date: Date, random: Random): string {
  const time = `${date.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => Math.floor(random() * 36).toString(36)).join('');
  return `${time}-${suffix}`;
}

/** Whether a text is a run id; then it is also a safe name of a folder. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** A run being written. All calls are synchronous: they happen between trials, never during one. */
export interface RunStore {
  /** The run's folder. */
  readonly dir: string;
  /** Adds a line to trials.ndjson and has it on disk on return. Throws MeasureError, and leaves whole lines only. */
  appendTrial(result: TrialResult): void;
  /**
   * Writes the other files, then run.json, then names the run as the latest, each atomically: a run.json therefore says
   * that everything else is there. Closes the store. Throws MeasureError.
   */
  finish(end: { run: Run; files: readonly { name: string; content: string }[] }): void;
  /** Removes the folder of a run in which nothing was measured. */
  discard(): void;
  /** Lets go of the folder without finishing it. Does nothing after `finish`. */
  close(): void;
}

/**
 * Creates `runs/<runId>/` in the results folder, which is created too if need be. Throws MeasureError when that can't be
 * written, so that it is known before anything is measured.
 */
export function openRunStore(resultsDir: string, runId: string): RunStore {
  const dir = join(resultsDir, RUNS_FOLDER, runId);
  const trialsPath = join(dir, TRIALS_FILE);
  makeFolder(join(resultsDir, RUNS_FOLDER));
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
        // Of a file that was removed meanwhile every write still succeeds, and nothing is left of it in the end.
        statSync(trialsPath);
        appendLine(trialsFile, JSON.stringify(result));
      });
    },
    finish({ run, files }) {
      close();
      for (const { name, content } of files) {
        if (basename(name) !== name) throw new TypeError(`not the name of a file: ${name}`);
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

/** Which run commands mean that are given none. @throws MeasureError */
export function nameLatest(resultsDir: string, runId: string): void {
  replaceFile(join(resultsDir, LATEST_FILE), `${runId}\n`);
}

/** Appends and syncs; on any error takes back what was written of the line. */
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
