// The generator samples itself at the start, at each interval and at the end of a slice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldSampler } from './held-by-client.ts';

test('each sample has the requests of its moment, beside what this process holds', {
  skip: process.platform !== 'linux',
}, t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const loop = { sent: 0, inFlight: 0 };
  const sampler = new HeldSampler(loop, { everyMs: 50, originMs: performance.now() });
  Object.assign(loop, { sent: 7, inFlight: 3 });
  t.mock.timers.tick(50);
  Object.assign(loop, { sent: 9, inFlight: 0 });
  const held = sampler.finish();
  t.mock.timers.tick(500);
  assert.deepEqual(held.sent, [0, 7, 9]);
  assert.deepEqual(held.inFlight, [0, 3, 0]);
  assert.ok(held.atMs.every(atMs => atMs >= 0));
  assert.ok(held.descriptors.every(count => count > 2));
  assert.ok(held.rssBytes.every((bytes, place) => bytes! > held.heapBytes[place]!));
});
