// Exit statuses that a script may rely on.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import type { CellResult, Finding, Run } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { ExpectationResult } from '../../scenarios/model/scenario.ts';
import { exitStatusOf } from './exit-status.ts';

describe('A script learns from the exit status whether it may believe the run', () => {
  const { run: sample } = sampleRun();
  const cell: CellResult = { ...sample.cells[0]!, stop: 'precise', failedTrials: 0, findings: [] };
  const expected = (state: ExpectationResult['state']): ExpectationResult => ({
    expectation: { metric: 'p99Us', of: 'short', atMost: 1 },
    state,
    first: { state, interval: null, replicates: 0 },
    confirmation: null,
    together: null,
  });
  const finding = (state: Finding['state']): Finding => ({ rule: 'ledger', state, detail: 'as it is' });

  function makeRun(state: Run['state'], ...cells: Partial<CellResult>[]): Run {
    return { ...sample, state, cells: cells.map(one => ({ ...cell, ...one })) };
  }

  suite('exit status', () => {
    const cases: [why: string, run: Run, status: number][] = [
      ['all is well', makeRun('complete', {}, {}), 0],
      [
        'every reason to stop that is no failure',
        makeRun('complete', { stop: 'budget' }, { stop: 'max-replicates' }),
        0,
      ],
      ['a warning is no failure', makeRun('complete', { findings: [finding('pass'), finding('warn')] }), 0],
      [
        'an audit that failed, in any cell',
        makeRun('complete', {}, { findings: [finding('pass'), finding('fail')] }),
        3,
      ],
      ['a failed trial', makeRun('complete', { failedTrials: 1 }, {}), 3],
      ['a cell that was given up', makeRun('complete', { stop: 'failed' }), 3],
      [
        'a cell that was cut before anything was measured',
        makeRun('complete', {}, { stop: 'cut', replicates: 0, arms: [], comparisons: [] }),
        3,
      ],
      ['a run that failed', makeRun('failed', {}), 3],
      ['a run without a cell that failed', makeRun('failed'), 3],
      [
        'an expectation that failed',
        makeRun('complete', { expectations: [expected('pass')] }, { expectations: [expected('fail')] }),
        1,
      ],
      ['one that could not be shown to hold', makeRun('complete', { expectations: [expected('unsure')] }), 0],
      [
        'one that failed, in a run that cannot be believed',
        makeRun('complete', { expectations: [expected('fail')], findings: [finding('fail')] }),
        3,
      ],
      ['interrupted', makeRun('partial', {}, { stop: 'interrupted' }), 130],
      ['interrupted between two cells', makeRun('partial', {}), 130],
      [
        'interrupted, and a trial had failed: the user knows',
        makeRun('partial', { stop: 'interrupted', failedTrials: 2 }),
        130,
      ],
    ];
    for (const [why, run, status] of cases) {
      test(`${why}: ${status}`, () => assert.equal(exitStatusOf(run), status));
    }

    test('strict: what could not be shown fails, what holds does not', () => {
      const status = (state: ExpectationResult['state']): number =>
        exitStatusOf(makeRun('complete', { expectations: [expected(state)] }), { isStrict: true });
      assert.deepEqual([status('pass'), status('unsure'), status('fail')], [0, 1, 1]);
    });
  });
});
