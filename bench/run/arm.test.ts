// An arm's trial is the sum of what was booked to it: counts of its own slices alone.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { emptyHistogram } from '../../results/histogram.ts';
import { type KernelCounts, Measurement, type TimeWait, type Trial } from '../../results/model/trial.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import { Target, withUnknowns } from '../../scenarios/model/target.ts';
import type { TargetReading } from '../../servers/protocol.ts';
import type { GeneratorReading, SliceReading } from '../protocol.ts';
import { Arm, type GeneratorChild } from './arm.ts';
import { IDLE_SLICE, noTarget, STILL } from './testing/readings.ts';

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
