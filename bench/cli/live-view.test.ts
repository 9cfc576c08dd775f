// The three live lines of a run: what they say, and that they fit any width without a number being cut.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { headlineOf } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { planRun } from '../plan/plan.ts';
import { LiveView } from './live-view.ts';
import type { Living } from './progress-lines.ts';

const { scenario } = sampleRun().run.cells[0]!;
const PLANNED = planRun([scenario], { seed: 1 }).cells[0]!;
const HEADLINE = headlineOf({ model: 'closed' });

function living(stated: Partial<Living> = {}): Living {
  return { type: 'progress', cell: 'tls', replicate: 0, phase: 'measure', leftMs: 21_000, ...stated };
}

function comparison(candidate: string, stated: Partial<Comparison>): Comparison {
  return {
    metric: 'requestsPerSec',
    baseline: 'short',
    candidate,
    ratio: null,
    replicateRatios: [],
    isDeciding: true,
    verdict: 'unsure',
    ...stated,
  };
}

/** A view of a cell that is `id`, with clients of these names. */
function viewOf(
  arms: readonly string[],
  { id = 'tls', timing = {} }: { id?: string; timing?: Partial<typeof scenario.timing> } = {},
): LiveView {
  const view = new LiveView();
  const planned = { ...scenario, timing: { ...scenario.timing, precision: 0.05, ...timing } };
  view.follow({
    type: 'cell-started',
    cell: { ...PLANNED, id, arms: [...arms], scenario: planned },
    index: 1,
    cellCount: 3,
  });
  return view;
}

function finished(view: LiveView, comparisons: Comparison[]): void {
  view.follow({ type: 'replicate-finished', cell: 'tls', replicate: 0, headline: HEADLINE, comparisons });
}

suite('the lines', () => {
  test('before anything is started there are none', () =>
    assert.deepEqual(new LiveView().lines(80, false), []));

  test('time as a bar, then how far it is, then what is measured', () => {
    const view = viewOf(['short', 'long']);
    view.follow(living({ phase: 'start', leftMs: 60_000 }));
    const [first] = view.lines(80, false);
    assert.match(first!, /^░{8,30} {2}1m left {2}starting {2}replicate 1 {2}tls 2\/3$/);
    view.follow(living({ leftMs: 15_000, blocksDone: 3, blockCount: 8, replicate: 1 }));
    const [bar = '', ...rest] = view.lines(80, false)[0]!.split('  ');
    assert.deepEqual(rest, ['15s left', 'measuring 3/8', 'replicate 2', 'tls 2/3']);
    assert.equal(Math.round((bar.replaceAll('░', '').length / bar.length) * 4), 3, bar);
    view.follow(living({ leftMs: -5 }));
    assert.match(view.lines(80, false)[0]!, /^█+ {2}ends with this replicate/);
  });

  test('a client has its rate and its past, from 0 to its highest', () => {
    const view = viewOf(['short', 'long']);
    for (const ratePerSec of [1_000, 500, 0, 4_040.4]) view.follow(living({ arm: 'short', ratePerSec }));
    const [, clients] = view.lines(80, false);
    assert.equal(clients, 'short 4,040 req/s ▃▂▁█  long –');
    view.follow(living({ phase: 'search', arm: 'long', ratePerSec: 5_657, isKept: false }));
    assert.match(view.lines(80, false)[1]!, /long 5,657 req\/s ✗ █$/);
  });

  test('of too many clients the one whose turn it is is among those shown, and the rest are counted', () => {
    const names = Array.from({ length: 12 }, (_, index) => `client-${index + 1}`);
    const view = viewOf(names);
    for (const arm of names) view.follow(living({ arm, ratePerSec: 20_000 }));
    view.follow(living({ arm: 'client-9', ratePerSec: 31_234 }));
    const [, clients] = view.lines(80, false);
    assert.match(clients!, /^client-1 20,000 req\/s {2}.*client-9 31,234 req\/s {2}\+\d+ more$/);
  });

  const precise: [
    why: string,
    comparisons: Comparison[],
    timing: Partial<typeof scenario.timing>,
    line: RegExp,
  ][] = [
    ['before the first replicate', [], {}, /^no ratio before the first replicate {2}±5 % asked$/],
    [
      'with too few replicates',
      [comparison('long', { replicateRatios: [3.456] })],
      {},
      /^requests\/s, long: 3\.46× \(2 more replicates needed\) {2}±5 % asked$/,
    ],
    [
      'wide, the interval goes on beyond the axis',
      [comparison('long', { ratio: { value: 4, low: 2, high: 8 }, replicateRatios: [3, 4, 5] })],
      {},
      /4\.0× \(2\.0 to 8\.0\) {2}±100 % {2}±5 % asked {2}<─{8}\[──●──\]─{8}>$/,
    ],
    [
      'precise, it lies within the brackets',
      [comparison('long', { ratio: { value: 4, low: 3.9, high: 4.1 }, replicateRatios: [3, 4, 5] })],
      {},
      /±2\.5 % {2}±5 % asked {10,}\[ ?─?─●──? ?\]/,
    ],
    [
      'of several, the one known worst',
      [
        comparison('long', { ratio: { value: 4, low: 3.9, high: 4.1 }, replicateRatios: [3, 4, 5] }),
        comparison('k10', { ratio: { value: 2, low: 1.8, high: 2.2 }, replicateRatios: [3, 4, 5] }),
      ],
      {},
      /^requests\/s, k10: 2\.0\d?× \(1\.8\d? to 2\.20?\) .*\+1 more$/,
    ],
    [
      'where expectations decide',
      [comparison('long', { ratio: { value: 4, low: 2, high: 8 }, replicateRatios: [3, 4, 5] })],
      { until: 'decided' },
      /±100 % {2}until it is decided$/,
    ],
  ];
  for (const [why, comparisons, timing, line] of precise) {
    test(`the ratio: ${why}`, () => {
      const view = viewOf(['short', 'long', 'k10'], { timing });
      view.follow(living());
      if (comparisons.length > 0) finished(view, comparisons);
      assert.match(view.lines(140, false)[2]!, line);
    });
  }

  test('one client has no ratio; the next cell begins anew', () => {
    const view = viewOf(['short']);
    view.follow(living({ arm: 'short', ratePerSec: 100 }));
    assert.deepEqual(view.lines(80, false).slice(1), ['short 100 req/s █', 'one client: nothing to compare']);
  });

  test('names are shown as text', () => {
    const view = viewOf(['a\u001b[2J', 'b']);
    view.follow(living());
    assert.ok(!view.lines(100, false).join('').includes('\u001b'));
  });
});

