// What a page offers next is true: code of the better client only where it is clear, and a repetition with the seed, the options and a scenario that plans the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transports } from '../bench/clients/index.ts';
import type { ClientPlugin } from '../bench/contracts.ts';
import { loadPlugins } from '../bench/plan/read-scenarios.ts';
import { createVariantsValidator } from '../bench/plan/sweep.ts';
import type { CellResult, Run } from '../results/model/run.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import type { ExpectationResult } from '../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../servers/behaviour.ts';
import { behaviours } from '../servers/behaviours/index.ts';
import { armNames, viewCell } from './cell-view.ts';
import { applyClient, describeMissing, describeRepetition } from './next-steps.ts';
import { reportOf, SAMPLES } from './testing/format-suite.ts';
import { sampleRuns } from './testing/sample-runs.ts';

const validate = createVariantsValidator({
  transports: await loadPlugins<ClientPlugin>(transports),
  behaviours: await loadPlugins<BehaviourModule>(behaviours),
});

for (const [sample, { run }] of Object.entries(SAMPLES)) {
  if (sample.includes('hostile')) continue;
  test(`${sample}: each scenario can be read again, and has the measured cells`, () => {
    const { cells, sweeps } = reportOf(sample);
    const files = [...cells, ...sweeps].flatMap(({ repeat }) => repeat?.file ?? []);
    assert.equal(files.length, new Set(run.cells.map(({ scenario }) => scenario.name)).size);
    const again = files.flatMap(({ name, text, command }) => {
      assert.match(command, new RegExp(`^conntax run \\./${name} --seed ${run.seed}\\b`));
      const validation = validate(JSON.parse(text), name);
      assert.ok(validation.isValid, JSON.stringify(validation));
      return validation.variants;
    });
    for (const { scenario, sweepPoints } of run.cells) {
      const same = again.find(
        variant =>
          variant.name === scenario.name &&
          JSON.stringify(variant.sweepPoints) === JSON.stringify(sweepPoints),
      );
      // Samples were never planned, so their servers lack defaults.
      assert.partialDeepStrictEqual({ ...same, timing: null }, { ...scenario, timing: null });
    }
  });
}

function repeated(change: (run: Run) => Run = run => run) {
  const { run, trials } = SAMPLES['two arms']!;
  const changed = change(run);
  return describeRepetition(changed, [viewCell(changed.cells[0]!, trials, armNames(changed))]);
}

test('the command has its seed, once, and the file is sent to the same hosts, from the same machines', () => {
  const of = (...words: string[]) =>
    repeated(run => ({ ...run, seed: 7, command: ['conntax', 'run', ...words] }));
  assert.equal(of('a b').command, "conntax run 'a b' --seed 7");
  assert.equal(of('--seed=7').command, 'conntax run --seed=7');
  assert.equal(
    of('--allow-host', 'a.example', '--strict', '--allow-host=b.example').file!.command,
    'conntax run ./short-vs-persistent.json --seed 7 --allow-host a.example --allow-host=b.example',
  );
  assert.equal(
    of('--machine', 'ssh gen1 conntax agent', '--ui', '--watch-port=80').file!.command,
    "conntax run ./short-vs-persistent.json --seed 7 --machine 'ssh gen1 conntax agent' --watch-port=80",
  );
});

test('the file is written once, when a format shows it', () => {
  const { run, trials } = SAMPLES['two arms']!;
  let asked = 0;
  const view = viewCell(run.cells[0]!, trials, armNames(run));
  const { result } = view;
  const repetition = describeRepetition(run, [
    {
      ...view,
      get result() {
        asked++;
        return result;
      },
    },
  ]);
  assert.match(repetition.command, /^conntax /);
  assert.equal(asked, 0);
  assert.ok(repetition.file !== null);
  const once = asked;
  assert.equal(repetition.file, repetition.file);
  assert.equal(asked, once);
});

test('two versions of the code are no scenario', () => {
  const { command, file } = repeated(run => ({
    ...run,
    cells: run.cells.map(cell => ({ ...cell, code: { persistent: 'undici 7' } })),
  }));
  assert.match(command, /^conntax /);
  assert.equal(file, null);
});

/** After two of at least three replicates, with these still to come. */
function missingOf(words: readonly string[], notBegun: string[], change: (run: Run) => Run = run => run) {
  const { run } = SAMPLES['scenarios not begun']!;
  return describeMissing(change({ ...run, seed: 7, notBegun, command: ['conntax', ...words] }));
}

