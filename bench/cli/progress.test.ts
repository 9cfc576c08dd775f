// What a person sees while it runs: what lasts is a line of its own, the rest lives and passes.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { headlineOf } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { planRun } from '../plan/plan.ts';
import type { RunEvent } from '../run/context.ts';
import type { Output } from './output.ts';
import {
  countWrapped,
  createProgress,
  LiveView,
  type Living,
  lastingLine,
  progressLine,
} from './progress.ts';

const { run, trials } = sampleRun();
const result = run.cells[0]!;
const plan = planRun([{ ...result.scenario, timing: { ...result.scenario.timing, budgetMs: 60_000 } }], {
  seed: 1,
});
const completed = trials.find(({ state }) => state === 'completed')!;

function living(stated: Partial<Living> = {}): Living {
  return { type: 'progress', cell: 'tls', replicate: 0, phase: 'start', leftMs: 21_000, ...stated };
}

function comparison(stated: Partial<Comparison>): Comparison {
  return {
    metric: 'requestsPerSec',
    baseline: 'short',
    candidate: 'long',
    ratio: null,
    replicateRatios: [],
    isDeciding: false,
    verdict: 'unsure',
    ...stated,
  };
}

suite('the plain line', () => {
  const cases: [event: Living, line: string][] = [
    [living(), 'tls  replicate 1  starting  21s left at most'],
    [
      living({ phase: 'warm-up', arm: 'long', ratePerSec: 52_300.4, replicate: 2 }),
      'tls  replicate 3  warming up  long 52,300 req/s  21s left at most',
    ],
    [
      living({ phase: 'measure', arm: 'long', ratePerSec: 0, blocksDone: 3, blockCount: 8, leftMs: 61_000 }),
      'tls  replicate 1  measuring 3/8  long 0 req/s  1m 1s left at most',
    ],
    [
      living({ phase: 'search', arm: 'short', ratePerSec: 4_000, isKept: true }),
      'tls  replicate 1  searching  short 4,000 req/s sustained  21s left at most',
    ],
    [
      living({ phase: 'search', arm: 'short', ratePerSec: 5_656.9, isKept: false }),
      'tls  replicate 1  searching  short 5,657 req/s not sustained  21s left at most',
    ],
    [
      living({ phase: 'finish', arm: 'short', leftMs: -5 }),
      'tls  replicate 1  closing  short  slower than expected, ends with this replicate',
    ],
  ];
  for (const [event, line] of cases) {
    test(line, () => assert.equal(progressLine(event), line));
  }
});

suite('lines that last', () => {
  const failed = { code: 'generator-died' as const, message: 'the generator ended (SIGKILL)' };
  const headline = headlineOf({ model: 'closed' });
  const cases: [event: RunEvent, line: RegExp | undefined][] = [
    [{ type: 'cell-started', cell: plan.cells[0]!, index: 0, cellCount: 3 }, /^\[1\/3\] .+: \w+.*, .*1m/],
    [{ type: 'notice', cell: 'tls', message: 'waiting for ports' }, /^ {2}! waiting for ports$/],
    [{ type: 'trial', result: completed }, undefined],
    [
      {
        type: 'trial',
        result: {
          trial: { ...completed.trial, arm: 'long', replicate: 1 },
          startedAt: completed.startedAt,
          state: 'failed',
          error: failed,
        },
      },
      /^ {2}! long, replicate 2: the generator ended \(SIGKILL\)$/,
    ],
    [living(), undefined],
    [
      { type: 'cell-finished', result: { ...result, stopDetail: 'precise enough', elapsedMs: 12_400 } },
      /^ {2}done: precise enough \(12s\)$/,
    ],
    [
      { type: 'replicate-finished', cell: 'tls', replicate: 0, headline, comparisons: [] },
      /^ {2}replicate 1: nothing to compare$/,
    ],
    [
      {
        type: 'replicate-finished',
        cell: 'tls',
        replicate: 0,
        headline,
        comparisons: [comparison({ replicateRatios: [3.456] })],
      },
      /^ {2}replicate 1: long 3\.46× \(2 more replicates needed\)$/,
    ],
    [
      { type: 'replicate-finished', cell: 'tls', replicate: 0, headline, comparisons: [comparison({})] },
      /^ {2}replicate 1: long –$/,
    ],
    [
      {
        type: 'replicate-finished',
        cell: 'tls',
        replicate: 4,
        headline,
        comparisons: [
          comparison({ ratio: { value: 3.4, low: 3.2, high: 3.61 }, replicateRatios: [9] }),
          comparison({ metric: 'meanUs', replicateRatios: [0.3] }),
          comparison({ candidate: 'k10', replicateRatios: [2, 2.5] }),
        ],
      },
      /^ {2}replicate 5: long 3\.4× \(3\.2 to 3\.6\), k10 2\.00×, 2\.50× \(1 more replicate needed\)$/,
    ],
    [
      {
        type: 'replicate-finished',
        cell: 'tls',
        replicate: 0,
        headline: headlineOf({ model: 'burst' }),
        comparisons: [
          comparison({ replicateRatios: [1] }),
          comparison({ metric: 'meanUs', replicateRatios: [0.3] }),
          comparison({ metric: 'meanUs', candidate: 'k10', replicateRatios: [2] }),
        ],
      },
      /^ {2}replicate 1: mean response time of long 0\.300× \(2 more replicates needed\), k10 2\.00× \(2 more replicates needed\)$/,
    ],
  ];
  for (const [event, line] of cases) {
    test(`${event.type}: ${line ?? 'nothing'}`, () => {
      const actual = lastingLine(event);
      if (line === undefined) assert.equal(actual, undefined);
      else assert.match(actual ?? '', line);
    });
  }
});

