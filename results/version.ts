// The version of this conntax, from the package.json of its folder, and what is said of stored content that it cannot read.
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { z } from 'zod';
import { describeIssue } from './files.ts';

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
