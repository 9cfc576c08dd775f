// In: results as they come. Out: a run's folder on disk, of which a crash at any moment loses one trial at most.
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { MeasureError } from '../bench/core/errors.ts';
import type { Run } from '../bench/core/run-types.ts';
import type { TrialResult } from '../bench/core/types.ts';
import { LATEST_FILE, RUN_FILE, RUNS_FOLDER, TRIALS_FILE } from './layout.ts';

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
  const trialsFile = writing(dir, () => {
    makeFolder(resolve(resultsDir, RUNS_FOLDER));
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
    appendTrial: result => writing(trialsPath, () => appendLine(trialsFile, JSON.stringify(result))),
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

/**
 * Writes a file whole or not at all. The package write-file-atomic does not: where a disk fills up within a write, it takes
 * the part that was written for the whole.
 * @throws MeasureError when it can't be written; an older file is then as it was.
 */
export function replaceFile(path: string, content: string): void {
  const part = `${path}.${process.pid}.part`;
  writing(path, () => {
    try {
      writeFileSync(part, content, { flush: true });
      renameSync(part, path);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
  });
}

/** Node's own `recursive` tells a wrong reason on a read-only disk, and never returns within /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another run may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

/** Does something to a path, and says on failure what could not be written and why. */
function writing<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new MeasureError(errorCode(code), `cannot write ${path}: ${reason(code, cause)}`, { cause });
  }
}

function errorCode(errno: string): string {
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'disk-full';
    case 'EEXIST':
      return 'run-exists';
    default:
      return 'results-not-writable';
  }
}

function reason(errno: string, cause: unknown): string {
  switch (errno) {
    case 'ENOSPC':
      return 'the disk is full (ENOSPC)';
    case 'EDQUOT':
      return 'the quota is used up (EDQUOT)';
    case 'EFBIG':
      return "the limit on a file's size is reached (EFBIG)";
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `the folder can't be written by this user (${errno})`;
    case 'EEXIST':
      return 'it exists already (EEXIST)';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
