// A parent process with a watchdog over two children that never end by themselves: prints their ids.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watchOver } from '../../watchdog.ts';

const started = [1, 2, 3].map(() => spawn('sleep', ['600'], { stdio: 'ignore' }));
for (const child of started) watchOver(child);
const [ended, ...left] = started;
ended!.kill('SIGKILL'); // the list holds what still runs only
await once(ended!, 'exit');
process.send?.(left.map(({ pid }) => pid));
process.once('message', () => process.exit());
setInterval(() => {}, 60_000);
