// Runs conntax under kills, full disks, limits and hostile input, and prints a table of what was wrong; exits with 1 if anything was.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Counts, formatCounts, isClean, type Part } from './verdict.ts';

const PARTS: readonly Part[] = [
  { name: 'signals', count: 210, run: async options => (await import('./signals.ts')).runSignals(options) },
  { name: 'disk', count: 24, run: async options => (await import('./shortages.ts')).runDisks(options) },
  {
    name: 'machines',
    count: 20,
    run: async options => (await import('./machines.ts')).runMachines(options),
  },
  { name: 'limits', count: 30, run: async options => (await import('./shortages.ts')).runLimits(options) },
  { name: 'answers', count: 100, run: async options => (await import('./hostile.ts')).runAnswers(options) },
  { name: 'modules', count: 100, run: async options => (await import('./hostile.ts')).runModules(options) },
  {
    name: 'stored',
    count: 5_000,
    run: async options => (await import('./hostile.ts')).runStoredRuns(options),
  },
  {
    name: 'scenarios',
    count: 100_000,
    run: async options => (await import('./hostile.ts')).runScenarioFiles(options),
  },
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
