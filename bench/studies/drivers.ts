// In: nothing. Out: on standard output, what each driver can do at saturation, and what it costs: ours, and bare tools.
// All take turns in one run, on one core, against one target that is warm before any of them starts.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import Table from 'cli-table3';
import { createRandom, shuffled } from '../../results/random.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { transports } from '../clients/index.ts';
import type { EngineModule } from '../contracts.ts';
import { startTarget, type TargetProcess } from '../run/targets.ts';
import { type Generator, runSlice, startGenerator } from './generators.ts';
import { announce } from './machine.ts';

const CONCURRENCY = 100;
const ROUNDS = 5;
const SLICE_SEC = 2;
const WARMUP_TURNS = 6;
const WARMUP_MS = 250;
const PLAIN = { head: [], border: [] };

const exec = promisify(execFile);
const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 } });
const host = await announce('Drivers at saturation: concurrency 100, 1 KiB, plain HTTP');
const cpu = host.pinning?.generatorCpu ?? null;
const random = createRandom(1, 'drivers');
const server: TargetProcess = await startTarget(target, 1, host.pinning?.targetCpu ?? null);

type Mode = 'persistent' | 'short';

/** What one driver did in one round; cpuUs is not known of a bare tool. */
interface Round {
  perSec: number;
  cpuUs?: number;
}

try {
  for (const mode of ['persistent', 'short'] as const) await printMode(mode);
} finally {
  await server.kill();
}

function clientsOf(mode: Mode): Record<string, Client> {
  const requestsPerConnection = mode === 'short' ? 1 : 'unlimited';
  const pool = { maxConnections: CONCURRENCY };
  return {
    'undici request': Client.parse({ requestsPerConnection, pool, api: 'request' }),
    'undici dispatch': Client.parse({ requestsPerConnection, pool, api: 'dispatch' }),
    autocannon: Client.parse({ requestsPerConnection, transport: 'autocannon' }),
    wrk: Client.parse({ requestsPerConnection, transport: 'wrk' }),
    hey: Client.parse({ requestsPerConnection, transport: 'hey' }),
  };
}

interface BareTool {
  command: readonly string[];
  rate: RegExp;
}

/** Those that conntax does not drive, and autocannon as its makers ship it; where nothing is wrong with their counts. */
function bareTools(mode: Mode): Record<string, BareTool> {
  if (mode === 'short') return {};
  const url = `${server.endpoint.origin}/`;
  const [c, d] = [String(CONCURRENCY), String(SLICE_SEC)];
  const autocannon = createRequire(import.meta.url).resolve('autocannon');
  return {
    'autocannon, bare': {
      command: [process.execPath, autocannon, '-c', c, '-d', d, '--json', url],
      rate: /"requests":\{"average":([\d.]+)/,
    },
    'ab, bare': {
      command: ['ab', '-k', '-q', '-c', c, '-t', d, '-n', '10000000', url],
      rate: /Requests per second:\s+([\d.]+)/,
    },
    'h2load, bare': {
      command: ['h2load', '--h1', '-c', c, '-D', d, url],
      rate: /finished in [^,]+, ([\d.]+) req\/s/,
    },
  };
}

/** Requests/s as the tool itself says; undefined where it is not installed. */
async function runBare({ command, rate }: BareTool): Promise<Round | undefined> {
  const [file, ...args] = cpu === null ? command : ['taskset', '-c', String(cpu), ...command];
  try {
    const { stdout } = await exec(file!, args, { timeout: 60_000, maxBuffer: 1 << 26 });
    const perSec = rate.exec(stdout)?.[1];
    return perSec === undefined ? undefined : { perSec: Number(perSec) };
  } catch {
    return undefined;
  }
}

async function runOwn(child: Generator): Promise<Round> {
  const { completed, windowMs, exchanges, before, after } = await runSlice(child, SLICE_SEC * 1_000);
  return { perSec: (completed / windowMs) * 1_000, cpuUs: (after.cpuUs - before.cpuUs) / exchanges };
}

async function isMissing(transport: string): Promise<boolean> {
  const { default: plugin } = await transports[transport as keyof typeof transports]();
  return (plugin as Partial<EngineModule>).missing?.() !== undefined;
}

async function printMode(mode: Mode): Promise<void> {
  const own = new Map<string, Generator>();
  const rounds = new Map<string, Round[]>();
  const bare = bareTools(mode);
  try {
    for (const [name, client] of Object.entries(clientsOf(mode))) {
      rounds.set(name, []);
      if (await isMissing(client.transport)) continue;
      const options = {
        title: name,
        entry: './generator-child',
        client,
        concurrency: CONCURRENCY,
        phases: true,
        target,
        server,
        cpu,
      };
      own.set(name, await startGenerator(options));
    }
    for (let turn = 0; turn < WARMUP_TURNS; turn++) {
      for (const child of own.values()) await runSlice(child, WARMUP_MS);
    }
    for (const name of Object.keys(bare)) rounds.set(name, []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of shuffled([...own.keys(), ...Object.keys(bare)], random)) {
        const child = own.get(name);
        const done = child === undefined ? await runBare(bare[name]!) : await runOwn(child);
        if (done !== undefined) rounds.get(name)!.push(done);
      }
    }
  } finally {
    await Promise.all([...own.values()].map(child => child.kill()));
  }
  print(mode, rounds);
}

function print(mode: Mode, rounds: ReadonlyMap<string, readonly Round[]>): void {
  const table = new Table({
    style: PLAIN,
    head: ['driver', 'requests/s, median', 'client CPU, us/request, median', 'requests/s by round, sorted'],
  });
  for (const [name, done] of rounds) {
    const rates = done.map(({ perSec }) => Math.round(perSec)).toSorted((a, b) => a - b);
    const costs = done.flatMap(({ cpuUs }) => cpuUs ?? []).toSorted((a, b) => a - b);
    const rate = rates[Math.floor(rates.length / 2)];
    const cost = costs[Math.floor(costs.length / 2)];
    table.push([name, rate ?? 'not installed', cost?.toFixed(1) ?? '', rates.join(' ')]);
  }
  console.log(`${mode}, ${ROUNDS} rounds of ${SLICE_SEC} s:\n${table.toString()}\n`);
}
