// An arm's trial is the sum of what was booked to it: counts of its own slices alone.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import fc from 'fast-check';
import { emptyHistogram } from '../../results/histogram.ts';
import { type ProcessReading, Resources } from '../../results/model/process.ts';
import {
  type KernelCounts,
  LinkReading,
  Measurement,
  MOST_LATENESS_US,
  type TimeWait,
  type Trial,
} from '../../results/model/trial.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';
import { latenessBin, type RelayReading, type TargetReading } from '../../servers/protocol.ts';
import type { GeneratorReading, SliceReading } from '../protocol.ts';
import { Arm, type GeneratorChild, LinkFold, UsageFold } from './arm.ts';
import { IDLE_SLICE, noTarget, STILL, STILL_RELAY } from './testing/readings.ts';

describe('What a relay did over many spans is the sum of their differences; its lateness is that of the spans alone, never early', () => {
  interface Step {
    connections: number;
    toTarget: number;
    toClient: number;
    cpuUs: number;
    wallMs: number;
    lateMs: number[];
  }

  function later(reading: RelayReading, step: Step): RelayReading {
    const latenessCounts = [...reading.latenessCounts];
    for (const bin of step.lateMs.map(latenessBin)) {
      while (latenessCounts.length <= bin) latenessCounts.push(0);
      latenessCounts[bin]!++;
    }
    return {
      ...reading,
      atMs: reading.atMs + step.wallMs,
      cpuUs: reading.cpuUs + step.cpuUs,
      connections: reading.connections + step.connections,
      toTargetBytes: reading.toTargetBytes + step.toTarget,
      toClientBytes: reading.toClientBytes + step.toClient,
      latenessCounts,
    };
  }

  const amount = fc.nat(1_000);
  const step: fc.Arbitrary<Step> = fc.record({
    connections: amount,
    toTarget: amount,
    toClient: amount,
    cpuUs: amount,
    wallMs: fc.integer({ min: 1, max: 1_000 }),
    lateMs: fc.array(fc.double({ min: -1, max: 90, noNaN: true })),
  });

  suite('link fold', () => {
    test('only the spans count, not what lies between them', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(step, step), { minLength: 1 }), turns => {
          const fold = new LinkFold();
          let now = STILL_RELAY;
          for (const [between, within] of turns) {
            const before = later(now, between);
            now = later(before, within);
            fold.add({ before, after: now });
          }
          const sum = (read: (step: Step) => number): number =>
            turns.reduce((total, [, within]) => total + read(within), 0);
          const told = fold.finish(7);
          assert.equal(
            told.connections,
            sum(({ connections }) => connections),
          );
          assert.equal(
            told.bytes,
            sum(({ toTarget, toClient }) => toTarget + toClient),
          );
          assert.equal(
            told.relay.cpuUs,
            sum(({ cpuUs }) => cpuUs),
          );
          assert.equal(told.relay.cpuUsPerRequest, sum(({ cpuUs }) => cpuUs) / 7);
          const lateUs = turns.flatMap(([, { lateMs }]) => lateMs.map(ms => Math.max(0, ms * 1_000)));
          assert.equal(told.latenessCount, lateUs.length);
          const worstUs = Math.max(0, ...lateUs);
          assert.ok(told.latenessMaxUs >= worstUs - 1 && told.latenessMaxUs <= worstUs + 101, `${worstUs}`);
          assert.ok(told.latenessP50Us <= told.latenessP99Us && told.latenessP99Us <= told.latenessMaxUs);
        }),
      );
    });

    test('beyond the end of the scale, the lateness is its end', () => {
      const fold = new LinkFold();
      const step = { connections: 0, toTarget: 0, toClient: 0, cpuUs: 0, wallMs: 1, lateMs: [3_000] };
      fold.add({ before: STILL_RELAY, after: later(STILL_RELAY, step) });
      assert.equal(fold.finish(1).latenessMaxUs, MOST_LATENESS_US);
    });

    test('early is in time, and nothing is a valid reading too', () => {
      const fold = new LinkFold();
      assert.deepEqual(LinkReading.parse(fold.finish(0)).latenessMaxUs, 0);
      const early: Step = {
        connections: 0,
        toTarget: 0,
        toClient: 0,
        cpuUs: 0,
        wallMs: 1,
        lateMs: [-0.3, -0.1],
      };
      fold.add({ before: STILL_RELAY, after: later(STILL_RELAY, early) });
      const { latenessP50Us, latenessP99Us, latenessMaxUs } = fold.finish(1);
      assert.deepEqual([latenessP50Us, latenessP99Us, latenessMaxUs], [0, 0, 0]);
    });
  });
});

