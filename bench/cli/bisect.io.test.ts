// The command goes by halves through what npm lists, keeps what was decided, and removes what it installed.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UsageError } from '../../results/errors.ts';
import type { CompletedTrial } from '../../results/model/trial.ts';
import { openWorkspace, storedRuns, tinyScenario } from '../e2e/testing/workspace.ts';
import type { CreateSource } from '../run/context.ts';
import { putFakeNpm } from '../run/testing/fake-npm.ts';
import { replay } from '../run/testing/recorded-replicates.ts';
import { replayContext } from '../testing/in-process.ts';
import { type BisectOptions, bisectCommand } from './bisect.ts';

/** As a registry may list them: not in their order. */
const VERSIONS = ['1.0.0', '1.10.0', '1.2.0', '1.1.0', '1.9.0', '1.3.0'];
const RANGE = 'some@1.0.0..1.10.0';

/** The trial with its generator's CPU time multiplied. */
function costlier(trial: CompletedTrial, factor: number): CompletedTrial {
  const { measurement } = trial;
  const slices = measurement.slices.map(slice => ({
    ...slice,
    generatorCpuUs: slice.generatorCpuUs * factor,
  }));
  return { ...trial, measurement: { ...measurement, slices } };
}

/** Replays trials of which those of the version `label` has the CPU time that `factorOf` says. */
function replayVersions(factorOf: (label: string) => number): CreateSource {
  return context => {
    const label = context.cell.generatorCode['after']!.label;
    return replay(trial => (trial.trial.arm === 'after' ? costlier(trial, factorOf(label)) : trial))(context);
  };
}

const worseFrom =
  (...labels: string[]) =>
  (label: string): number =>
    labels.includes(label) ? 2 : 1;

interface Case {
  factorOf?: (label: string) => number;
  broken?: string[];
  options?: Partial<BisectOptions>;
  range?: string;
  /** Aborts when this version begins to be measured. */
  abortAt?: string;
}

async function bisect(
  t: TestContext,
  { factorOf = () => 1, broken = [], options, range = RANGE, abortAt }: Case,
) {
  const npm = await putFakeNpm(t, { versions: VERSIONS, broken });
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(
    tinyScenario({ minReplicates: 4, maxReplicates: 4, budgetMs: 60_000 }),
  );
  const temporary = process.env['TMPDIR'];
  process.env['TMPDIR'] = workspace.dir;
  t.after(() => {
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
  });
  const controller = new AbortController();
  const createSource: CreateSource = source => {
    if (source.cell.generatorCode['after']!.label === `some ${abortAt}`) controller.abort();
    return replayVersions(factorOf)(source);
  };
  // Nothing opens a page there, which a note says.
  const env = { PATH: workspace.dir };
  const { context, printed } = replayContext(workspace.dir, { createSource, env });
  const status = await bisectCommand(
    range,
    [file],
    {
      results: workspace.results,
      allowHost: [],
      side: 'client',
      client: 'persistent',
      minEffect: 0.5,
      seed: 1,
      ...options,
    },
    { ...context, signal: controller.signal },
  );
  const left = readdirSync(workspace.dir).filter(name => name.startsWith('conntax-packages-'));
  assert.deepEqual(left, [], 'what was installed is gone');
  return {
    status,
    out: printed.out.join('\n').replace(/\s+/g, ' '),
    notes: printed.notes.join('\n'),
    installed: await npm.installed(),
    runs: existsSync(join(workspace.results, 'runs')) ? storedRuns(workspace.results) : [],
  };
}

