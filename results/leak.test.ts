// A leak is found per request, in every replicate or not at all, whatever the pace of the requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLeak } from './leak.ts';
import type { CompletedTrial, Held } from './model/trial.ts';
import { sampleHeld } from './testing/sample-held.ts';
import { sampleRun } from './testing/sample-run.ts';

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
