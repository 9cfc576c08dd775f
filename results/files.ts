// In: a path in the results folder. Out: it read or written; whatever the file system refuses becomes a sentence of ours.
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
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { errorMessage, MeasureError, UsageError } from './errors.ts';
import { visibleLine } from './visible.ts';

// From what zod found wrong with a stored file. Out: where and what, in words, on one line.

/** The path and the message apart. */
export function describeIssue(issue: z.core.$ZodIssue): { path: string; message: string } {
  return { path: visibleLine(issue.path.map(String).join('.')), message: visibleLine(messageOf(issue)) };
}

function messageOf({ code, message }: z.core.$ZodIssue): string {
  if (code === 'invalid_type' && message.endsWith('received undefined')) return 'is missing';
  // A setting with a default may be left out: zod then counts this among the words.
  return message.replace("'undefined' | ", '').replace('received Infinity', 'received a number too large');
}

/** The text of a file; undefined where there is none. @throws UsageError */
export function readTextFile(path: string): string | undefined {
  return reading(path, () => readFileSync(path, 'utf8'));
}

/** The names in a folder; none where there is no folder. @throws UsageError */
export function listFolder(path: string): string[] {
  return reading(path, () => readdirSync(path)) ?? [];
}

/** What stands there; undefined where nothing does. @throws UsageError */
export function kindOf(path: string): 'folder' | 'file' | undefined {
  return reading(path, () => (statSync(path).isDirectory() ? 'folder' : 'file'));
}

/** An absolute path. @throws UsageError where a relative one starts from a folder that is gone. */
export function absolutePath(path: string): string {
  return reading('the working folder', () => resolve(path)) ?? refuseFolder();
}

/** The folder that relative paths start from. @throws UsageError where it was deleted. */
export function workingFolder(): string {
  return reading('the working folder', () => process.cwd()) ?? refuseFolder();
}

function refuseFolder(): never {
  throw new UsageError('the working folder was deleted: change to another one');
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
      removeQuietly(part);
      throw error;
    }
  });
}

/** What stands in the way of its removal is that of the write, which is told. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** Makes a folder and those above it. @throws MeasureError */
export function makeFolder(path: string): void {
  writing(path, () => makeFolders(resolve(path)));
}

/** Node's own `recursive` tells a wrong reason on a read-only disk, and never returns within /proc. */
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

/** Does something to a path, and says on failure what could not be written and why. @throws MeasureError */
export function writing<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new MeasureError(errorCode(code), `cannot write ${path}: ${reason(cause)}`, { cause });
  }
}

/** Undefined where there is nothing, a file in place of a folder above it included. @throws UsageError for the rest */
function reading<T>(path: string, act: () => T): T | undefined {
  try {
    return act();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UsageError(`${path} can't be read: ${reason(cause)}`);
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

/** Why the file system has refused, in words; of an error that is not known here its own. */
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
  EACCES: 'this user is not allowed to',
  EPERM: 'this user is not allowed to',
  EROFS: 'the disk is read-only',
  EEXIST: 'it exists already',
  ENOENT: 'its folder is gone',
  ENOTDIR: 'a file stands where a folder should: not a directory',
  EISDIR: 'it is a folder, not a file',
  ENOTEMPTY: 'it is a folder, not a file',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk has failed',
};
