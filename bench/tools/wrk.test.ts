// wrk.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readWrkOutput, uncorrected } from './wrk.ts';

describe('Output of wrk, valid and damaged: its counts are read, and its correction is undone exactly', () => {
  type Latencies = [us: number, count: number][];

  /** What wrk 4.1.0 does to its latencies: an array of counts by µs, walked upwards from twice the interval. */
  function correctedByWrk(measured: Latencies, intervalUs: number): Latencies {
    const longestUs = measured.at(-1)?.[0] ?? 0;
    const counts = new Array<number>(longestUs + 1).fill(0);
    for (const [us, count] of measured) counts[us] = count;
    for (let us = intervalUs * 2; us <= longestUs; us++) {
      const count = counts[us]!;
      for (let added = us - intervalUs; count > 0 && added > intervalUs; added -= intervalUs) {
        counts[added] = counts[added]! + count;
      }
    }
    return [...counts.entries()].filter(([, count]) => count > 0);
  }

  test('what wrk adds to its latencies is taken out exactly, whatever they are', () => {
    const latencies = fc
      .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 50 })), {
        selector: ([us]) => us,
        maxLength: 60,
      })
      .map(list => list.sort(([left], [right]) => left - right) as Latencies);
    fc.assert(
      fc.property(latencies, fc.integer({ min: 1, max: 700 }), (measured, intervalUs) => {
        assert.deepEqual(uncorrected(correctedByWrk(measured, intervalUs), intervalUs), measured);
      }),
    );
  });

  test('one answer of 100 ms among 500 of 1 ms: wrk would tell of 48 that never were', () => {
    const measured: Latencies = [
      [1_000, 500],
      [100_000, 1],
    ];
    const corrected = correctedByWrk(measured, 2_000);
    assert.equal(corrected.reduce((sum, [, count]) => sum + count, 0) - 501, 48);
    assert.deepEqual(uncorrected(corrected, 2_000), measured);
    assert.deepEqual(uncorrected(corrected, 0), corrected);
  });

  const HEAD = 'Running 1s test @ http://127.0.0.1:1/\nRequests/sec: 4\n';
  const COUNTS = 'counts 1000000 4 4612 1 2 3 1 0 0.012500\n';

  test('counts and latencies are read', () => {
    // 4 requests of 2 connections in 1 s: an interval of 500 ms, in which nothing here fits twice.
    const output = `${HEAD}${COUNTS}latency 90 1\nlatency 100 3\nend\n`;
    assert.deepEqual(readWrkOutput(output, 2), {
      counts: {
        durationUs: 1_000_000,
        requests: 4,
        bytes: 4_612,
        connectErrors: 1,
        readErrors: 2,
        writeErrors: 3,
        statusErrors: 1,
        timeouts: 0,
        cpuUs: 12_500,
      },
      latencies: [
        [90, 1],
        [100, 3],
      ],
    });
  });

  test('a run without an answer has no latencies', () => {
    const { counts, latencies } = readWrkOutput(`${HEAD}counts 1000000 0 0 7 0 0 0 0 0.1\nend\n`, 2);
    assert.deepEqual([counts.requests, counts.connectErrors, latencies], [0, 7, []]);
  });

  for (const { why, output, message } of [
    { why: 'no script', output: HEAD, message: /does not match its script/ },
    { why: 'cut off', output: `${HEAD}${COUNTS}latency 90 1\n`, message: /does not match/ },
    {
      why: 'an answer without its latency',
      output: `${COUNTS}latency 90 3\nend\n`,
      message: /counted 4.*reported 3/,
    },
    { why: 'one too many', output: `${COUNTS}latency 90 5\nend\n`, message: /counted 4.*reported 5/ },
  ]) {
    test(`refused, not guessed: ${why}`, () => {
      assert.throws(() => readWrkOutput(output, 2), message);
    });
  }
});
