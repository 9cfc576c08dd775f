// What passes between a run and an agent: messages and bytes of each part of a trial, and what a question costs the run.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Machine } from '../machines/machine.ts';
import type { GeneratorChild } from '../run/arm.ts';
import { createGeneratorGroup } from '../run/generator-group.ts';

const PLAIN = { head: [], border: [] };
const QUESTIONS = 2_000;
/** Of its clock, at the start of a replicate. */
const PINGS = 20;
/** Starts an agent here. */
export const AGENT = `${process.execPath} ${fileURLToPath(new URL('../cli/main.ts', import.meta.url))} agent`;

interface Traffic {
  messages: number;
  bytes: number;
}

function trafficIn(file: string): Traffic {
  const text = readFileSync(file);
  return { messages: text.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0), bytes: text.length };
}

export interface CountedTrial {
  spawnOn(machine: Machine): GeneratorChild;
  start(group: GeneratorChild): Promise<void>;
  slice(group: GeneratorChild): Promise<void>;
  slices: number;
}

/** Counts what passes through the pipes of an agent with one generator. */
export async function printTraffic({ spawnOn, start, slice, slices }: CountedTrial): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'conntax-traffic-'));
  const [toAgent, fromAgent] = [join(dir, 'to'), join(dir, 'from')];
  const command = `tee ${toAgent} | ${AGENT} | tee ${fromAgent}`;
  const machine = await Machine.start({ name: 'counted', command }, new AbortController().signal);
  const read = (): [Traffic, Traffic] => [trafficIn(toAgent), trafficIn(fromAgent)];
  try {
    let [sent, got] = read();
    const member = { child: spawnOn(machine), weight: 1, machine };
    const group = createGeneratorGroup({ members: [member], coreCount: 1 });
    const table = new Table({
      head: ['', 'messages', 'bytes', 'messages', 'bytes'],
      style: PLAIN,
    });
    const push = (what: string, count: number): void => {
      const now = read();
      const each = (one: number, before: number): string =>
        ((one - before) / count).toFixed(count === 1 ? 0 : 1);
      table.push([
        what,
        each(now[0].messages, sent.messages),
        each(now[0].bytes, sent.bytes),
        each(now[1].messages, got.messages),
        each(now[1].bytes, got.bytes),
      ]);
      [sent, got] = now;
    };
    await start(group);
    push('start of a generator', 1);
    await machine.sync(PINGS);
    push('clock, per replicate', 1);
    const begunAtMs = performance.now();
    for (let turn = 0; turn < slices; turn++) await slice(group);
    const seconds = (performance.now() - begunAtMs) / 1_000;
    push('a slice', slices);
    await group.ask({ type: 'finish' }, 'finished', 10_000);
    push('end of a trial', 1);
    console.log(
      `Per agent and generator, to the agent and from it (${(slices / seconds).toFixed(2)} slices/s):`,
    );
    console.log(table.toString());
  } finally {
    await machine.close();
    rmSync(dir, { recursive: true });
  }
}

/** All agents are asked at once, again and again, as before each slice. */
export async function printQuestions(agentCounts: readonly number[]): Promise<void> {
  const table = new Table({
    style: PLAIN,
    head: ['agents', 'CPU of the run per answer (us)', 'round trip (ms)'],
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
  console.log(`All agents asked at once:\n${table.toString()}\n`);
}
