// In: nothing. Out: on standard output, what our recording costs a request, and our speed beside that of other tools.
// All arms of a table take turns in one run, against one target that is warm before any of them starts.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { replicateInterval, trimmedMean } from '../../results/stats.ts';
import { Client } from '../core/client.ts';
import { Load } from '../core/load.ts';
import type { GeneratorCommand, GeneratorReply, SliceReading } from '../core/protocol.ts';
import { createRandom, shuffled } from '../core/random.ts';
import { Target } from '../core/target.ts';
import type { Trial } from '../core/types.ts';
import { type Child, spawnChild } from '../run/child.ts';
import { startTarget, type TargetProcess } from '../run/target.ts';
import { announce } from './machine.ts';

const CONCURRENCY = 100;
const REPLICATES = 8;
const WARMUP_TURNS = 6;
const TURNS = 16;
const SLICE_MS = 120;
const TOOL_ROUNDS = 5;
const TOOL_SEC = 2;
const BLOCK_TRIM = 0.2;
const PLAIN = { head: [], border: [] };

const exec = promisify(execFile);
type Generator = Child<GeneratorCommand, GeneratorReply>;

const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 } });
const ARMS = {
  'ours, request': { entry: './load-child', api: 'request' },
  'bare, request': { entry: '../studies/bare-loop-child', api: 'request' },
  'ours, dispatch': { entry: './load-child', api: 'dispatch' },
  'bare, dispatch': { entry: '../studies/bare-loop-child', api: 'dispatch' },
} as const;
type ArmName = keyof typeof ARMS;

const host = await announce('Overhead of the generator: keep-alive, concurrency 100, 1 KiB, plain HTTP');
const server: TargetProcess = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
const random = createRandom(1, 'overhead');
try {
  await measureArms(1); // conditions the target; thrown away
  await printCpu();
  await printRates();
} finally {
  await server.kill();
}

async function start(name: ArmName): Promise<Generator> {
  const { entry, api } = ARMS[name];
  const child: Generator = spawnChild({ title: name, entry, cpu: host.pinning?.generatorCpu ?? null });
  const client = Client.parse({ api, pool: { maxConnections: CONCURRENCY } });
  const load = Load.parse({ concurrency: CONCURRENCY });
  const trial: Trial = {
    id: name,
    scenario: '',
    cell: '',
    replicate: 0,
    arm: name,
    seed: 1,
    target,
    phases: true,
    load,
    client,
  };
  await child.ask({ type: 'prepare', trial, endpoint: server.endpoint }, 'ready', 20_000);
  return child;
}

async function slice(child: Generator, windowMs: number, isRecorded: boolean): Promise<SliceReading> {
  const order = { rampMs: 10, windowMs, drainMs: 2_000, isRecorded, epochMs: Date.now() };
  return (await child.ask({ type: 'slice', order }, 'slice', windowMs + 10_000)).reading;
}

/** CPU per request of each arm, one value a turn; fresh processes, warmed up in turns. */
async function measureArms(turns: number): Promise<Map<ArmName, number[]>> {
  const names = shuffled(Object.keys(ARMS) as ArmName[], random);
  const children = new Map<ArmName, Generator>();
  const cpuUs = new Map<ArmName, number[]>(names.map(name => [name, []]));
  try {
    for (const name of names) children.set(name, await start(name));
    for (let turn = 0; turn < WARMUP_TURNS; turn++) {
      for (const name of names) await slice(children.get(name)!, 250, true);
    }
    for (let turn = 0; turn < turns; turn++) {
      for (const name of shuffled(names, random)) {
        const { before, after, exchanges } = await slice(children.get(name)!, SLICE_MS, true);
        cpuUs.get(name)!.push((after.cpuUs - before.cpuUs) / exchanges);
      }
    }
    return cpuUs;
  } finally {
    await Promise.all([...children.values()].map(child => child.kill()));
  }
}

