// Runs `conntax ab --start` on two commits of a fastify service, one of them slowed on purpose, and prints what it says (--kind, --budget-sec).
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { Run } from '../../results/model/run.ts';
import { AFTER, BEFORE } from '../cli/ab.ts';
import { announce } from './study.ts';

const exec = promisify(execFile);

/** What the second commit does more than the first, for each request. */
const KINDS = {
  nothing: { slowerByRatio: 0, opensConnection: false },
  'cpu-5': { slowerByRatio: 0.05, opensConnection: false },
  'cpu-10': { slowerByRatio: 0.1, opensConnection: false },
  connection: { slowerByRatio: 0, opensConnection: true },
} as const;
type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Kind[];

const { values } = parseArgs({
  options: {
    kind: { type: 'string', multiple: true },
    'budget-sec': { type: 'string', default: '100' },
  },
});
const kinds = values.kind ?? NAMES;
const unknown = kinds.find(kind => !NAMES.some(name => name === kind));
if (unknown !== undefined) {
  console.error(`unknown kind ${unknown}; expected: ${NAMES.join(', ')}`);
  process.exit(2);
}

/** A service as users write them: it looks up some orders, and answers with JSON. */
const SERVICE = `import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import fastify from ${JSON.stringify(import.meta.resolve('fastify'))};
import { createBurden } from ${JSON.stringify(import.meta.resolve('./gate-power/slowed-client.ts'))};

const { slowerByRatio, opensConnection } = JSON.parse(readFileSync('slowdown.json', 'utf8'));
const pay = createBurden(slowerByRatio);
const orders = Array.from({ length: 200 }, (_, id) => ({ id, customer: \`customer \${id % 7}\`, cents: id * 37 }));
const upstream = createServer(socket => socket.on('error', () => {}));
await new Promise(resolve => upstream.listen(0, '127.0.0.1', resolve));

/** A pool that was forgotten: a connection of its own for each request. */
function askUpstream() {
  return new Promise((resolve, reject) => {
    const socket = connect(upstream.address().port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

const app = fastify();
app.get('/orders', async () => {
  pay();
  if (opensConnection) await askUpstream();
  return orders.filter(order => order.customer === 'customer 3');
});
app.get('/health', async () => ({ ok: true }));
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
`;

/** Replicates shorter than those of `ab`: on a shared machine, enough of them for a verdict fit into two minutes. */
const SCENARIO = {
  name: 'orders',
  question: 'Is a change of the service seen that is there, and none that is not?',
  load: { concurrency: 20 },
  timing: { warmupMinMs: 250, warmupMaxMs: 750, measureMs: 800 },
  clients: { persistent: { pool: { maxConnections: 20 } } },
  baseline: 'persistent',
};

await announce('Gate of a fastify service: two commits of it, by conntax ab --start');
const repository = mkdtempSync(join(tmpdir(), 'conntax-server-gate-'));
process.on('exit', () => rmSync(repository, { recursive: true, force: true }));
// A terminal interrupts the measurement too, which ends its processes.
process.once('SIGINT', () => process.exit(130));
await makeRepository();
for (const kind of kinds) console.log(await measure(kind as Kind));

async function git(...args: string[]): Promise<void> {
  const identity = [
    '-c',
    'user.name=study',
    '-c',
    'user.email=study@localhost',
    '-c',
    'commit.gpgsign=false',
  ];
  await exec('git', ['-C', repository, ...identity, ...args]);
}

/** A branch for each kind; `main` is the service as it should be. */
async function makeRepository(): Promise<void> {
  await git('init', '--quiet', '--initial-branch', 'main');
  writeFileSync(join(repository, 'service.mjs'), SERVICE);
  writeFileSync(join(repository, 'orders.json'), JSON.stringify(SCENARIO));
  for (const kind of NAMES) {
    writeFileSync(join(repository, 'slowdown.json'), JSON.stringify(KINDS[kind]));
    await git('add', '.');
    await git('commit', '--quiet', '--allow-empty', '--message', kind);
    await git('branch', kind);
  }
}

/** One line: what the gate says of this kind. */
async function measure(kind: Kind): Promise<string> {
  const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
  const results = join(repository, `results-${kind}`);
  const args = [
    ...[
      'ab',
      './orders.json',
      '--start',
      `'${process.execPath}' service.mjs`,
      '--before-ref',
      'nothing',
      '--after-ref',
      kind,
    ],
    ...['--path', '/orders', '--ready', '/health', '--no-confirm', '--json'],
    ...['--budget-sec', values['budget-sec'], '--results', results],
  ];
  await exec(process.execPath, [main, ...args], { cwd: repository, maxBuffer: 1 << 28 }).catch(
    (error: { code?: unknown; stderr?: string }) => {
      // 1: a limit failed, which may be what was to be seen.
      if (error.code !== 1) throw new Error(`conntax ab ended with ${error.code}: ${error.stderr}`);
    },
  );
  const [id] = readdirSync(join(results, 'runs'));
  const run = Run.parse(JSON.parse(readFileSync(join(results, 'runs', id!, 'run.json'), 'utf8')));
  return lineOf(kind, run);
}

function lineOf(kind: Kind, { cells, host, startedAt }: Run): string {
  const [{ expectations, replicates, elapsedMs, arms }] = cells as [Run['cells'][number]];
  const limits = expectations.map(({ expectation: { metric }, state, first: { interval } }) => {
    if (interval === null) return `${metric} unknown: ${state}`;
    const [value, low, high] = [interval.value, interval.low, interval.high].map(ratio => ratio.toFixed(3));
    return `${metric} ${value} (${low} to ${high}): ${state}`;
  });
  const [before, after] = [BEFORE, AFTER].map(name => arms.find(({ arm }) => arm === name));
  const [cpuBefore, cpuAfter] = [before, after].map(arm => arm?.targetCpuUsPerRequest ?? Number.NaN);
  return [
    `${kind} (${startedAt}, load average ${host.loadAverage[0]?.toFixed(2)}): ${replicates} replicates in ${(elapsedMs / 1_000).toFixed(0)} s`,
    ...limits.map(limit => `  ${limit}`),
    `  server CPU per request, all replicates: ${cpuBefore!.toFixed(1)} µs, then ${cpuAfter!.toFixed(1)} µs (${(cpuAfter! / cpuBefore!).toFixed(3)} times as much)`,
    `  accepted by the kernel, after: ${after?.accepted ?? 'unknown'} for ${after?.completed ?? 0} good answers`,
  ].join('\n');
}
