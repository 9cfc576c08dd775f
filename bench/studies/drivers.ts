// Measures what each driver can do at saturation and what it costs, and judges the wire client's goals. Arguments: target or tls (both
// unless given), and --rounds. All drivers take turns, on one core, against one server that is warm.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { z } from 'zod';
import { createRandom, shuffled } from '../../results/random.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { transports } from '../clients/index.ts';
import type { EngineModule } from '../contracts.ts';
import { startTarget, type TargetProcess } from '../run/targets.ts';
import {
  AUTOCANNON,
  FLOOR,
  judgeGoals,
  median,
  type Round,
  WIRE,
  WIRE_RESUMED,
  WRK,
} from './driver-goals.ts';
import { announce, CONCURRENCY, createTable, type Generator, runSlice, startGenerator } from './study.ts';

const BODY_BYTES = 1024;
const SLICE_SEC = 2;
/** Costs per request settle once V8 has compiled what is hot: by requests, not by time, which a busy machine stretches. */
const WARMUP = { requests: 15_000, sliceMs: 250, mostTurns: 24 } as const;
/** The shell says what processor time it took: seconds of user and system. */
const TIMED = 'TIMEFORMAT="cpu %U %S"; time "$@"';
const GROUNDS = ['target', 'tls'] as const;

type Ground = (typeof GROUNDS)[number];
type Mode = 'persistent' | 'short';

const exec = promisify(execFile);
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
});
const roundCount = Number(values.rounds);
if (!Number.isInteger(roundCount) || roundCount < 1)
  throw new TypeError('--rounds: expected an integer from 1');
const unknown = positionals.filter(name => !GROUNDS.some(ground => ground === name));
if (unknown.length > 0)
  throw new TypeError(`unknown: ${unknown.join(', ')}; expected: ${GROUNDS.join(', ')}`);
const host = await announce(`Drivers at saturation: concurrency ${CONCURRENCY}, ${BODY_BYTES} bytes`);
const cpu = host.pinning?.generatorCpu ?? null;
const random = createRandom(1, 'drivers');
const folder = await mkdtemp(join(tmpdir(), 'conntax-drivers-'));
const floor = await compileFloor();

try {
  for (const ground of GROUNDS) {
    if (positionals.length === 0 || positionals.includes(ground)) await printGround(ground);
  }
} finally {
  await rm(folder, { recursive: true });
}

function targetOf(ground: Ground): Target {
  const behaviour = { name: 'fixed', bytes: BODY_BYTES };
  return Target.parse({ behaviour, tls: ground === 'tls' ? '1.3' : 'none' });
}

async function printGround(ground: Ground): Promise<void> {
  const server = await startTarget(targetOf(ground), 1, host.pinning?.targetCpu ?? null);
  try {
    for (const mode of ['persistent', 'short'] as const) await printMode(ground, server, mode);
  } finally {
    await server.kill();
  }
}

/** The program of floor.c; undefined where there is no compiler. */
async function compileFloor(): Promise<string | undefined> {
  const program = join(folder, 'floor');
  try {
    await exec('cc', ['-O2', '-o', program, fileURLToPath(new URL('floor.c', import.meta.url))]);
    return program;
  } catch {
    return undefined;
  }
}

function clientsOf(ground: Ground, mode: Mode): Record<string, Client> {
  const client = (settings: z.input<typeof Client>): Client =>
    Client.parse({ ...settings, requestsPerConnection: mode === 'short' ? 1 : 'unlimited' });
  const pool = { maxConnections: CONCURRENCY };
  return {
    [WIRE]: client({ transport: 'wire', pool }),
    'undici request': client({ api: 'request', pool }),
    'undici dispatch': client({ api: 'dispatch', pool }),
    [AUTOCANNON]: client({ transport: 'autocannon' }),
    // What a context of its own costs each connection, with and without a client library.
    ...(ground === 'tls' && {
      'wire, a context each': client({ transport: 'wire', pool: { ...pool, tlsContext: 'per-connection' } }),
      'undici request, one context': client({ pool: { ...pool, tlsContext: 'shared' } }),
    }),
    // The target gives tickets, and wrk uses them.
    ...(ground === 'tls' &&
      mode === 'short' && {
        [WIRE_RESUMED]: client({ transport: 'wire', pool: { ...pool, tlsSessions: 'pinned' } }),
      }),
    // Neither is driven over TLS.
    ...(ground === 'target' && { wrk: client({ transport: 'wrk' }), hey: client({ transport: 'hey' }) }),
  };
}

interface BareTool {
  command: readonly string[];
  /** Finds the number of answers, or else their rate. */
  answers?: RegExp;
  rate?: RegExp;
}

