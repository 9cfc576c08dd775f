// The bins in which a connection's requests are counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestsBin } from './counters.ts';

const cases: [requests: number, bin: number, why: string][] = [
  [0, 0, 'a connection may carry nothing'],
  [1, 1, 'exact'],
  [64, 64, 'the last that is exact by rule'],
  [65, 65, 'two digits are all it has'],
  [100, 100, 'a round number stays'],
  [101, 100, 'third digit rounded down'],
  [105, 110, 'third digit rounded up'],
  [996, 1000, 'up into the next power of ten'],
  [1_234_567, 1_200_000, 'two digits however long'],
];

for (const [requests, bin, why] of cases) {
  test(`${requests} requests are counted as ${bin}: ${why}`, () => {
    assert.equal(requestsBin(requests), bin);
  });
}
