// Which statuses an arm was answered with, and which of them are good: the client tells, the scenario judges.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Outcome } from '../../results/model/trial.ts';
import type { ExpectedStatus } from '../../scenarios/model/request-facts.ts';
import type { Exchange } from '../contracts.ts';
import { Recorder } from './recorder.ts';
import { makeExchange } from './testing/fake-transport.ts';

const WINDOW = { openAtMs: 10, closeAtMs: 20, originMs: 0, isRecorded: true };

function record(exchanges: readonly Partial<Exchange>[], expectStatus?: readonly ExpectedStatus[]) {
  const recorder = new Recorder(expectStatus === undefined ? {} : { expectStatus });
  recorder.openWindow(WINDOW);
  for (const stated of exchanges) {
    const exchange = makeExchange({ startedAtMs: 15, ...stated });
    recorder.add(exchange, exchange.startedAtMs);
  }
  return recorder.finish();
}

suite('statuses', () => {
  test('each is counted, within the windows only', () => {
    const statuses = [200, 200, 200, 204, 302, 404, 503, 503];
    const reading = record([
      ...statuses.map(status => ({ status })),
      { status: 500, startedAtMs: 5 },
      { status: 500, startedAtMs: 25 },
    ]);
    assert.deepEqual(reading.statuses, { '200': 3, '204': 1, '302': 1, '404': 1, '503': 2 });
    assert.deepEqual([reading.completedRecorded, reading.failedRecorded], [4, 4]);
    assert.deepEqual(
      [reading.outcomes.badStatus?.count, reading.outcomes.badStatus?.sample],
      [4, 'status 302'],
    );
    assert.equal(reading.failed, 6);
  });

  test('times are those of each class, good or not; together with the unanswered they are all', () => {
    const recorder = new Recorder({ expectStatus: ['2xx', 404] });
    recorder.openWindow(WINDOW);
    const statuses = [200, 204, 302, 404, 404, 503, 0];
    for (const [index, status] of statuses.entries()) {
      const exchange = makeExchange({ status, intendedAtMs: 15, startedAtMs: 15, endedAtMs: 16 + index });
      recorder.add(exchange, 15);
    }
    const broken = makeExchange({
      status: 200,
      intendedAtMs: 15,
      startedAtMs: 15,
      endedAtMs: 99,
      outcome: 'reset',
    });
    recorder.add(broken, 15);
    recorder.addCensored(makeExchange({ intendedAtMs: 15, startedAtMs: 15 }), 15, {
      nowMs: 65,
      error: undefined,
    });
    const { responseByClass, response } = recorder.finish();
    assert.deepEqual(
      Object.entries(responseByClass).map(([name, { count, meanUs }]) => [name, count, meanUs]),
      [
        ['2xx', 2, 1_500],
        ['3xx', 1, 3_000],
        ['4xx', 2, 4_500],
        ['5xx', 1, 6_000],
      ],
    );
    // 200, 204, 404 twice, the one of an unknown status, and the one without an answer.
    assert.deepEqual([response.count, response.maxUs], [6, 50_000]);
    recorder.close();
  });

  test('a client that tells none leaves the outcome as it is, and nothing is known', () => {
    const reading = record([{}, { outcome: 'badStatus', error: 'wrk: status 400 or above' }]);
    assert.deepEqual(reading.statuses, {});
    assert.deepEqual([reading.completedRecorded, reading.failedRecorded], [1, 1]);
  });

  test('an answer that broke off is in no count of statuses', () => {
    const reading = record([{ status: 200, outcome: 'reset', error: 'ECONNRESET' }]);
    assert.deepEqual(reading.statuses, {});
    assert.deepEqual(Object.keys(reading.outcomes), ['reset']);
  });

  const cases: [expected: ExpectedStatus[], status: number, outcome: Outcome][] = [
    [['2xx'], 200, 'ok'],
    [['2xx'], 299, 'ok'],
    [['2xx'], 300, 'badStatus'],
    [['2xx'], 199, 'badStatus'],
    [[200], 201, 'badStatus'],
    [[200, 404], 404, 'ok'],
    [['2xx', '3xx'], 302, 'ok'],
    [['4xx'], 200, 'badStatus'],
    [['5xx'], 599, 'ok'],
    [['5xx'], 600, 'badStatus'],
    // A module of a user's may say anything.
    [['2xx'], 2_000_000, 'badStatus'],
    [['2xx'], 200.5, 'badStatus'],
    [['2xx'], -1, 'badStatus'],
    [['2xx'], Number.NaN, 'badStatus'],
  ];
  for (const [expected, status, outcome] of cases) {
    test(`${JSON.stringify(expected)}: ${status} is ${outcome}`, () => {
      assert.deepEqual(Object.keys(record([{ status }], expected).outcomes), [outcome]);
    });
  }

  test('a client that throws on a status does not make it bad where it is expected', () => {
    const thrown = { status: 404, outcome: 'badStatus', error: 'not found' } as const;
    assert.deepEqual(record([thrown], [404]).outcomes, { ok: { count: 1 } });
    assert.equal(record([thrown]).outcomes.badStatus?.sample, 'not found');
  });
});
