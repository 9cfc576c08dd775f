// What is loopback for this machine is another place on others, so load is not sent there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Plan, PlannedCell } from '../plan/plan.ts';
import type { LocatedTarget } from '../run/find-servers.ts';
import { requireReachable } from './reachable.ts';
import { tinyScenarioOf } from './testing/tiny-scenario.ts';

function planOf(target: unknown): Plan {
  const cell = { id: 'tiny', scenario: tinyScenarioOf({ target }) } as PlannedCell;
  return { seed: 1, estimatedMs: 0, cells: [cell] };
}

function locatedAt(addresses: readonly string[], socketPath?: string): LocatedTarget[] {
  const reach = socketPath === undefined ? {} : { socketPath };
  return [{ servers: [{ url: 'http://web1:3000/', addresses, reach, requests: [] as never }], cells: [] }];
}

const url = { url: 'http://web1:3000/' };

describe('machines elsewhere', () => {
  test('cannot reach a server that the run starts', () => {
    assert.throws(
      () => requireReachable(planOf({}), [], ['gen1']),
      /tiny: its server is started here.*gen1 cannot reach/,
    );
  });

  test('cannot reach loopback or a Unix socket of this machine', () => {
    assert.throws(
      () => requireReachable(planOf(url), locatedAt(['10.0.0.7', '127.0.0.1']), ['gen1', 'gen2']),
      /on loopback.*gen1, gen2/,
    );
    assert.throws(
      () => requireReachable(planOf(url), locatedAt(['/run/a.sock'], '/run/a.sock'), ['gen1']),
      /Unix socket/,
    );
  });

  test('reach any other address', () => {
    requireReachable(planOf(url), locatedAt(['10.0.0.7']), ['gen1']);
  });
});

test('machines that are this one reach all of it', () => {
  requireReachable(planOf({}), [], []);
  requireReachable(planOf(url), locatedAt(['127.0.0.1']), []);
});
