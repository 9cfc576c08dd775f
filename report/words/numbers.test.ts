// Numbers as text show what is known of them and never contradict a verdict.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  describeMove,
  formatDecimals,
  formatInterval,
  formatLatency,
  formatPercent,
  formatRatio,
  formatSignificant,
  reachRatio,
  roundInterval,
  withoutBounds,
} from './numbers.ts';

test('figures have 3 significant digits', () => {
  for (const [value, text] of [
    [0, '0'],
    [0.3444, '0.344'],
    [5, '5.00'],
    [24.06, '24.1'],
    [999.6, '1,000'],
    [4123, '4,120'],
    [-4.67, '−4.67'],
    [Number.NaN, '–'],
  ] as const) {
    assert.equal(formatSignificant(value), text);
  }
  assert.equal(formatLatency(344), '344 µs');
  assert.equal(formatLatency(24_060), '24.1 ms');
});

test('the interval decides how many digits are shown', () => {
  for (const [interval, text] of [
    [[7.112, 6.58, 7.69], '7.1× (6.6 to 7.7)'],
    [[7.112, 7.1, 7.12], '7.11× (7.10 to 7.12)'],
    [[0.87, 0.76, 0.98], '0.87× (0.76 to 0.98)'],
    [[7.112, 7.112, 7.112], '7.11×'],
    [[1.05, 1.004, 1.1], '1.05× (1.004 to 1.10)'],
    [[0.95, 0.9, 0.9996], '0.95× (0.90 to 0.9996)'],
    [[1, 0.9, 1.1], '1.00× (0.90 to 1.10)'],
    [[46, 23.9, 89.1], '46× (24 to 89)'],
    [[0.84, 0.0049, 150_000], '0.84× (bounds unknown)'],
    [[9_400, 19, 4_700_000], '9,400× (bounds unknown)'],
    [[32, 1.1, 940], '32× (bounds unknown)'],
    [[2, 0.21, 19], '2.0× (0.21 to 19)'],
    [[3, 0.99999, 9], '3.0× (0.99999 to 9.0)'],
    [[4.365, 2.4, 7.1], '4.4× (2.4 to 7.1)'],
  ] as const) {
    const [value, low, high] = interval;
    assert.equal(formatRatio({ value, low, high }), text);
  }
  assert.equal(formatInterval({ value: 13_912, low: 12_790, high: 15_090 }), '13,900 (12,800 to 15,100)');
  assert.equal(formatInterval({ value: 1_123.7, low: 1_123.1, high: 1_124.3 }), '1,120 (1,120 to 1,120)');
});

test('a difference may be below 0, with a minus sign; what rounds to 0 has none', () => {
  for (const [interval, expected] of [
    [
      [51, -4.67, 107],
      ['51', '−4.7', '110'],
    ],
    [
      [-5, -7, -3],
      ['−5.0', '−7.0', '−3.0'],
    ],
    [
      [0, -1, 1],
      ['0', '−1.0', '1.0'],
    ],
    [
      [-0.03, -5, 5],
      ['−0.030', '−5.0', '5.0'],
    ],
  ] as const) {
    const [value, low, high] = interval;
    const rounded = roundInterval({ value, low, high }, 0);
    assert.deepEqual([rounded.value, rounded.low, rounded.high], expected);
  }
  assert.deepEqual(
    [0.216, -0.0123, -0.001].map(value => formatDecimals(value, 2)),
    ['0.22', '−0.01', '0.00'],
  );
});

