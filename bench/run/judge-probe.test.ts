// A rate is kept when all of the objective holds, and what did not hold is said with who was the limit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Objective } from '../../scenarios/model/load.ts';
import type { ProbeLimit } from '../core/open-results.ts';
import type { SliceReading } from '../../servers/protocol.ts';
import { endedPerSec, judgeProbe } from './judge-probe.ts';
import { IDLE_SLICE } from './testing/readings.ts';

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
  ['p99 does not', readingOf({ p99Us: 50_001 }), 'latency', /^p99 was 50 ms, above 50 ms$/],
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
    /^4000 requests were due .* only 3700 ended/,
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
  ['and one that is not is not', readingOf({ p99Us: 60_000 }, { latenessP99Us: 29_000 }), 'latency', /^p99/],
  [
    'falling behind by lateness is the generator',
    readingOf({ ended: 3_000 }, { latenessP99Us: 15_000 }),
    'generator',
    /only 3000/,
  ],
  [
    "failures are nobody's lateness",
    readingOf({ failed: 400 }, { latenessP99Us: 19_000 }),
    'errors',
    /failed/,
  ],
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
    assert.throws(() => judgeProbe(RULES, 4_000, reading), /can judge no rate/);
  }
  assert.equal(endedPerSec(readingOf({ windowMs: 0 })), 0);
  assert.equal(endedPerSec(readingOf({ windowMs: 500 })), 8_000);
});
