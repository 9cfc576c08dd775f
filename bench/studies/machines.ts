// What it costs to send from other machines: the same load from one process, from two, and from two agents, in turn (`npm run bench:machines`).
import { mkdtempDisposableSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRandom, shuffled } from '../../results/random.ts';
import { LEVEL_PERCENT, meanOf, replicateInterval, sumOf } from '../../results/stats.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { Target } from '../../scenarios/model/target.ts';
import { Machine } from '../machines/machine.ts';
import type { GeneratorCommand, GeneratorReading, GeneratorReply } from '../protocol.ts';
import type { GeneratorChild } from '../run/arm.ts';
import { spawnChild } from '../run/child.ts';
import { createGeneratorGroup } from '../run/generator-group.ts';
import { startTarget } from '../run/targets.ts';
import { announce, createTable, runSlice, trialOf } from './study.ts';

const HELP = `Usage: npm run bench:machines -- [--replicates N] [--agents N,N] [--service-ms N]

Sends the same load, below what either can send, from one process with 100 users, from two processes with 50 each, and
from two machines with 50 each (agents here, over pipes). All take turns in slices against one warm target.

  --replicates N  replicates with fresh processes, of each load (default 5, about 3 min; intervals need 3)
  --agents N,N    numbers of agents that are asked for their clocks at once (default 1,4,8)
  --service-ms N  time that the server takes to answer (default 0); of a quick one, response times are those of
                  processes that share a core

Prints the ratios of their figures, how long a slice lasts beyond its window, and what passes between a run and an agent.`;

type LoadInput = NonNullable<ScenarioInput['load']>;

const USERS = 100;
const RATE_PER_SEC = 600;
const LOADS: Record<string, LoadInput> = {
  [`closed: ${USERS} users, each pausing 150 ms`]: { concurrency: USERS, thinkMs: 150 },
  [`open: ${RATE_PER_SEC} requests/s`]: {
    model: 'open',
    arrivals: 'constant',
    ratePerSec: RATE_PER_SEC,
    maxInFlight: USERS,
  },
};
const CLIENT = Client.parse({ pool: { maxConnections: USERS } });
const RAMP_MS = 50;
const WINDOW_MS = 150;
const TURNS = 12;
const WARMUP_TURNS = 4;
/** Of a machine's clock, at the start of a replicate. */
const PINGS = 20;
const QUESTIONS = 2_000;
/** Starts an agent here. */
const AGENT = `${process.execPath} ${fileURLToPath(new URL('../cli/main.ts', import.meta.url))} agent`;

const ARMS = ['1 process', '2 processes', '2 machines'] as const;
type ArmName = (typeof ARMS)[number];

interface ArmFigures {
  reading: GeneratorReading;
  /** Of each slice: how long it lasted beyond ramp and window, and the CPU time of this process. */
  extraMs: number[];
  ownCpuMs: number[];
}

type Replicate = Map<ArmName, ArmFigures>;

const METRICS: Record<string, (reading: GeneratorReading) => number> = {
  'requests completed': ({ completedRecorded }) => completedRecorded,
  'mean latency': ({ response }) => response.meanUs,
  p50: ({ response }) => response.p50Us,
  p99: ({ response }) => response.p99Us,
};

const PAIRS: readonly (readonly [ArmName, ArmName])[] = [
  ['2 processes', '1 process'],
  ['2 machines', '1 process'],
  ['2 machines', '2 processes'],
];

