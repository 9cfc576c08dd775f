// target.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Link, longestRoundTripMs, MAX_ROUND_TRIPS, meanRoundTripMs, openingRoundTrips } from './target.ts';

describe("What opening a connection takes by the protocols' own diagrams, and how long a round trip is when it varies", () => {
  const openings: [...Parameters<typeof openingRoundTrips>, roundTrips: number][] = [
    ['none', 'full', 1],
    ['1.2', 'full', 3],
    ['1.2', 'resumed', 2],
    ['1.3', 'full', 2],
    ['1.3', 'resumed', 2],
  ];
  for (const [tls, handshake, roundTrips] of openings) {
    test(`TLS ${tls}, ${handshake}: ${roundTrips} before the first request can leave`, () => {
      assert.equal(openingRoundTrips(tls, handshake), roundTrips);
      assert.ok(roundTrips + 1 <= MAX_ROUND_TRIPS);
    });
  }

  test('jitter adds half of its most in each direction on average, all of it at worst', () => {
    const link = Link.parse({ roundTripMs: 20, jitterMs: 3 });
    assert.deepEqual([meanRoundTripMs(link), longestRoundTripMs(link)], [23, 26]);
  });
});