describe('What a process used over many spans is the sum of their differences, whatever it did in between', () => {
  type Step = Record<
    'wallMs' | 'cpuUs' | 'activeMs' | 'idleMs' | 'runDelayMs' | 'rssBytes' | 'continued',
    number
  >;

  const start: ProcessReading = {
    atMs: 5,
    cpuUs: 7_000,
    loopActiveMs: 3,
    loopIdleMs: 9,
    runDelayMs: 1,
    rssBytes: 100,
  };

  function later(reading: ProcessReading, step: Step): ProcessReading {
    return {
      atMs: reading.atMs + step.wallMs,
      cpuUs: reading.cpuUs + step.cpuUs,
      loopActiveMs: reading.loopActiveMs + step.activeMs,
      loopIdleMs: reading.loopIdleMs + step.idleMs,
      runDelayMs: reading.runDelayMs + step.runDelayMs,
      rssBytes: step.rssBytes,
      continued: (reading.continued ?? 0) + step.continued,
    };
  }

  const amount = fc.nat(100_000);
  const step: fc.Arbitrary<Step> = fc.record({
    wallMs: amount,
    cpuUs: amount,
    activeMs: amount,
    idleMs: amount,
    runDelayMs: amount,
    rssBytes: amount,
    continued: amount,
  });

  suite('usage', () => {
    test('only the spans count, not what lies between them', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(step, step)), fc.nat(1_000), (turns, exchanges) => {
          const usage = new UsageFold();
          let now = start;
          for (const [between, within] of turns) {
            const before = later(now, between);
            now = later(before, within);
            assert.equal(usage.add(before, now), within.cpuUs);
          }
          const sum = (name: keyof Step): number =>
            turns.reduce((total, [, within]) => total + within[name], 0);
          const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
          assert.deepEqual(usage.finish(exchanges), {
            cpuUs: sum('cpuUs'),
            cpuUsPerRequest: ratio(sum('cpuUs'), exchanges),
            cpuRatio: ratio(sum('cpuUs') / 1_000, sum('wallMs')),
            eventLoopRatio:
              sum('activeMs') + sum('idleMs') === 0
                ? null
                : ratio(sum('activeMs'), sum('activeMs') + sum('idleMs')),
            runDelayRatio: ratio(sum('runDelayMs'), sum('wallMs')),
            rssBytes: Math.max(0, ...turns.map(([, within]) => within.rssBytes)),
            stops: sum('continued'),
          });
        }),
      );
    });

    test('what CPU limits cost is that of the spans, of the group that was stopped most; without a limit there is nothing', () => {
      const at = (periods: number, throttledPeriods: number, throttledMs: number) => ({
        ...start,
        throttling: [
          { cpus: 2, periodMs: 100, periods, throttledPeriods: 0, throttledMs: 0 },
          { cpus: 0.5, periodMs: 100, periods, throttledPeriods, throttledMs },
        ],
      });
      const usage = new UsageFold();
      usage.add(at(10, 1, 20), at(15, 4, 200));
      usage.add(at(40, 30, 900), at(50, 30, 900));
      const { throttling } = Resources.parse(usage.finish(1));
      assert.deepEqual(throttling, {
        cpus: 0.5,
        periodMs: 100,
        periods: 15,
        throttledPeriods: 3,
        throttledMs: 180,
      });
      assert.ok(!('throttling' in new UsageFold().finish(1)));
    });

    test('nothing measured is zero everywhere but for an event loop, which was not seen, and still a valid result', () => {
      const { eventLoopRatio, ...others } = Resources.parse(new UsageFold().finish(0));
      assert.equal(eventLoopRatio, null);
      assert.ok(Object.values(others).every(value => value === 0));
    });
  });
});

