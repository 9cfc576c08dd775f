// A parent process with a target and a generator: prints their process ids, then waits to be killed.
import { spawnChild } from '../child.ts';

const target = spawnChild({ title: 'a target', entry: '../../servers/target-child', cpu: null });
const generator = spawnChild({ title: 'a generator', entry: './generator-child', cpu: null });
process.send?.([target.pid, generator.pid]);
setInterval(() => {}, 60_000);
