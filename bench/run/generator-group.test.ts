// A group of generators does as one would: each command reaches every member with its share, and one answer comes back.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from '../../scenarios/model/client.ts';
import { Load, mostInFlight } from '../../scenarios/model/load.ts';
import { Target } from '../../scenarios/model/target.ts';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';
import { Recorder } from '../load/recorder.ts';
import type {
  GeneratorCommand,
  GeneratorReading,
  GeneratorReply,
  SliceOrder,
  SliceReading,
} from '../protocol.ts';
import type { GeneratorChild } from './arm.ts';
import { ChildError } from './child.ts';
import { createGeneratorGroup, type Member } from './generator-group.ts';
import { IDLE_SLICE } from './testing/readings.ts';

const LIMIT_MS = 1_000;
const ENDPOINT = { origin: 'http://127.0.0.1:1', path: '/' };

interface FakeChild {
  child: GeneratorChild;
  commands: GeneratorCommand[];
  isKilled: boolean;
}

/** Answers every question at once. */
function fakeChild(
  replies: { protocol?: number; slice?: Partial<SliceReading>; sent?: number; error?: Error } = {},
): FakeChild {
  const { protocol = PROTOCOL_VERSION, slice, sent = 0, error } = replies;
  const answers: { [Type in GeneratorReply['type']]: () => GeneratorReply } = {
    ready: () => ({ type: 'ready', protocol, dropsInFlight: false, hasUsers: true }),
    slice: () => ({ type: 'slice', reading: { ...IDLE_SLICE, ...slice } }),
    finished: () => ({ type: 'finished', reading: readingWith(sent) }),
    failed: () => ({ type: 'failed', message: '' }),
  };
  const fake: FakeChild = {
    commands: [],
    isKilled: false,
    child: {
      pid: 1,
      get isAlive() {
        return !fake.isKilled;
      },
      tell: command => void fake.commands.push(command),
      async ask(command, type) {
        fake.commands.push(command);
        if (error !== undefined) throw error;
        return answers[type]() as Extract<GeneratorReply, { type: typeof type }>;
      },
      start: (command, type) => fake.child.ask(command, type, LIMIT_MS),
      requireLoaded() {
        if (error !== undefined) throw error;
      },
      async kill() {
        fake.isKilled = true;
      },
    },
  };
  return fake;
}

function readingWith(sent: number): GeneratorReading {
  return {
    ...new Recorder().finish(),
    requests: [],
    sent,
    answered: sent,
    unfinished: 0,
    opened: 0,
    openedElsewhere: 0,
    origins: [],
    leftOpen: 0,
    pool: null,
    lateness: null,
    arrivals: null,
    caveats: ['A caveat of the client.'],
  };
}

function groupOf(
  fakes: readonly FakeChild[],
  { coreCount = fakes.length, weights = [1, 1] } = {},
): GeneratorChild {
  const members = fakes.map(({ child }, index): Member => ({ child, weight: weights[index] ?? 1 }));
  return createGeneratorGroup({ members: members as [Member, ...Member[]], coreCount });
}

function prepare(
  stated: { load?: unknown; client?: unknown } = {},
): Extract<GeneratorCommand, { type: 'prepare' }> {
  const trial = {
    id: 'c/0/a',
    scenario: 'c',
    cell: 'c',
    replicate: 0,
    arm: 'a',
    target: Target.parse({}),
    load: Load.parse(stated.load ?? { concurrency: 10 }),
    client: Client.parse(stated.client ?? {}),
    phases: true,
    generators: 2,
    seed: 1,
  };
  return { type: 'prepare', trial, endpoint: ENDPOINT };
}

function order(stated: Partial<SliceOrder> = {}): Extract<GeneratorCommand, { type: 'slice' }> {
  const times = { rampMs: 10, windowMs: 100, drainMs: 100, isRecorded: true, epochMs: 0 };
  return { type: 'slice', order: { ...times, ...stated } };
}

async function finish(group: GeneratorChild): Promise<GeneratorReading> {
  return (await group.ask({ type: 'finish' }, 'finished', LIMIT_MS)).reading;
}

