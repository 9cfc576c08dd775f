// A search finds the highest sustained rate to within its resolution, even if single probes are wrong.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import fc from 'fast-check';
import type { Capacity, Probe, ProbeLimit } from '../../results/model/trial.ts';
import { createRandom, type Random } from '../../results/random.ts';
import { Objective } from '../../scenarios/model/load.ts';
import type { SliceReading } from '../protocol.ts';
import { IDLE_SLICE } from '../run/testing/readings.ts';
import { CapacitySearch, endedPerSec, judgeProbe } from './capacity-search.ts';

describe('A rate is kept when all of the objective holds, and what did not hold is said with who was the limit', () => {
  /** At 4,000/s for a second: 4,000 were due and ended, p50 is 2 ms, p99 is 20 ms, nothing is late or lost. */
  function readingOf(stated: Partial<SliceReading>, kept: object = {}): SliceReading {
    const schedule = { due: 4_000, heldBack: 0, unsent: 0, unfinished: 0, latenessP99Us: 1_100 };
    return {
      ...IDLE_SLICE,
      windowMs: 1_000,
      completed: 4_000,
      ended: 4_000,
      meanUs: 3_000,
      exchanges: 4_400,
      p50Us: 2_000,
      p99Us: 20_000,
      ...stated,
      schedule: { ...schedule, ...kept },
    };
  }

  const RULES = { objective: Objective.parse({ p50Ms: 5, p99Ms: 50 }), resolutionRatio: 0.05 };

  const rows: [why: string, reading: SliceReading, limit: ProbeLimit | null, told: RegExp][] = [
    ['all holds', readingOf({}), null, /^the objective held$/],
    ['at the limit it still holds', readingOf({ p50Us: 5_000, p99Us: 50_000 }), null, /held/],
    ['p99 does not', readingOf({ p99Us: 50_001 }), 'latency', /^p99 was 50\.001 ms, above 50 ms$/],
    ['p50 does not', readingOf({ p50Us: 6_000 }), 'latency', /^p50 was 6 ms, above 5 ms$/],
    ['2 of 4,000 fail: 0.05 %', readingOf({ completed: 3_998, failed: 2 }), null, /held/],
    [
      '3 of 4,000 fail',
      readingOf({ completed: 3_997, failed: 3 }),
      'errors',
      /^0\.075 % of the requests failed, above 0\.05 %$/,
    ],
    ['all fail', readingOf({ completed: 0, failed: 4_000, p50Us: 0, p99Us: 0 }), 'errors', /^100 %/],
    [
      'what was never sent is lost',
      readingOf({}, { unsent: 5 }),
      'rate',
      /^5 of 4000 requests due were not answered/,
    ],
    ['what was given up, too', readingOf({ p99Us: 90_000 }, { unfinished: 9 }), 'rate', /^9 of 4000/],
    [
      'answers that fall behind',
      readingOf({ ended: 3_700 }),
      'rate',
      /^only 3700 of the 4000 requests due in the window ended/,
    ],
    ['but not those within chance', readingOf({ ended: 3_850 }), null, /held/],
    [
      'a generator that is late within the objective is late in it',
      readingOf({ p99Us: 20_000 }, { latenessP99Us: 15_000 }),
      null,
      /held/,
    ],
    [
      'a latency that is mostly lateness is the generator',
      readingOf({ p99Us: 60_000 }, { latenessP99Us: 31_000 }),
      'generator',
      /^p99 was 60 ms, above 50 ms, and the generator could not keep its schedule: p99 of its own lateness was 31 ms$/,
    ],
    [
      'and one that is not is not',
      readingOf({ p99Us: 60_000 }, { latenessP99Us: 29_000 }),
      'latency',
      /^p99/,
    ],
    [
      'falling behind by lateness is the generator',
      readingOf({ ended: 3_000 }, { latenessP99Us: 15_000 }),
      'generator',
      /only 3000/,
    ],
    ['failures are not lateness', readingOf({ failed: 400 }, { latenessP99Us: 19_000 }), 'errors', /failed/],
  ];
  for (const [why, reading, limit, told] of rows) {
    test(`judge: ${why}`, () => {
      const probe = judgeProbe(RULES, 4_000, reading);
      assert.deepEqual([probe.limit, probe.isKept], [limit, limit === null], probe.why);
      assert.match(probe.why, told);
      assert.deepEqual([probe.ratePerSec, probe.p50Us, probe.p99Us], [4_000, reading.p50Us, reading.p99Us]);
      assert.equal(probe.achievedPerSec, reading.ended);
    });
  }

  test('a latency that is not asked for is not looked at', () => {
    const rules = { ...RULES, objective: Objective.parse({ p50Ms: 5 }) };
    assert.equal(judgeProbe(rules, 4_000, readingOf({ p99Us: 900_000 })).isKept, true);
  });

  test('a turn that is no probe judges nothing; a window without length has no rate', () => {
    for (const reading of [readingOf({ p99Us: null }), readingOf({}, { latenessP99Us: null })]) {
      assert.throws(() => judgeProbe(RULES, 4_000, reading), /cannot judge a rate/);
    }
    assert.equal(endedPerSec(readingOf({ windowMs: 0 })), 0);
    assert.equal(endedPerSec(readingOf({ windowMs: 500 })), 8_000);
  });
});

