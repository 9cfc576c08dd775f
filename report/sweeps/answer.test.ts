// Headlines of sweeps claim no more than the intervals of their cells support.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CellResult, Comparison } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import { Load } from '../../scenarios/model/load.ts';
import { buildReport } from '../build.ts';
import { armNames, viewCell } from '../cell-view.ts';
import { sweepAndScenario } from '../testing/sample-runs.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import { courseRemarks, sweepHeadline, type Trend, trendOf } from './answer.ts';
import { type SweepView, sectionsOf } from './view.ts';

describe('What intervals show of a course, and no more than they show: a table, and properties', () => {
  const around = (value: number, reach = 1): Interval => ({ value, low: value - reach, high: value + reach });

  const TABLE: [why: string, figures: Interval[], trend: Trend][] = [
    ['nothing', [], { kind: 'alone' }],
    ['one figure', [around(5)], { kind: 'alone' }],
    ['two that touch', [around(5), around(7)], { kind: 'unshown' }],
    ['two that are apart', [around(5), around(8)], { kind: 'rises', isEveryStep: true, level: null }],
    [
      'falling all the way',
      [around(9), around(6), around(3)],
      { kind: 'falls', isEveryStep: true, level: null },
    ],
    [
      'level from the second on',
      [around(2), around(5), around(5.5), around(5.2)],
      { kind: 'rises', isEveryStep: false, level: { from: 1, most: 6.5 / 4 - 1 } },
    ],
    [
      'small steps that add up, to the last but one',
      [around(2), around(3.5), around(5), around(6.5)],
      { kind: 'rises', isEveryStep: false, level: { from: 2, most: 7.5 / 4 - 1 } },
    ],
    [
      'a small step, then a large one',
      [around(2), around(3.5), around(9)],
      { kind: 'rises', isEveryStep: false, level: null },
    ],
    ['up and down again', [around(2), around(8), around(2)], { kind: 'mixed' }],
    [
      'up, and a step down that is not shown',
      [around(2), around(8), around(7)],
      { kind: 'rises', isEveryStep: false, level: { from: 1, most: 9 / 6 - 1 } },
    ],
    ['the same ends, but a peak', [around(2), around(4), around(8), around(2)], { kind: 'mixed' }],
    ['one so wide that it shows nothing', [around(2), around(8, 9), around(2.5)], { kind: 'unshown' }],
    [
      'what comes after is not known, so that nothing is said of how far it may go',
      [around(2), around(5), around(5, 0)],
      { kind: 'rises', isEveryStep: false, level: { from: 1, most: null } },
    ],
    ['figures without an interval are apart from none', [around(2, 0), around(8, 0)], { kind: 'unshown' }],
  ];
  for (const [why, figures, trend] of TABLE) {
    test(`trend: ${why}`, () => assert.deepEqual(trendOf(figures), trend));
  }

  const interval = fc
    .tuple(fc.double({ min: 1, max: 100, noNaN: true }), fc.double({ min: 0.01, max: 20, noNaN: true }))
    .map(([value, reach]) => around(value, reach));
  const figures = fc.array(interval, { minLength: 2, maxLength: 8 });

  test('backwards, what rises falls, and what is mixed or unshown stays so', () => {
    const turned = { rises: 'falls', falls: 'rises', mixed: 'mixed', unshown: 'unshown', alone: 'alone' };
    fc.assert(
      fc.property(figures, found => {
        assert.equal(trendOf(found.toReversed()).kind, turned[trendOf(found).kind]);
      }),
    );
  });

  test('wider intervals never show more', () => {
    const strength = (trend: Trend): number =>
      trend.kind === 'mixed' ? 2 : trend.kind === 'rises' || trend.kind === 'falls' ? 1 : 0;
    fc.assert(
      fc.property(figures, fc.double({ min: 1, max: 5, noNaN: true }), (found, factor) => {
        const wider = found.map(({ value, high }) => around(value, (high - value) * factor));
        assert.ok(strength(trendOf(wider)) <= strength(trendOf(found)));
      }),
    );
  });

  test('a level begins where no two of the rest are apart, and not a figure earlier', () => {
    fc.assert(
      fc.property(figures, found => {
        const trend = trendOf(found);
        if (trend.kind !== 'rises' && trend.kind !== 'falls') return;
        const { level } = trend;
        if (level === null) return;
        assert.equal(trendOf(found.slice(level.from)).kind, 'unshown');
        assert.notEqual(trendOf(found.slice(level.from - 1)).kind, 'unshown');
        for (const one of found.slice(level.from))
          for (const other of found.slice(level.from))
            assert.ok(level.most === null || one.value / other.value - 1 <= level.most);
      }),
    );
  });
});