describe("An arm's trial is the sum of what was booked to it: counts of its own slices alone", () => {
  const noChild: GeneratorChild = {
    pid: 0,
    isAlive: false,
    tell: () => {},
    ask: () => Promise.reject(new Error('there is no process in this test')),
    start: () => Promise.reject(new Error('there is no process in this test')),
    requireLoaded: () => {},
    kill: async () => {},
  };

  const trial: Trial = {
    id: 'c/0/a',
    scenario: 'c',
    cell: 'c',
    replicate: 0,
    arm: 'a',
    target: Target.parse({}),
    load: Load.parse({ concurrency: 2 }),
    client: Client.parse({ requestsPerConnection: 3, pool: { maxConnections: 2 } }),
    phases: true,
    seed: 1,
  };

  function makeTarget(stated: Partial<TargetReading> = {}): TargetReading {
    return {
      ...STILL,
      accepted: 0,
      requests: 0,
      openConnections: 0,
      handshakesFull: 0,
      handshakesResumed: 0,
      acceptedHttp2: 0,
      faults: [],
      requestsPerConnection: [],
      backends: [],
      growth: null,
      ...stated,
    };
  }

  function makeSlice(stated: Partial<SliceReading> = {}): SliceReading {
    return { ...IDLE_SLICE, ...stated };
  }

  const kernel: KernelCounts = {
    activeOpens: 1,
    passiveOpens: 2,
    retransmits: 3,
    needlessRetransmits: 1,
    synRetransmits: 4,
    listenDrops: 5,
    timeWaitCreated: 6,
  };

  const reading: GeneratorReading = {
    sent: 10,
    answered: 8,
    failed: 1,
    failures: { reset: 1 },
    unfinished: 1,
    pool: null,
    opened: 4,
    openedElsewhere: 0,
    origins: [],
    leftOpen: 2,
    handshakesFull: 0,
    handshakesResumed: 0,
    completedRecorded: 6,
    failedRecorded: 1,
    endedRecorded: 7,
    bytesRecorded: 60,
    statuses: { '200': 6 },
    outcomes: { ok: { count: 6 }, reset: { count: 1, sample: 'gone' } },
    censored: null,
    response: emptyHistogram(),
    responseByClass: {},
    requests: [],
    service: emptyHistogram(),
    wait: emptyHistogram(),
    firstByte: emptyHistogram(),
    body: emptyHistogram(),
    lateness: null,
    arrivals: null,
    caveats: [],
    connect: emptyHistogram(),
    tls: emptyHistogram(),
    timeline: { widthMs: 1_000, buckets: [] },
  };

  suite('arm', () => {
    test('the ledger sets the counts of both ends beside each other and beside what the mode needs', () => {
      const arm = new Arm(trial, noChild, noTarget, new Map());
      arm.countTarget(
        makeTarget({ accepted: 100, requests: 500 }),
        makeTarget({ accepted: 103, requests: 508 }),
      );
      arm.countTarget(
        makeTarget({ accepted: 200, requests: 900 }),
        makeTarget({ accepted: 201, requests: 901 }),
      );
      const { ledger } = arm.finish(reading);
      assert.deepEqual([ledger.opened, ledger.accepted, ledger.leftOpen], [4, 4, 2]);
      assert.deepEqual([ledger.requestsSent, ledger.requestsSeen], [10, 9]);
      assert.deepEqual([ledger.answered, ledger.failed, ledger.unfinished], [8, 1, 1]);
      assert.deepEqual(ledger.needed, { least: 4, most: 5 });
    });

    test('injected faults are summed one by one, and each end of a connection needs another', () => {
      const faults = [
        { kind: 'reset', ratio: 0.1 },
        { kind: 'status', ratio: 0.1 },
      ];
      const target = Target.parse({ faults });
      const client = Client.parse({ pool: { maxConnections: 2 } });
      const arm = new Arm({ ...trial, target, client }, noChild, noTarget, new Map());
      arm.countTarget(makeTarget({ faults: [10, 20] }), makeTarget({ faults: [11, 20] }));
      arm.countTarget(makeTarget({ faults: [15, 25] }), makeTarget({ faults: [17, 29] }));
      const { ledger } = arm.finish(reading);
      assert.deepEqual([ledger.faults, ledger.failures], [[3, 4], { reset: 1 }]);
      assert.deepEqual(ledger.needed, { least: 3, most: 5 });
    });

    test('of a client that repeats requests, or answers from memory, connections are needed for what it sent', () => {
      const client = Client.parse({ requestsPerConnection: 1, interceptors: { cache: {} } });
      for (const sent of [3, 30]) {
        const arm = new Arm({ ...trial, client }, noChild, noTarget, new Map());
        const attempts = { sent, answered: sent, failures: {} };
        const { ledger } = arm.finish({ ...reading, attempts });
        assert.deepEqual(ledger.needed, { least: sent, most: sent });
        assert.deepEqual([ledger.requestsSent, ledger.attempts], [10, attempts]);
      }
    });

    const foreign: Trial = {
      ...trial,
      target: Target.parse(withUnknowns({ url: 'http://127.0.0.1/', maxRequestsPerSocket: 3 })),
    };

    test("of someone else's server, the kernel's counts stand in, and nothing is made up", () => {
      const arm = new Arm(foreign, noChild, noTarget, new Map());
      arm.countTarget({ countedBy: 'kernel', accepted: 1_000 }, { countedBy: 'kernel', accepted: 1_003 });
      arm.countTarget({ countedBy: 'kernel', accepted: 2_000 }, { countedBy: 'kernel', accepted: 2_002 });
      arm.addSlice(
        {
          reading: makeSlice({ exchanges: 8 }),
          target: {
            before: { countedBy: 'kernel', accepted: 2_000 },
            after: { countedBy: 'kernel', accepted: 2_002 },
          },
          kernel,
          timeWait: null,
        },
        { block: 0, position: 0 },
      );
      const measurement = arm.finish(reading);
      assert.deepEqual(Measurement.parse(measurement), measurement);
      const { ledger, target, slices } = measurement;
      assert.deepEqual(
        [ledger.opened, ledger.openedBy, ledger.accepted, ledger.acceptedBy],
        [4, 'client', 5, 'kernel'],
      );
      assert.deepEqual(
        [ledger.requestsSeen, ledger.handshakesFull, ledger.handshakesResumed, ledger.requestsPerConnection],
        [null, null, null, null],
      );
      assert.deepEqual([target, slices[0]?.targetCpuUs], [null, null]);
    });

    test('where the kernel does not count, accepted is not known, and stays so', () => {
      const arm = new Arm(foreign, noChild, noTarget, new Map());
      arm.countTarget(
        { countedBy: 'kernelOpens', accepted: 1 },
        { countedBy: 'kernelOpens', accepted: null },
      );
      arm.countTarget({ countedBy: 'kernelOpens', accepted: 1 }, { countedBy: 'kernelOpens', accepted: 2 });
      const { ledger } = arm.finish(reading);
      assert.deepEqual([ledger.accepted, ledger.acceptedBy], [null, 'kernelOpens']);
    });

    test('where the client does not count, the kernel does, in the warm-up too', () => {
      const arm = new Arm(trial, noChild, noTarget, new Map());
      arm.countKernel({ activeOpens: 3 });
      arm.countKernel({ activeOpens: 2 });
      const { ledger } = arm.finish({ ...reading, opened: null });
      assert.deepEqual([ledger.opened, ledger.openedBy], [5, 'kernel']);
      const pool = { size: 4, openings: 2, unused: 2 };
      assert.deepEqual(arm.finish({ ...reading, pool }).ledger.needed, { least: 6, most: 12 });
      arm.countKernel(null);
      assert.throws(
        () => arm.finish({ ...reading, opened: null }),
        /the connections opened by undici cannot be counted/,
      );
      assert.equal(arm.finish(reading).ledger.opened, 4);
    });

    test('what its slices left in TIME_WAIT adds up at each end; unknown where nobody asks', () => {
      const arm = new Arm(trial, noChild, noTarget, new Map());
      const sliceWith = (timeWait: TimeWait | null) =>
        arm.addSlice(
          {
            reading: makeSlice({}),
            target: { before: makeTarget({}), after: makeTarget({}) },
            kernel,
            timeWait,
          },
          { block: 0, position: 0 },
        );
      sliceWith(null);
      assert.equal(arm.finish(reading).timeWait, null);
      sliceWith({ client: 3, server: 5 });
      sliceWith({ client: 4, server: 2 });
      assert.deepEqual(arm.finish(reading).timeWait, { client: 7, server: 7 });
    });

    test('requests per connection are those closed in its own turns', () => {
      const arm = new Arm(trial, noChild, noTarget, new Map());
      const earlier = [
        { requests: 1, connections: 50 },
        { requests: 3, connections: 7 },
      ];
      const later = [
        { requests: 1, connections: 52 },
        { requests: 2, connections: 1 },
        { requests: 3, connections: 7 },
      ];
      arm.countTarget(
        makeTarget({ requestsPerConnection: earlier }),
        makeTarget({ requestsPerConnection: later }),
      );
      const last = [{ requests: 3, connections: 4 }, ...later.slice(0, 2)];
      arm.countTarget(
        makeTarget({ requestsPerConnection: later.slice(0, 2) }),
        makeTarget({ requestsPerConnection: last }),
      );
      assert.equal(arm.closedConnections(), 7);
      assert.deepEqual(arm.finish(reading).ledger.requestsPerConnection, [
        { requests: 1, connections: 2 },
        { requests: 2, connections: 1 },
        { requests: 3, connections: 4 },
      ]);
    });

    test('slices keep their place; CPU is that of the slices, over all their exchanges', () => {
      const arm = new Arm(trial, noChild, noTarget, new Map());
      arm.addSlice(
        {
          reading: makeSlice({
            atMs: 10,
            completed: 4,
            failed: 1,
            meanUs: 700,
            exchanges: 8,
            after: { ...STILL, atMs: 120, cpuUs: 55_000 },
          }),
          target: { before: makeTarget({ cpuUs: 1_000 }), after: makeTarget({ cpuUs: 31_000, atMs: 120 }) },
          kernel,
          timeWait: null,
        },
        { block: 0, position: 1 },
      );
      arm.addSlice(
        {
          reading: makeSlice({
            atMs: 300,
            windowMs: 50,
            completed: 2,
            exchanges: 2,
            before: { ...STILL, atMs: 300, cpuUs: 90_000 },
            after: { ...STILL, atMs: 380, cpuUs: 95_000 },
          }),
          target: { before: makeTarget(), after: makeTarget() },
          kernel,
          timeWait: null,
        },
        { block: 1, position: 0 },
      );
      arm.warmupMs = 1_500;
      arm.isSteady = true;
      assert.ok(arm.hasOutcome);
      const measurement = arm.finish(reading);
      assert.deepEqual(Measurement.parse(measurement), measurement);
      assert.deepEqual(
        measurement.slices.map(({ block, position, atMs, completed, generatorCpuUs, targetCpuUs }) => [
          block,
          position,
          atMs,
          completed,
          generatorCpuUs,
          targetCpuUs,
        ]),
        [
          [0, 1, 10, 4, 55_000, 30_000],
          [1, 0, 300, 2, 5_000, 0],
        ],
      );
      assert.equal(measurement.steadyMs, 150);
      assert.deepEqual([measurement.generator.cpuUs, measurement.generator.cpuUsPerRequest], [60_000, 6_000]);
      assert.deepEqual([measurement.target!.cpuUs, measurement.target!.cpuUsPerRequest], [30_000, 3_000]);
      assert.deepEqual(measurement.kernel, {
        activeOpens: 2,
        passiveOpens: 4,
        retransmits: 6,
        needlessRetransmits: 2,
        synRetransmits: 8,
        listenDrops: 10,
        timeWaitCreated: 12,
      });
      assert.deepEqual([measurement.completed, measurement.failed, measurement.bytes], [6, 1, 60]);
    });
  });
});