test('a name that does not fit is cut before a number, or after it', () => {
  const view = viewOf(['short', 'long'], { id: 'sizes[responseBytes=123456789, maxConnections=987654321]' });
  view.follow(living());
  const wholes = new Set(view.lines(500, false).flatMap(numbersIn));
  for (let width = 40; width < 140; width++) {
    const [line = ''] = view.lines(width, false);
    assert.ok(stringWidth(line) <= width);
    for (const number of numbersIn(line)) assert.ok(wholes.has(number), `${width}: ${line}`);
  }
});

test('colours change no text, and only when they are asked for', () => {
  const view = viewOf(['short', 'long']);
  view.follow(living({ arm: 'short', ratePerSec: 4_000 }));
  const plain = view.lines(100, false);
  const coloured = view.lines(100, true);
  assert.notDeepEqual(coloured, plain);
  assert.deepEqual(coloured.map(stripVTControlCharacters), plain);
});

/** Numbers of a text, whole. */
function numbersIn(text: string): string[] {
  return text.match(/\d[\d.,]*/g) ?? [];
}

test('in any width, three lines fit, and no number is cut', () => {
  const name = fc.stringMatching(/^[a-z0-9,.[\]=-]{1,40}$/);
  const ratio = fc
    .tuple(fc.double({ min: 0.01, max: 500, noNaN: true }), fc.double({ min: 1, max: 9, noNaN: true }))
    .map(([value, factor]) => ({ value, low: value / factor, high: value * factor }));
  fc.assert(
    fc.property(
      name,
      fc.uniqueArray(name, { minLength: 2, maxLength: 12 }),
      fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { maxLength: 20 }),
      fc.option(ratio, { nil: null }),
      fc.integer({ min: 20, max: 170 }),
      (id, arms, rates, ratio, width) => {
        const view = viewOf(arms, { id });
        view.follow(living({ leftMs: 100_000 }));
        for (const [index, ratePerSec] of rates.entries())
          view.follow(
            living({ arm: arms[index % arms.length]!, ratePerSec, blocksDone: 12, blockCount: 345 }),
          );
        finished(
          view,
          arms.slice(1).map(arm => comparison(arm, { ratio, replicateRatios: [1.25, 2.5, 3.75] })),
        );
        const whole = new Set(view.lines(2_000, false).flatMap(numbersIn));
        const lines = view.lines(width, false);
        assert.equal(lines.length, 3);
        for (const line of lines) {
          assert.ok(stringWidth(line) <= width, `${stringWidth(line)} of ${width}: ${line}`);
          for (const number of numbersIn(line.replace(/\+\d+ more/, '')))
            assert.ok(whole.has(number), `${number} in ${line}`);
        }
      },
    ),
  );
});
