// Runs `node --test` with the given arguments in several processes at once, each with its share of the files.
import { availableParallelism } from 'node:os';
import { runAtOnce } from './run-at-once.ts';

/** Each loads most of the sources again, so more of them would save little. */
const MOST_SHARDS = 4;

const count = Math.min(MOST_SHARDS, availableParallelism());
const shards = Array.from({ length: count }, (_, index) => [
  process.execPath,
  `--test-shard=${index + 1}/${count}`,
  ...process.argv.slice(2),
]);
if (!(await runAtOnce(shards))) process.exitCode = 1;
