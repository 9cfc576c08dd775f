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

const here = 'boot here';
const placesOf = (names: readonly string[], server?: { address: string; place: string }) => ({
  here,
  clients: names.map(name => ({ name, place: name === 'local' ? here : `boot ${name}` })),
  server,
});

describe('machines elsewhere', () => {
  test('cannot reach a server that the run starts', () => {
    assert.throws(
      () => requireReachable(planOf({}), [], placesOf(['gen1', 'local'])),
      /tiny: its server is started on this machine.* which machine gen1 cannot reach/,
    );
  });

  test('cannot reach loopback or a Unix socket of this machine', () => {
    assert.throws(
      () => requireReachable(planOf(url), locatedAt(['10.0.0.7', '127.0.0.1']), placesOf(['gen1', 'gen2'])),
      /on loopback.*machine gen1, machine gen2/,
    );
    assert.throws(
      () => requireReachable(planOf(url), locatedAt(['/run/a.sock'], '/run/a.sock'), placesOf(['gen1'])),
      /Unix socket/,
    );
  });

  test('reach any other address', () => {
    requireReachable(planOf(url), locatedAt(['10.0.0.7']), placesOf(['gen1']));
  });
});

test('machines that are this one reach all of it', () => {
  requireReachable(planOf({}), [], placesOf(['local']));
  requireReachable(planOf(url), locatedAt(['127.0.0.1']), placesOf(['local']));
  requireReachable(planOf({}), [], placesOf([]));
});

describe("conntax's own target on the machine of the server", () => {
  const web1 = { address: '10.0.0.7', place: 'boot web1' };

  test('is reached by all at an address of the network', () => {
    requireReachable(planOf({}), [], placesOf(['gen1', 'local'], web1));
    requireReachable(planOf({}), [], placesOf([], web1));
  });

  test('is reached at loopback by those that are there', () => {
    const loopback = { ...web1, address: '127.0.0.2' };
    requireReachable(planOf({}), [], placesOf(['web1'], loopback));
    assert.throws(
      () => requireReachable(planOf({}), [], placesOf([], loopback)),
      /which this machine cannot reach/,
    );
    assert.throws(
      () => requireReachable(planOf({}), [], placesOf(['web1', 'gen1'], loopback)),
      /which machine gen1 cannot reach/,
    );
  });

  test('has no link, limits or full accept queue', () => {
    assert.throws(
      () => requireReachable(planOf({ accepts: false }), [], placesOf([], web1)),
      /target\.accepts/,
    );
  });
});
