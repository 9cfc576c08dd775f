// Measures what recording costs per request: all arms take turns in one run, against one warm target (--replicates N, default 8).
import { parseArgs } from 'node:util';
import { createRandom, shuffled } from '../../results/random.ts';
import { type Interval, LEVEL_PERCENT, meanOf, replicateInterval, trimmedMean } from '../../results/stats.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { startTarget } from '../run/targets.ts';
import { announce, CONCURRENCY, createTable, type Generator, runSlice, startGenerator } from './study.ts';

const WARMUP_TURNS = 6;
const WARMUP_SLICE_MS = 250;
const TURNS = 16;
const SLICE_MS = 120;
const BLOCK_TRIM = 0.2;
/** The goal: the most that the harness may add. */
const MAX_RATIO = 1.05;

const OURS = './generator-child';
const BARE = '../studies/bare-loop-child';
const ARMS = {
  'ours, request': { entry: OURS, api: 'request', phases: true },
  'without phases, request': { entry: OURS, api: 'request', phases: false },
  'bare, request': { entry: BARE, api: 'request', phases: false },
  'ours, dispatch': { entry: OURS, api: 'dispatch', phases: true },
  'without phases, dispatch': { entry: OURS, api: 'dispatch', phases: false },
  'bare, dispatch': { entry: BARE, api: 'dispatch', phases: false },
} as const;
type ArmName = keyof typeof ARMS;

const { values } = parseArgs({ options: { replicates: { type: 'string', default: '8' } } });
const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 } });
const { pinning } = await announce(
  `Overhead of the generator: keep-alive, concurrency ${CONCURRENCY}, 1 KiB, plain HTTP`,
);
const server = await startTarget(target, 1, pinning?.targetCpu ?? null);
const random = createRandom(1, 'overhead');
try {
  await measureArms(1); // conditions the target; thrown away
  await printCpu(Number(values.replicates));
} finally {
  await server.kill();
}

function start(name: ArmName): Promise<Generator> {
  const { entry, api, phases } = ARMS[name];
  const client = Client.parse({ api, pool: { maxConnections: CONCURRENCY } });
  const cpu = pinning?.generatorCpu ?? null;
  return startGenerator({ title: name, entry, client, phases, target, server, cpu });
}

type Replicate = Map<ArmName, number[]>;

/** CPU per request of each arm, one value a turn; fresh processes, warmed up in turns. */
async function measureArms(turns = TURNS): Promise<Replicate> {
  const names = shuffled(Object.keys(ARMS) as ArmName[], random);
  const children = new Map<ArmName, Generator>();
  const cpuUs: Replicate = new Map(names.map(name => [name, []]));
  try {
    for (const name of names) children.set(name, await start(name));
    for (let turn = 0; turn < WARMUP_TURNS; turn++) {
      for (const name of names) await runSlice(children.get(name)!, WARMUP_SLICE_MS);
    }
    for (let turn = 0; turn < turns; turn++) {
      for (const name of shuffled(names, random)) {
        const { before, after, exchanges } = await runSlice(children.get(name)!, SLICE_MS);
        cpuUs.get(name)!.push((after.cpuUs - before.cpuUs) / exchanges);
      }
    }
    return cpuUs;
  } finally {
    await Promise.all([...children.values()].map(child => child.kill()));
  }
}

/** Measures all arms in turns and prints what ours costs over a bare loop, and what the phases cost of it. */
async function printCpu(replicateCount: number): Promise<void> {
  const replicates: Replicate[] = [];
  for (let i = 0; i < replicateCount; i++) replicates.push(await measureArms());
  console.log(`CPU per request, ${replicateCount} replicates of ${TURNS} turns, all arms in turn\n`);
  const apis = ['request', 'dispatch'] as const;
  printRatios('All that we add to a bare loop over the same API', replicates, {
    head: ['bare loop', 'ours'],
    pairs: apis.map(api => [`bare, ${api}`, `ours, ${api}`]),
  });
  printRatios('Phases: wait, first byte and body of each request', replicates, {
    head: ['--no-phases', 'phases'],
    pairs: apis.map(api => [`without phases, ${api}`, `ours, ${api}`]),
  });
}

function printRatios(
  title: string,
  replicates: readonly Replicate[],
  { head, pairs }: { head: readonly [string, string]; pairs: readonly (readonly [ArmName, ArmName])[] },
): void {
  const table = createTable([
    'arms',
    ...head.map(name => `${name}, us/request`),
    `ratio (${LEVEL_PERCENT})`,
    `at most ${MAX_RATIO}`,
    'replicates',
  ]);
  for (const [less, more] of pairs) {
    const logRatios = replicates.map(replicate => logRatioOf(replicate, less, more));
    const ratio = replicateInterval(logRatios);
    table.push([
      `${more} / ${less}`,
      meanCostOf(replicates, less).toFixed(1),
      meanCostOf(replicates, more).toFixed(1),
      ratio === null
        ? 'no interval'
        : `${ratio.value.toFixed(3)} (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)})`,
      verdictOf(ratio),
      logRatios.map(logRatio => Math.exp(logRatio).toFixed(3)).join(' '),
    ]);
  }
  console.log(`${title}:\n${table.toString()}\n`);
}

/** By where the interval lies. */
function verdictOf(ratio: Interval | null): 'yes' | 'no' | 'unsure' {
  if (ratio === null) return 'unsure';
  if (ratio.high <= MAX_RATIO) return 'yes';
  return ratio.low > MAX_RATIO ? 'no' : 'unsure';
}

/** Turn by turn, so that drift of the host hits both. */
function logRatioOf(replicate: Replicate, less: ArmName, more: ArmName): number {
  const others = replicate.get(less)!;
  const logRatios = replicate.get(more)!.map((cpuUs, turn) => Math.log(cpuUs / others[turn]!));
  return trimmedMean(logRatios, BLOCK_TRIM) ?? Number.NaN;
}

function meanCostOf(replicates: readonly Replicate[], name: ArmName): number {
  return meanOf(replicates.map(replicate => trimmedMean(replicate.get(name)!, BLOCK_TRIM) ?? Number.NaN));
}
