// A parent process with a watchdog over two children and a group that never end by themselves: prints their ids.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { endWhenStopped, watchOver, watchOverGroup } from '../../watchdog.ts';

const { END_WHEN_STOPPED: lookEverySec } = process.env;
if (lookEverySec !== undefined) endWhenStopped(Number(lookEverySec));

const started = [1, 2, 3].map(() => spawn('sleep', ['600'], { stdio: 'ignore' }));
for (const child of started) watchOver(child);
const [ended, ...left] = started;
ended!.kill('SIGKILL'); // the list holds what still runs only
await once(ended!, 'exit');
// Of the group only a child is left: its leader has ended.
const leader = spawn('sh', ['-c', 'sleep 600 >&- & echo $!'], {
  detached: true,
  stdio: ['ignore', 'pipe', 'ignore'],
});
watchOverGroup(leader.pid!);
const [member] = (await once(leader.stdout, 'data')) as [Buffer];
process.send?.([...left.map(({ pid }) => pid), Number(member)]);
process.once('message', () => process.exit());
setInterval(() => {}, 60_000);