test('where there is no terminal, each phase of load gets one line, and nothing is overwritten', () => {
  const notes: string[] = [];
  const output: Output = {
    out: () => assert.fail('progress is no result'),
    note: line => notes.push(line),
    isTty: false,
    hasColour: false,
    columns: 80,
  };
  const progress = createProgress(output);
  for (const replicate of [0, 1]) {
    progress.show(living({ replicate }));
    for (const phase of ['warm-up', 'measure'] as const) {
      for (const arm of ['short', 'long']) progress.show(living({ replicate, phase, arm }));
    }
    progress.show({ type: 'notice', cell: 'tls', message: 'careful' });
    progress.show(living({ replicate, phase: 'finish' }));
  }
  progress.end();
  assert.deepEqual(notes, [
    '  tls  replicate 1  warming up  short  21s left at most',
    '  tls  replicate 1  measuring  short  21s left at most',
    '  ! careful',
    '  tls  replicate 2  warming up  short  21s left at most',
    '  tls  replicate 2  measuring  short  21s left at most',
    '  ! careful',
  ]);
});

test('lines that a narrower terminal has wrapped are counted', () => {
  const cases: [widths: number[], columns: number, more: number][] = [
    [[99, 60, 80], 100, 0],
    [[99, 60, 80], 80, 1],
    [[99, 60, 80], 40, 2 + 1 + 1],
    [[0, 0, 0], 40, 0],
    [[], 40, 0],
  ];
  for (const [widths, columns, more] of cases) {
    assert.equal(
      countWrapped(
        widths.map(width => '█'.repeat(width)),
        columns,
      ),
      more,
    );
  }
});

const { scenario } = sampleRun().run.cells[0]!;
const PLANNED = planRun([scenario], { seed: 1 }).cells[0]!;
const HEADLINE = headlineOf({ model: 'closed' });

function measuring(stated: Partial<Living> = {}): Living {
  return { type: 'progress', cell: 'tls', replicate: 0, phase: 'measure', leftMs: 21_000, ...stated };
}