async function printCpu(): Promise<void> {
  const replicates: Map<ArmName, number[]>[] = [];
  for (let i = 0; i < REPLICATES; i++) replicates.push(await measureArms(TURNS));
  const table = new Table({
    style: PLAIN,
    head: ['api', 'bare loop, us/request', 'ours, us/request', 'ours / bare', 'replicates'],
  });
  for (const api of ['request', 'dispatch'] as const) {
    const mean = (replicate: Map<ArmName, number[]>, name: ArmName) =>
      trimmedMean(replicate.get(name)!, BLOCK_TRIM) ?? Number.NaN;
    const logRatios = replicates.map(
      replicate =>
        trimmedMean(
          replicate
            .get(`ours, ${api}`)!
            .map((ours, turn) => Math.log(ours / replicate.get(`bare, ${api}`)![turn]!)),
          BLOCK_TRIM,
        ) ?? Number.NaN,
    );
    const ratio = replicateInterval(logRatios)!;
    const average = (name: ArmName) =>
      replicates.reduce((sum, one) => sum + mean(one, name), 0) / replicates.length;
    table.push([
      api,
      average(`bare, ${api}`).toFixed(1),
      average(`ours, ${api}`).toFixed(1),
      `${ratio.value.toFixed(3)} (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)})`,
      logRatios.map(logRatio => Math.exp(logRatio).toFixed(2)).join(' '),
    ]);
  }
  console.log(`CPU per request, ${REPLICATES} replicates of ${TURNS} turns:\n${table.toString()}\n`);
}

interface Tool {
  command: readonly string[];
  rate: RegExp;
}

function tools(url: string): Record<string, Tool> {
  const [c, d] = [String(CONCURRENCY), String(TOOL_SEC)];
  const autocannon = createRequire(import.meta.url).resolve('autocannon');
  return {
    autocannon: {
      command: [process.execPath, autocannon, '-c', c, '-d', d, '--json', url],
      rate: /"requests":\{"average":([\d.]+)/,
    },
    wrk: { command: ['wrk', '-t', '1', '-c', c, '-d', `${d}s`, url], rate: /Requests\/sec:\s+([\d.]+)/ },
    hey: { command: ['hey', '-c', c, '-z', `${d}s`, url], rate: /Requests\/sec:\s+([\d.]+)/ },
    ab: {
      command: ['ab', '-k', '-q', '-c', c, '-t', d, '-n', '10000000', url],
      rate: /Requests per second:\s+([\d.]+)/,
    },
    h2load: {
      command: ['h2load', '--h1', '-c', c, '-D', d, url],
      rate: /finished in [^,]+, ([\d.]+) req\/s/,
    },
  };
}

/** Requests/s as the tool itself says; undefined where it is not installed. */
async function runTool({ command, rate }: Tool): Promise<number | undefined> {
  const cpu = host.pinning?.generatorCpu;
  const [file, ...args] = cpu === undefined ? command : ['taskset', '-c', String(cpu), ...command];
  try {
    const { stdout } = await exec(file!, args, { timeout: 60_000, maxBuffer: 1 << 26 });
    const value = rate.exec(stdout)?.[1];
    return value === undefined ? undefined : Number(value);
  } catch {
    return undefined;
  }
}

async function printRates(): Promise<void> {
  const known = tools(`${server.endpoint.origin}/`);
  const rates = new Map<string, number[]>();
  const add = (name: string, rate: number | undefined): void => {
    if (rate !== undefined) rates.set(name, [...(rates.get(name) ?? []), rate]);
  };
  const own = new Map<ArmName, Generator>();
  try {
    for (const name of ['ours, request', 'ours, dispatch'] as const) {
      const child = await start(name);
      own.set(name, child);
      for (let turn = 0; turn < WARMUP_TURNS; turn++) await slice(child, 250, true);
    }
    for (let round = 0; round < TOOL_ROUNDS; round++) {
      for (const name of shuffled([...own.keys(), ...Object.keys(known)], random)) {
        const child = own.get(name as ArmName);
        if (child === undefined) add(name, await runTool(known[name]!));
        else {
          const { completed, windowMs } = await slice(child, TOOL_SEC * 1_000, true);
          add(name, (completed / windowMs) * 1_000);
        }
      }
    }
  } finally {
    await Promise.all([...own.values()].map(child => child.kill()));
  }
  const table = new Table({ style: PLAIN, head: ['generator', 'requests/s, median of rounds', 'rounds'] });
  for (const name of [...own.keys(), ...Object.keys(known)]) {
    const sorted = (rates.get(name) ?? []).toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    table.push([
      name,
      median === undefined ? 'not installed' : Math.round(median),
      sorted.map(Math.round).join(' '),
    ]);
  }
  console.log(
    `Requests/s against the same target, ${TOOL_ROUNDS} rounds of ${TOOL_SEC} s:\n${table.toString()}`,
  );
}
