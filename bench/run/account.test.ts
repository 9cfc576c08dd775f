// The target's counts are booked to the arm that used it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TargetAccount } from './account.ts';
import type { Arm } from './arm.ts';
import type { MeasuredTarget, ServerReading } from './targets.ts';

/** An account of a target that counts so many connections as closed, reading by reading. */
function accountOf(closed: readonly number[]): TargetAccount {
  const readings = closed.map(connections => ({
    requestsPerConnection: [{ requests: 1, connections }],
    openConnections: 0,
  }));
  const target = { endpoint: { origin: 'http://127.0.0.1:1' }, read: async () => readings.shift() };
  return new TargetAccount(target as unknown as MeasuredTarget);
}

/** An arm that keeps how many ends of connections were booked to it. */
function armOf(): { arm: Arm; booked: number[] } {
  const booked: number[] = [];
  const closedIn = (reading: ServerReading) =>
    'requestsPerConnection' in reading ? reading.requestsPerConnection[0]!.connections : Number.NaN;
  const arm = {
    countTarget: (before: ServerReading, after: ServerReading) =>
      booked.push(closedIn(after) - closedIn(before)),
    acceptedConnections: () => 1,
    closedConnections: () => 0,
  };
  return { arm: arm as unknown as Arm, booked };
}

test('a connection that is counted as closed after its slice belongs to the arm of that slice', async () => {
  const short = armOf();
  const persistent = armOf();
  // Read at the start and the end of a slice of each, before the first one's end, and after it.
  const account = accountOf([0, 8, 10, 10, 11, 12]);
  await account.open();
  await account.book(short.arm, () => true);
  await account.open();
  await account.book(persistent.arm, () => true);
  assert.deepEqual([short.booked, persistent.booked], [[8, 2], [0]]);

  await account.open();
  await account.bookEnds(short.arm, 1);
  assert.deepEqual(
    [short.booked, persistent.booked],
    [
      [8, 2, 1],
      [0, 1],
    ],
  );
});
