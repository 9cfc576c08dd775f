// Every command ends with the status that the README's table has for what happened.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EXIT, InterruptedError } from '../../results/errors.ts';
import type { CellResult, Run } from '../../results/model/run.ts';
import { openRunStore } from '../../results/store.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { openWorkspace, tinyScenario } from '../e2e/testing/workspace.ts';
import { callCli, replayContext } from '../testing/in-process.ts';
import { reportError, runProgram } from './program.ts';

interface Folder {
  dir: string;
  /** Stores the sample run, its ratios known to a factor. */
  store(change?: { run?: Partial<Run>; cell?: (cell: CellResult) => CellResult; factor?: number }): void;
  call(...words: string[]): Promise<number>;
}

async function openFolder(t: TestContext): Promise<Folder> {
  const { dir, results } = await openWorkspace(t);
  let stored = 0;
  return {
    dir,
    store({ run: changed = {}, cell: change = (cell: CellResult) => cell, factor = 1.02 } = {}) {
      const { run, trials } = sampleRun();
      const id = `2026-11-23T12-25-52Z-aaa${stored++}`;
      const open = openRunStore(results, id);
      for (const trial of trials) open.appendTrial(trial);
      const cells = run.cells.map(cell => change(knownTo(factor, cell)));
      open.finish({ run: { ...run, cells, ...changed, id }, files: [] });
    },
    call: async (...words) => (await callCli(words, { cwd: dir })).status,
  };
}

function knownTo(factor: number, cell: CellResult): CellResult {
  const comparisons = cell.comparisons.map(comparison => {
    const { value } = comparison.ratio!;
    return { ...comparison, ratio: { value, low: value / factor, high: value * factor } };
  });
  return { ...cell, comparisons };
}

/** A connection for each request, of clients that need none. */
function wasteful(cell: CellResult): CellResult {
  return { ...cell, arms: cell.arms.map(arm => ({ ...arm, opened: arm.requestsSent })) };
}

const unreliable = (cell: CellResult): CellResult => ({ ...cell, failedTrials: 1 });
const silent = (cell: CellResult): CellResult => ({
  ...cell,
  arms: cell.arms.map(arm => ({ ...arm, completed: 0, failed: 9, errorRatio: 1 })),
});

type Case = (folder: Folder, t: TestContext) => Promise<number>;

/** A gate on a changed run, against the run as it was. */
const gateOn =
  (change: Parameters<Folder['store']>[0], ...words: string[]): Case =>
  async ({ store, call }) => {
    store();
    assert.equal(await call('baseline', 'save'), EXIT.ok);
    store(change);
    return call('gate', ...words);
  };

const saving =
  (change: Parameters<Folder['store']>[0], ...words: string[]): Case =>
  ({ store, call }) => {
    store(change);
    return call('baseline', 'save', ...words);
  };

const calling =
  (...words: string[]): Case =>
  ({ store, call }) => {
    store();
    return call(...words);
  };

/** By status, what happened. */
const CASES: Readonly<Record<number, Readonly<Record<string, Case>>>> = {
  [EXIT.ok]: {
    'a sound run becomes the baseline': saving({}),
    'an imprecise one too, by force': saving({ factor: 3 }, '--force'),
    'nothing became worse': gateOn({}),
    'a run is shown': calling('report'),
    'a run that is not reliable is shown': ({ store, call }) => {
      store({ cell: unreliable });
      return call('report');
    },
    'two runs are compared': calling('compare', 'latest', 'latest'),
    'baselines are listed': calling('baseline', 'list'),
    help: calling('run', '--help'),
  },
  [EXIT.failed]: {
    'the gate failed': gateOn({ cell: wasteful }),
    'the gate is unsure, with --strict': gateOn({ factor: 1.2 }, '--strict'),
  },
  [EXIT.usage]: {
    'an unknown option': calling('report', '--no-such'),
    'an unknown run': calling('report', 'nowhere'),
    'a name that no baseline can have': calling('baseline', 'save', '--name', '../main'),
    'an unknown baseline': calling('gate', '--baseline', 'none'),
    'no history': calling('history'),
    'an unknown scenario': calling('run', 'no-such-scenario'),
    'an invalid scenario': async ({ dir, call }) => {
      await writeFile(join(dir, 'bad.json'), '{ "name": "bad" }');
      return call('run', './bad.json');
    },
    'a run that cannot be read': async ({ dir, store, call }) => {
      store();
      await writeFile(join(dir, 'results/runs/2026-11-23T12-25-52Z-aaa0/run.json'), '{');
      return call('report');
    },
  },
  [EXIT.cannotMeasure]: {
    'a run that is too imprecise for a baseline': saving({ factor: 3 }),
    'a run with a failed trial is no baseline': saving({ cell: unreliable }, '--force'),
    'nor is one with a client without one good answer': saving({ cell: silent }, '--force'),
    'nor is one that is not complete': saving({ run: { state: 'partial' } }, '--force'),
    'a gate on a run that is not reliable': gateOn({ cell: unreliable }),
    'a gate that compared nothing': async ({ dir, store, call }) => {
      store();
      assert.equal(await call('baseline', 'save'), EXIT.ok);
      const file = join(dir, 'results/baselines/main.json');
      await writeFile(file, readFileSync(file, 'utf8').replace('"cell": "', '"cell": "other-'));
      return call('gate');
    },
  },
  [EXIT.interrupted]: {
    'Ctrl-C': async ({ dir }, t) => {
      await writeFile(join(dir, 'tiny.json'), JSON.stringify(tinyScenario()));
      const { context } = replayContext(dir);
      const home = process.cwd();
      process.chdir(dir);
      t.after(() => process.chdir(home));
      return runProgram({
        ...context,
        argv: ['run', './tiny.json'],
        signal: AbortSignal.abort(new InterruptedError('interrupted')),
      }).catch((error: unknown) => reportError(error, context.output));
    },
  },
};

test("each row of the README's table has what ends so, and no other status exists", () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, table = ''] = readme.split('| exit status | meaning |\n');
  const rows = [...table.split('\n\n')[0]!.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
  assert.deepEqual(rows, Object.keys(CASES).map(Number));
  assert.deepEqual(rows, Object.values(EXIT));
});

for (const [status, cases] of Object.entries(CASES)) {
  for (const [why, run] of Object.entries(cases)) {
    test(`${why}: ${status}`, async t => {
      assert.equal(await run(await openFolder(t), t), Number(status));
    });
  }
}
