// Requests spread over origins: each origin gets its share, and is named by its place.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createDraw } from '../../results/draw.ts';
import { originByPort, spreadOverOrigins } from './origins.ts';
import { prepareRequests } from './request.ts';

const origins = [4001, 4002, 4003].map(port => `http://127.0.0.1:${port}`);
const [plain] = prepareRequests({}, '/', {});

suite('spreadOverOrigins', () => {
  test('one origin leaves the requests as they are', () => {
    const requests = prepareRequests({}, '/', {});
    assert.equal(spreadOverOrigins(requests, {}, [1]), requests);
  });

  test('one request is named by its origins, several by both', () => {
    const names = (requests: Parameters<typeof spreadOverOrigins>[0]) =>
      spreadOverOrigins(requests, { origins }, [1, 1, 1]).map(({ name, origin }) => [name, origin]);
    assert.deepEqual(
      names([plain]),
      origins.map((origin, index) => [`origin ${index + 1}`, origin]),
    );
    const both = [
      { ...plain, name: 'read' },
      { ...plain, name: 'write' },
    ] as const;
    assert.deepEqual(
      names([...both]).map(([name]) => name),
      ['read', 'write'].flatMap(name => [1, 2, 3].map(place => `${name}, origin ${place}`)),
    );
  });

  test('whatever the shares, requests keep their weights, and origins are drawn by their shares', () => {
    const share = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(fc.array(share, { minLength: 3, maxLength: 3 }), share, share, (shares, read, write) => {
        const spread = spreadOverOrigins(
          [
            { ...plain, weight: read },
            { ...plain, weight: write },
          ],
          { origins },
          shares,
        );
        const weightOf = (some: readonly (typeof plain)[]) =>
          some.reduce((sum, { weight }) => sum + weight, 0);
        assert.ok(Math.abs(weightOf(spread.slice(0, 3)) - read) < 1e-9);
        const total = shares.reduce((sum, one) => sum + one, 0);
        const draw = createDraw(spread)!;
        draw.restart(1);
        const counts = [0, 0, 0];
        for (let i = 0; i < 3_000; i++) counts[draw.next() % 3]!++;
        for (const [index, count] of counts.entries()) {
          const expected = (3_000 * shares[index]!) / total;
          assert.ok(Math.abs(count - expected) < 200, `${counts} by ${shares}`);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test('a connection is assigned by its port, a number or a text; without origins it is not', () => {
  const originOf = originByPort({ origins });
  assert.deepEqual(
    [originOf(4001), originOf('4003'), originOf(1), originOf(undefined)],
    [0, 2, undefined, undefined],
  );
  assert.equal(originByPort({})(4001), undefined);
});
