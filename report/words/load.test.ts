// Loads in words: when requests are sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Load } from '../../scenarios/model/load.ts';
import { describeLoad } from './load.ts';
import { capitalize } from './text.ts';

const rows: [given: object, text: string][] = [
  [{ concurrency: 1 }, 'closed loop: 1 user, no think time'],
  [{ thinkMs: 5 }, 'closed loop: 100 users, think time 5 ms'],
  [
    { model: 'open', ratePerSec: 1_500 },
    'open loop: 1,500 requests per second, Poisson arrivals; at most 1,000 in flight',
  ],
  [
    { model: 'open', ratePerSec: 12.5 },
    'open loop: 12.5 requests per second, Poisson arrivals; at most 1,000 in flight',
  ],
  [
    { model: 'open', ratePerSec: 0.5, arrivals: 'constant', maxInFlight: 5 },
    'open loop: 0.5 requests per second, evenly spaced; at most 5 in flight',
  ],
  [
    { model: 'burst', size: 100, everyMs: 1_000 },
    'bursts: 100 requests at once, every 1,000 ms; at most 10,000 in flight',
  ],
  [
    { model: 'capacity', objective: { p50Ms: 10, p99Ms: 50, errorRatio: 0 }, resolutionRatio: 0.1 },
    'capacity: the highest rate from 10 to 50,000 requests per second, to within 10 %, at which p50 is at most 10 ms, p99 is at most 50 ms and no request fails; each rate tried for 1,000 ms, Poisson arrivals; at most 1,000 in flight',
  ],
];
for (const [given, text] of rows) {
  test(text, () => assert.equal(describeLoad(Load.parse(given)), text));
}

test('a sentence begins with a capital letter, but for one that begins with a URL', () => {
  assert.equal(capitalize('no answer'), 'No answer');
  assert.equal(capitalize('http://a.test/ does not answer'), 'http://a.test/ does not answer');
});
