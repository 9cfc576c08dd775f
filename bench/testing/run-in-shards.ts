// Runs `node --test` with the given arguments in several processes at once, each with its share of the files.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';

/** Each loads most of the sources again, so more of them would save little. */
const MOST_SHARDS = 4;

const count = Math.min(MOST_SHARDS, availableParallelism());
const shards = Array.from({ length: count }, (_, index) => {
  const isFirst = index === 0;
  const args = [`--test-shard=${index + 1}/${count}`, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', isFirst ? 'inherit' : 'pipe', 'inherit'] });
  const ended = new Promise<boolean>(resolve => child.once('close', status => resolve(status === 0)));
  return { ended, printed: child.stdout === null ? '' : text(child.stdout) };
});

// The first is shown as it runs, the others whole, so that their lines do not mix.
for (const { ended, printed } of shards) {
  const hasPassed = await ended;
  process.stdout.write(await printed);
  if (!hasPassed) process.exitCode = 1;
}
