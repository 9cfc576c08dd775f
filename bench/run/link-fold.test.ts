// What a relay did over many spans is the sum of their differences; its lateness is that of the spans alone, never early.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { latenessBin, type RelayReading } from '../core/link-protocol.ts';
import { LinkReading } from '../../results/model/trial.ts';
import { createLinkFold } from './link-fold.ts';
import { STILL_RELAY } from './testing/readings.ts';

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
        const fold = createLinkFold();
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
        const worstUs = Math.max(0, ...lateUs);
        assert.ok(told.latenessMaxUs >= worstUs - 1 && told.latenessMaxUs <= worstUs + 101, `${worstUs}`);
        assert.ok(told.latenessP50Us <= told.latenessP99Us && told.latenessP99Us <= told.latenessMaxUs);
      }),
    );
  });

  test('early is in time, and nothing is a valid reading too', () => {
    const fold = createLinkFold();
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