describe('A search finds the highest sustained rate to within its resolution, even if single probes are wrong', () => {
  const LIMITS = { minRatePerSec: 100, maxRatePerSec: 10_000, resolutionRatio: 0.05 };

  function probeOf(ratePerSec: number, isKept: boolean): Probe {
    return {
      ratePerSec,
      isKept,
      p50Us: 1,
      p99Us: 1,
      errorRatio: 0,
      achievedPerSec: ratePerSec,
      limit: isKept ? null : 'latency',
      why: '',
    };
  }

  /** Runs a search to its end. @param isKept what the probes show, one after another */
  function find(
    isKept: (ratePerSec: number, index: number) => boolean,
    limits = LIMITS,
    offset = 0,
  ): Capacity {
    const search = new CapacitySearch(limits, offset);
    for (let index = 0; ; index++) {
      const ratePerSec = search.nextPerSec();
      if (ratePerSec === undefined) return search.result();
      search.add(probeOf(ratePerSec, isKept(ratePerSec, index)));
    }
  }

  function tried({ probes }: Capacity): string[] {
    return probes.map(({ ratePerSec, isKept }) => `${Math.round(ratePerSec)}${isKept ? '' : '!'}`);
  }

  suite('what is tried', () => {
    const rows: [
      why: string,
      isKept: (ratePerSec: number, index: number) => boolean,
      tried: string,
      found: string,
    ][] = [
      [
        'doubling, then halving the gap in logarithms; a rate is given up after two probes, the last one confirmed',
        ratePerSec => ratePerSec <= 500,
        '100 200 400 800! 800! 566! 566! 476 519! 519! 497 497',
        '497 519',
      ],
      [
        'the highest rate is sustained',
        () => true,
        '100 200 400 800 1600 3200 6400 10000 10000',
        '10000 null',
      ],
      ['not even the lowest is', () => false, '100! 100!', '0 100'],
      [
        'one bad probe of a sustained rate costs that probe and no more',
        (ratePerSec, index) => ratePerSec <= 500 && index !== 1,
        '100 200! 200 400 800! 800! 566! 566! 476 519! 519! 497 497',
        '497 519',
      ],
      [
        'a rate sustained by luck is found out at the end, and the search goes on below it',
        (ratePerSec, index) => ratePerSec <= 500 || index === 5,
        '100 200 400 800! 800! 566 673! 673! 617! 617! 591! 591! 566! 566! 476 519! 519! 497 497',
        '497 519',
      ],
    ];
    for (const [why, isKept, expected, found] of rows) {
      test(why, () => {
        const capacity = find(isKept);
        assert.equal(tried(capacity).join(' '), expected);
        const { ratePerSec, notKeptPerSec, isSettled } = capacity;
        assert.equal(
          `${Math.round(ratePerSec)} ${notKeptPerSec === null ? null : Math.round(notKeptPerSec)}`,
          found,
        );
        assert.equal(isSettled, true);
      });
    }

    test('a search that is not over says so, and what it has', () => {
      const search = new CapacitySearch(LIMITS);
      assert.deepEqual(search.result(), { ratePerSec: 0, notKeptPerSec: null, isSettled: false, probes: [] });
      for (const ratePerSec of [100, 200]) search.add(probeOf(ratePerSec, true));
      const { ratePerSec, notKeptPerSec, isSettled } = search.result();
      assert.deepEqual([ratePerSec, notKeptPerSec, isSettled], [200, null, false]);
      assert.equal(search.nextPerSec(), 400);
    });
  });

  const limits = fc
    .record({
      minRatePerSec: fc.double({ min: 0.1, max: 1_000, noNaN: true }),
      factor: fc.double({ min: 1.01, max: 10_000, noNaN: true }),
      resolutionRatio: fc.double({ min: 0.005, max: 0.5, noNaN: true }),
    })
    .map(({ minRatePerSec, factor, resolutionRatio }) => ({
      minRatePerSec,
      maxRatePerSec: minRatePerSec * factor,
      resolutionRatio,
    }));

  const share = fc.double({ min: 0, max: 1, noNaN: true });

  suite('what is found', () => {
    test('searches that begin at other places of the grid end all over its step, so that their spread shows it', () => {
      const truth = 1_234.5;
      const random = createRandom(1, 'offset');
      const found = Array.from(
        { length: 400 },
        () => find(rate => rate <= truth, LIMITS, random()).ratePerSec,
      );
      const short = found.map(ratePerSec => Math.log(truth / ratePerSec) / (Math.LN2 / 16));
      const mean = short.reduce((sum, part) => sum + part, 0) / short.length;
      assert.ok(short.every(part => part >= 0 && part <= 1 + 1e-9));
      // Uniform over the step: the mean is half of it, to four standard errors.
      assert.ok(Math.abs(mean - 0.5) < 0.06, `${mean}`);
      assert.ok(new Set(found).size > 300);
    });

    test('with probes that never err, the limit is between the two rates, which are as close as asked', () => {
      fc.assert(
        fc.property(
          limits,
          fc.double({ min: 0.01, max: 100_000, noNaN: true }),
          share,
          (stated, truth, offset) => {
            const { ratePerSec, notKeptPerSec, probes, isSettled } = find(
              rate => rate <= truth,
              stated,
              offset,
            );
            const first = probes[0]!.ratePerSec;
            assert.ok(isSettled);
            assert.ok(probes.length < 60);
            assert.ok(
              probes.every(
                probe => probe.ratePerSec >= stated.minRatePerSec && probe.ratePerSec <= stated.maxRatePerSec,
              ),
            );
            assert.ok(first / stated.minRatePerSec <= (1 + stated.resolutionRatio) * (1 + 1e-12));
            if (truth < first) assert.deepEqual([ratePerSec, notKeptPerSec], [0, first]);
            else if (truth >= stated.maxRatePerSec)
              assert.deepEqual([ratePerSec, notKeptPerSec], [stated.maxRatePerSec, null]);
            else {
              assert.ok(ratePerSec <= truth && truth < notKeptPerSec!);
              assert.ok(notKeptPerSec! / ratePerSec <= 1 + stated.resolutionRatio);
            }
          },
        ),
      );
    });

    test('whatever the probes show, the search ends, and what it ends at was kept more often than not', () => {
      fc.assert(
        fc.property(limits, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (stated, seed, share) => {
          const random = createRandom(seed, 'probes');
          const { ratePerSec, notKeptPerSec, probes, isSettled } = find(() => random() < share, stated);
          assert.ok(probes.length <= 60);
          if (!isSettled) return;
          const of = (rate: number, isKept: boolean) =>
            probes.filter(probe => probe.ratePerSec === rate && probe.isKept === isKept).length;
          if (ratePerSec > 0) assert.ok(of(ratePerSec, true) >= 2 && of(ratePerSec, false) <= 1);
          if (notKeptPerSec !== null) assert.ok(of(notKeptPerSec, false) >= 2 && notKeptPerSec > ratePerSec);
        }),
      );
    });

    /** How often a search for 1,000/s ends within 8 % of it (half an octave has 14 steps of the resolution). */
    function shareFound(seeds: number, errs: (random: Random, ratePerSec: number) => boolean): number {
      let found = 0;
      for (let seed = 0; seed < seeds; seed++) {
        const random = createRandom(seed, 'errs');
        const { ratePerSec } = find(rate => rate <= 1_000 !== errs(random, rate));
        if (Math.abs(ratePerSec / 1_000 - 1) < 0.08) found++;
      }
      return found / seeds;
    }

    test('one in ten probes errs: six in seven searches still find the limit', () => {
      const share = shareFound(400, random => random() < 0.1);
      assert.ok(share > 0.85, `${share}`);
    });

    test('near the limit chance decides, and the search still ends near it', () => {
      const share = shareFound(
        400,
        (random, rate) => random() < 0.5 * Math.exp(-Math.abs(rate / 1_000 - 1) / 0.05),
      );
      assert.ok(share > 0.9, `${share}`);
    });
  });
});
