// What a delay line does with time and order, by tables with a reason on each row and by properties over any traffic.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createRandom } from '../../results/random.ts';
import { DEFAULT_BACKLOG, Link } from '../../scenarios/model/target.ts';
import { BACKLOG, DelayLine, type Item, inFlightLimitBytes, oneWayMs } from './relay.ts';

function lineOf(stated: Record<string, unknown>): DelayLine {
  return new DelayLine(Link.parse(stated), createRandom(1, 'line'));
}

interface Taken {
  item: Item;
  dueMs: number;
}

function takeAll(line: DelayLine): Taken[] {
  const taken: Taken[] = [];
  for (;;) {
    const { dueMs } = line;
    const item = line.take(Number.MAX_VALUE);
    if (item === undefined) return taken;
    taken.push({ item, dueMs });
  }
}

function bytesOf(taken: readonly Taken[]): Buffer {
  return Buffer.concat(taken.flatMap(({ item }) => (typeof item === 'string' ? [] : [item])));
}

type Pushed = [item: number | 'end' | 'reset', arrivedMs: number];
const kilobyte = 1_000;

const table: [why: string, link: Record<string, unknown>, pushed: Pushed[], dueMs: number[]][] = [
  ['half a round trip', { roundTripMs: 20 }, [[10, 100]], [110]],
  ['no round trip', {}, [[10, 100]], [100]],
  ['half of an odd one', { roundTripMs: 5 }, [[10, 100]], [102.5]],
  [
    'each by its own arrival',
    { roundTripMs: 20 },
    [
      [10, 100],
      [10, 101],
      [10, 130],
    ],
    [110, 111, 140],
  ],
  [
    'an end takes as long as bytes',
    { roundTripMs: 20 },
    [
      [10, 100],
      ['end', 103],
    ],
    [110, 113],
  ],
  ['so does a reset', { roundTripMs: 20 }, [['reset', 7]], [17]],
  ['a rate takes the time of the bytes', { bytesPerSec: 1_000_000 }, [[kilobyte, 100]], [101]],
  ['and adds it to the way', { roundTripMs: 20, bytesPerSec: 1_000_000 }, [[kilobyte, 100]], [111]],
  [
    'bytes wait for those before them',
    { bytesPerSec: 1_000_000 },
    [
      [kilobyte, 100],
      [kilobyte, 100],
    ],
    [101, 102],
  ],
  [
    'but not once the line is free again',
    { bytesPerSec: 1_000_000 },
    [
      [kilobyte, 100],
      [kilobyte, 200],
    ],
    [101, 201],
  ],
  ['a long chunk comes packet by packet', { bytesPerSec: 1_460_000 }, [[4_380, 0]], [1, 2, 3]],
  ['or millisecond by millisecond', { bytesPerSec: 10_000_000 }, [[25_000, 0]], [1, 2, 2.5]],
  [
    'an end comes behind the bytes that are still being sent',
    { bytesPerSec: 1_000_000 },
    [
      [kilobyte, 100],
      ['end', 100],
    ],
    [101, 101],
  ],
];

suite('a line', () => {
  for (const [why, stated, pushed, dueMs] of table) {
    test(`${JSON.stringify(stated)}: ${why}`, () => {
      const line = lineOf(stated);
      for (const [item, arrivedMs] of pushed) {
        line.push(typeof item === 'number' ? Buffer.alloc(item) : item, arrivedMs);
      }
      const due = takeAll(line).map(taken => Math.round(taken.dueMs * 1_000) / 1_000);
      assert.deepEqual(due, dueMs);
    });
  }

  test('gives nothing before it is due, and everything once it is', () => {
    const line = lineOf({ roundTripMs: 20 });
    assert.equal(line.dueMs, Number.POSITIVE_INFINITY);
    line.push(Buffer.from('a'), 100);
    assert.equal(line.take(109.999), undefined);
    assert.deepEqual(line.take(110), Buffer.from('a'));
    assert.equal(line.take(1e9), undefined);
    assert.equal(line.dueMs, Number.POSITIVE_INFINITY);
  });

  test('knows of a reset behind what it holds, until it is cleared', () => {
    const line = lineOf({ roundTripMs: 20 });
    line.push(Buffer.alloc(9), 100);
    assert.equal(line.resetDueMs, Number.POSITIVE_INFINITY);
    line.push('reset', 101);
    assert.deepEqual([line.dueMs, line.resetDueMs, line.heldBytes], [110, 111, 9]);
    line.clear();
    assert.deepEqual(
      [line.dueMs, line.resetDueMs, line.heldBytes],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0],
    );
  });
});

