// The report of a bisection names the version, or says what is still open, and shows each step with how sure it was.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Bisection, BisectStep, StepState } from '../results/bisect.ts';
import { Expectation } from '../scenarios/model/scenario.ts';
import { buildBisectReport, describeStep } from './bisect.ts';
import { formats } from './testing/plugins.ts';
import { HOSTILE_NAME } from './testing/sample-runs.ts';

const VERSIONS = ['7.16.0', '7.27.2', '7.28.0', '7.29.0'] as const;
const RESULTS = { worse: 'fail', fine: 'pass', unsure: 'unsure', failed: 'unsure' } as const;

function step(version: string, state: StepState, { value = 0.5, sureness = 0.99987 } = {}): BisectStep {
  const result = RESULTS[state];
  const expectation = Expectation.parse({
    metric: 'requestsPerSec',
    of: 'after',
    over: 'before',
    atLeast: 0.72,
  });
  const first = { state: result, interval: { value, low: value - 0.02, high: value + 0.02 }, replicates: 4 };
  return {
    version,
    state,
    cell: 'sequential',
    limits:
      state === 'failed'
        ? []
        : [
            {
              result: { expectation, state: result, first, confirmation: null, together: null },
              sureness: state === 'unsure' ? null : sureness,
            },
          ],
    replicates: 4,
    elapsedMs: 40_000,
    runId: state === 'failed' ? null : '2026-11-29T06-17-45Z-kewl',
    cause: state === 'failed' ? 'npm cannot install it' : null,
  };
}

function bisection(steps: readonly BisectStep[], changed: Partial<Bisection> = {}): Bisection {
  return {
    kind: 'versions',
    name: 'undici',
    versions: VERSIONS,
    titles: {},
    minEffect: 0.02,
    steps,
    mostSteps: 6,
    startedAt: '2026-11-29T06:17:39.000Z',
    isInterrupted: false,
    ...changed,
  };
}

const END = step('7.29.0', 'worse');
const BEFORE = step('7.27.2', 'fine', { value: 1.01 });

suite('the headline, and what follows it', () => {
  const rows: [why: string, of: Bisection, headline: RegExp, remark: RegExp | undefined][] = [
    [
      'a version is found',
      bisection([END, BEFORE, step('7.28.0', 'worse')]),
      /^undici 7\.28\.0 is the first version that is worse: requests\/s 0\.50× \(0\.48 to 0\.52\) in sequential, compared with 7\.16\.0\.$/,
      /^undici 7\.27\.2, the version before it, is not: requests\/s 1\.01× \(0\.99 to 1\.03\)\.$/,
    ],
    [
      'the second version of all',
      bisection([END, step('7.27.2', 'worse')]),
      /^undici 7\.27\.2 is the first version that is worse/,
      /^The version before it is undici 7\.16\.0, with which all others were compared\.$/,
    ],
    [
      'one that was not decided leaves two',
      bisection([END, BEFORE, step('7.28.0', 'unsure')]),
      /^Undecided: one of the 2 versions after undici 7\.27\.2, up to 7\.29\.0, is the first that is worse \(requests\/s 0\.50× .* at 7\.29\.0, in sequential\)\.$/,
      /measure longer \(--budget-sec\), from undici 7\.27\.2 to 7\.29\.0\.$/,
    ],
    [
      'one that cannot be measured, too',
      bisection([END, BEFORE, step('7.28.0', 'failed')]),
      /^Undecided: one of the 2 versions/,
      /^undici 7\.28\.0 could not be measured: npm cannot install it\.$/,
    ],
    [
      'the ends are alike',
      bisection([step('7.29.0', 'fine', { value: 1 })]),
      /^No regression: undici 7\.29\.0 is not worse than 7\.16\.0 by more than 2 %\.$/,
      undefined,
    ],
    [
      'the ends cannot be told apart',
      bisection([step('7.29.0', 'unsure', { value: 0.99 })]),
      /^Undecided: whether undici 7\.29\.0 is worse than 7\.16\.0 could not be told\.$/,
      /--budget-sec/,
    ],
    [
      'the last one cannot be measured',
      bisection([step('7.29.0', 'failed')]),
      /^undici 7\.29\.0 could not be compared with 7\.16\.0: npm cannot install it\.$/,
      undefined,
    ],
    [
      'interrupted on the way',
      bisection([END, BEFORE], { isInterrupted: true }),
      /^Undecided: one of the 2 versions after undici 7\.27\.2/,
      /^Interrupted: this is what was decided until then\.$/,
    ],
    ['interrupted at once', bisection([], { isInterrupted: true }), /^Interrupted before undici/, undefined],
  ];
  for (const [why, of, headline, remark] of rows) {
    test(why, () => {
      const report = buildBisectReport(of);
      assert.match(report.headline, headline);
      if (remark === undefined) assert.deepEqual(report.remarks, []);
      else
        assert.ok(
          report.remarks.some(text => remark.test(text)),
          report.remarks.join('\n'),
        );
    });
  }
});

test('each step is a line with its limit, outcome and how sure it was, never rounded up', () => {
  const steps = [END, BEFORE, step('7.28.0', 'unsure')];
  const [table] = buildBisectReport(bisection(steps)).tables;
  const texts = table!.rows.map(row => row.slice(0, 6).map(({ text }) => text));
  assert.deepEqual(texts, [
    ['7.29.0', 'sequential', 'requests/s ≥ 0.72×', '0.50× (0.48 to 0.52)', 'WORSE', '99.98 %'],
    ['7.27.2', 'sequential', 'requests/s ≥ 0.72×', '1.01× (0.99 to 1.03)', 'not worse', '99.98 %'],
    ['7.28.0', 'sequential', 'requests/s ≥ 0.72×', '0.50× (0.48 to 0.52)', 'undecided', '–'],
  ]);
  assert.match(
    table!.notes.join(' '),
    /The 6 steps .* share one error of 5 %, so a step is decided only beyond 99\.16 %/,
  );
  assert.equal(
    describeStep(BEFORE, bisection(steps.slice(0, 2))),
    'Step 2 of at most 6: undici 7.27.2 is not worse than 7.16.0: requests/s 1.01× (0.99 to 1.03), sure to 99.98 %',
  );
});

test('every format lays it out, and text from elsewhere stays text', async () => {
  const cause = `npm says ${HOSTILE_NAME}`;
  const report = buildBisectReport(bisection([END, { ...step('7.28.0', 'failed'), cause }]));
  for (const format of Object.values(formats)) {
    const text = await format.render(report, { hasColour: false, columns: 100 });
    assert.match(text, /7\.29\.0/);
    if (format.name === 'html') assert.ok(!text.includes(HOSTILE_NAME));
  }
});
