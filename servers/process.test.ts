// Two readings of a process differ by what it did in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProcess } from './process.ts';

test('every counter grows with work, or at least never shrinks', async () => {
  const before = readProcess();
  let sum = 0;
  while (process.cpuUsage().user + process.cpuUsage().system < before.cpuUs + 20_000)
    sum += Math.sqrt(sum + 1);
  await new Promise(resolve => setImmediate(resolve));
  const after = readProcess();
  assert.ok(sum > 0 && after.cpuUs - before.cpuUs >= 20_000);
  assert.ok(after.atMs > before.atMs);
  for (const counter of ['loopActiveMs', 'loopIdleMs', 'runDelayMs'] as const) {
    assert.ok(after[counter] >= before[counter], `${counter}: ${before[counter]}, then ${after[counter]}`);
  }
  assert.ok(after.rssBytes > 1_000_000);
  // A container has a list beside them.
  assert.ok(Object.values({ ...after, throttling: 0 }).every(Number.isFinite));
});
