// Reads and writes files of the results folder; every refusal of the file system, and what is not of this version, becomes an error message.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import type { z } from 'zod';
import { errorMessage, MeasureError, UsageError } from './errors.ts';
import { visibleLine } from './visible.ts';

/** Path and message of a zod issue in a stored file, each on one line. */
export function describeIssue(issue: z.core.$ZodIssue): { path: string; message: string } {
  // The path of unknown members is that of their object.
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  return { path: visibleLine(path.map(String).join('.')), message: visibleLine(messageOf(issue)) };
}

function messageOf({ code, message }: z.core.$ZodIssue): string {
  if (code === 'invalid_type' && message.endsWith('received undefined')) return 'is missing';
  if (code === 'unrecognized_keys') return 'is not known here';
  // zod lists undefined among the options of a setting with a default.
  return message.replace("'undefined' | ", '').replace('received Infinity', 'received a number too large');
}

/**
 * The text of a file; undefined if there is none. What is neither a file nor a folder is refused: reading a pipe without a
 * writer would wait forever, and not even a signal would end that.
 *
 * @throws UsageError
 */
export function readTextFile(path: string): string | undefined {
  return reading(path, () => {
    const kind = statSync(path);
    if (!kind.isFile() && !kind.isDirectory())
      throw new Error('it is a pipe, socket or device, and not a file');
    return readFileSync(path, 'utf8');
  });
}

/** The names in a folder; empty if there is no folder. @throws UsageError */
export function listFolder(path: string): string[] {
  return reading(path, () => readdirSync(path)) ?? [];
}

/** Whether a path is a folder or a file; undefined if it does not exist. @throws UsageError */
export function kindOf(path: string): 'folder' | 'file' | undefined {
  return reading(path, () => (statSync(path).isDirectory() ? 'folder' : 'file'));
}

/** An absolute path. @throws UsageError if a relative one starts from a deleted folder. */
export function absolutePath(path: string): string {
  return reading('the working folder', () => resolve(path)) ?? refuseFolder();
}

/** The folder that relative paths start from. @throws UsageError if it was deleted. */
export function workingFolder(): string {
  return reading('the working folder', () => process.cwd()) ?? refuseFolder();
}

function refuseFolder(): never {
  throw new UsageError('the working folder was deleted: change to another one');
}

/**
 * Writes a file completely or not at all. The package write-file-atomic does not: if a disk fills up during a write, it takes
 * the part that was written for the whole.
 * @throws MeasureError if it cannot be written; an older file is then unchanged.
 */
export function replaceFile(path: string, content: string): void {
  const part = `${path}.${process.pid}.part`;
  writing(path, () => {
    try {
      writeFileSync(part, content, { flush: true });
      renameSync(part, path);
    } catch (error) {
      removeQuietly(part);
      throw error;
    }
  });
}

/** A failure here has the same reason as the write, which is reported. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** The size of a file that may be read to its end, which a device or a pipe may not have. @throws Error that says why */
export function regularFileBytes(path: string): number {
  const stats = statSync(path);
  if (!stats.isFile()) throw new Error(`${path} is not a regular file`);
  return stats.size;
}

/** Makes a folder and those above it; the error ends with what would be right. @throws MeasureError */
export function makeFolder(path: string, expected = ''): void {
  writing(path, () => makeFolders(resolve(path)), expected);
}

/** Node's own `recursive` gives a wrong reason on a read-only disk, and never returns within /proc. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another run may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

/** Does something to a path; on failure, says what could not be written and why. @throws MeasureError */
export function writing<T>(path: string, act: () => T, expected = ''): T {
  try {
    return act();
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new MeasureError(
      ERROR_CODES[code] ?? 'results-not-writable',
      `cannot write ${path}: ${reason(cause)}${expected}`,
      { cause },
    );
  }
}

/** Undefined if the path does not exist. @throws UsageError for any other failure */
function reading<T>(path: string, act: () => T): T | undefined {
  try {
    return act();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`cannot read ${path}: ${reason(cause)}`);
  }
}

const ERROR_CODES: Readonly<Record<string, string>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EFBIG: 'disk-full',
  EEXIST: 'run-exists',
};

/** Why the file system refused; the error's own message if its code is not known here. */
export function reason(cause: unknown): string {
  const { code = '' } = cause as NodeJS.ErrnoException;
  const words = REASONS[code];
  if (words !== undefined) return `${words} (${code})`;
  return errorMessage(cause);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EFBIG: "the limit on a file's size is reached",
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the disk is read-only',
  EEXIST: 'it already exists',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EISDIR: 'it is a folder, not a file',
  ENOTEMPTY: 'it is a folder, not a file',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk failed',
};

/** package.json is one level further up from the compiled file (dist/results/version.js) than from the source. */
export function readVersion(): string {
  const up = extname(import.meta.url) === '.ts' ? '../package.json' : '../../package.json';
  return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
}

const byVersion = new Intl.Collator('en', { numeric: true });

/** The version that wrote a run, or what was made of one, if it is newer than this one; undefined if it is not, or not stated. */
export function newerWriter(content: unknown, own: string = readVersion()): string | undefined {
  if (typeof content !== 'object' || content === null || !('conntax' in content)) return undefined;
  const { conntax: version } = content;
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) return undefined;
  return byVersion.compare(version, own) > 0 ? version : undefined;
}

/**
 * A sentence on stored content that does not have today's form.
 *
 * @param run that it is, or is a part of; it states who wrote it
 * @param otherwise what it is when no newer conntax did
 */
export function describeMisfit(
  place: string,
  issue: z.core.$ZodIssue | undefined,
  { run, otherwise }: { run: unknown; otherwise: string },
): string {
  const { path, message } = issue === undefined ? { path: '', message: '' } : describeIssue(issue);
  const what = [path, message].filter(part => part !== '').join(': ');
  const writer = newerWriter(run);
  if (writer === undefined) return `${place} ${otherwise}: ${what}`;
  return `${place} was written by conntax ${writer}, and this is ${readVersion()}, which does not know all that is in it (${what}); expected: conntax ${writer} or newer`;
}