describe('Headlines of sweeps claim no more than their intervals support', () => {
  /** The sample's sweep with other ratios of requests/s, by value: value, and how far its interval reaches. */
  function sweepWith(
    ratios: Record<number, [value: number, reach: number]>,
    path = 'link.roundTripMs',
  ): SweepView {
    const { run, trials } = sampleSweeps['a sweep']!;
    const changed = (comparison: Comparison, cell: CellResult): Comparison => {
      const [value, reach] = ratios[Number(cell.sweepPoints[0]!.value)]!;
      const ratio = { value, low: value - reach, high: value + reach };
      const verdict = ratio.low > 1 ? 'better' : ratio.high < 1 ? 'worse' : 'unsure';
      const replicateRatios = [0.999, 1, 1, 1.001].map(factor => value * factor);
      return { ...comparison, ratio, replicateRatios, verdict };
    };
    const cells = run.cells
      .filter(cell => Number(cell.sweepPoints[0]!.value) in ratios)
      .map(cell => ({
        ...cell,
        comparisons: cell.comparisons.map(comparison => changed(comparison, cell)),
        sweepPoints: cell.sweepPoints.map(point => ({ ...point, path })),
      }));
    const [section] = sectionsOf(cells.map(cell => viewCell(cell, trials, armNames(run))));
    assert.ok(section?.kind === 'sweep');
    return section.sweep;
  }

  const START = 'the ratio of persistent to short in requests/s';

  const COURSES: [why: string, ratios: Parameters<typeof sweepWith>[0], headline: RegExp][] = [
    [
      'it falls at every step',
      { 0: [7, 0.2], 1: [6, 0.2], 5: [4, 0.2], 20: [3, 0.2], 80: [2, 0.1] },
      /^As round trip rises from 0 to 80 ms, the ratio of persistent to short in requests\/s goes from 7\.0× \(6\.8 to 7\.2\) to 2\.0\d?× \(1\.9\d? to 2\.1\d?\), falling at every step\.$/,
    ],
    [
      'it rises, and stays',
      { 0: [1, 0.1], 1: [2, 0.1], 5: [3, 0.1], 20: [3.1, 0.1], 80: [3, 0.1] },
      /, rising; from 5 ms on, it changes by at most 10\.3 %\.$/,
    ],
    [
      'it rises, and what comes then is too wide to tell',
      { 0: [0.2, 0.02], 1: [0.4, 0.1], 5: [0.75, 0.3], 20: [1.1, 0.7], 80: [3_400, 3_390] },
      /, rising; whether it changes further from 1 ms on is uncertain\.$/,
    ],
    [
      'it rises, but not every step is shown',
      { 0: [1, 0.2], 1: [1.3, 0.2], 5: [2, 0.2], 20: [2.3, 0.2], 80: [4, 0.2] },
      /, rising, though not significantly at every step\.$/,
    ],
    [
      'it goes up and down',
      { 0: [1, 0.1], 1: [2, 0.1], 5: [5, 0.1], 20: [3, 0.1], 80: [1, 0.1] },
      /, rising in part and falling in part: it is highest at 5 ms, 5\.0\d?× .*, and lowest at 0 ms, 1\.0/,
    ],
    [
      'too wide to tell',
      { 0: [7, 5], 1: [6, 5], 5: [5, 4], 20: [4, 3], 80: [3, 2.5] },
      /; no change in between is significant\.$/,
    ],
    ['one cell', { 5: [7, 0.5] }, /^With round trip 5 ms, the ratio of .* is 7\.0× \(6\.5 to 7\.5\)\.$/],
  ];
  for (const [why, ratios, headline] of COURSES) {
    test(`headline: ${why}`, () => {
      const text = sweepHeadline(sweepWith(ratios));
      assert.match(text, headline);
      assert.ok(text.includes(START));
    });
  }

  test('from how many connections on a larger pool buys nothing, where that is known', () => {
    const path = 'clients.persistent.pool.maxConnections';
    const knee: Parameters<typeof sweepWith>[0] = {
      0: [0.1, 0.01],
      1: [0.5, 0.01],
      5: [0.98, 0.02],
      20: [1, 0.02],
      80: [0.99, 0.02],
    };
    const remarksOf = (ratios: Parameters<typeof sweepWith>[0], of = path) =>
      courseRemarks(sweepWith(ratios, of));
    assert.match(
      remarksOf(knee)[0]!,
      /^5 connections reach 98 % of the best rate; more add at most 6\.2\d? %\. By Little's law .* and (\d+) users have at most \1 requests in flight\.$/,
    );
    const hasKnee = (remarks: readonly string[]) => remarks.some(text => text.includes('of the best rate'));
    assert.ok(!hasKnee(remarksOf(knee, 'link.roundTripMs')));
    assert.ok(!hasKnee(remarksOf({ 0: [0.1, 0.01], 1: [0.5, 0.01], 5: [0.9, 0.01] })), 'it still rises');
    assert.ok(!hasKnee(remarksOf({ 0: [0.1, 0.01], 1: [0.9, 0.4], 5: [1, 0.6] })), 'too wide to tell');
  });

  test('where an arm is better, where it is worse, and where the difference is unclear', () => {
    const told = (ratios: Parameters<typeof sweepWith>[0]) => courseRemarks(sweepWith(ratios)).at(-1);
    assert.equal(
      told({ 0: [2, 0.1], 1: [1.5, 0.1], 5: [1, 0.1], 20: [0.9, 0.2], 80: [0.5, 0.1] }),
      'In requests/s, persistent is better than short with round trip 0 and 1 ms; persistent is worse than short with round trip 80 ms; no significant difference from short with round trip 5 and 20 ms.',
    );
    assert.equal(
      told({ 0: [2, 0.1], 80: [2, 0.1] }),
      'In requests/s, persistent is better than short at every value measured.',
    );
    assert.equal(
      told({ 0: [1, 0.1], 80: [1, 0.1] }),
      'In requests/s, no significant difference from short at any value measured.',
    );
  });

  test('a sweep is summarised by the metric that decides under its load; over several kinds of load, by mean latency', () => {
    const { run, trials } = sampleSweeps['a sweep']!;
    const open = Load.parse({ model: 'open', ratePerSec: 50 });
    const reportWith = (isOpen: (index: number) => boolean) => {
      const cells = run.cells.map((cell, index) => ({
        ...cell,
        scenario: { ...cell.scenario, load: isOpen(index) ? open : cell.scenario.load },
      }));
      return buildReport({ run: { ...run, cells }, trials, charts: [] });
    };
    for (const isOpen of [() => true, (index: number) => index === 0]) {
      const { headline, remarks, sweeps } = reportWith(isOpen);
      assert.match(
        headline,
        /^As round trip rises from 0 to 80 ms, the ratio of persistent to short in mean latency goes /,
      );
      assert.match(
        remarks.at(-1)!,
        /^In mean latency, persistent is better than short at every value measured\.$/,
      );
      assert.equal(sweeps[0]!.measures[0]!.name, 'meanMs');
    }
    assert.equal(reportWith(() => false).sweeps[0]!.measures[0]!.name, 'requestsPerSec');
  });

  test('a single arm is summarised by its own figures, values that are not numbers by the highest and the lowest', () => {
    const { headline, remarks } = buildReport({ ...sampleSweeps['a sweep of words']!, charts: [] });
    assert.match(
      headline,
      /^Over the values of max connections, requests\/s of only is highest, 20,\d00 \(.*\), with unlimited, and lowest, 4,\d+ \(.*\), with 20\.$/,
    );
    assert.deepEqual(remarks, []);
  });

  test('two settings: the extremes first, then the course for each value of the other', () => {
    const { headline, remarks } = buildReport({ ...sampleSweeps['a sweep of two settings']!, charts: [] });
    assert.match(
      headline,
      /^Over round trip and requests per connection, the ratio of reused to persistent in requests\/s is highest, .*, with requests per connection unlimited, .* and lowest, 0\.\d+× .* with requests per connection 1, round trip 0 ms\.$/,
    );
    assert.match(
      remarks[0]!,
      /^With requests per connection 1, as round trip rises from 0 to 20 ms, it goes from .*, rising at every step\.$/,
    );
    assert.match(
      remarks[1]!,
      /^With requests per connection unlimited, .* no change in between is significant\.$/,
    );
    assert.match(
      remarks[2]!,
      /reused is worse than persistent with requests per connection 1; no significant difference/,
    );
  });

  test('what failed, was not reached or is invalid comes first, and is marked', () => {
    const report = buildReport({ ...sampleSweeps['a troubled sweep']!, charts: [] });
    assert.match(report.headline, /^As round trip rises from 5 to 80 ms, .*, falling at every step†\.$/);
    assert.match(report.remarks.at(-1)!, /persistent is better than short at every value measured†\.$/);
    assert.deepEqual(report.remarks.slice(0, 3), [
      '† Not reliable: an audit failed with round trip 20 ms.',
      'Nothing could be measured with round trip 1 ms.',
      'Partial: the run ended before measuring 1 of 5 points: those with round trip 0 ms.',
    ]);
    const [sweep] = report.sweeps;
    assert.equal(sweep?.state, 'invalid');
    assert.deepEqual(sweep.caveats, ['All 6 trials failed (with round trip 1 ms).']);
    const { run, trials } = sampleSweeps['a troubled sweep']!;
    const onlyInvalid = run.cells.filter(cell => cell.sweepPoints[0]!.value === 20);
    assert.match(
      buildReport({ run: { ...run, cells: onlyInvalid }, trials, charts: [] }).headline,
      /^With round trip 20 ms, .*×.*†\.$/,
    );
    const onlyFailed = run.cells.filter(cell => cell.sweepPoints[0]!.value === 1);
    assert.equal(
      buildReport({ run: { ...run, cells: onlyFailed }, trials, charts: [] }).headline,
      'Could not be measured: the target ended with exit code 1.',
    );
  });

  test('an expectation is reported once, with the values at which it fails', () => {
    const { sweeps } = buildReport({ ...sampleSweeps['a sweep']!, charts: [] });
    const [sweep] = sweeps;
    assert.deepEqual(
      sweep?.expectations?.rows.map(row => row.map(({ text }) => text)),
      [
        ['requests/s, persistent / short ≥ 3×', 'round trip 20 and 80 ms', '', 'round trip 0, 1 and 5 ms'],
        ['p99 latency, persistent ≤ 1,000 ms', '', '', 'everywhere'],
      ],
    );
    const [troubled] = buildReport({ ...sampleSweeps['a troubled sweep']!, charts: [] }).sweeps;
    const unsure = troubled?.expectations?.rows[0]?.[2]?.text;
    assert.equal(unsure, 'round trip 1 ms', 'what was not measured is not reported');
  });

  test('beside other scenarios a sweep counts as one', () => {
    const { title, headline } = buildReport({ ...sweepAndScenario(), charts: [] });
    assert.equal(title, 'conntax: 2 scenarios');
    assert.match(headline, /^In short-vs-persistent, .* in 0 of 1 scenarios\.$/);
    assert.equal(buildReport({ ...sampleSweeps['a sweep']!, charts: [] }).title, 'conntax: round-trip');
  });
});
