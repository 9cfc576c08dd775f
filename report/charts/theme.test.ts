// Axes follow the figures rather than the widest interval, and logarithmic ones are labelled at even steps.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { clip, LEFT, logTicks, RIGHT, WIDEST_WHISKER } from './theme.ts';

describe('Labels of a logarithmic axis: a table', () => {
  const rows: [low: number, high: number, ticks: number[]][] = [
    [1, 100, [1, 2, 5, 10, 20, 50, 100]],
    [0.05, 20_000, [0.1, 1, 10, 100, 1_000, 10_000]],
    [0.95, 1.12, [0.95, 1, 1.05, 1.1]],
    [2.1, 8.4, [3, 4, 5, 6, 7, 8]],
    [0.3, 2.9, [0.5, 1, 2]],
    [1_040, 1_060, [1_040, 1_045, 1_050, 1_055, 1_060]],
  ];
  for (const [low, high, ticks] of rows)
    test(`${low} to ${high}`, () => assert.deepEqual(logTicks(low, high), ticks));

  test('of any span there are from 2 to 12, all within it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        fc.double({ min: 1.05, max: 1e5, noNaN: true }),
        (low, factor) => {
          const ticks = logTicks(low, low * factor);
          assert.ok(ticks.length >= 2 && ticks.length <= 12, `${low} ${low * factor}: ${ticks}`);
          for (const tick of ticks) assert.ok(tick >= low && tick <= low * factor);
        },
      ),
    );
  });
});

describe('Whiskers are cut off where they reach far beyond all figures', () => {
  const near = { name: 'near', value: 100, low: 90, high: 110 };

  test('with an arrow at the end that goes on', () => {
    const { extent, rows, arrows } = clip([near, { name: 'wide', value: 80, low: 10, high: 700 }]);
    assert.deepEqual(extent, { low: 80 / WIDEST_WHISKER, high: 100 * WIDEST_WHISKER });
    assert.deepEqual(rows[0], near);
    assert.deepEqual(rows[1], { name: 'wide', value: 80, ...extent });
    assert.deepEqual(
      arrows.map(({ name, end, shape }) => [name, end, shape]),
      [
        ['wide', extent.low, LEFT],
        ['wide', extent.high, RIGHT],
      ],
    );
  });

  test('no whisker, however wide, takes more than its share of a picture', () => {
    const figure = fc.double({ min: 0.01, max: 1e6, noNaN: true });
    const factor = fc.double({ min: 1, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(figure, factor, factor), { minLength: 1 }), figures => {
        const rows = figures.map(([value, down, up]) => ({ value, low: value / down, high: value * up }));
        const { extent } = clip(rows);
        const values = rows.map(({ value }) => value);
        assert.ok(extent.high <= Math.max(...values) * WIDEST_WHISKER);
        assert.ok(extent.low >= Math.min(...values) / WIDEST_WHISKER);
      }),
    );
  });

  test('those that end within it have none', () => assert.deepEqual(clip([near]).arrows, []));
});
