// The policies around a client library: what is sent, what is rejected, and how each request ends.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Outcome } from '../../results/model/trial.ts';
import { Resilience } from '../../scenarios/model/client.ts';
import { type Exchange, newExchange } from '../contracts.ts';
import { AttemptFold } from '../load/folds.ts';
import { createFakeTransport } from '../load/testing/fake-transport.ts';
import { createResilient } from './resilience.ts';

/** A client under policies, over a transport that answers when and how a test says. */
function openResilient(stated: object) {
  const library = createFakeTransport();
  const attempts = new AttemptFold(['2xx']);
  const transport = createResilient(library, Resilience.parse(stated), attempts);
  const ask = (exchange: Exchange = newExchange()): Promise<Exchange> =>
    new Promise(resolve => transport.send(exchange, ended => resolve({ ...ended })));
  /** The oldest attempt in flight, once there is one. */
  async function inFlight(): Promise<Exchange> {
    while (library.inFlight.length === 0) await new Promise(resolve => setTimeout(resolve, 1));
    return library.inFlight[0]!;
  }
  async function answer(outcome: Outcome, status = 0): Promise<void> {
    const attempt = await inFlight();
    attempt.status = status;
    library.answer(attempt, outcome);
  }
  return { library, attempts, transport, ask, answer, inFlight };
}

suite('retry', () => {
  const retry = { maxRetries: 2, minDelayMs: 1, maxDelayMs: 2 };

  test('a request ends as its last attempt, and each attempt is counted', async () => {
    const { ask, answer, attempts } = openResilient({ retry });
    const asked = ask();
    await answer('reset');
    await answer('ok', 503);
    await answer('ok', 200);
    const { outcome, status, error } = await asked;
    assert.deepEqual([outcome, status, error], ['ok', 200, undefined]);
    assert.deepEqual(attempts.counts(), { sent: 3, answered: 1, failures: { reset: 1, badStatus: 1 } });
  });

  test('after the last repetition the failure is that of the last attempt', async () => {
    const { ask, answer, library } = openResilient({ retry });
    const asked = ask();
    await answer('reset');
    await answer('reset');
    await answer('timeoutHeaders');
    const { outcome, error } = await asked;
    assert.deepEqual([outcome, error, library.sentCount], ['timeoutHeaders', 'ended as timeoutHeaders', 3]);
  });

  test('the same record is used again for the next request', async () => {
    const { ask, answer } = openResilient({ retry });
    const exchange = newExchange();
    for (const status of [200, 204]) {
      const asked = ask(exchange);
      await answer('ok', status);
      assert.equal((await asked).status, status);
    }
  });

  test('a request that is given up is not repeated, and never reported', async () => {
    const { transport, inFlight, library, attempts } = openResilient({ retry });
    const exchange = newExchange();
    transport.send(exchange, () => assert.fail('reported'));
    await inFlight();
    exchange.abandon!();
    await new Promise(resolve => setTimeout(resolve, 10));
    assert.deepEqual([library.sentCount, library.abandoned.length, library.inFlight.length], [1, 1, 0]);
    assert.deepEqual(attempts.counts(), { sent: 1, answered: 0, failures: {} });
  });
});

suite('breaker', () => {
  test('rejects without sending after failures in a row, and tries again after a while', async () => {
    const { ask, answer, library } = openResilient({ breaker: { consecutiveFailures: 2, openMs: 30 } });
    for (let i = 0; i < 2; i++) {
      const asked = ask();
      await answer('ok', 500);
      assert.equal((await asked).status, 500);
    }
    const rejected = await ask();
    assert.equal(rejected.outcome, 'breakerOpen');
    assert.match(rejected.error!, /breaker is open/);
    assert.equal(library.sentCount, 2);
    await new Promise(resolve => setTimeout(resolve, 40));
    const asked = ask();
    await answer('ok', 200);
    assert.equal((await asked).outcome, 'ok');
    assert.equal(library.sentCount, 3);
  });

  test('a user who goes on at once after a rejection lets other events happen', async () => {
    const { ask, answer, transport } = openResilient({ breaker: { consecutiveFailures: 1, openMs: 60_000 } });
    const asked = ask();
    await answer('reset');
    await asked;
    let rejections = 0;
    let isOver = false;
    const exchange = newExchange();
    const goOn = (): void => {
      rejections++;
      if (!isOver) transport.send(exchange, goOn);
    };
    transport.send(exchange, goOn);
    // Without a turn of the event loop for each, this would never be reached.
    while (rejections < 3) await new Promise(resolve => setImmediate(resolve));
    isOver = true;
  });
});

suite('bulkhead', () => {
  test('rejects what is too much at once, and lets the next one through when there is room', async () => {
    const { ask, answer, library } = openResilient({ bulkhead: { maxConcurrent: 1, maxQueued: 1 } });
    const first = ask();
    const queued = ask();
    assert.equal((await ask()).outcome, 'bulkheadFull');
    assert.equal(library.sentCount, 1);
    await answer('ok', 200);
    await first;
    await answer('ok', 200);
    assert.equal((await queued).outcome, 'ok');
    assert.equal(library.sentCount, 2);
  });

  test('a request that is given up leaves its place', async () => {
    const { ask, answer, transport, inFlight } = openResilient({ bulkhead: { maxConcurrent: 1 } });
    const exchange = newExchange();
    transport.send(exchange, () => assert.fail('reported'));
    await inFlight();
    exchange.abandon!();
    await new Promise(resolve => setImmediate(resolve));
    const asked = ask();
    await answer('ok', 200);
    assert.equal((await asked).outcome, 'ok');
  });
});

suite('timeout', () => {
  test('gives up an attempt, which counts as a failure of its own kind', async () => {
    const { ask, library, attempts } = openResilient({ timeout: { attemptMs: 5 } });
    const { outcome, error } = await ask();
    assert.equal(outcome, 'timeoutAttempt');
    assert.match(error!, /5\s?ms/);
    assert.equal(library.abandoned.length, 1);
    assert.deepEqual(attempts.counts().failures, { timeoutAttempt: 1 });
  });

  test('with a retry, an attempt that took too long is repeated', async () => {
    const { ask, answer, library, attempts } = openResilient({
      retry: { maxRetries: 1, minDelayMs: 1 },
      timeout: { attemptMs: 200 },
    });
    const asked = ask();
    while (library.abandoned.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
    await answer('ok', 200);
    assert.equal((await asked).outcome, 'ok');
    assert.deepEqual(attempts.counts(), { sent: 2, answered: 1, failures: { timeoutAttempt: 1 } });
  });
});