/** Those that conntax does not drive, and some as their makers ship them; where nothing is wrong with their counts. */
function bareTools(
  ground: Ground,
  { endpoint: { origin } }: TargetProcess,
  mode: Mode,
): Record<string, BareTool> {
  const url = `${origin}/`;
  const [c, d] = [String(CONCURRENCY), String(SLICE_SEC)];
  const close = mode === 'short' ? ['-H', 'Connection: close'] : [];
  const native: Record<string, BareTool> = {
    [WRK]: {
      command: ['wrk', '-t', '1', '-c', c, '-d', d, ...close, url],
      answers: /(\d+) requests in /,
    },
  };
  if (floor !== undefined && ground !== 'tls') {
    // What it takes for a whole answer: a head is longer than nothing, and both come in one piece.
    const args = [new URL(origin).port, d, c, mode === 'short' ? 'short' : 'keep', String(BODY_BYTES)];
    native[FLOOR] = { command: [floor, ...args], answers: /(\d+) answers/ };
  }
  if (mode === 'short' || ground !== 'target') return native;
  const autocannon = createRequire(import.meta.url).resolve('autocannon');
  return {
    ...native,
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
async function runBare({ command, answers, rate }: BareTool): Promise<Round | undefined> {
  const pinned = cpu === null ? command : ['taskset', '-c', String(cpu), ...command];
  try {
    const { stdout, stderr } = await exec('bash', ['-c', TIMED, 'time', ...pinned], {
      timeout: 60_000,
      maxBuffer: 1 << 26,
    });
    const count = Number(answers?.exec(stdout)?.[1]);
    if (!(count > 0)) {
      const perSec = rate?.exec(stdout)?.[1];
      return perSec === undefined ? undefined : { perSec: Number(perSec) };
    }
    const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(stderr) ?? [];
    return { perSec: count / SLICE_SEC, cpuUs: ((Number(user) + Number(system)) * 1e6) / count };
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

async function warmUp(children: readonly Generator[]): Promise<void> {
  const requests = new Map(children.map(child => [child, 0]));
  for (let turn = 0; turn < WARMUP.mostTurns; turn++) {
    for (const [child, done] of requests) {
      if (done >= WARMUP.requests) continue;
      const { exchanges } = await runSlice(child, WARMUP.sliceMs);
      requests.set(child, done + exchanges);
    }
  }
}

async function printMode(ground: Ground, server: TargetProcess, mode: Mode): Promise<void> {
  const own = new Map<string, Generator>();
  const rounds = new Map<string, Round[]>();
  const bare = bareTools(ground, server, mode);
  try {
    for (const [name, client] of Object.entries(clientsOf(ground, mode))) {
      rounds.set(name, []);
      if (await isMissing(client.transport)) continue;
      own.set(name, await startGenerator({ title: name, client, target: targetOf(ground), server, cpu }));
    }
    await warmUp([...own.values()]);
    for (const name of Object.keys(bare)) rounds.set(name, []);
    for (let round = 0; round < roundCount; round++) {
      for (const name of shuffled([...own.keys(), ...Object.keys(bare)], random)) {
        const child = own.get(name);
        const done = child === undefined ? await runBare(bare[name]!) : await runOwn(child);
        if (done !== undefined) rounds.get(name)!.push(done);
      }
    }
  } finally {
    await Promise.all([...own.values()].map(child => child.kill()));
  }
  print(ground, mode, rounds);
}

function print(ground: Ground, mode: Mode, rounds: ReadonlyMap<string, readonly Round[]>): void {
  const table = createTable([
    'driver',
    'requests/s, median',
    'client CPU, us/request, median',
    'requests/s by round, sorted',
    'us/request by round, sorted',
  ]);
  for (const [name, done] of rounds) {
    const rates = done.map(({ perSec }) => Math.round(perSec)).toSorted((a, b) => a - b);
    const costs = done.flatMap(({ cpuUs }) => cpuUs ?? []).toSorted((a, b) => a - b);
    table.push([
      name,
      median(rates) ?? 'not installed',
      median(costs)?.toFixed(1) ?? '',
      rates.join(' '),
      costs.map(us => us.toFixed(1)).join(' '),
    ]);
  }
  console.log(`${ground}, ${mode}, ${roundCount} rounds of ${SLICE_SEC} s:\n${table.toString()}\n`);
  for (const { text, ratio, leastRatio, isMet } of judgeGoals(rounds, ground === 'tls')) {
    console.log(
      `goal: ${text}, CPU per request: ${ratio === undefined ? 'not measured' : `${ratio.toFixed(2)}, ${isMet ? 'met' : 'not met'} (in the least disturbed rounds: ${leastRatio?.toFixed(2)})`}`,
    );
  }
  console.log('');
}
