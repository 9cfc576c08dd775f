// Tests of the verdicts on the wire client's goals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUTOCANNON, FLOOR, judgeGoals, type Round, WIRE, WIRE_RESUMED, WRK } from './driver-goals.ts';

function rounds(costs: Record<string, readonly number[]>): Map<string, Round[]> {
  return new Map(Object.entries(costs).map(([name, us]) => [name, us.map(cpuUs => ({ perSec: 1, cpuUs }))]));
}

test('a goal is judged by the ratio within a round, so that a slow round hits no verdict', () => {
  const [wrk, floor, autocannon] = judgeGoals(
    rounds({
      [WIRE]: [11, 110, 11],
      [WRK]: [10, 100, 10],
      [FLOOR]: [8, 80, 8],
      [AUTOCANNON]: [20, 200, 20],
    }),
    false,
  );
  assert.deepEqual([wrk!.ratio, wrk!.isMet], [1.1, true]);
  assert.equal(wrk!.leastRatio, 1.1);
  assert.deepEqual([floor!.ratio, floor!.isMet], [1.375, false]);
  assert.deepEqual([autocannon!.ratio!.toFixed(2), autocannon!.isMet], ['1.82', true]);
});

test('over TLS only wrk is compared with, and at most 1.3 times its cost is met', () => {
  const goals = judgeGoals(rounds({ [WIRE]: [13], [WRK]: [10] }), true);
  assert.deepEqual(
    goals.map(({ ratio, isMet }) => [ratio, isMet]),
    [[1.3, true]],
  );
});

test('where wrk resumes its sessions, the client that does so too is judged', () => {
  const [goal] = judgeGoals(rounds({ [WIRE]: [30], [WIRE_RESUMED]: [12], [WRK]: [10] }), true);
  assert.deepEqual([goal!.ratio, goal!.isMet], [1.2, true]);
  assert.match(goal!.text, /"wire, sessions resumed" at most/);
});

test('what was not measured is not met', () => {
  const goals = judgeGoals(rounds({ [WIRE]: [13, 14], [WRK]: [] }), false);
  assert.ok(
    goals.every(({ ratio, leastRatio, isMet }) => ratio === undefined && leastRatio === undefined && !isMet),
  );
});
