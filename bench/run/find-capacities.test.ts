// Arms search in turn, probe by probe, each for itself, on processes that are not there.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { CapacityLoad } from '../../scenarios/model/load.ts';
import { trialsOf } from '../plan/plan.ts';
import type { SliceReading } from '../protocol.ts';
import { Arm, type GeneratorChild } from './arm.ts';
import { findCapacities } from './find-capacities.ts';
import { IDLE_SLICE, noTarget } from './testing/readings.ts';
import { makeTinyCell } from './testing/tiny-cell.ts';

describe('Arms search in turn, probe by probe, each for itself; whatever ends the search early, what was tried is kept', () => {
  const load = CapacityLoad.parse({
    model: 'capacity',
    objective: { p99Ms: 50 },
    minRatePerSec: 100,
    maxRatePerSec: 10_000,
  });

  const noChild: GeneratorChild = {
    pid: 0,
    isAlive: true,
    tell: () => {},
    ask: () => Promise.reject(new Error('there is no process in this test')),
    start: () => Promise.reject(new Error('there is no process in this test')),
    requireLoaded: () => {},
    kill: async () => {},
  };

  /** Up to the rate that it sustains, an arm answers within 2 ms, above it within a second. */
  function readingAt(ratePerSec: number, sustainedPerSec: number): SliceReading {
    const isSustained = ratePerSec <= sustainedPerSec;
    const due = Math.round(ratePerSec);
    const kept = { due, heldBack: 0, unsent: 0, unfinished: 0, latenessP99Us: 1_000 };
    return {
      ...IDLE_SLICE,
      windowMs: 1_000,
      completed: due,
      ended: due,
      meanUs: isSustained ? 1_500 : 400_000,
      exchanges: due,
      p50Us: isSustained ? 1_000 : 400_000,
      p99Us: isSustained ? 2_000 : 1_000_000,
      schedule: kept,
    };
  }

  function openSearch(bears: Record<string, number>) {
    const { options } = makeTinyCell({ load });
    const arms = trialsOf(options.cell, 0, options.seed).map(
      trial => new Arm(trial, noChild, noTarget, new Map()),
    );
    const turns: string[] = [];
    const controller = new AbortController();
    const search = (act: (arm: Arm, turn: number) => void = () => {}): Promise<void> =>
      findCapacities({
        load,
        arms,
        offsetOf: () => 0,
        orderOf: round => (round % 2 === 0 ? ['short', 'long'] : ['long', 'short']),
        async probe(arm, ratePerSec) {
          turns.push(arm.trial.arm);
          act(arm, turns.length);
          if (arm.failure !== undefined || controller.signal.aborted) return undefined;
          return readingAt(ratePerSec, bears[arm.trial.arm]!);
        },
        onProbe: () => {},
        signal: controller.signal,
      });
    const capacityOf = (name: string) => arms.find(({ trial }) => trial.arm === name)!.capacity;
    return { search, arms, turns, capacityOf, interrupt: () => controller.abort() };
  }

  suite('find capacities', () => {
    test('each arm gets its own, and the arms take turns for as long as both search', async () => {
      const { search, turns, capacityOf, arms } = openSearch({ short: 700, long: 5_000 });
      await search();
      for (const [name, sustainedPerSec] of [
        ['short', 700],
        ['long', 5_000],
      ] as const) {
        const { ratePerSec, notKeptPerSec, isSettled, probes } = capacityOf(name)!;
        assert.ok(ratePerSec <= sustainedPerSec && sustainedPerSec < notKeptPerSec! && isSettled);
        assert.equal(turns.filter(turn => turn === name).length, probes.length);
      }
      assert.deepEqual(turns.slice(0, 6), ['short', 'long', 'long', 'short', 'short', 'long']);
      const both = 2 * Math.min(...arms.map(({ capacity }) => capacity!.probes.length));
      for (let round = 0; round < both / 2; round++) {
        assert.equal(new Set(turns.slice(2 * round, 2 * round + 2)).size, 2);
      }
      assert.ok(
        arms.every(({ meanResponseMs }) => meanResponseMs === 1.5),
        'of a rate that was kept',
      );
    });

    test('an arm whose process fails has no further turn, and the other goes on', async () => {
      const { search, turns, capacityOf } = openSearch({ short: 700, long: 700 });
      await search((arm, turn) => {
        if (turn === 4) arm.failure = { code: 'generator-died', message: 'it died' };
      });
      assert.equal(turns[3], 'short');
      assert.equal(turns.filter(turn => turn === 'short').length, 2);
      assert.equal(capacityOf('short')!.probes.length, 1);
      assert.equal(capacityOf('long')!.isSettled, true);
    });

    test('interrupted: what was tried is kept, unsettled; a turn that was cut short shows nothing', async () => {
      const { search, turns, capacityOf, interrupt } = openSearch({ short: 700, long: 700 });
      await search((_arm, turn) => {
        if (turn === 6) interrupt();
      });
      assert.equal(turns.length, 6);
      const [short, long] = [capacityOf('short')!, capacityOf('long')!];
      assert.deepEqual([short.probes.length, long.probes.length], [3, 2]);
      assert.deepEqual([short.isSettled, long.isSettled], [false, false]);
      assert.deepEqual([short.ratePerSec, long.ratePerSec], [400, 200]);
    });

    test('interrupted before it begins: nothing was tried', async () => {
      const { search, turns, capacityOf, interrupt } = openSearch({ short: 700, long: 700 });
      interrupt();
      await search();
      assert.deepEqual([turns, capacityOf('short'), capacityOf('long')], [[], null, null]);
    });
  });
});