const stated = fc.record({
  roundTripMs: fc.double({ min: 0, max: 2_000, noNaN: true }),
  jitterMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1_000, noNaN: true })),
  bytesPerSec: fc.oneof(fc.constant('unlimited' as const), fc.integer({ min: 1_000, max: 1_000_000_000 })),
});
const traffic = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 8_000 }),
    gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 50, noNaN: true })),
  }),
  { minLength: 1, maxLength: 30 },
);
const EPSILON_MS = 1e-6;

suite('any line with any traffic', () => {
  test('keeps bytes and order, and each is due when its way and its sending are over', () => {
    fc.assert(
      fc.property(stated, traffic, fc.nat(), (link, pushes, seed) => {
        const parsed = Link.parse(link);
        const line = new DelayLine(parsed, createRandom(seed, 'line'));
        const bytesPerMs =
          link.bytesPerSec === 'unlimited' ? Number.POSITIVE_INFINITY : link.bytesPerSec / 1e3;
        let nowMs = 0;
        let fill = 0;
        const chunks: Buffer[] = [];
        /** By when the last byte of each chunk must have come at the earliest, and at the latest. */
        const bounds: { endsAt: number; earliestMs: number; latestMs: number }[] = [];
        let sentMs = 0;
        let latestMs = 0;
        let endsAt = 0;
        for (const { bytes, gapMs } of pushes) {
          nowMs += gapMs;
          const chunk = Buffer.alloc(bytes, fill++);
          chunks.push(chunk);
          line.push(chunk, nowMs);
          endsAt += bytes;
          sentMs = Math.max(sentMs, nowMs) + bytes / bytesPerMs;
          latestMs = Math.max(latestMs, sentMs + link.roundTripMs / 2 + link.jitterMs);
          bounds.push({ endsAt, earliestMs: sentMs + link.roundTripMs / 2, latestMs });
        }
        assert.equal(line.heldBytes, endsAt);
        assert.equal(line.isFull, endsAt >= inFlightLimitBytes(parsed));

        const taken = takeAll(line);
        assert.ok(bytesOf(taken).equals(Buffer.concat(chunks)));
        assert.equal(line.heldBytes, 0);
        let at = 0;
        let lastMs = 0;
        for (const { item, dueMs } of taken) {
          assert.ok(dueMs >= lastMs, 'order');
          lastMs = dueMs;
          at += item.length;
          const bound = bounds.find(({ endsAt }) => endsAt === at);
          if (bound === undefined) continue; // a piece, and not the last one
          assert.ok(dueMs >= bound.earliestMs - EPSILON_MS, `${dueMs} is before ${bound.earliestMs}`);
          assert.ok(dueMs <= bound.latestMs + EPSILON_MS, `${dueMs} is after ${bound.latestMs}`);
        }
      }),
    );
  });

  test('taking in between gives the same bytes at the same times', () => {
    fc.assert(
      fc.property(stated, traffic, fc.nat(), (link, pushes, seed) => {
        const [patient, eager] = [1, 2].map(
          () => new DelayLine(Link.parse(link), createRandom(seed, 'line')),
        );
        const taken: Taken[] = [];
        let nowMs = 0;
        for (const { bytes, gapMs } of pushes) {
          nowMs += gapMs;
          for (const line of [patient!, eager!]) line.push(Buffer.alloc(bytes, bytes), nowMs);
          while (eager!.dueMs <= nowMs) taken.push({ dueMs: eager!.dueMs, item: eager!.take(nowMs)! });
        }
        assert.deepEqual([...taken, ...takeAll(eager!)], takeAll(patient!));
      }),
    );
  });

  test('holds what a fast sender may have in flight: enough for its rate, and never without end', () => {
    fc.assert(
      fc.property(stated, link => {
        const parsed = Link.parse(link);
        const limit = inFlightLimitBytes(parsed);
        assert.ok(limit >= 65_536 && limit <= 4_194_304);
        if (link.bytesPerSec === 'unlimited') return;
        const oneWayBytes = (link.bytesPerSec * (link.roundTripMs / 2)) / 1e3;
        assert.ok(limit >= Math.min(oneWayBytes, 4_194_304));
      }),
    );
  });
});

test('jitter is drawn for each piece, uniformly up to the stated maximum', () => {
  const link = Link.parse({ roundTripMs: 10, jitterMs: 8 });
  const random = createRandom(3, 'jitter');
  const drawn = Array.from({ length: 4_000 }, () => oneWayMs(link, random));
  assert.ok(drawn.every(ms => ms >= 5 && ms < 13));
  const quarters = [0, 1, 2, 3].map(
    quarter => drawn.filter(ms => Math.floor((ms - 5) / 2) === quarter).length,
  );
  // 1,000 each, with a standard deviation of 27
  for (const count of quarters) assert.ok(Math.abs(count - 1_000) < 140, quarters.join(' '));
});

test('as many connections can wait at the relay as at the target', () => {
  assert.equal(BACKLOG, DEFAULT_BACKLOG);
});
