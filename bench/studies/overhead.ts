// In: --replicates N (8 unless told). Out: on standard output, what our recording costs a request, and our speed beside that of
// other tools. All arms of a table take turns in one run, against one target that is warm before any of them starts.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { parseArgs, promisify } from 'node:util';
import Table from 'cli-table3';
import { createRandom, shuffled } from '../core/random.ts';
import { Target } from '../core/target.ts';
import { startTarget } from '../run/target.ts';
import { announce } from './machine.ts';
import {
  type ArmName,
  type Bench,
  CONCURRENCY,
  type Generator,
  measureArms,
  printCpu,
  slice,
  startGenerator,
  warmUp,
} from './overhead-cpu.ts';

const { values } = parseArgs({ options: { replicates: { type: 'string', default: '8' } } });
const TOOL_ROUNDS = 5;
const TOOL_SEC = 2;
const PLAIN = { head: [], border: [] };

const exec = promisify(execFile);

const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 } });
const host = await announce('Overhead of the generator: keep-alive, concurrency 100, 1 KiB, plain HTTP');
const server = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
const random = createRandom(1, 'overhead');
const bench: Bench = { target, server, pinning: host.pinning, random };
try {
  await measureArms(bench, 1); // conditions the target; thrown away
  await printCpu(bench, Number(values.replicates));
  await printRates();
} finally {
  await server.kill();
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
      const child = await startGenerator(name, bench);
      own.set(name, child);
      await warmUp(child);
    }
    for (let round = 0; round < TOOL_ROUNDS; round++) {
      for (const name of shuffled([...own.keys(), ...Object.keys(known)], random)) {
        const child = own.get(name as ArmName);
        if (child === undefined) add(name, await runTool(known[name]!));
        else {
          const { completed, windowMs } = await slice(child, TOOL_SEC * 1_000);
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
