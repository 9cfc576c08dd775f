// Which generators machines have of a plan, what has to be on them, and which targets they reach.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Scenario } from '../../scenarios/model/scenario.ts';
import type { Plan, PlannedCell } from '../plan/plan.ts';
import type { LocatedTarget } from '../run/find-servers.ts';
import {
  coresOf,
  filesOf,
  refuseSeats,
  requireReachable,
  seatsOn,
  secretNamesOf,
  settleOver,
} from './fleet.ts';

const ROOM = { spareCores: 4 };

/** @param stated settings in place of the usual ones */
function tinyScenarioOf(stated: Record<string, unknown>): Scenario {
  return Scenario.parse({
    name: 'tiny',
    question: 'Is it divided?',
    load: { concurrency: 4 },
    baseline: 'a',
    clients: { a: {} },
    ...stated,
  });
}

describe('seats', () => {
  test('each machine has as many generators as the scenario, unless it states its own', () => {
    assert.deepEqual(
      seatsOn([ROOM, { ...ROOM, cores: 2 }], 1).map(({ machine, place, weight }) => [machine, place, weight]),
      [
        [0, 0, 1],
        [1, 0, 1],
        [1, 1, 1],
      ],
    );
    assert.equal(seatsOn([ROOM, ROOM], 3).length, 6);
  });

  test('the weight of a machine is shared by its generators', () => {
    const seats = seatsOn([{ ...ROOM, cores: 2, weight: 3 }, ROOM], 1);
    assert.deepEqual(
      seats.map(({ weight }) => weight),
      [1.5, 1.5, 1],
    );
  });

  test('auto gives every machine as many as the smallest has cores, and the load can be divided over', () => {
    const scenario = tinyScenarioOf({ load: { concurrency: 6 }, generators: 'auto' });
    const settle = (...spareCores: number[]) =>
      settleOver(
        scenario,
        spareCores.map(count => ({ spareCores: count })),
        {},
      ).generators;
    assert.equal(settle(2, 8), 2);
    assert.equal(settle(8, 8), 3, 'six users, one for each of six generators');
    assert.equal(settle(8), 6);
  });
});

describe('a scenario is refused', () => {
  const library = { kind: 'client' } as never;
  const tool = { kind: 'engine' } as never;
  const refusals = (stated: Parameters<typeof tinyScenarioOf>[0], machines = 2): string[] =>
    refuseSeats(
      tinyScenarioOf(stated),
      { undici: library, wrk: tool },
      seatsOn(Array(machines).fill(ROOM), 1),
    ).map(({ path }) => path);

  test('where its load cannot be divided, it has limits of this machine, or a load tool, even on one machine', () => {
    assert.deepEqual(refusals({}), []);
    assert.deepEqual(refusals({ load: { concurrency: 1 } }), ['load.concurrency']);
    assert.deepEqual(refusals({ limits: { openFiles: 100 } }, 1), ['limits']);
    assert.deepEqual(refusals({ clients: { a: { transport: 'wrk' } } }, 1), ['clients.a.transport']);
  });
});

test('generators get cores of their own, and machines that are one share them in turn', () => {
  const seats = seatsOn([ROOM, ROOM, ROOM], 2);
  const machines = [
    { boot: 'x', cores: [1, 2, 3] },
    { boot: 'x', cores: [1, 2, 3] },
    { boot: 'y', cores: [0, 1] },
  ];
  assert.deepEqual(coresOf(seats, machines), [1, 2, 3, 1, 0, 1]);
  assert.deepEqual(coresOf(seats.slice(0, 1), [{ boot: null, cores: [] }]), [null]);
});

const requests = [
  {
    path: '/a',
    bodyFile: '/data/a.json',
    method: 'POST',
    headers: { authorization: { env: 'TOKEN' }, accept: 'text/plain' },
  },
  { path: '/b', query: { key: { env: 'KEY' }, other: { env: 'TOKEN' } } },
];

test('files are those of bodies and of client modules', () => {
  const scenario = tinyScenarioOf({ requests });
  const clients = {
    ...scenario.clients,
    ours: { ...scenario.clients['a']!, modulePath: '/clients/ours.ts' },
  };
  assert.deepEqual(filesOf({ ...scenario, clients }), ['/clients/ours.ts', '/data/a.json']);
  assert.deepEqual(filesOf(tinyScenarioOf({})), []);
});

test('secrets are named once each', () => {
  assert.deepEqual(secretNamesOf(tinyScenarioOf({ requests })), ['TOKEN', 'KEY']);
  assert.deepEqual(secretNamesOf(tinyScenarioOf({ request: { headers: { a: { env: 'ONE' } } } })), ['ONE']);
});

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
