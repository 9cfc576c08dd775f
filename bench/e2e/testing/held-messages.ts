// Runs a command and holds back each piece of its input and output: `held-messages.ts INPUT_MS OUTPUT_MS COMMAND`, as a slow link would.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const [inputMs, outputMs] = process.argv.slice(2, 4).map(Number);
const child = spawn('sh', ['-c', process.argv[4]!], { stdio: ['pipe', 'pipe', 'inherit'] });

function hold(from: Readable, to: Writable, heldMs: number): void {
  from.on('data', piece => setTimeout(() => to.write(piece), heldMs));
  from.on('end', () => setTimeout(() => to.end(), heldMs));
}

child.stdin.on('error', () => {}); // it has ended
process.stdout.on('error', () => {}); // so has the run
hold(process.stdin, child.stdin, inputMs!);
hold(child.stdout, process.stdout, outputMs!);
child.on('close', status => setTimeout(() => process.exit(status ?? 1), outputMs));
