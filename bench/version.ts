// The version of this conntax, from the package.json of its folder.
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** package.json is one level further up from the compiled file (dist/bench/version.js) than from the source. */
export function readVersion(): string {
  const up = extname(import.meta.url) === '.ts' ? '../package.json' : '../../package.json';
  return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
}
