// Leaks are found, and pools that fill or breathe are not leaks, in levels over time; of a client per request, in every replicate or not
// at all, whatever the pace of its requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgeGrowth, judgeLeak, MIN_OBSERVED, type Observed, tailOfS } from './leak.ts';
import type { Held } from './model/process.ts';
import type { CompletedTrial } from './model/trial.ts';
import { createRandom } from './random.ts';
import { sampleHeld } from './testing/sample-measurement.ts';
import { sampleRun } from './testing/sample-run.ts';

function observe(seconds: number, level: (sec: number) => number): Observed[] {
  return Array.from({ length: seconds }, (_, sec) => ({ atMs: sec * 1_000, value: level(sec) }));
}

const shapes: [name: string, level: (sec: number) => number, verdict: string][] = [
  ['nothing', () => 0, 'stable'],
  ['a pool that is full', () => 50, 'stable'],
  ['a pool that fills within a quarter of the time', sec => Math.min(50, sec * 4), 'stable'],
  ['bursts that end', sec => (sec % 9 < 4 ? 80 : 10), 'stable'],
  ['one connection lost a second', sec => 10 + sec, 'grows'],
  ['a leak below bursts', sec => (sec % 5 < 3 ? 200 : 5) + Math.floor(sec / 2), 'grows'],
  ['a level that falls', sec => 100 - sec, 'stable'],
  ['a leak that was stopped half-way', sec => Math.min(30, sec), 'settled'],
];

for (const [name, level, verdict] of shapes) {
  test(`${name}: ${verdict}`, () => assert.equal(judgeGrowth(observe(60, level)).verdict, verdict));
}

test('a straight rise has its slope and an interval around it, at any length and rate', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: MIN_OBSERVED, max: 400 }),
      fc.integer({ min: 1, max: 500 }),
      (seconds, rise) => {
        const growth = judgeGrowth(observe(seconds, sec => 7 + sec * rise));
        assert.equal(growth.verdict, 'grows');
        for (const perMinute of [growth.perMinute, growth.leastPerMinute, growth.mostPerMinute])
          assert.ok(Math.abs(perMinute / (rise * 60) - 1) < 1e-9);
      },
    ),
  );
});

test('too few observations are no verdict', () => {
  const { verdict, perMinute } = judgeGrowth(observe(MIN_OBSERVED - 1, sec => sec));
  assert.deepEqual([verdict, perMinute], ['tooShort', Number.NaN]);
});

test('the interval holds the true slope in most, and steady noise is called a leak in hardly any, of 2,000 observations', () => {
  const random = createRandom(3, 'growth');
  let leaks = 0;
  let held = 0;
  for (let round = 0; round < 2_000; round++) {
    // Requests in flight of a server that is loaded at random.
    const { verdict, leastPerMinute, mostPerMinute } = judgeGrowth(
      observe(60, () => 20 + Math.floor(random() * 30)),
    );
    if (verdict === 'grows') leaks++;
    if (leastPerMinute <= 0 && mostPerMinute >= 0) held++;
  }
  assert.ok(leaks <= 12, `${leaks} leaks`);
  assert.ok(held >= 1_860, `${held} held`);
});

test("Kendall's S has its tabled probabilities", () => {
  // Hollander & Wolfe, table A.30, n = 4 and n = 10.
  const tabled: [n: number, s: number, p: number][] = [
    [4, 6, 0.042],
    [4, 4, 0.167],
    [10, 21, 0.036],
    [10, 23, 0.023],
    [10, 45, 0],
  ];
  for (const [n, s, p] of tabled) assert.equal(Number(tailOfS(n, s).toFixed(3)), p);
});

const [trial] = sampleRun({ replicates: 1 }).trials as CompletedTrial[];

function trialsOf(...samples: Held[]): CompletedTrial[] {
  return samples.map(held => ({ ...trial!, measurement: { ...trial!.measurement, held } }));
}

for (const leftPerRequest of [1, 0.25]) {
  test(`${leftPerRequest} connections per request are found, and so is their memory`, () => {
    const trials = trialsOf(sampleHeld({ leftPerRequest }), sampleHeld({ leftPerRequest, samples: 90 }));
    const descriptors = judgeLeak(trials, 'descriptors')!;
    assert.equal(descriptors.verdict, 'grows');
    assert.ok(Math.abs(descriptors.value / (leftPerRequest * 1_000) - 1) < 0.05, `${descriptors.value}`);
    assert.ok(descriptors.low <= leftPerRequest * 1_000 && descriptors.high >= leftPerRequest * 1_000);
    const bytes = judgeLeak(trials, 'rssBytes')!;
    assert.ok(Math.abs(bytes.value / (leftPerRequest * 1_000 * 30_000) - 1) < 0.05, `${bytes.value}`);
  });
}

test('a slope is per request, not per time: a load that slows down leaks as much', () => {
  const slowing = sampleHeld({ leftPerRequest: 1, sentAt: place => Math.floor(400 * Math.sqrt(place)) });
  const { value } = judgeLeak(trialsOf(slowing), 'descriptors')!;
  assert.ok(Math.abs(value / 1_000 - 1) < 0.05, `${value}`);
});

test('connections that come and go are no leak; one replicate of two leaves it open', () => {
  const [sound, leaking] = [sampleHeld({ leftPerRequest: 0 }), sampleHeld({ leftPerRequest: 1 })];
  assert.equal(judgeLeak(trialsOf(sound, sound), 'descriptors')!.verdict, 'steady');
  assert.equal(judgeLeak(trialsOf(sound, leaking), 'descriptors')!.verdict, 'unsure');
});

test('too few samples, or too few in which requests were sent, are no verdict', () => {
  assert.equal(judgeLeak(trialsOf(sampleHeld({ leftPerRequest: 1, samples: 12 })), 'descriptors'), null);
  const stuck = sampleHeld({ leftPerRequest: 1, sentAt: place => Math.min(place, 8) });
  assert.equal(judgeLeak(trialsOf(stuck), 'descriptors'), null);
  assert.equal(judgeLeak([trial!], 'descriptors'), null);
});
