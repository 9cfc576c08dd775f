// user-module.test.ts
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import fc from 'fast-check';
import { OUTCOMES } from '../../results/model/trial.ts';
import { hostileValues } from '../../results/testing/hostile-values.ts';
import { type ClientAnswer, newExchange, type OwnClient } from '../contracts.ts';
import { ModuleRequest } from './user-module.ts';

describe('Whatever send() of a module answers or throws, the exchange ends once, with an outcome and a text that can be stored', () => {
  const MAX_CHARS = 600;

  /** Ends exactly once, and not from within. */
  async function ended(send: () => unknown) {
    const client: OwnClient = { send: send as OwnClient['send'], close() {} };
    const exchange = newExchange();
    const request = new ModuleRequest(
      {
        client,
        opening: Promise.resolve(client),
        contents: [{ method: 'GET', url: 'http://127.0.0.1/', headers: {}, body: undefined }],
        brokenConnection: () => ({ isReusedConnection: true, hasResponse: false }),
        isClosed: false,
      },
      exchange,
    );
    let ends = 0;
    await new Promise<void>(resolve => {
      let isWithin = true;
      request.send(() => {
        assert.ok(!isWithin, 'ended from within send');
        ends++;
        resolve();
      });
      isWithin = false;
    });
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(ends, 1);
    assert.ok(OUTCOMES.includes(exchange.outcome));
    assert.ok((exchange.error ?? '').length <= MAX_CHARS, 'a text that can be stored');
    assert.doesNotMatch(exchange.error ?? '', /\p{Cc}/u);
    assert.ok(Number.isInteger(exchange.bodyBytes) && exchange.bodyBytes >= 0);
    return exchange;
  }

  suite('hostile values', () => {
    for (const [what, value] of hostileValues()) {
      test(`thrown, now or later: ${what}`, async () => {
        const throwing = (): never => {
          throw value;
        };
        for (const send of [throwing, async () => throwing(), () => Promise.reject(value)]) {
          const { outcome, error } = await ended(send);
          assert.equal(outcome, 'other');
          assert.ok(error);
        }
      });
      if (what === 'a thenable that never calls back') continue;
      test(`answered, whole or as a member: ${what}`, async () => {
        const answers = [value, { status: value, bytes: 1 }, { status: 200, bytes: value }];
        for (const answer of answers) {
          const { outcome, error } = await ended(() => answer);
          assert.equal(outcome, 'other');
          assert.ok(error);
        }
      });
    }

    test('a promise that is not what it seems', async () => {
      const bent = Promise.resolve({ status: 200, bytes: 1 });
      Object.defineProperty(bent, 'then', {
        value(onAnswer: (answer: ClientAnswer) => void, onError: (error: unknown) => void) {
          onAnswer({ status: 200, bytes: 2 });
          onAnswer({ status: 200, bytes: 3 });
          onError(new Error('and failed'));
        },
      });
      const { outcome, bodyBytes } = await ended(() => bent);
      assert.deepEqual([outcome, bodyBytes], ['ok', 2]);
    });

    test('an answer whose members change from one reading to the next', async () => {
      let reading = 0;
      const answer = {
        status: 200,
        get bytes() {
          return reading++ === 0 ? 7 : Number.NaN;
        },
      };
      assert.equal((await ended(() => answer)).bodyBytes, 7);
    });
  });

  test('bytes and status count if they are such numbers, and make a failed request of any other', async () => {
    const numbers = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.constantFrom(2 ** 40, 2 ** 40 + 1, 2 ** 53, 1.5, -0),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 90, max: 1_010 }), numbers),
        numbers,
        async (status, bytes) => {
          const isStatus = Number.isInteger(status) && status >= 100 && status <= 999;
          const isLength = Number.isInteger(bytes) && bytes >= 0 && bytes <= 2 ** 40;
          const { outcome, bodyBytes, status: counted } = await ended(() => ({ status, bytes }));
          if (!isStatus || !isLength) assert.deepEqual([outcome, bodyBytes], ['other', 0]);
          else assert.deepEqual([outcome, bodyBytes, counted], ['ok', bytes, status]);
        },
      ),
    );
  });

  test('anything thrown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything({ withNullPrototype: true, withBigInt: true }), async value => {
        await ended(() => Promise.reject(value));
      }),
    );
  });
});