test('the first worse version is named, by as few comparisons as halving takes, each version installed once', async t => {
  const { status, out, notes, installed, runs } = await bisect(t, {
    factorOf: worseFrom('some 1.3.0', 'some 1.9.0', 'some 1.10.0'),
    options: { open: true },
  });
  assert.equal(status, 1, notes);
  const opened = notes.match(/No browser was opened .*/g);
  assert.equal(opened?.length, 1, 'of all steps there is one page');
  assert.match(opened[0]!, /\/bisect\.html$/);
  assert.match(
    out,
    /some 1\.3\.0 is the first version that is worse: client CPU per request [\d.]+× .* in tiny, compared with 1\.0\.0\./,
  );
  assert.match(out, /some 1\.2\.0, the version before it, is not:/);
  assert.deepEqual(installed, ['some@1.0.0', 'some@1.10.0', 'some@1.2.0', 'some@1.3.0'], out);
  assert.equal(runs.length, 3);
  const limits = runs.map(({ run }) => run!.cells[0]!.expectations.length).toSorted();
  assert.deepEqual(limits, [1, 1, 4], 'those of ab for the ends, half of the change for the others');
  assert.ok(runs.every(({ run }) => run!.cells[0]!.errorSharers === 6));
  assert.equal(
    runs.filter(({ files }) => files.includes('bisect.html') && files.includes('bisect.md')).length,
    1,
  );
  assert.match(notes, /Step 3 of at most 6: some 1\.3\.0 is worse than 1\.0\.0/);
});

test('ends that do not differ end it', async t => {
  const { status, out, installed } = await bisect(t, {});
  assert.equal(status, 0, out);
  assert.match(out, /No regression: some 1\.10\.0 is not worse than 1\.0\.0 by more than 50 %\./);
  assert.equal(installed.length, 2);
});

test('ends that cannot be told apart are undecided', async t => {
  const { status, out } = await bisect(t, { options: { minEffect: 0.0001 } });
  assert.equal(status, 3, out);
  assert.match(out, /Undecided: whether some 1\.10\.0 is worse than 1\.0\.0 could not be told\./);
});

test('a version that cannot be installed is passed over, and named if it may be the first worse one', async t => {
  const { status, out } = await bisect(t, {
    factorOf: worseFrom('some 1.9.0', 'some 1.10.0'),
    broken: ['1.3.0'],
    options: { json: true },
  });
  assert.equal(status, 3, out);
  const { headline, remarks } = JSON.parse(out) as { headline: string; remarks: string[] };
  assert.match(headline, /^Undecided: one of the 2 versions after some 1\.2\.0, up to 1\.9\.0, is the first/);
  assert.ok(remarks.some(text => /some 1\.3\.0 could not be measured: .*1\.3\.0 is broken/.test(text)));
});

test('an interrupt keeps what was decided', async t => {
  const { status, out, runs } = await bisect(t, {
    factorOf: worseFrom('some 1.3.0', 'some 1.9.0', 'some 1.10.0'),
    abortAt: '1.2.0',
  });
  assert.equal(status, 130);
  assert.match(out, /Undecided: one of the 5 versions after some 1\.0\.0, up to 1\.10\.0, is the first/);
  assert.match(out, /Interrupted: this is what was decided until then\./);
  assert.equal(runs.filter(({ files }) => files.includes('bisect.html')).length, 1);
});

test('an interrupt before the ends were compared says so', async t => {
  const { status, out } = await bisect(t, { abortAt: '1.10.0' });
  assert.equal(status, 130);
  assert.match(out, /Interrupted before some 1\.0\.0 and 1\.10\.0 were told apart\./);
});

const refusals: [why: string, of: Case, told: RegExp][] = [
  [
    'an end that is broken',
    { broken: ['1.10.0'] },
    /npm cannot install some@1\.10\.0: npm error 1\.10\.0 is broken/,
  ],
  [
    'an end that is not published',
    { range: 'some@1.0.0..1.10.1' },
    /some 1\.10\.1 is not published; .* 1\.10\.0/,
  ],
  ['no range', { range: 'some@1.0.0' }, /is not a range of versions; expected: .* such as undici@7/],
  ['a pre-release', { range: 'some@1.0.0-rc.1..1.2.0' }, /is not a range of versions/],
];
for (const [why, of, told] of refusals) {
  test(`refused: ${why}`, async t => {
    await assert.rejects(bisect(t, of), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, told);
      return true;
    });
  });
}
