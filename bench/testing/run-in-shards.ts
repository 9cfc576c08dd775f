// Runs `node --test` on files in several processes at once: `run-in-shards.ts OPTIONS PATTERN`. Each has neighbours, which load the
// same sources and read the same samples.
import { globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { runAtOnce } from './run-at-once.ts';

/** Each loads many of the sources again, so more of them would save little. */
const MAX_SHARDS = 4;

const options = process.argv.slice(2, -1);
const files = [...new Set(globSync(process.argv.at(-1)!))].sort();

/** Tests of reports build whole ones, and take longer for their size. They come first, to be split among as few as can be. */
const buildsReports = (file: string): boolean => file.startsWith('report/');
const weightOf = (file: string): number => statSync(file).size * (buildsReports(file) ? 1.7 : 1);
const inOrder = [...files.filter(buildsReports), ...files.filter(file => !buildsReports(file))];

const count = Math.min(MAX_SHARDS, availableParallelism());
const total = files.reduce((sum, file) => sum + weightOf(file), 0);
const shards = Array.from({ length: count }, (): string[] => []);
let before = 0;
for (const file of inOrder) {
  shards[Math.floor((before / total) * count)]!.push(file);
  before += weightOf(file);
}
// Without a file, Node would run every test that it finds.
const commands = shards.filter(own => own.length > 0).map(own => [process.execPath, ...options, ...own]);
if (!(await runAtOnce(commands))) process.exitCode = 1;
