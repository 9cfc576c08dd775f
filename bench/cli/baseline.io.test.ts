// Which runs `baseline save` takes, and what it says of them, on stored runs.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, suite, type TestContext, test } from 'node:test';
import { readBaseline } from '../../results/baselines.ts';
import type { CellResult, Run } from '../../results/model/run.ts';
import { openRunStore } from '../../results/store.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { type BaselineOptions, saveBaselineCommand } from './baseline.ts';
import type { Context } from './context.ts';

describe('A baseline says what it can see and what it replaces, and one that would guard nothing is refused. On stored runs', () => {
  /** Of every ratio, in both directions. */
  function known(cell: CellResult, factor: number, isMeant = (_metric: string) => true): CellResult {
    const comparisons = cell.comparisons.map(comparison => {
      if (!isMeant(comparison.metric)) return comparison;
      const { value } = comparison.ratio!;
      return { ...comparison, ratio: { value, low: value / factor, high: value * factor } };
    });
    return { ...cell, comparisons };
  }

  /** The sample run, its ratios known to 2 %, changed; and how to save it. */
  function stored(t: TestContext, change: (cell: CellResult) => CellResult = cell => cell) {
    const results = mkdtempSync(join(tmpdir(), 'conntax-baseline-'));
    t.after(() => rmSync(results, { recursive: true }));
    const { run, trials } = sampleRun();
    const store = (id: string): Run => {
      const changed = { ...run, id, cells: run.cells.map(cell => change(known(cell, 1.02))) };
      const open = openRunStore(results, id);
      for (const trial of trials) open.appendTrial(trial);
      open.finish({ run: changed, files: [] });
      return changed;
    };
    return {
      results,
      store,
      /** What it printed. */
      async save(options: Partial<BaselineOptions> = {}): Promise<string> {
        const lines: string[] = [];
        const output = { out: (line: string) => lines.push(line) };
        await saveBaselineCommand(undefined, { results, ...options }, { output } as unknown as Context);
        return lines.join('\n');
      },
    };
  }

  suite('baseline save', () => {
    test('it says the best and the worst that it can see, and what it replaces', async t => {
      const { store, save, results } = stored(t);
      store('2026-11-23T12-25-52Z-aaaa');
      const first = await save();
      assert.match(first, /^Baseline "main" is run 2026-11-23T12-25-52Z-aaaa: .*main\.json$/m);
      assert.match(
        first,
        /^Smallest detectable change, in a run of the same precision: 10 % in .* of persistent \(short-vs-persistent\), to 10 % in .* \(short-vs-persistent\)\.$/m,
      );
      assert.doesNotMatch(first, /replaces/);
      store('2026-11-24T12-25-52Z-bbbb');
      assert.match(
        await save(),
        /^It replaces run 2026-11-23T12-25-52Z-aaaa, measured 2026-11-23 12:25 UTC\.$/m,
      );
      assert.equal(readBaseline(results, 'main').runId, '2026-11-24T12-25-52Z-bbbb');
    });

    const blind: [why: string, change: (cell: CellResult) => CellResult][] = [
      ['all ratios', cell => known(cell, 3)],
      ['the ratio that decides', cell => known(cell, 1.5, metric => metric === 'requestsPerSec')],
      [
        'a single replicate',
        cell => ({ ...cell, comparisons: cell.comparisons.map(one => ({ ...one, ratio: null })) }),
      ],
    ];
    for (const [why, change] of blind) {
      test(`blind in ${why}: refused, unless forced`, async t => {
        const { store, save } = stored(t, change);
        store('2026-11-23T12-25-52Z-aaaa');
        await assert.rejects(
          save(),
          /^MeasureError: run .*aaaa is not usable as a baseline\. Blind: .* --force$/,
        );
        assert.match(await save({ force: true }), /^Blind: a change of 25 % would have gone undetected in /m);
        const { replaced, detectable } = JSON.parse(await save({ force: true, json: true }));
        assert.equal(replaced.runId, '2026-11-23T12-25-52Z-aaaa');
        assert.equal(detectable.length, 5);
      });
    }

    test('what does not decide may be blind: it is said', async t => {
      const { store, save } = stored(t, cell => known(cell, 3, metric => metric === 'p99Us'));
      store('2026-11-23T12-25-52Z-aaaa');
      assert.match(await save(), /^Partly blind: a change of 25 % .* 1 of 5 ratios \(p99 latency/m);
    });

    const unsound: [why: string, change: (cell: CellResult) => CellResult][] = [
      [
        'an arm without one good answer, in a run of an older version',
        cell => ({
          ...cell,
          arms: cell.arms.map(arm => ({ ...arm, completed: 0, failed: 9, errorRatio: 1 })),
        }),
      ],
      ['a failed trial', cell => ({ ...cell, failedTrials: 1 })],
    ];
    for (const [why, change] of unsound) {
      test(`${why}: refused, by force too`, async t => {
        const { store, save } = stored(t, change);
        store('2026-11-23T12-25-52Z-aaaa');
        await assert.rejects(save({ force: true }), /only a reliable run can be a baseline/);
      });
    }
  });
});
