// How a trial ended becomes data: every kind of error has a code, and a limit of the machine is no result of an arm.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { MeasureError } from '../../results/errors.ts';
import {
  type CompletedTrial,
  type FailureCode,
  type Measurement,
  TrialResult,
} from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { Expectation, Limits } from '../../scenarios/model/scenario.ts';
import { NULL_ARM } from '../../scenarios/model/sweep.ts';
import { ChildError } from './child.ts';
import { failureOf, resultOf } from './trial-result.ts';

describe('How a trial ended becomes data: every kind of error has a code, and a limit of the machine is no result of an arm', () => {
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
    const WHOLE = { isInterrupted: false, scenario: { expect: [], baseline: 'short' } };
    const startedAt = '2026-11-23T12:00:00.000Z';
    const sample = sampleRun().trials.find((trial): trial is CompletedTrial => trial.state === 'completed')!;
    const withOutcomes = (outcomes: Measurement['outcomes']): Measurement => ({
      ...sample.measurement,
      outcomes,
    });

    for (const isInterrupted of [false, true]) {
      test(`a measurement is a completed trial, partial ${isInterrupted}`, () => {
        const result = resultOf(sample.trial, startedAt, sample.measurement, { ...WHOLE, isInterrupted });
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
      assert.equal(resultOf(sample.trial, startedAt, withOutcomes(outcomes), WHOLE).state, 'completed');
    });

    const { ledger } = sample.measurement;

    test('a trial of which no request ended is a failed one: that the arm hangs is no figure', () => {
      const hanging = {
        ...sample.measurement,
        completed: 0,
        failed: 0,
        outcomes: {},
        ledger: { ...ledger, requestsSent: 400, answered: 0, failed: 0, unfinished: 400 },
      };
      const result = resultOf(sample.trial, startedAt, hanging, WHOLE);
      assert.ok(result.state === 'failed' && result.error.code === 'no-answer');
      assert.match(result.error.message, /^none of 400 requests of short ended/);
      assert.equal(
        resultOf(sample.trial, startedAt, hanging, { ...WHOLE, isInterrupted: true }).state,
        'completed',
        'it was not given the time',
      );
    });

    /** Not one good answer. */
    const failing: Measurement = {
      ...sample.measurement,
      completed: 0,
      failed: 1_000,
      outcomes: {
        badStatus: { count: 10, sample: 'status 503' },
        reset: { count: 990, sample: 'ECONNRESET' },
      },
      ledger: { ...ledger, requestsSent: 1_100, answered: 0, failed: 1_100, unfinished: 0 },
    };
    /** All ended outside of the windows. */
    const outside: Measurement = { ...failing, failed: 0, outcomes: {} };

    test('an arm without one good answer has no figures: the commonest kind, its count and an example are the cause', () => {
      const result = resultOf(sample.trial, startedAt, failing, WHOLE);
      assert.deepEqual(TrialResult.parse(result), {
        trial: sample.trial,
        startedAt,
        state: 'failed',
        error: {
          code: 'no-good-answer',
          message:
            'none of 1,000 requests of short succeeded: 990 × connection reset, for example "ECONNRESET"; 10 × bad status, for example "status 503"',
        },
      });
    });

    test('an example of any length is cut', () => {
      const outcomes = { other: { count: 1_000, sample: 'x'.repeat(10_000) } };
      const result = resultOf(sample.trial, startedAt, { ...failing, outcomes }, WHOLE);
      assert.ok(result.state === 'failed' && result.error.message.length < 400);
    });

    const successOf = (
      of: string,
      limit: { atLeast?: number; atMost?: number; over?: string },
    ): Expectation => ({
      metric: 'successRatio',
      of,
      ...limit,
    });
    const kinds: [
      why: string,
      measurement: Measurement,
      scenario: { expect?: Expectation[]; arm?: string },
      state: TrialResult['state'],
    ][] = [
      ['one good answer among failures is a figure', { ...failing, completed: 1 }, {}, 'completed'],
      ['all failed, none within a window', outside, {}, 'failed'],
      [
        'answers and failures, none within a window',
        { ...outside, ledger: { ...failing.ledger, answered: 3 } },
        {},
        'completed',
      ],
      ['errors that are expected', failing, { expect: [successOf('short', { atMost: 0.1 })] }, 'completed'],
      ['no limit but 0', failing, { expect: [successOf('short', { atLeast: 0 })] }, 'completed'],
      [
        'good answers that are expected',
        failing,
        { expect: [successOf('short', { atLeast: 0.99 })] },
        'failed',
      ],
      [
        'errors expected of another arm',
        failing,
        { expect: [successOf('other', { atMost: 0.1 })] },
        'failed',
      ],
      ['of a ratio', failing, { expect: [successOf('short', { over: 'other', atMost: 2 })] }, 'failed'],
      [
        'errors expected of the arm that the null arm copies',
        failing,
        { arm: NULL_ARM, expect: [successOf('short', { atMost: 0.1 })] },
        'completed',
      ],
    ];
    for (const [why, measurement, { expect = [], arm = 'short' }, state] of kinds) {
      test(`${why}: ${state}`, () => {
        const scenario = { expect, baseline: 'short' };
        const trial = { ...sample.trial, arm };
        assert.equal(
          resultOf(trial, startedAt, measurement, { isInterrupted: false, scenario }).state,
          state,
        );
      });
    }

    const given = { noAnswer: { count: 300, sample: 'no answer within 10 s' } };
    const silent: Measurement = {
      ...failing,
      failed: 300,
      outcomes: given,
      ledger: { ...ledger, requestsSent: 400, answered: 0, failed: 0, unfinished: 400 },
    };
    const hung: [why: string, measurement: Measurement, message: RegExp][] = [
      ['from the start', silent, /^none of 400 requests of short ended/],
      [
        'once it was measured',
        { ...silent, ledger: { ...silent.ledger, answered: 90, unfinished: 310 } },
        /^none of 300 requests of short in the measured windows ended/,
      ],
    ];
    for (const [why, measurement, message] of hung) {
      test(`an arm that answers nothing, ${why}, hangs: given up is no way to end`, () => {
        const result = resultOf(sample.trial, startedAt, measurement, WHOLE);
        assert.ok(result.state === 'failed' && result.error.code === 'no-answer');
        assert.match(result.error.message, message);
      });
    }

    const limits: [outcome: 'portExhausted' | 'descriptorLimit', code: FailureCode, setting: keyof Limits][] =
      [
        ['portExhausted', 'ports-exhausted', 'localPorts'],
        ['descriptorLimit', 'descriptor-limit', 'openFiles'],
      ];
    for (const [outcome, code, setting] of limits) {
      test(`${outcome} is a failed trial without figures: ${code}`, () => {
        const measurement = withOutcomes({ ok: { count: 9 }, [outcome]: { count: 2, sample: 'no more' } });
        const result = resultOf(sample.trial, startedAt, measurement, WHOLE);
        assert.deepEqual(TrialResult.parse(result), {
          trial: sample.trial,
          startedAt,
          state: 'failed',
          error: { code, message: '2 requests failed at a limit of this machine: no more' },
        });
      });

      test(`${outcome} counts as any other failure where the scenario states that limit`, () => {
        const measurement = withOutcomes({ ok: { count: 9 }, [outcome]: { count: 2, sample: 'no more' } });
        const stateWith = (limits: Limits) =>
          resultOf(sample.trial, startedAt, measurement, {
            ...WHOLE,
            scenario: { ...WHOLE.scenario, limits },
          }).state;
        const other = setting === 'localPorts' ? { openFiles: 99 } : { localPorts: 99 };
        assert.deepEqual([stateWith({ [setting]: 99 }), stateWith(other)], ['completed', 'failed']);
      });
    }
  });
});
