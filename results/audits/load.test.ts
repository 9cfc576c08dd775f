// What makes the figures of a load doubtful.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Finding } from '../model/run.ts';
import type { CompletedTrial } from '../model/trial.ts';
import { createRandom } from '../random.ts';
import { sampleRun } from '../testing/sample-run.ts';
import { littlesLaw, schedule } from './load.ts';

describe('What makes the figures of an open load doubtful', () => {
  type Measured = CompletedTrial['measurement'];

  function trialOf(scenario: 'same-load' | 'capacity' | 'short-vs-persistent'): CompletedTrial {
    const [first] = structuredClone(sampleRun({ scenario, replicates: 1 }).trials);
    assert.ok(first?.state === 'completed');
    return first;
  }

  /** Of the sample: 900 requests due, response times of 25 ms. */
  const DUE = 900;

  const rows: {
    why: string;
    damage: (m: Measured) => void;
    state: Finding['state'];
    /** At the end of a capacity search, where that is another. */
    atLimit?: Finding['state'];
    detail: RegExp;
  }[] = [
    {
      why: 'all went on time',
      damage: () => {},
      state: 'pass',
      detail: /^900 requests were due and sent; .* late by 0\.5\d ms \(p99 1\.1 ms\)$/,
    },
    {
      why: 'one of 900 without a response is more than 0.1 %: only its time is a bound',
      damage: m => m.arrivals!.unfinished++,
      state: 'warn',
      detail:
        /^1 of 900 requests due \(0\.1 %\) had no response at the end of a drain: they are failed requests, and the times are lower bounds$/,
    },
    {
      why: 'a tenth is never answered: the others do not fall behind for that',
      damage: m => {
        m.arrivals!.unfinished = 90;
        m.arrivals!.ended = 810;
      },
      state: 'warn',
      detail: /^90 of 900 requests due \(10\.0 %\) had no response/,
    },
    {
      why: 'one lost of 1,000 is not',
      damage: m => {
        m.arrivals!.due = m.arrivals!.ended = 1_000;
        m.arrivals!.unfinished = 1;
      },
      state: 'pass',
      detail: /^1,000/,
    },
    {
      why: 'what was never sent is lost, too',
      damage: m => {
        m.arrivals!.unsent = 5;
        m.arrivals!.heldBack = 300;
      },
      state: 'fail',
      detail: /of 900 requests due, 5 were never sent/,
    },
    {
      why: 'held back',
      damage: m => (m.arrivals!.heldBack = 90),
      state: 'warn',
      detail: /90 of 900 requests \(10\.0 %\) were held back because 1,000 were in flight/,
    },
    {
      why: 'answers fall behind',
      damage: m => (m.arrivals!.ended = 700),
      state: 'fail',
      atLimit: 'warn',
      detail: /only 700 finished/,
    },
    {
      why: 'fewer ended than were due, as chance has it',
      damage: m => (m.arrivals!.ended = DUE - 85),
      state: 'pass',
      detail: /^900/,
    },
    {
      why: 'a late tail',
      damage: m => (m.lateness!.p99Us = 6_000),
      state: 'warn',
      detail: /late by .* \(p99 6 ms\), more than its timers/,
    },
    {
      why: 'half of the mean response time is lateness',
      damage: m => (m.lateness!.meanUs = 0.51 * m.response.meanUs),
      state: 'fail',
      atLimit: 'warn',
      detail: /mostly the generator is measured/,
    },
    {
      why: 'a late generator where every request failed, so that nothing is part of a response time',
      damage: m => {
        m.lateness!.meanUs = 7_500;
        m.response.count = m.response.meanUs = 0;
      },
      state: 'pass',
      detail: /7\.5 ms/,
    },
    {
      why: 'no more than timers make it, of a very short response time',
      damage: m => {
        m.lateness!.meanUs = 1_100;
        m.response.meanUs = 1_200;
      },
      state: 'pass',
      detail: /1\.1 ms/,
    },
  ];

  for (const { why, damage, state, atLimit = state, detail } of rows) {
    for (const [scenario, expected] of [
      ['same-load', state],
      ['capacity', atLimit],
    ] as const) {
      test(`${scenario}, ${why}: ${expected}`, () => {
        const trial = trialOf(scenario);
        const { measurement } = trial;
        assert.ok(measurement.arrivals);
        Object.assign(measurement.arrivals, { due: DUE, ended: DUE, heldBack: 0 });
        damage(measurement);
        const found = schedule.check(trial);
        assert.ok(found !== null);
        assert.equal(found.state, expected, found.detail);
        assert.match(found.detail, detail);
      });
    }
  }

  test('a closed load has no schedule to check', () => {
    assert.equal(schedule.check(trialOf('short-vs-persistent')), null);
  });
});

describe('A closed load that obeys Little’s law', () => {
  const WINDOWS = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    windowMs: fc.integer({ min: 1_000, max: 2_000 }),
  });
  const LOADS = fc.record({
    concurrency: fc.integer({ min: 1, max: 3 }),
    thinkMs: fc.integer({ min: 0, max: 500 }),
    longestMs: fc.integer({ min: 1, max: 250 }),
  });

  test('does not fail in windows that hold few of its users’ long cycles', () => {
    const [first] = structuredClone(sampleRun({ scenario: 'short-vs-persistent', replicates: 1 }).trials);
    assert.ok(first?.state === 'completed' && first.trial.load.model === 'closed');
    const { trial, measurement } = first;
    const { load } = first.trial;
    fc.assert(
      fc.property(
        WINDOWS,
        LOADS,
        fc.nat(),
        ({ count, windowMs }, { concurrency, thinkMs, longestMs }, seed) => {
          const random = createRandom(seed);
          const slices = Array.from({ length: count }, () => ({
            ...measurement.slices[0]!,
            ...{ windowMs, completed: 0, failed: 0, ended: 0, userMs: 0 },
          }));
          const steadyMs = count * windowMs;
          measurement.response.maxUs = 0;
          for (let user = 0; user < concurrency; user++) {
            for (let atMs = random() * thinkMs; atMs < steadyMs; ) {
              const responseMs = longestMs * (0.1 + 0.9 * random());
              const began = slices[Math.floor(atMs / windowMs)]!;
              began.completed++;
              began.userMs += responseMs + thinkMs;
              const ended = slices[Math.floor((atMs + responseMs) / windowMs)];
              if (ended !== undefined) ended.ended++;
              measurement.response.maxUs = Math.max(measurement.response.maxUs, responseMs * 1_000);
              atMs += responseMs + thinkMs;
            }
          }
          Object.assign(measurement, { slices, steadyMs, completed: 1, failed: 0 });
          const found = littlesLaw.check({
            ...first,
            trial: { ...trial, load: { ...load, concurrency, thinkMs } },
            measurement,
          });
          assert.notEqual(found!.state, 'fail', found!.detail);
        },
      ),
    );
  });
});
