// How a trial ended becomes data: every kind of error has a code, and a limit of the machine is no result of an arm.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { MeasureError } from '../core/errors.ts';
import { type CompletedTrial, type FailureCode, type Measurement, TrialResult } from '../core/types.ts';
import { ChildError } from './child.ts';
import { failureOf, resultOf } from './outcome.ts';

suite('failureOf', () => {
  const cases: [why: string, error: unknown, fallback: FailureCode, code: FailureCode][] = [
    [
      'a process that died, where it did',
      new ChildError('died', 'gone', ''),
      'generator-died',
      'generator-died',
    ],
    ['the same of the target', new ChildError('died', 'gone', ''), 'target-died', 'target-died'],
    ['one that said it failed', new ChildError('failed', 'no', ''), 'generator-start', 'generator-start'],
    ['one that hangs, wherever', new ChildError('hung', 'silent', ''), 'target-died', 'trial-hung'],
    [
      'a limit that has a code of its own',
      new MeasureError('ports-exhausted', 'none left'),
      'target-died',
      'ports-exhausted',
    ],
    ['a cause that is no code of a trial', new MeasureError('unfit', 'no'), 'target-died', 'internal'],
    ['a bug', new TypeError('x is not a function'), 'generator-died', 'internal'],
    ['something that is no error', 'text', 'generator-died', 'internal'],
  ];
  for (const [why, error, fallback, code] of cases) {
    test(`${why}: ${code}`, () => {
      const failure = failureOf(error, fallback);
      assert.equal(failure.code, code);
      assert.equal(failure.message, error instanceof Error ? error.message : 'text');
      assert.ok(!('detail' in failure));
    });
  }

  test('last words of a process are the detail', () => {
    const failure = failureOf(new ChildError('died', 'gone', 'out of memory\n'), 'generator-died');
    assert.equal(failure.detail, 'out of memory\n');
  });
});

suite('resultOf', () => {
  const startedAt = '2026-11-23T12:00:00.000Z';
  const sample = sampleRun().trials.find((trial): trial is CompletedTrial => trial.state === 'completed')!;
  const withOutcomes = (outcomes: Measurement['outcomes']): Measurement => ({
    ...sample.measurement,
    outcomes,
  });

  for (const isInterrupted of [false, true]) {
    test(`a measurement is a completed trial, partial ${isInterrupted}`, () => {
      const result = resultOf(sample.trial, startedAt, sample.measurement, isInterrupted);
      assert.deepEqual(TrialResult.parse(result), result);
      assert.ok(result.state === 'completed' && result.isPartial === isInterrupted);
    });
  }

  test('failures of the arm are part of its result', () => {
    const outcomes = {
      ok: { count: 5 },
      reset: { count: 3, sample: 'ECONNRESET' },
      timeoutTotal: { count: 1 },
    };
    assert.equal(resultOf(sample.trial, startedAt, withOutcomes(outcomes), false).state, 'completed');
  });

  test('a trial of which no request ended is a failed one: that the arm hangs is no figure', () => {
    const { ledger } = sample.measurement;
    const hanging = {
      ...sample.measurement,
      completed: 0,
      failed: 0,
      outcomes: {},
      ledger: { ...ledger, requestsSent: 400, answered: 0, failed: 0, unfinished: 400 },
    };
    const result = resultOf(sample.trial, startedAt, hanging, false);
    assert.ok(result.state === 'failed' && result.error.code === 'no-answer');
    assert.match(result.error.message, /^none of 400 requests ended/);
    assert.equal(
      resultOf(sample.trial, startedAt, hanging, true).state,
      'completed',
      'it was not given the time',
    );
  });

  const limits: [outcome: 'portExhausted' | 'descriptorLimit', code: FailureCode][] = [
    ['portExhausted', 'ports-exhausted'],
    ['descriptorLimit', 'descriptor-limit'],
  ];
  for (const [outcome, code] of limits) {
    test(`${outcome} is a failed trial without figures: ${code}`, () => {
      const measurement = withOutcomes({ ok: { count: 9 }, [outcome]: { count: 2, sample: 'no more' } });
      const result = resultOf(sample.trial, startedAt, measurement, false);
      assert.deepEqual(TrialResult.parse(result), {
        trial: sample.trial,
        startedAt,
        state: 'failed',
        error: { code, message: '2 requests failed at a limit of this machine: no more' },
      });
    });
  }
});
