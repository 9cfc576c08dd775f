// Connections that end in a pause are counted, those that were closing anyway are not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pauses } from './pauses.ts';

test('counts what is lost from shortly after a slice until the next, with the longest pause that cost any', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  let open = 20;
  const pauses = new Pauses(() => open);
  const pause = (ms: number, act: () => void): void => {
    pauses.begin();
    const settledMs = Math.min(ms, 5);
    nowMs += settledMs;
    t.mock.timers.tick(settledMs);
    act();
    nowMs += ms - settledMs;
    t.mock.timers.tick(ms - settledMs);
    pauses.end();
  };

  pauses.end(); // the first slice has no pause before it
  pause(400, () => {});
  pauses.begin();
  open = 18; // they were closing
  t.mock.timers.tick(5);
  pauses.end();
  assert.deepEqual(pauses.counts(), { closed: 0, longestMs: 0 });

  pause(6_000, () => {
    open = 0;
  });
  open = 20;
  pause(9_000, () => {}); // longer, but nothing was lost
  pause(5_000, () => {
    open = 25; // a client may open some ahead
  });
  pause(3, () => {
    open = 1; // too short to tell
  });
  assert.deepEqual(pauses.counts(), { closed: 18, longestMs: 6_000 });
});
