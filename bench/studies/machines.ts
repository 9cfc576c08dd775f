// What one run can hold of machines: messages and bytes of each slice, and the CPU time of a question. Argument: --agents.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Machine } from '../machines/machine.ts';
import { announce } from './machine.ts';

const PLAIN = { head: [], border: [] };
const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
const AGENT = `${process.execPath} ${MAIN} agent`;
const QUESTIONS = 2_000;

const { values } = parseArgs({ options: { agents: { type: 'string', default: '1,4,8' } } });
const agentCounts = values.agents.split(',').map(Number);

await announce('What a run can hold of machines', false);
await printQuestions();
printSlices();

/** All agents are asked at once, again and again, as before each slice. */
async function printQuestions(): Promise<void> {
  const table = new Table({
    style: PLAIN,
    head: ['agents', 'CPU of the run per answer (µs)', 'round trip (ms)'],
  });
  for (const count of agentCounts) {
    const { signal } = new AbortController();
    const machines = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        Machine.start({ name: String(index + 1), command: AGENT }, signal),
      ),
    );
    const each = Math.ceil(QUESTIONS / count);
    const before = process.cpuUsage();
    const startedAtMs = performance.now();
    await Promise.all(machines.map(machine => machine.sync(each)));
    const elapsedMs = performance.now() - startedAtMs;
    const { user, system } = process.cpuUsage(before);
    table.push([count, Math.round((user + system) / (each * count)), (elapsedMs / each).toFixed(2)]);
    await Promise.all(machines.map(machine => machine.close()));
  }
  console.log(`${table}\n`);
}

/** A real run, whose messages are copied on their way. */
function printSlices(): void {
  const folder = mkdtempSync(join(tmpdir(), 'conntax-machines-'));
  try {
    const [sent, answered] = [join(folder, 'sent'), join(folder, 'answered')];
    const command = `tee ${sent} | ${AGENT} | tee ${answered}`;
    const words = [MAIN, 'run', 'short-vs-persistent', '--budget-sec', '20', '--machine', command];
    const { status } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    if (status === 2) throw new Error('the run was refused');
    const lines = [sent, answered].map(file => readFileSync(file, 'utf8').trimEnd().split('\n'));
    const slices = lines[0]!.filter(line => line.includes('"slice"'));
    const replies = lines[1]!.filter(line => line.includes('"slice"'));
    const ends = lines[1]!.filter(line => line.includes('"finished"'));
    const mean = (texts: readonly string[]): number =>
      Math.round(texts.reduce((sum, text) => sum + text.length + 1, 0) / texts.length);
    const table = new Table({ style: PLAIN, head: ['message', 'number', 'bytes (mean)'] });
    table.push(
      ['order of a slice', slices.length, mean(slices)],
      ['its answer', replies.length, mean(replies)],
      ['figures of a trial', ends.length, mean(ends)],
      ['all to the agent', lines[0]!.length, mean(lines[0]!)],
      ['all from the agent', lines[1]!.length, mean(lines[1]!)],
    );
    console.log(table.toString());
  } finally {
    rmSync(folder, { recursive: true });
  }
}