function compared(candidate: string, stated: Partial<Comparison>): Comparison {
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
    view.follow(measuring({ phase: 'start', leftMs: 60_000 }));
    const [first] = view.lines(80, false);
    assert.match(first!, /^░{8,30} {2}1m left {2}starting {2}replicate 1 {2}tls 2\/3$/);
    view.follow(measuring({ leftMs: 15_000, blocksDone: 3, blockCount: 8, replicate: 1 }));
    const [bar = '', ...rest] = view.lines(80, false)[0]!.split('  ');
    assert.deepEqual(rest, ['15s left', 'measuring 3/8', 'replicate 2', 'tls 2/3']);
    assert.equal(Math.round((bar.replaceAll('░', '').length / bar.length) * 4), 3, bar);
    view.follow(measuring({ leftMs: -5 }));
    assert.match(view.lines(80, false)[0]!, /^█+ {2}ends with this replicate/);
  });

  test('a client has its rate and its past, from 0 to its highest', () => {
    const view = viewOf(['short', 'long']);
    for (const ratePerSec of [1_000, 500, 0, 4_040.4]) view.follow(measuring({ arm: 'short', ratePerSec }));
    const [, clients] = view.lines(80, false);
    assert.equal(clients, 'short 4,040 req/s ▃▂▁█  long –');
    view.follow(measuring({ phase: 'search', arm: 'long', ratePerSec: 5_657, isKept: false }));
    assert.match(view.lines(80, false)[1]!, /long 5,657 req\/s ✗ █$/);
  });

  test('of too many clients the one whose turn it is is among those shown, and the rest are counted', () => {
    const names = Array.from({ length: 12 }, (_, index) => `client-${index + 1}`);
    const view = viewOf(names);
    for (const arm of names) view.follow(measuring({ arm, ratePerSec: 20_000 }));
    view.follow(measuring({ arm: 'client-9', ratePerSec: 31_234 }));
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
      [compared('long', { replicateRatios: [3.456] })],
      {},
      /^requests\/s, long: 3\.46× \(2 more replicates needed\) {2}±5 % asked$/,
    ],
    [
      'wide, the interval goes on beyond the axis',
      [compared('long', { ratio: { value: 4, low: 2, high: 8 }, replicateRatios: [3, 4, 5] })],
      {},
      /4\.0× \(2\.0 to 8\.0\) {2}±100 % {2}±5 % asked {2}<─{8}\[──●──\]─{8}>$/,
    ],
    [
      'precise, it lies within the brackets',
      [compared('long', { ratio: { value: 4, low: 3.9, high: 4.1 }, replicateRatios: [3, 4, 5] })],
      {},
      /±2\.5 % {2}±5 % asked {10,}\[ ?─?─●──? ?\]/,
    ],
    [
      'of several, the one known worst',
      [
        compared('long', { ratio: { value: 4, low: 3.9, high: 4.1 }, replicateRatios: [3, 4, 5] }),
        compared('k10', { ratio: { value: 2, low: 1.8, high: 2.2 }, replicateRatios: [3, 4, 5] }),
      ],
      {},
      /^requests\/s, k10: 2\.0\d?× \(1\.8\d? to 2\.20?\) .*\+1 more$/,
    ],
    [
      'where expectations decide',
      [compared('long', { ratio: { value: 4, low: 2, high: 8 }, replicateRatios: [3, 4, 5] })],
      { until: 'decided' },
      /±100 % {2}until it is decided$/,
    ],
  ];
  for (const [why, comparisons, timing, line] of precise) {
    test(`the ratio: ${why}`, () => {
      const view = viewOf(['short', 'long', 'k10'], { timing });
      view.follow(measuring());
      if (comparisons.length > 0) finished(view, comparisons);
      assert.match(view.lines(140, false)[2]!, line);
    });
  }

  test('one client has no ratio; the next cell begins anew', () => {
    const view = viewOf(['short']);
    view.follow(measuring({ arm: 'short', ratePerSec: 100 }));
    assert.deepEqual(view.lines(80, false).slice(1), ['short 100 req/s █', 'one client: nothing to compare']);
  });

  test('names are shown as text', () => {
    const view = viewOf(['a\u001b[2J', 'b']);
    view.follow(measuring());
    assert.ok(!view.lines(100, false).join('').includes('\u001b'));
  });
});

test('a name that does not fit is cut before a number, or after it', () => {
  const view = viewOf(['short', 'long'], { id: 'sizes[responseBytes=123456789, maxConnections=987654321]' });
  view.follow(measuring());
  const wholes = new Set(view.lines(500, false).flatMap(numbersIn));
  for (let width = 40; width < 140; width++) {
    const [line = ''] = view.lines(width, false);
    assert.ok(stringWidth(line) <= width);
    for (const number of numbersIn(line)) assert.ok(wholes.has(number), `${width}: ${line}`);
  }
});

test('colours change no text, and only when they are asked for', () => {
  const view = viewOf(['short', 'long']);
  view.follow(measuring({ arm: 'short', ratePerSec: 4_000 }));
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
        view.follow(measuring({ leftMs: 100_000 }));
        for (const [index, ratePerSec] of rates.entries())
          view.follow(
            measuring({ arm: arms[index % arms.length]!, ratePerSec, blocksDone: 12, blockCount: 345 }),
          );
        finished(
          view,
          arms.slice(1).map(arm => compared(arm, { ratio, replicateRatios: [1.25, 2.5, 3.75] })),
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