test('a figure never has fewer than two digits, nor more where its interval is wider', () => {
  const digits = (text: string): number => text.replace(/\D/g, '').replace(/^0+/, '').length;
  const decimals = (text: string): number => text.split('.')[1]?.length ?? 0;
  fc.assert(
    fc.property(
      // Below 100 the decimals tell how finely it is rounded.
      fc.double({ min: 0.001, max: 99, noNaN: true }),
      fc.double({ min: 0.0001, max: 0.9, noNaN: true }),
      fc.double({ min: 1, max: 50, noNaN: true }),
      (value, reach, wider) => {
        const around = (share: number) =>
          roundInterval({ value, low: value / (1 + share), high: value * (1 + share) });
        const [narrow, wide] = [around(reach), around(reach * wider)];
        assert.ok(decimals(wide.value) <= decimals(narrow.value), `${narrow.value}, ${wide.value}`);
        for (const text of [...Object.values(narrow), ...Object.values(wide)])
          assert.ok(digits(text) >= 2, text);
      },
    ),
  );
});

test('a share never reads as all or nothing unless it is', () => {
  for (const [ratio, text] of [
    [0, '0 %'],
    [0.00001, '<0.01 %'],
    [0.002, '0.2 %'],
    [0.1234, '12.3 %'],
    [0.9999, '>99.9 %'],
    [1, '100 %'],
  ] as const) {
    assert.equal(formatPercent(ratio), text);
  }
});

test('the reach of an interval is its larger side', () => {
  assert.equal(reachRatio({ value: 2, low: 1, high: 2.5 }), 0.5);
  assert.equal(reachRatio({ value: 2, low: 1.9, high: 3 }), 0.5);
});

test('the text of a ratio puts 1 within or outside the interval as the figures do, or a digit of it apart', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 20, noNaN: true }),
      fc.double({ min: 0.001, max: 0.5, noNaN: true }),
      fc.double({ min: 0.001, max: 0.5, noNaN: true }),
      (value, below, above) => {
        const ratio = { value, low: value * (1 - below), high: value * (1 + above) };
        fc.pre(Math.abs(ratio.low - 1) > 2e-5 && Math.abs(ratio.high - 1) > 2e-5);
        const [, low, high] = /^\S+× \((\S+) to (\S+)\)$/.exec(formatRatio(ratio)) ?? [];
        assert.ok(low !== undefined && high !== undefined, formatRatio(ratio));
        assert.equal(Number(low) < 1, ratio.low < 1);
        assert.equal(Number(high) > 1, ratio.high > 1);
      },
    ),
  );
});

for (const [why, change, move, bounds] of [
  [
    'down: the nearer bound first',
    { value: 0.915, low: 0.905, high: 0.924 },
    'fell by 8.5 %',
    '7.6 to 9.5 %',
  ],
  ['up', { value: 1.3, low: 1.265, high: 1.336 }, 'rose by 30.0 %', '26.5 to 33.6 %'],
  ['that may be none', { value: 0.9, low: 0.7, high: 1.1 }, 'fell by 10.0 %', '−30.0 % to +10.0 %'],
  [
    'of a bound beyond all sense',
    { value: 9, low: 5, high: 40 },
    'rose by 800.0 %',
    '400.0 % to more than 999 %',
  ],
  ['beyond all sense', { value: 20, low: 15, high: 25 }, 'rose by more than 999 %', 'more than 999 %'],
  ['of which little is known', { value: 2, low: 0.1, high: 40 }, 'rose by 100.0 %', 'bounds unknown'],
] as const) {
  test(`a change ${why}, as a sentence has it`, () =>
    assert.deepEqual(describeMove(change), { move, bounds }));
}

test('a figure without its bounds keeps its unit and its marks', () => {
  for (const [text, brief] of [
    [formatRatio({ value: 1.02, low: 0.98, high: 1.06 }), '1.02×'],
    [`${formatRatio({ value: 1.02, low: 0.98, high: 1.06 })}†`, '1.02×†'],
    [formatInterval({ value: 2, low: 0.1, high: 40 }), '2.0'],
    ['1.05×, 1.61× (1 more replicate needed)', '1.05×, 1.61×'],
    ['24.1 ms', '24.1 ms'],
  ] as const)
    assert.equal(withoutBounds(text), brief);
});
