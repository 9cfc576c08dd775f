// In: an entry of ours and the code of an arm. Out: the file to start for it, and how.
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Code } from '../core/code.ts';
import { UsageError } from '../../results/errors.ts';

export interface EntryFile {
  path: string;
  /** For Node, before the path. */
  nodeOptions: string[];
  env: Record<string, string>;
}

/** This folder, from the root of a checkout or of the compiled package. */
const FOLDER = 'bench/run';
const OWN_EXTENSION = extname(import.meta.url);

/** @param entry path without extension, relative to this folder, such as `./load-child` */
export function entryFile(entry: string, code?: Code): EntryFile {
  const path = code?.dir == null ? ownFile(entry) : fileIn(code.dir, entry);
  const packages = code?.packages ?? {};
  if (Object.keys(packages).length === 0) return { path, nodeOptions: [], env: {} };
  return {
    path,
    nodeOptions: ['--import', new URL(`replace-packages${OWN_EXTENSION}`, import.meta.url).href],
    env: { CONNTAX_PACKAGES: JSON.stringify(packages) },
  };
}

function ownFile(entry: string): string {
  return fileURLToPath(new URL(`${entry}${OWN_EXTENSION}`, import.meta.url));
}

/** @throws UsageError when there is no conntax in the folder, or none that can run. */
function fileIn(dir: string, entry: string): string {
  const candidates = [
    join(dir, FOLDER, `${entry}.ts`),
    join(dir, 'dist', FOLDER, `${entry}.js`),
    join(dir, 'node_modules', 'conntax', 'dist', FOLDER, `${entry}.js`),
  ];
  const found = candidates.find(existsSync);
  if (found === undefined) {
    throw new UsageError(
      `there is no conntax in ${dir}: a checkout after npm ci, or a folder with conntax installed`,
    );
  }
  if (found === candidates[0] && !existsSync(join(dir, 'node_modules'))) {
    throw new UsageError(`${dir} has no node_modules: run npm ci there first`);
  }
  return found;
}