const { values } = parseArgs({
  options: {
    replicates: { type: 'string', default: '5' },
    agents: { type: 'string', default: '1,4,8' },
    'service-ms': { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
const count = Number(values.replicates);
if (!(Number.isInteger(count) && count >= 1))
  throw new TypeError('--replicates: expected an integer of at least 1');

const agentCounts = values.agents.split(',').map(Number);
if (!agentCounts.every(agents => Number.isInteger(agents) && agents >= 1))
  throw new TypeError('--agents: expected numbers of agents, separated by commas');

const serviceMs = Number(values['service-ms']);
if (!(serviceMs >= 0)) throw new TypeError('--service-ms: expected a time in ms, at least 0');
const target = Target.parse({
  behaviour:
    serviceMs === 0 ? { name: 'fixed', bytes: 1_024 } : { name: 'delay', meanMs: serviceMs, bytes: 1_024 },
});

const { pinning } = await announce('Load from other machines: 1 KiB, plain HTTP, keep-alive');
const server = await startTarget(target, 1, pinning?.targetCpu ?? null);
const cpu = pinning?.generatorCpu ?? null;
const random = createRandom(1, 'machines');
const { signal } = new AbortController();
const machines = await Promise.all(
  ['one', 'two'].map(name => Machine.start({ name, command: AGENT }, signal)),
);
try {
  for (const [name, load] of Object.entries(LOADS)) {
    await measureReplicate(load); // conditions the target; thrown away
    const replicates: Replicate[] = [];
    for (let i = 0; i < count; i++) replicates.push(await measureReplicate(load));
    printRatios(name, replicates);
    printOverhead(replicates);
  }
  await printTraffic(Object.values(LOADS)[0]!);
  await printQuestions();
} finally {
  await Promise.all(machines.map(machine => machine.close()));
  await server.kill();
}

function prepare(child: GeneratorChild, load: LoadInput): Promise<unknown> {
  const trial = trialOf({ name: 'study', client: CLIENT, load: Load.parse(load), phases: true, target });
  return child.start({ type: 'prepare', trial, endpoint: server.endpoint }, 'ready');
}

function spawnHere(title: string): GeneratorChild {
  return spawnChild<GeneratorCommand, GeneratorReply>({ title, entry: './generator-child', cpu });
}

function spawnOn(machine: Machine): GeneratorChild {
  const { name: title } = machine;
  const options = { entry: 'generator', title, cpu, niceness: 0, env: {}, limit: undefined } as const;
  return machine.spawn<GeneratorCommand, GeneratorReply>(options);
}

function spawnArm(name: ArmName): GeneratorChild {
  if (name === '1 process') return spawnHere(name);
  const [first, second] =
    name === '2 processes'
      ? ['first', 'second'].map(title => ({ child: spawnHere(title), weight: 1 }))
      : machines.map(machine => ({ child: spawnOn(machine), weight: 1, machine }));
  return createGeneratorGroup({ members: [first!, second!], coreCount: 1 });
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function measureReplicate(load: LoadInput): Promise<Replicate> {
  const names = shuffled(ARMS, random);
  const children = new Map<ArmName, GeneratorChild>();
  const figures = new Map(names.map(name => [name, { extraMs: [] as number[], ownCpuMs: [] as number[] }]));
  await Promise.all(machines.map(machine => machine.sync(PINGS)));
  try {
    for (const name of names) {
      const child = spawnArm(name);
      children.set(name, child);
      await prepare(child, load);
    }
    for (let turn = 0; turn < WARMUP_TURNS; turn++) {
      for (const name of names)
        await runSlice(children.get(name)!, WINDOW_MS, { rampMs: RAMP_MS, isRecorded: false });
    }
    for (let turn = 0; turn < TURNS; turn++) {
      for (const name of shuffled(names, random)) {
        const begunAtMs = performance.now();
        const cpuBeforeMs = ownCpuMs();
        await runSlice(children.get(name)!, WINDOW_MS, { rampMs: RAMP_MS });
        const own = figures.get(name)!;
        own.extraMs.push(performance.now() - begunAtMs - RAMP_MS - WINDOW_MS);
        own.ownCpuMs.push(ownCpuMs() - cpuBeforeMs);
      }
    }
    const replicate: Replicate = new Map();
    for (const [name, child] of children) {
      const { reading } = await child.ask({ type: 'finish' }, 'finished', 10_000);
      replicate.set(name, { ...figures.get(name)!, reading });
    }
    return replicate;
  } finally {
    await Promise.all([...children.values()].map(child => child.kill()));
  }
}

function describeRatio(logRatios: readonly number[]): string {
  const ratio = replicateInterval(logRatios);
  if (ratio === null) return 'no interval';
  return `${ratio.value.toFixed(3)} (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)})`;
}

function printRatios(load: string, replicates: readonly Replicate[]): void {
  const table = createTable(['', '1 process', ...PAIRS.map(([name, over]) => `${name} / ${over}`)]);
  for (const [metric, read] of Object.entries(METRICS)) {
    const figureOf = (replicate: Replicate, name: ArmName): number => read(replicate.get(name)!.reading);
    const own = meanOf(replicates.map(replicate => figureOf(replicate, '1 process')));
    const value = metric.startsWith('requests') ? own.toFixed(0) : `${(own / 1_000).toFixed(2)} ms`;
    const ratios = PAIRS.map(([name, over]) =>
      describeRatio(replicates.map(one => Math.log(figureOf(one, name) / figureOf(one, over)))),
    );
    table.push([metric, value, ...ratios]);
  }
  console.log(`${load}; ${LEVEL_PERCENT} intervals from ${replicates.length} replicates of ${TURNS} slices:`);
  console.log(`${table.toString()}\n`);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

function printOverhead(replicates: readonly Replicate[]): void {
  const table = createTable(['', 'slice beyond ramp and window: median', 'p95', 'CPU of the run per slice']);
  for (const name of ARMS) {
    const all = replicates.map(replicate => replicate.get(name)!);
    const extraMs = all.flatMap(own => own.extraMs);
    const cpuMs = meanOf(all.flatMap(own => own.ownCpuMs));
    table.push([
      name,
      `${quantile(extraMs, 0.5).toFixed(1)} ms`,
      `${quantile(extraMs, 0.95).toFixed(1)} ms`,
      `${cpuMs.toFixed(2)} ms`,
    ]);
  }
  console.log(`Slices of ${RAMP_MS} + ${WINDOW_MS} ms of this load:\n${table.toString()}\n`);
  const worst = replicates.flatMap(replicate => replicate.get('2 machines')!.reading.machines ?? []);
  const slices = sumOf(worst, share => share.slices);
  const late = sumOf(worst, share => share.lateSlices);
  const errorMs = Math.max(...worst.map(share => share.errorMs));
  console.log(
    `Began more than a tenth of the ramp apart: ${late} of ${slices} slices of a machine; clocks known to ${errorMs.toFixed(2)} ms or better.\n`,
  );
}

interface Traffic {
  messages: number;
  bytes: number;
}

function trafficIn(file: string): Traffic {
  const text = readFileSync(file);
  return { messages: text.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0), bytes: text.length };
}

/** Counts what passes through the pipes of an agent with one generator. */
async function printTraffic(load: LoadInput): Promise<void> {
  using dir = mkdtempDisposableSync(join(tmpdir(), 'conntax-traffic-'));
  const [toAgent, fromAgent] = [join(dir.path, 'to'), join(dir.path, 'from')];
  const command = `tee ${toAgent} | ${AGENT} | tee ${fromAgent}`;
  const machine = await Machine.start({ name: 'counted', command }, signal);
  const read = (): Traffic[] => [trafficIn(toAgent), trafficIn(fromAgent)];
  const table = createTable(['', 'messages', 'bytes', 'messages', 'bytes']);
  try {
    let before = read();
    const push = (what: string, times = 1): void => {
      const now = read();
      const each = (one: number, earlier: number): string =>
        ((one - earlier) / times).toFixed(times === 1 ? 0 : 1);
      table.push([
        what,
        ...now.flatMap(({ messages, bytes }, way) => [
          each(messages, before[way]!.messages),
          each(bytes, before[way]!.bytes),
        ]),
      ]);
      before = now;
    };
    const group = createGeneratorGroup({
      members: [{ child: spawnOn(machine), weight: 1, machine }],
      coreCount: 1,
    });
    await prepare(group, load);
    push('start of a generator');
    await machine.sync(PINGS);
    push('clock, per replicate');
    const begunAtMs = performance.now();
    for (let turn = 0; turn < TURNS; turn++) await runSlice(group, WINDOW_MS, { rampMs: RAMP_MS });
    const seconds = (performance.now() - begunAtMs) / 1_000;
    push('a slice', TURNS);
    await group.ask({ type: 'finish' }, 'finished', 10_000);
    push('end of a trial');
    console.log(
      `Per agent and generator, to the agent and from it (${(TURNS / seconds).toFixed(2)} slices/s):\n${table.toString()}`,
    );
  } finally {
    await machine.close();
  }
}

/** All agents are asked at once, again and again, as before each slice. */
async function printQuestions(): Promise<void> {
  const table = createTable(['agents', 'CPU of the run per answer (us)', 'round trip (ms)']);
  for (const agents of agentCounts) {
    const asked = await Promise.all(
      Array.from({ length: agents }, (_, index) =>
        Machine.start({ name: String(index + 1), command: AGENT }, signal),
      ),
    );
    const each = Math.ceil(QUESTIONS / agents);
    const cpuBeforeMs = ownCpuMs();
    const startedAtMs = performance.now();
    await Promise.all(asked.map(machine => machine.sync(each)));
    const elapsedMs = performance.now() - startedAtMs;
    const cpuUs = (ownCpuMs() - cpuBeforeMs) * 1_000;
    table.push([agents, Math.round(cpuUs / (each * agents)), (elapsedMs / each).toFixed(2)]);
    await Promise.all(asked.map(machine => machine.close()));
  }
  console.log(`All agents asked at once:\n${table.toString()}\n`);
}
