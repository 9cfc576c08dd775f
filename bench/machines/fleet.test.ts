// What has to be on another machine for a generator: the files of clients and bodies, and the names of secrets.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { coresOf, filesOf, refuseSeats, seatsOn, secretNamesOf, settleOver } from './fleet.ts';
import { tinyScenarioOf } from './testing/tiny-scenario.ts';

const ROOM = { spareCores: 4 };

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
