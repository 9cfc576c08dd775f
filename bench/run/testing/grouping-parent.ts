// A parent process with a child in a control group of its own, neither of which it ever ends: reports both.
import { spawn } from 'node:child_process';
import { watchOver } from '../../watchdog.ts';
import { CpuGroup } from '../limited-machine.ts';

const { folder, prefix } = CpuGroup.open(1);
const [file, ...args] = [...prefix, 'sleep', '600'];
const child = spawn(file!, args, { stdio: 'ignore' });
watchOver(child);
process.send?.({ folder, pid: child.pid });
setInterval(() => {}, 60_000);
