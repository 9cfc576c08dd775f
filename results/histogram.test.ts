// Recording, merging and storing latencies keep count, mean, extremes and quantiles.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as hdr from 'hdr-histogram-js';
import { UsageError } from './errors.ts';
import {
  countBetween,
  createLatencyRecorder,
  emptyHistogram,
  hdrLog,
  meanOfTicks,
  mergeHistograms,
  mergeMeans,
  percentileCurve,
  quantileUs,
  ticksOf,
  ticksOfMean,
} from './histogram.ts';
import type { Histogram } from './model/trial.ts';

const latencies = fc.array(fc.double({ min: 1, max: 3_600_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 60,
});

function record(values: readonly number[]): Histogram {
  const recorder = createLatencyRecorder();
  for (const value of values) recorder.recordUs(value);
  const histogram = recorder.summary();
  recorder.close();
  return histogram;
}

/** The value that a share q of the sorted values does not exceed. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

function assertClose(actual: number, expected: number, ratio: number, us = 0): void {
  assert.ok(Math.abs(actual - expected) <= expected * ratio + us, `${actual} is not near ${expected}`);
}

test('count, least and most are exact, the mean to a sixteenth of a µs; quantiles are right to 3 digits', () => {
  fc.assert(
    fc.property(latencies, values => {
      const histogram = record(values);
      assert.equal(histogram.count, values.length);
      assert.equal(histogram.minUs, Math.min(...values));
      assert.equal(histogram.maxUs, Math.max(...values));
      assertClose(
        histogram.meanUs,
        values.reduce((sum, value) => sum + value, 0) / values.length,
        1e-9,
        1 / 32,
      );
      assertClose(histogram.p50Us, exactQuantile(values, 0.5), 0.001, 1);
      assertClose(histogram.p90Us, exactQuantile(values, 0.9), 0.001, 1);
      assertClose(quantileUs(histogram, 0.25), exactQuantile(values, 0.25), 0.001, 1);
    }),
  );
});

const odd = [
  { us: Number.NaN, counted: 1 },
  { us: -5, counted: 1 },
  { us: 0, counted: 1 },
  { us: 0.4, counted: 1 },
  { us: Number.NEGATIVE_INFINITY, counted: 1 },
  { us: Number.POSITIVE_INFINITY, counted: 3_600_000_000 },
  { us: 4e9, counted: 3_600_000_000 },
];
for (const { us, counted } of odd) {
  test(`${us} µs is counted as ${counted} µs and does not throw`, () => {
    const { count, minUs, meanUs, maxUs, p50Us } = record([us]);
    assert.deepEqual([count, minUs, meanUs, maxUs, p50Us], [1, counted, counted, counted, counted]);
  });
}

test('merging is the same as recording everything at once, bit for bit', () => {
  const split = fc.array(fc.array(fc.oneof(fc.nat(50), fc.double()), { maxLength: 60 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.oneof(fc.array(latencies, { maxLength: 4 }), split), groups => {
      const merged = mergeHistograms([emptyHistogram(), ...groups.map(record)]);
      assert.deepEqual(merged, record(groups.flat()));
    }),
  );
});

test('what was merged is read as its stored form is', () => {
  fc.assert(
    fc.property(fc.array(latencies, { minLength: 2, maxLength: 4 }), groups => {
      const merged = mergeHistograms(groups.map(record));
      const stored = JSON.parse(JSON.stringify(merged)) as Histogram;
      assert.deepEqual(percentileCurve(stored), percentileCurve(merged));
      const edgesUs = [0, merged.p50Us, merged.maxUs];
      assert.deepEqual(countBetween(stored, edgesUs), countBetween(merged, edgesUs));
    }),
  );
});

test('nothing recorded: all figures 0, no curve, no quantile', () => {
  const recorder = createLatencyRecorder();
  assert.deepEqual(recorder.summary(), emptyHistogram());
  recorder.close();
  assert.deepEqual(percentileCurve(emptyHistogram()), []);
  assert.equal(quantileUs(emptyHistogram(), 0.5), 0);
  assert.deepEqual(mergeHistograms([]), emptyHistogram());
});

test('a curve starts at 0, passes 25, 50, 75, 87.5, rises, and ends at the maximum below 100', () => {
  const curve = percentileCurve(record(Array.from({ length: 1000 }, (_, index) => index + 1)));
  const percentiles = curve.map(({ percentile }) => percentile);
  assert.equal(percentiles[0], 0);
  for (const percentile of [25, 50, 75, 87.5]) assert.ok(percentiles.includes(percentile));
  assert.deepEqual(curve.at(-1), { percentile: 99.95, valueUs: 1000 });
  for (let index = 1; index < curve.length; index++) {
    assert.ok(curve[index]!.percentile > curve[index - 1]!.percentile);
    assert.ok(curve[index]!.valueUs >= curve[index - 1]!.valueUs);
  }
});

test('each point of a curve is the quantile read by itself', () => {
  fc.assert(
    fc.property(fc.oneof(latencies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 })), values => {
      const histogram = record(values);
      for (const { percentile, valueUs } of percentileCurve(histogram).slice(0, -1)) {
        assert.equal(valueUs, quantileUs(histogram, percentile / 100), `at ${percentile} %`);
      }
    }),
  );
});

test("the log is read back by the library's own reader", () => {
  const histogram = record([100, 200, 300_000]);
  const log = hdrLog([
    { tag: 'short, 1=cell', startMs: 1_500, lengthMs: 3_000, histogram },
    { tag: 'persistent', startMs: 4_500, lengthMs: 1_000, histogram: emptyHistogram() },
  ]);
  const reader = new hdr.HistogramLogReader(log);
  const first = reader.nextIntervalHistogram();
  assert.ok(first !== null);
  assert.equal(first.tag, 'short__1_cell');
  assert.equal(first.totalCount, 3);
  assert.deepEqual([first.startTimeStampMsec, first.endTimeStampMsec], [1_500, 4_500]);
  assert.equal(first.getValueAtPercentile(50), 200);
  assert.equal(reader.nextIntervalHistogram()?.tag, 'persistent');
  assert.equal(reader.nextIntervalHistogram(), null);
});

for (const v2 of ['', 'bm90IGEgaGlzdG9ncmFt', 'A'.repeat(300_000)]) {
  test(`a stored form of ${v2.length} characters that is none is refused`, () => {
    assert.throws(() => quantileUs({ ...record([1, 2]), v2 }, 0.5), UsageError);
  });
}

test('one recorder holds an hour at full resolution in a stored form well under the limit', () => {
  const recorder = createLatencyRecorder();
  for (let us = 1; us < 3_600_000_000; us *= 1.0004) recorder.recordUs(us);
  assert.ok(recorder.summary().v2.length < 100_000);
  recorder.close();
});

test('counts between edges are those of the values, the upper edge included, and none outside', () => {
  const edges = [10, 20, 50, 100];
  const histogram = record([5, 10, 11, 20, 21, 50, 50, 100, 101, 4_000]);
  assert.deepEqual(countBetween(histogram, edges), [2, 3, 1]);
  assert.deepEqual(countBetween(emptyHistogram(), edges), [0, 0, 0]);
  fc.assert(
    fc.property(latencies, values => {
      const { minUs, maxUs } = record(values);
      const counts = countBetween(record(values), [minUs - 1, Math.sqrt(minUs * maxUs), maxUs]);
      assert.equal(counts[0]! + counts[1]!, values.length);
    }),
  );
});

function meanOf(values: readonly number[]): { meanUs: number; count: number } {
  const ticks = values.reduce((sum, us) => sum + ticksOf(us), 0);
  return { meanUs: meanOfTicks(ticks, values.length), count: values.length };
}

test('the mean of groups is that of all values, however they are grouped', () => {
  const group = fc.array(fc.double({ min: 0, max: 3_600_000_000, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(group, { maxLength: 6 }), groups => {
      assert.equal(mergeMeans(groups.map(meanOf)), meanOf(groups.flat()).meanUs);
    }),
  );
});

test('a sum is found again in its mean, up to four years of latency', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 51), fc.integer({ min: 1, max: 1_000_000_000 }), (ticks, count) => {
      assert.equal(ticksOfMean(meanOfTicks(ticks, count), count), ticks);
    }),
  );
});

test('nothing has the mean 0', () => {
  assert.equal(mergeMeans([]), 0);
  assert.equal(mergeMeans([{ meanUs: 0, count: 0 }]), 0);
});
