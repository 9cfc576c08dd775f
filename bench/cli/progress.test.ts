// What a person sees while it runs: what lasts is a line of its own, the rest lives and passes.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { headlineOf } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { planRun } from '../plan/plan.ts';
import type { RunEvent } from '../run/context.ts';
import type { Output } from './context.ts';
import { countWrapped, createProgress } from './progress.ts';
import { type Living, lastingLine, progressLine } from './progress-lines.ts';

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
