// What a budget is likely to buy: narrower with more replicates, nothing without enough of them, no more than was asked for.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { likelyPrecision } from './precision.ts';

function likely(likelyReplicates: number, precision = 0.01) {
  const scenario = Scenario.parse({
    name: 'near',
    question: 'q',
    clients: { one: {}, two: {} },
    baseline: 'one',
    timing: { precision },
  });
  return likelyPrecision({ likelyReplicates, scenario });
}

suite('likely precision', () => {
  test('two replicates have no interval', () => {
    assert.deepEqual(likely(2), { replicates: 2, quietRatio: null, busyRatio: null });
  });

  test('each replicate more narrows it, and a busy machine widens it', () => {
    for (let count = 3; count < 10; count++) {
      const [fewer, more] = [likely(count), likely(count + 1)];
      assert.ok(more.quietRatio! < fewer.quietRatio! && more.busyRatio! < fewer.busyRatio!);
      assert.ok(fewer.busyRatio! > fewer.quietRatio!);
    }
  });

  test('a run that stops at its precision goes no further', () => {
    assert.equal(likely(30, 0.05).quietRatio, 0.05);
  });
});
