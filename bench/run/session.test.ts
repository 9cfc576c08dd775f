// The turns of a replicate, on processes that are not there: whose turn it was is who gets what the target counted.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { emptyHistogram } from '../../results/histogram.ts';
import { usesTls } from '../../scenarios/model/facts.ts';
import { withUnknowns } from '../../scenarios/model/target.ts';
import type { TargetReading } from '../../servers/protocol.ts';
import { blockOrder, trialsOf } from '../plan/plan.ts';
import type { GeneratorCommand, GeneratorReading, GeneratorReply, SliceOrder } from '../protocol.ts';
import { Arm, type GeneratorChild } from './arm.ts';
import { ChildError } from './child.ts';
import { Session } from './session.ts';
import type { MeasuredTarget, TargetLink, TargetProcess } from './targets.ts';
import { IDLE_SLICE, STILL, STILL_RELAY } from './testing/readings.ts';
import { completed, makeTinyCell, states, type TinyCell } from './testing/tiny-cell.ts';

describe('The turns of a replicate, on processes that are not there: whose turn it was is who gets what the target counted', () => {
  /**
   * A target that counts correctly, but shows it only from the third reading on, behind a link once it has settled; under
   * TLS only the handshakes so.
   */
  function createFakeTarget(isTls: boolean, isLinked: boolean) {
    let settled = 0;
    const link: TargetLink = {
      isAlive: true,
      upstreamPort: 10,
      read: async () => ({ ...STILL_RELAY, connections: accepted }),
      settle: async () => {
        settled++;
        readsUntilShown = 0;
      },
    };
    let accepted = 0;
    let shown = 0;
    let cpuUs = 0;
    let readsUntilShown = 0;
    const target: TargetProcess = {
      pid: 0,
      endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
      isLoopback: true,
      isAlive: true,
      ...(isLinked ? { link } : {}),
      kill: async () => {},
      async read(): Promise<TargetReading> {
        if (readsUntilShown-- <= 0) shown = accepted;
        return {
          ...STILL,
          cpuUs,
          accepted: isTls ? accepted : shown,
          requests: 10 * shown,
          openConnections: 0,
          handshakesFull: isTls ? shown : 0,
          handshakesResumed: 0,
          acceptedHttp2: 0,
          faults: [],
          requestsPerConnection: [{ requests: 10, connections: shown }],
          backends: [{ accepted: shown, requests: 10 * shown }],
          growth: null,
        };
      },
    };
    return {
      target,
      settledCount: () => settled,
      use(us: number): void {
        cpuUs += us;
      },
      accept(count: number): void {
        accepted += count;
        readsUntilShown = isLinked ? Infinity : 2;
      },
    };
  }

  interface FakeChild extends GeneratorChild {
    readonly orders: readonly SliceOrder[];
    /** For the last command of each type, beyond the times that a slice has itself. */
    readonly allowedMs: Readonly<Record<string, number>>;
    readonly killCount: number;
  }

  /** A generator that opens the given number of connections in each slice, and completes ten requests on each. */
  function createFakeChild(perSlice: number, accept: (count: number) => void, failAt = Infinity): FakeChild {
    const orders: SliceOrder[] = [];
    const allowedMs: Record<string, number> = {};
    let killCount = 0;
    const count = (): number => orders.length * perSlice;
    const replyTo = (command: GeneratorCommand): GeneratorReply => {
      if (command.type === 'slice') {
        orders.push(command.order);
        if (orders.length === failAt) throw new ChildError('hung', 'it did not answer', '');
        accept(perSlice);
        const { windowMs } = command.order;
        const counts = { completed: 10 * perSlice, failed: 0, meanUs: 1_000, exchanges: 10 * perSlice };
        return {
          type: 'slice',
          reading: {
            ...IDLE_SLICE,
            windowMs,
            ...counts,
            opened: perSlice,
            ...(command.order.users === undefined ? {} : { p50Us: 900, connectUs: 80 }),
          },
        };
      }
      const empty = emptyHistogram();
      const reading: GeneratorReading = {
        sent: 10 * count(),
        answered: 10 * count(),
        failed: 0,
        failures: {},
        unfinished: 0,
        openedElsewhere: 0,
        origins: [],
        leftOpen: 0,
        pool: null,
        opened: count(),
        handshakesFull: 0,
        handshakesResumed: 0,
        completedRecorded: 10 * count(),
        failedRecorded: 0,
        endedRecorded: 10 * count(),
        bytesRecorded: 0,
        outcomes: {},
        statuses: {},
        censored: null,
        response: empty,
        responseByClass: {},
        requests: [],
        service: empty,
        wait: empty,
        firstByte: empty,
        body: empty,
        lateness: null,
        arrivals: null,
        caveats: [],
        connect: empty,
        tls: empty,
        timeline: { widthMs: 1_000, buckets: [] },
      };
      return { type: 'finished', reading };
    };
    return {
      pid: 0,
      isAlive: true,
      tell: () => {},
      ask: async (command, type, timeoutMs) => {
        const { rampMs, windowMs, drainMs } =
          command.type === 'slice' ? command.order : { rampMs: 0, windowMs: 0, drainMs: 0 };
        allowedMs[command.type] = timeoutMs - rampMs - windowMs - drainMs;
        const reply = replyTo(command);
        assert.equal(reply.type, type);
        return reply as Extract<GeneratorReply, { type: typeof type }>;
      },
      start: () => Promise.reject(new Error('it is already started')),
      requireLoaded: () => {},
      kill: async () => {
        killCount++;
      },
      orders,
      allowedMs,
      get killCount() {
        return killCount;
      },
    };
  }

  function openSession(
    tiny: TinyCell,
    perSlice: Record<string, number>,
    failAt: Record<string, number> = {},
    slowness = 1,
  ) {
    const { target: own, link } = tiny.options.cell.scenario;
    const { target, accept, settledCount } = createFakeTarget(usesTls(own), link !== undefined);
    const children = new Map<string, FakeChild>();
    const arms: Arm[] = trialsOf(tiny.options.cell, 0, tiny.options.seed).map(trial => {
      const child = createFakeChild(perSlice[trial.arm]!, accept, failAt[trial.arm]);
      children.set(trial.arm, child);
      return new Arm(trial, child, target, new Map());
    });
    const options = { ...tiny.options, slowness: () => slowness };
    const session = new Session({ ...options, replicate: 0, leftMs: () => 0, arms });
    return { session, arms, children, settledCount };
  }

  suite('session', () => {
    test('each arm is booked what the target counted in its turns, though the count comes late', async () => {
      const tiny = makeTinyCell({ timing: { warmupMinMs: 1, warmupMaxMs: 1 } });
      const { session, children } = openSession(tiny, { short: 7, long: 2 });
      await session.warmUp();
      await session.measure();
      const results = completed(await session.finish());
      assert.equal(results.length, 2);
      for (const { trial, measurement, startedAt, isPartial } of results) {
        const sliceCount = children.get(trial.arm)!.orders.length;
        const opened = sliceCount * (trial.arm === 'short' ? 7 : 2);
        assert.equal(sliceCount, 5, 'one to warm up, four measured');
        const { ledger } = measurement;
        assert.deepEqual(
          [ledger.opened, ledger.accepted, ledger.requestsSeen],
          [opened, opened, 10 * opened],
        );
        assert.deepEqual(ledger.requestsPerConnection, [{ requests: 10, connections: opened }]);
        const { epochMs } = children.get(trial.arm)!.orders[0]!;
        assert.deepEqual([Date.parse(startedAt), isPartial], [epochMs, false], 'slices count from it');
        assert.equal(measurement.slices.length, 4);
      }
    });

    for (const [slowness, expected] of [
      [1, { slice: 5_004, finish: 20_000 }],
      [12, { slice: 60_048, finish: 240_000 }],
    ] as const) {
      test(`where all takes ${slowness} times as long, generators may take that long beyond the times of a slice`, async () => {
        const { session, children } = openSession(makeTinyCell(), { short: 7, long: 2 }, {}, slowness);
        await session.measure();
        await session.finish();
        assert.deepEqual(children.get('short')!.allowedMs, expected);
      });
    }

    test('of targets of their own, arms are booked what each counted and used in their own turns', async () => {
      const tiny = makeTinyCell({ timing: { warmupMinMs: 1, warmupMaxMs: 1 } });
      const own = {
        short: { ...createFakeTarget(false, false), perSlice: 7, cpuUs: 300 },
        long: { ...createFakeTarget(false, false), perSlice: 2, cpuUs: 500 },
      };
      const arms = trialsOf(tiny.options.cell, 0, tiny.options.seed).map(trial => {
        const [mine, other] = trial.arm === 'short' ? [own.short, own.long] : [own.long, own.short];
        const child = createFakeChild(mine.perSlice, count => {
          mine.accept(count);
          mine.use(mine.cpuUs);
          other.use(10_000); // as a target that collects its garbage while it has nothing to do
        });
        return new Arm(trial, child, mine.target, new Map());
      });
      const session = new Session({ ...tiny.options, replicate: 0, leftMs: () => 0, arms });
      await session.warmUp();
      await session.measure();
      const booked = completed(await session.finish()).map(({ trial, measurement }) => [
        trial.arm,
        [measurement.ledger.opened, measurement.ledger.accepted, measurement.ledger.requestsSeen],
        measurement.slices.map(({ targetCpuUs }) => targetCpuUs),
      ]);
      assert.deepEqual(booked.sort(), [
        ['long', [10, 10, 100], [500, 500, 500, 500]],
        ['short', [35, 35, 350], [300, 300, 300, 300]],
      ]);
    });

    test('what ends between two turns on a target is booked to the arm whose turn comes', async () => {
      const tiny = makeTinyCell({ clients: { only: {} }, baseline: 'only' });
      const { target } = createFakeTarget(false, false);
      const { read } = target;
      let isBetween = false;
      let ended = 0;
      target.read = async () => {
        if (isBetween) ended++;
        isBetween = false;
        const requestsPerConnection = [{ requests: 10, connections: ended }];
        return { ...(await read()), requestsPerConnection };
      };
      const arms = trialsOf(tiny.options.cell, 0, tiny.options.seed).map(
        trial =>
          new Arm(
            trial,
            createFakeChild(0, () => {}),
            target,
            new Map(),
          ),
      );
      const { emit } = tiny.options;
      const session = new Session({
        ...tiny.options,
        replicate: 0,
        leftMs: () => 0,
        arms,
        emit(event) {
          if (event.type === 'progress' && event.phase === 'measure') isBetween = true;
          emit(event);
        },
      });
      await session.measure();
      const [result] = completed(await session.finish());
      assert.deepEqual(result!.measurement.ledger.requestsPerConnection, [{ requests: 10, connections: 4 }]);
    });

    test("of someone else's server, what the kernel counts between the turns is no arm's", async () => {
      let accepted = 0;
      const target: MeasuredTarget = {
        endpoint: { origin: 'https://a.test', path: '/', address: '127.0.0.1' },
        isLoopback: true,
        isAlive: true,
        kill: async () => {},
        read: async () => ({ countedBy: 'kernel', accepted }),
      };
      const url = { url: 'https://a.test/' };
      const tiny = makeTinyCell(
        { target: withUnknowns(url), timing: { warmupMinMs: 1, warmupMaxMs: 1 } },
        () => {
          accepted += 1_000; // another program's, while no arm has its turn
        },
      );
      const arms = trialsOf(tiny.options.cell, 0, tiny.options.seed).map(
        trial =>
          new Arm(
            trial,
            createFakeChild(3, count => {
              accepted += count;
            }),
            target,
            new Map(),
          ),
      );
      const session = new Session({ ...tiny.options, replicate: 0, leftMs: () => 0, arms });
      await session.warmUp();
      await session.measure();
      const ledgers = completed(await session.finish()).map(({ measurement }) => measurement.ledger);
      assert.deepEqual(
        ledgers.map(ledger => [ledger.opened, ledger.accepted, ledger.acceptedBy]),
        [
          [15, 15, 'kernel'],
          [15, 15, 'kernel'],
        ],
      );
    });

    test('under TLS, a handshake that is counted late is booked to the arm that made it', async () => {
      const tiny = makeTinyCell({ target: { tls: '1.3' }, timing: { warmupMinMs: 1, warmupMaxMs: 1 } });
      const { session, children } = openSession(tiny, { short: 7, long: 2 });
      await session.warmUp();
      await session.measure();
      for (const { trial, measurement } of completed(await session.finish())) {
        const opened = children.get(trial.arm)!.orders.length * (trial.arm === 'short' ? 7 : 2);
        assert.deepEqual([measurement.ledger.accepted, measurement.ledger.handshakesFull], [opened, opened]);
      }
    });

    test('a tool that does not count its connections is booked them when the target has seen them close', async () => {
      const tiny = makeTinyCell({ clients: { tool: {}, other: {} }, baseline: 'tool' });
      const { target } = createFakeTarget(false, false);
      const { read } = target;
      let accepted = 0;
      let openConnections = 2;
      /** What the target will have seen by its next readings, one after the other. */
      const coming: [more: number, open: number][] = [];
      target.read = async () => {
        const [more, open] = coming.shift() ?? [0, openConnections];
        accepted += more;
        openConnections = open;
        return { ...(await read()), accepted, openConnections };
      };
      const arms = trialsOf(tiny.options.cell, 0, tiny.options.seed).map(trial => {
        const child = createFakeChild(0, () => {});
        const { ask } = child;
        if (trial.arm === 'tool') {
          child.ask = async (...asked) => {
            const reply = await ask(...asked);
            const anyReply: GeneratorReply = reply;
            if (anyReply.type === 'slice') {
              anyReply.reading.opened = null;
              coming.push([3, 5], [2, 4], [0, 2]);
            }
            return reply;
          };
        }
        return new Arm(trial, child, target, new Map());
      });
      const session = new Session({ ...tiny.options, replicate: 0, leftMs: () => 0, arms });
      await session.measure();
      const results = completed(await session.finish());
      assert.deepEqual(
        Object.fromEntries(results.map(({ trial, measurement }) => [trial.arm, measurement.ledger.accepted])),
        { tool: 4 * 5, other: 0 },
      );
    });

    test('arms are warmed up in turn, then measured in the order of each block; only that is recorded', async () => {
      const tiny = makeTinyCell({ timing: { warmupMinMs: 600, warmupMaxMs: 600 } });
      const { session, children } = openSession(tiny, { short: 1, long: 1 });
      await session.warmUp();
      await session.measure();
      const turns = tiny.events.flatMap(event =>
        event.type === 'progress' ? [`${event.phase} ${event.arm}`] : [],
      );
      const first = trialsOf(tiny.options.cell, 0, tiny.options.seed).map(({ arm }) => arm);
      const warmUps = [...first, ...first, ...first].map(arm => `warm-up ${arm}`);
      const blocks = [0, 1, 2, 3].flatMap(block =>
        blockOrder(tiny.options.cell, tiny.options.seed, 0, block),
      );
      assert.deepEqual(turns, [...warmUps, ...blocks.map(arm => `measure ${arm}`)]);
      for (const { orders } of children.values()) {
        assert.deepEqual(
          orders.map(({ isRecorded }) => isRecorded),
          [false, false, false, true, true, true, true],
        );
        assert.equal(new Set(orders.map(({ epochMs }) => epochMs)).size, 1, 'the arms have one time axis');
      }
    });

    test('a generator that hangs is killed before the next turn, and has no other', async () => {
      const tiny = makeTinyCell();
      const { session, children, arms } = openSession(tiny, { short: 1, long: 1 }, { long: 2 });
      await session.warmUp();
      await session.measure();
      assert.deepEqual([children.get('long')?.killCount, children.get('long')?.orders.length], [1, 2]);
      assert.deepEqual([children.get('short')?.killCount, children.get('short')?.orders.length], [0, 4]);
      assert.deepEqual(states(await session.finish()), { short: 'completed', long: 'trial-hung' });
      const failed = arms.find(({ trial }) => trial.arm === 'long');
      assert.equal(failed?.failure?.message, 'it did not answer');
    });

    test('behind a link: arms begin spread, ramps span its trips, and requests in flight are waited for', async () => {
      const link = { roundTripMs: 30, jitterMs: 5 };
      const tiny = makeTinyCell({ link, timing: { warmupMinMs: 1, warmupMaxMs: 1 } });
      const { session, children, settledCount } = openSession(tiny, { short: 7, long: 2 });
      await session.warmUp();
      await session.measure();
      const results = completed(await session.finish());
      for (const { trial, measurement } of results) {
        const [first, ...others] = children.get(trial.arm)!.orders;
        const mostMs = 4 * (30 + 2 * 5);
        assert.deepEqual(
          [first!.rampMs, first!.spreadMs],
          [mostMs, mostMs / 2],
          'nothing is known of it yet',
        );
        assert.ok(first!.drainMs >= 20 * mostMs);
        for (const order of others) assert.equal(order.spreadMs, 1, 'its mean is 1 ms');
        const ramps = others.map(({ rampMs }) => rampMs);
        assert.ok(
          ramps.every(rampMs => rampMs >= 10 && rampMs <= 30),
          `${ramps}`,
        );
        assert.ok(new Set(ramps).size > 1, 'no two slices in step');
        const opened = trial.arm === 'short' ? 7 : 2;
        assert.equal(measurement.ledger.accepted, 5 * opened, 'counted once it had settled');
        assert.equal(measurement.link?.connections, 4 * opened, 'those of its measured slices');
      }
      assert.equal(settledCount(), 2 * (5 + 1), 'after each turn, and at the end');
    });

    test('behind a link, without any warm-up: slices are as long as the trips that a first answer may take', async () => {
      const tiny = makeTinyCell({ link: { roundTripMs: 30 }, timing: { sliceResponses: 2 } });
      const { session, children } = openSession(tiny, { short: 1, long: 1 });
      await session.measure();
      for (const { orders } of children.values()) {
        const { rampMs, windowMs } = orders[0]!;
        assert.ok(rampMs >= 3 * 120 && rampMs <= 9 * 120, `${rampMs}`);
        assert.equal(windowMs, 2 * 120);
      }
    });

    test('without a link all users begin at once', async () => {
      const tiny = makeTinyCell();
      const { session, children } = openSession(tiny, { short: 1, long: 1 });
      await session.measure();
      for (const { orders } of children.values())
        assert.ok(orders.every(order => order.spreadMs === undefined));
    });

    test('one user alone comes after the measured slices, and is in none of their figures', async () => {
      const { session, arms, children } = openSession(makeTinyCell(), { short: 7, long: 2 });
      for (const arm of arms) arm.hasUsers = arm.name === 'short';
      await session.measure();
      await session.measureAlone();
      const short = children.get('short')!.orders;
      assert.deepEqual(
        short.map(({ users, isRecorded }) => [users, isRecorded]),
        [...short.slice(1).map(() => [undefined, true]), [1, false]],
      );
      assert.ok(
        children.get('long')!.orders.every(({ users }) => users === undefined),
        'a load tool has its own users',
      );
      const results = completed(await session.finish());
      const of = (name: string) => results.find(({ trial }) => trial.arm === name)!.measurement;
      assert.deepEqual(of('short').alone, { requests: 70, responseUs: 900, connectUs: 80, tlsUs: null });
      assert.equal(of('long').alone, null);
      assert.equal(of('short').slices.length, short.length - 1);
      assert.equal(of('short').ledger.accepted, 7 * short.length, 'its connections are booked all the same');
    });

    for (const [why, stated] of [
      ['a single user is alone anyway', { load: { concurrency: 1 } }],
      ['whole slices measure one long story', { timing: { slicing: 'whole' as const } }],
      ['a schedule has no users', { load: { model: 'open' as const, ratePerSec: 100 } }],
    ] as const) {
      test(`no slice of one user: ${why}`, async () => {
        const { session, arms, children } = openSession(makeTinyCell(stated), { short: 7, long: 2 });
        for (const arm of arms) arm.hasUsers = true;
        await session.measureAlone();
        assert.equal(children.get('short')!.orders.length, 0);
      });
    }

    test('interrupted before any slice: neither turns nor results', async () => {
      const tiny = makeTinyCell({ timing: { warmupMinMs: 1, warmupMaxMs: 1 } });
      const { session, children } = openSession(tiny, { short: 1, long: 1 });
      tiny.interrupt();
      await session.warmUp();
      await session.measure();
      assert.deepEqual(await session.finish(), []);
      assert.ok([...children.values()].every(({ orders }) => orders.length === 0));
    });

    test('interrupted while the first slice ramps up: that arm has no result, nor have the others', async () => {
      const tiny = makeTinyCell({ timing: { warmupMinMs: 0, warmupMaxMs: 0 } });
      const { session, children } = openSession(tiny, { short: 0, long: 0 });
      for (const child of children.values()) {
        const { ask } = child;
        child.ask = ((...asked: Parameters<typeof ask>) => {
          tiny.interrupt();
          return ask(...asked);
        }) as typeof ask;
      }
      await session.measure();
      assert.deepEqual([...children.values()].map(({ orders }) => orders.length).sort(), [0, 1]);
      assert.deepEqual(await session.finish(), []);
    });
  });
});
