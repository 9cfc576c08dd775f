// Runs `node --test` on files that need the machine to themselves: `run-alone.ts OPTIONS PATTERN`. Those that only need its counters
// of connections (`x.network.alone.test.ts`) run at once, each in a network of its own, where that is permitted.
import { globSync } from 'node:fs';
import { reasonNotTo } from '../e2e/testing/privileges.ts';
import { runAtOnce } from './run-at-once.ts';

const options = process.argv.slice(2, -1);
const files = globSync(process.argv.at(-1)!).sort();
const canSeparate = reasonNotTo('bring up a network') === false;
const separate = files.filter(file => canSeparate && file.endsWith('.network.alone.test.ts'));
const others = files.filter(file => !separate.includes(file));

const ownNetwork = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const steps = [
  separate.map(file => [...ownNetwork, process.execPath, ...options, file]),
  // Without a file, Node would run every test that it finds.
  others.length === 0 ? [] : [[process.execPath, ...options, '--test-concurrency=1', ...others]],
];
for (const commands of steps) {
  if (!(await runAtOnce(commands))) process.exitCode = 1;
}
