// What a process used over many spans is the sum of their differences, whatever it did in between.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { ProcessReading } from '../../servers/protocol.ts';
import { Resources } from '../../results/model/trial.ts';
import { createUsage } from './usage.ts';

type Step = Record<'wallMs' | 'cpuUs' | 'activeMs' | 'idleMs' | 'runDelayMs' | 'rssBytes', number>;

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
});

suite('usage', () => {
  test('only the spans count, not what lies between them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, step)), fc.nat(1_000), (turns, exchanges) => {
        const usage = createUsage();
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
          eventLoopRatio: ratio(sum('activeMs'), sum('activeMs') + sum('idleMs')),
          runDelayRatio: ratio(sum('runDelayMs'), sum('wallMs')),
          rssBytes: Math.max(0, ...turns.map(([, within]) => within.rssBytes)),
        });
      }),
    );
  });

  test('nothing measured is zero everywhere, and still a valid result', () => {
    const resources = createUsage().finish(0);
    assert.ok(Object.values(Resources.parse(resources)).every(value => value === 0));
  });
});