describe('a group of generators', () => {
  test('is prepared with shares by weight, to the same server', async () => {
    const fakes = [fakeChild(), fakeChild()];
    const group = groupOf(fakes, { weights: [4, 1] });
    const reply = await group.ask(prepare({ client: { pool: { maxConnections: 5 } } }), 'ready', LIMIT_MS);
    assert.deepEqual(reply, {
      type: 'ready',
      protocol: PROTOCOL_VERSION,
      dropsInFlight: false,
      hasUsers: false,
    });
    const prepared = fakes.map(({ commands: [command] }) => command as ReturnType<typeof prepare>);
    assert.deepEqual(
      prepared.map(({ trial, endpoint }) => [
        mostInFlight(trial.load),
        trial.client.pool.maxConnections,
        endpoint,
      ]),
      [
        [8, 4, ENDPOINT],
        [2, 1, ENDPOINT],
      ],
    );
  });

  test('of another version is refused if one of them is', async () => {
    const group = groupOf([fakeChild(), fakeChild({ protocol: 1 })]);
    assert.equal((await group.ask(prepare(), 'ready', LIMIT_MS)).protocol, 1);
  });

  test('of closed loads, all get the same order', async () => {
    const fakes = [fakeChild(), fakeChild()];
    const group = groupOf(fakes);
    await group.ask(prepare(), 'ready', LIMIT_MS);
    await group.ask(order(), 'slice', LIMIT_MS);
    for (const { commands } of fakes) assert.deepEqual(commands[1], order());
  });

  test('each draws its requests by a seed of its own, the same in every group', async () => {
    const seedsOf = async (): Promise<(number | undefined)[]> => {
      const fakes = [fakeChild(), fakeChild()];
      const group = groupOf(fakes);
      await group.ask(prepare(), 'ready', LIMIT_MS);
      await group.ask(order({ requestSeed: 7 }), 'slice', LIMIT_MS);
      return fakes.map(({ commands }) => {
        const [, command] = commands;
        return command?.type === 'slice' ? command.order.requestSeed : undefined;
      });
    };
    const seeds = await seedsOf();
    assert.equal(new Set([...seeds, 7, undefined]).size, 4);
    assert.deepEqual(await seedsOf(), seeds);
  });

  test('of a constant rate, each is delayed so that requests are evenly spaced together', async () => {
    const fakes = [fakeChild(), fakeChild()];
    const group = groupOf(fakes);
    await group.ask(prepare({ load: { model: 'open', ratePerSec: 100 } }), 'ready', LIMIT_MS);
    await group.ask(order(), 'slice', LIMIT_MS);
    assert.deepEqual(
      fakes.map(({ commands }) => commands[1]),
      [order({ offsetMs: 0 }), order({ offsetMs: 10 })],
    );
  });

  test('in a capacity search, the rate of each slice is divided', async () => {
    const fakes = [fakeChild(), fakeChild()];
    const group = groupOf(fakes);
    await group.ask(prepare({ load: { model: 'capacity', objective: { p99Ms: 10 } } }), 'ready', LIMIT_MS);
    await group.ask(order({ ratePerSec: 1_000 }), 'slice', LIMIT_MS);
    const rates = fakes.map(({ commands }) => (commands[1] as ReturnType<typeof order>).order.ratePerSec);
    assert.deepEqual(rates, [500, 500]);
  });

  test('a slice that is cut as soon as it is ordered is cut', async () => {
    const fakes = [fakeChild(), fakeChild()];
    const group = groupOf(fakes);
    const asked = group.ask(order(), 'slice', LIMIT_MS);
    group.tell({ type: 'cut' });
    await asked;
    for (const { commands } of fakes)
      assert.deepEqual(
        commands.map(({ type }) => type),
        ['slice', 'cut'],
      );
  });

  test('is cut, killed and questioned as a whole', async () => {
    const fakes = [fakeChild(), fakeChild()];
    const group = groupOf(fakes);
    group.tell({ type: 'cut' });
    assert.deepEqual(
      fakes.map(({ commands }) => commands),
      [[{ type: 'cut' }], [{ type: 'cut' }]],
    );
    assert.ok(group.isAlive);
    await fakes[1]!.child.kill();
    assert.ok(!group.isAlive, 'one is dead');
    await group.kill();
    assert.ok(fakes.every(({ isKilled }) => isKilled));
  });

  test('fails with the member that fails', async () => {
    const error = new ChildError('died', 'generator 2 of 2 of client a ended unexpectedly (SIGKILL)', '');
    const group = groupOf([fakeChild(), fakeChild({ error })]);
    await assert.rejects(group.ask(order(), 'slice', LIMIT_MS), error);
    assert.throws(() => group.requireLoaded(), error);
  });

  test('needs a connection for each of its pools', async () => {
    const group = groupOf([fakeChild({ sent: 100 }), fakeChild({ sent: 100 })]);
    await group.ask(
      prepare({ client: { pool: { maxConnections: 4, idleTimeoutMs: 60_000 } } }),
      'ready',
      LIMIT_MS,
    );
    const { sent, needed, caveats } = await finish(group);
    assert.deepEqual([sent, needed], [200, { least: 2, most: 4 }]);
    assert.deepEqual(caveats, ['A caveat of the client.']);
  });

  test('says what readers must know: shared cores, options that are not divided', async () => {
    const group = groupOf([fakeChild(), fakeChild()], { coreCount: 1 });
    await group.ask(prepare({ client: { options: { connections: 3 } } }), 'ready', LIMIT_MS);
    const { caveats } = await finish(group);
    assert.match(caveats[1]!, /^Its 2 generators shared 1 core, /);
    assert.match(caveats[2]!, /^Its options were given to each of its 2 generators unchanged\.$/);
  });

  describe('on several machines', () => {
    /** Its clock is ahead by so much, and answers at once. */
    const machineAhead = (name: string, offsetMs: number) => ({
      name,
      clock: { offsetMs, errorMs: 0.25 },
      roundTripMs: 0.5,
      questions: 0,
      async sync(count: number) {
        this.questions += count;
      },
    });

    /** Two machines; the second opens its window so much after its time. */
    async function measureApart(lateMs: number, isRecorded = true) {
      const machines = [machineAhead('gen1', 0), machineAhead('gen2', 3_000)];
      const fakes = [fakeChild({ sent: 60 }), fakeChild({ sent: 40 })];
      const members = fakes.map(({ child }, index): Member => {
        const answerInStep: GeneratorChild['ask'] = async (command, type, timeoutMs) => {
          const reply = await child.ask(command, type, timeoutMs);
          if (command.type !== 'slice') return reply;
          const { clock, rampMs } = command.order;
          const atMs = clock!.startAtMs - clock!.epochMs + rampMs + (index === 1 ? lateMs : 0);
          return { ...reply, reading: { ...IDLE_SLICE, atMs } };
        };
        const inStep: GeneratorChild = { ...child, ask: answerInStep };
        return { child: inStep, weight: 3 - 2 * index, machine: machines[index]! };
      });
      const group = createGeneratorGroup({ members: members as [Member, ...Member[]], coreCount: 2 });
      await group.ask(prepare(), 'ready', LIMIT_MS);
      await group.ask(order({ rampMs: 50, isRecorded, epochMs: Date.now() }), 'slice', LIMIT_MS);
      return { machines, fakes, reading: await finish(group) };
    }

    test('a slice begins at one moment, given to each by its own clock, which is read just before', async () => {
      const { machines, fakes } = await measureApart(0);
      const clocks = fakes.map(({ commands }) => (commands[1] as ReturnType<typeof order>).order.clock!);
      assert.equal(Math.round(clocks[1]!.startAtMs - clocks[0]!.startAtMs), 3_000);
      assert.equal(Math.round(clocks[1]!.epochMs - clocks[0]!.epochMs), 3_000);
      assert.ok(machines.every(({ questions }) => questions > 0));
    });

    test('the share of each is kept, with how far it was from its start', async () => {
      const { machines = [], caveats, sent } = (await measureApart(7)).reading;
      assert.equal(sent, 100);
      assert.deepEqual(
        machines.map(({ name, shareRatio, requestsSent, slices, lateSlices, worst }) => [
          name,
          shareRatio,
          requestsSent,
          slices,
          lateSlices,
          Math.round(worst!.skewMs),
          worst!.rampMs,
        ]),
        [
          ['gen1', 0.75, 60, 1, 0, 0, 50],
          ['gen2', 0.25, 40, 1, 1, 7, 50],
        ],
      );
      assert.ok(
        caveats.every(caveat => !caveat.includes('apart')),
        'an audit judges it',
      );
    });

    test('a slice that is cut while the clocks are read is cut once it is ordered', async () => {
      const fake = fakeChild();
      const machine = machineAhead('gen1', 0);
      const group = createGeneratorGroup({
        members: [{ child: fake.child, weight: 1, machine }],
        coreCount: 1,
      });
      await group.ask(prepare(), 'ready', LIMIT_MS);
      const asked = group.ask(order(), 'slice', LIMIT_MS);
      group.tell({ type: 'cut' });
      await asked;
      await group.ask(order(), 'slice', LIMIT_MS);
      assert.deepEqual(
        fake.commands.map(({ type }) => type),
        ['prepare', 'slice', 'cut', 'slice'],
      );
    });

    test('of slices that are not recorded, nothing is kept', async () => {
      const { machines = [] } = (await measureApart(7, false)).reading;
      assert.deepEqual(
        machines.map(({ worst, slices }) => [worst, slices]),
        [
          [null, 0],
          [null, 0],
        ],
      );
    });
  });

  const skews: [why: string, late: Partial<SliceReading>, isRecorded: boolean, isTold: boolean][] = [
    ['a tenth of the window apart', { atMs: 10 }, true, false],
    ['more than that', { atMs: 11 }, true, true],
    ['more than that, while warming up', { atMs: 11 }, false, false],
    ['in a window that was cut', { atMs: 11, windowMs: 1 }, true, false],
  ];
  for (const [why, late, isRecorded, isTold] of skews) {
    test(`members that begin ${why}: ${isTold ? 'a caveat' : 'none'}`, async () => {
      const group = groupOf([fakeChild(), fakeChild({ slice: late })]);
      await group.ask(prepare(), 'ready', LIMIT_MS);
      await group.ask(order({ isRecorded }), 'slice', LIMIT_MS);
      const { caveats } = await finish(group);
      assert.equal(
        caveats.some(caveat => caveat.includes('more than a tenth of their length apart')),
        isTold,
      );
    });
  }
});
