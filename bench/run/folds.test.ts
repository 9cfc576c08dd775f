// What processes and the relay used over many spans is the sum of their differences.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import fc from 'fast-check';
import { type ProcessReading, Resources } from '../../results/model/process.ts';
import { LinkReading, MAX_LATENESS_US } from '../../results/model/trial.ts';
import { latenessBin, type RelayReading } from '../../servers/protocol.ts';
import { LinkFold, UsageFold } from './folds.ts';
import { STILL_RELAY } from './testing/readings.ts';

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
      assert.equal(fold.finish(1).latenessMaxUs, MAX_LATENESS_US);
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
