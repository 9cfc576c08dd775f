// Runs conntax under kills, full disks, limits and hostile input, and prints a table of what was wrong; exits with 1 if anything was.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { createRandom, shuffled } from '../../results/random.ts';
import fetchModule from '../clients/fetch.ts';
import nodeHttp from '../clients/node-http.ts';
import { type HostileClient, hostileAnswers, tryHostileAnswers } from '../clients/testing/hostile-answers.ts';
import undici from '../clients/undici.ts';
import wire from '../clients/wire.ts';
import { checkHostileModule, hostileModules } from '../e2e/testing/hostile-modules.ts';
import { fuzzScenarioFiles, fuzzStoredRuns } from '../testing/fuzz-files.ts';
import {
  CaseScope,
  type Counts,
  countFindings,
  type Finding,
  formatCounts,
  isClean,
  type PartOptions,
  runAll,
} from './cases.ts';
import { runMachines } from './machines.ts';
import { runDisks, runLimits } from './shortages.ts';
import { runSignals } from './signals.ts';

interface Part {
  name: string;
  /** Cases unless `--count` says. */
  count: number;
  run(options: PartOptions): Promise<Counts>;
}

const PARTS: readonly Part[] = [
  { name: 'signals', count: 210, run: runSignals },
  { name: 'disk', count: 24, run: runDisks },
  { name: 'machines', count: 20, run: runMachines },
  { name: 'limits', count: 30, run: runLimits },
  { name: 'answers', count: 100, run: runAnswers },
  { name: 'modules', count: 100, run: runModules },
  { name: 'stored', count: 5_000, run: runStoredRuns },
  { name: 'scenarios', count: 100_000, run: runScenarioFiles },
];

const CLIENTS: readonly HostileClient[] = [
  ...['request', 'dispatch', 'fetch'].map(api => ({
    name: `undici, ${api}`,
    module: undici,
    settings: { api },
  })),
  { name: 'node-http', module: nodeHttp },
  { name: 'fetch', module: fetchModule },
  { name: 'wire', module: wire },
];

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    /** The case to begin with: a long part can be run in pieces, and one case again. */
    from: { type: 'string', default: '0' },
    count: { type: 'string' },
    'at-once': { type: 'string', default: String(Math.max(2, availableParallelism())) },
  },
});

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  console.error(`error: --${name} ${text}: expected: an integer of at least 0`);
  process.exit(2);
}

const seed = wholeNumber('seed', values.seed);
const from = wholeNumber('from', values.from);
const atOnce = Math.max(1, wholeNumber('at-once', values['at-once']));
const names = values.only?.flatMap(text => text.split(',')) ?? PARTS.map(({ name }) => name);
const unknown = names.filter(name => !PARTS.some(part => part.name === name));
if (unknown.length > 0) {
  console.error(`error: --only ${unknown.join(', ')}: expected: ${PARTS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const found = new Map<string, Counts>();
for (const { name, count, run } of PARTS.filter(part => names.includes(part.name))) {
  const cases = values.count === undefined ? count : wholeNumber('count', values.count);
  console.log(`# ${name}: ${cases} cases from ${from}, seed ${seed}`);
  found.set(name, await run({ seed, from, count: cases, atOnce, say: line => console.log(line) }));
}
console.log(`\n${formatCounts(found)}`);
for (const [name, { examples }] of found) for (const example of examples) console.log(`${name}: ${example}`);
process.exitCode = [...found.values()].every(isClean) ? 0 : 1;

async function runStoredRuns({ seed, from, count }: PartOptions): Promise<Counts> {
  const { shown: _, ...counts } = await fuzzStoredRuns({ seed, from, count });
  return counts;
}

async function runScenarioFiles({ seed, from, count }: PartOptions): Promise<Counts> {
  const { valid: _, ...counts } = await fuzzScenarioFiles({ seed, from, count });
  return counts;
}

/** Every client gets every answer; a count below theirs takes some of them. */
async function runAnswers({ seed, from, count, say }: PartOptions): Promise<Counts> {
  const answers = shuffled(hostileAnswers, createRandom(seed, 'answers')).slice(from, from + count);
  const run = async (answer: (typeof answers)[number]): Promise<Finding[]> =>
    (await tryHostileAnswers(CLIENTS, [answer])).map(detail => ({ defect: 'unmarked', detail }));
  return countFindings(await runAll(answers, run, { atOnce: 1, say }));
}

async function runModules({ seed, from, count, atOnce, say }: PartOptions): Promise<Counts> {
  const modules = shuffled(hostileModules, createRandom(seed, 'modules')).slice(from, from + count);
  const run = async (module: (typeof modules)[number]): Promise<Finding[]> => {
    await using scope = new CaseScope();
    try {
      await checkHostileModule(scope, module);
      return [];
    } catch (error) {
      const detail = String(error).slice(0, 500);
      return [{ defect: /were left behind/.test(detail) ? 'orphans' : 'wrongStatus', detail }];
    }
  };
  return countFindings(await runAll(modules, run, { atOnce, say }));
}