/** With replicates enough. */
const enough = (run: Run): Run => ({ ...run, cells: run.cells.map(cell => ({ ...cell, replicates: 9 })) });

const commands: [why: string, words: string[], notBegun: string[], command: string][] = [
  [
    'has what was cut short and what was not begun, a sweep once, and all options',
    ['run', 'short-vs-persistent', 'capacity', 'sizes', '--budget-sec', '9', '--null-arm'],
    ['capacity', 'sizes[bytes=1]', 'sizes[bytes=2]'],
    'run short-vs-persistent capacity sizes --budget-sec 9 --null-arm --seed 7',
  ],
  [
    'has names in place of a tag',
    ['run', 'quick'],
    ['capacity'],
    'run short-vs-persistent capacity --seed 7',
  ],
  ['or of none', ['run', '--seed=7'], ['capacity'], 'run short-vs-persistent capacity --seed=7'],
  [
    'has files by their own paths',
    ['run', './a/mine.json', './short-vs-persistent.json', './own/load.ts', '--results', 'out'],
    ['load', 'mine'],
    'run ./a/mine.json ./short-vs-persistent.json ./own/load.ts --results out --seed 7',
  ],
  [
    'is the whole where a file has a scenario of another name',
    ['run', './other.json', 'capacity'],
    ['capacity'],
    'run ./other.json capacity --seed 7',
  ],
  ['or where another command ran', ['ci'], ['capacity'], 'ci --seed 7'],
];
for (const [why, words, notBegun, command] of commands) {
  test(`what measures the missing part ${why}`, () => {
    assert.equal(missingOf(words, notBegun)?.command, `conntax ${command}`);
  });
}

test('nothing is missing of a run that has what it needs, and nothing is said while it goes on', () => {
  assert.equal(missingOf(['run'], [], enough), null);
  assert.equal(
    missingOf(['run', 'capacity'], ['capacity'], enough)?.command,
    'conntax run capacity --seed 7',
  );
  assert.equal(describeMissing(SAMPLES['two arms']!.run), null);
  const goesOn = (run: Run): Run => ({
    ...run,
    cells: run.cells.map(cell => ({ ...cell, stop: 'measuring' as const })),
  });
  assert.equal(missingOf(['run'], ['capacity'], goesOn), null);
});

const { run, trials } = sampleRun();

function applied(change: (cell: CellResult) => CellResult = cell => cell) {
  return applyClient(viewCell(change(run.cells[0]!), trials, armNames(run)));
}

const withVerdict =
  (verdict: 'better' | 'worse' | 'unsure') =>
  (cell: CellResult): CellResult => ({
    ...cell,
    comparisons: cell.comparisons.map(comparison => ({ ...comparison, verdict })),
  });

test('the better client is written for the library that it was measured with', () => {
  const { title, text, note } = applied()!;
  assert.equal(title, 'Apply this: persistent, as code for undici');
  assert.match(text, /^\/\/ Client persistent of short-vs-persistent, .*\n[\s\S]*new Agent\(\{/);
  assert.match(note, /: node-http, axios, .*nginx\.$/);
});

test('where all are worse it is the baseline', () => {
  assert.equal(applied(withVerdict('worse'))!.title, 'Apply this: short, as code for undici');
});

const failed: ExpectationResult = {
  expectation: { metric: 'p99Us', of: 'persistent', atMost: 1 },
  state: 'fail',
  first: { state: 'fail', interval: null, replicates: 4 },
  confirmation: null,
  together: null,
};

const refused: [why: string, change: (cell: CellResult) => CellResult][] = [
  ['an unsure verdict', withVerdict('unsure')],
  ['a failed limit', cell => ({ ...cell, expectations: [failed] })],
  [
    'two versions of one client',
    cell => {
      const client = cell.scenario.clients['persistent']!;
      return { ...cell, scenario: { ...cell.scenario, clients: { short: client, persistent: client } } };
    },
  ],
  [
    'a load tool',
    cell => {
      const { short, persistent } = cell.scenario.clients;
      const clients = { short: short!, persistent: { ...persistent!, transport: 'wrk' } };
      return { ...cell, scenario: { ...cell.scenario, clients } };
    },
  ],
];
for (const [why, change] of refused) test(`none for ${why}`, () => assert.equal(applied(change), null));

test('none for a run of which an audit failed', () => {
  const { run, trials } = sampleRuns['an invalid trial']!;
  assert.equal(applyClient(viewCell(run.cells[0]!, trials, armNames(run))), null);
});
