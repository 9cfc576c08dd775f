// The answer that a reader sees first: short, without marks, right for every kind of run, and a failed limit before all else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auditCell } from '../../results/audits/index.ts';
import { compareArms, summariseArms } from '../../results/compare.ts';
import type { Run } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import { FOUND_SERVER } from '../../results/testing/sample-run.ts';
import { buildReport } from '../build.ts';
import type { Answer } from '../model.ts';
import { type StoredSample, sampleRuns, sweepAndScenario } from '../testing/sample-runs.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';

const SAMPLES: Record<string, StoredSample> = {
  ...sampleRuns,
  ...sampleSweeps,
  'a sweep and a scenario': sweepAndScenario(),
};

function answerOf(sample: StoredSample): Answer {
  return buildReport({ ...sample, charts: [] }).answer;
}

/** The deciding ratio of a sample replaced. */
function withRatio(name: string, ratio: Interval, verdict: 'better' | 'worse' | 'unsure'): StoredSample {
  const { run, trials } = sampleRuns[name]!;
  const cells = run.cells.map(cell => ({
    ...cell,
    comparisons: cell.comparisons.map(comparison =>
      comparison.isDeciding ? { ...comparison, ratio, verdict } : comparison,
    ),
  }));
  return { run: { ...run, cells }, trials };
}

/** With limits of a ratio to the baseline, judged as given. */
function withLimits(states: readonly ('pass' | 'fail' | 'unsure')[]): StoredSample {
  const { run, trials } = sampleRuns['two arms']!;
  const expectations = states.map(state => ({
    expectation: { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 8 },
    state,
    first: { interval: { value: 2, low: 1.8, high: 2.2 }, replicates: 4 },
    confirmation: null,
    together: null,
  })) as Run['cells'][number]['expectations'];
  return { run: { ...run, cells: run.cells.map(cell => ({ ...cell, expectations })) }, trials };
}

/** Cut to its first replicate. */
function ofOneReplicate(name: string): StoredSample {
  const { run, trials } = sampleRuns[name]!;
  const first = trials.filter(({ trial }) => trial.replicate === 0);
  const cells = run.cells.map(cell => ({
    ...cell,
    replicates: 1,
    arms: summariseArms(first.filter(({ trial }) => trial.cell === cell.cell)),
    comparisons: compareArms({
      baseline: cell.scenario.baseline,
      trials: first.filter(({ trial }) => trial.cell === cell.cell),
    }),
  }));
  return { run: { ...run, cells }, trials: first };
}

for (const name of ['two arms', 'six arms', 'a capacity search', 'an open load']) {
  test(`one replicate of ${name} is undecided, and is not said to show no difference`, () => {
    const { verdict, badges } = answerOf(ofOneReplicate(name));
    assert.match(verdict, /^Undecided: one replicate is too few to compare /);
    const texts = badges.map(({ text }) => text);
    assert.ok(texts.includes('undecided: only 1 replicate'), texts.join());
    assert.doesNotMatch(texts.join(), /no difference/);
  });
}

describe('A server that closes each connection leaves nothing to reuse', () => {
  const closing = { ...FOUND_SERVER, httpVersion: '1.0' };
  /** Of one replicate that the budget ended, in which each request opened a connection. */
  function at(server: typeof closing, opened = (sent: number) => sent): StoredSample {
    const { run, trials } = ofOneReplicate('two arms');
    const cells = run.cells.map(cell => ({
      ...cell,
      server,
      stop: 'budget' as const,
      arms: cell.arms.map(arm => ({ ...arm, opened: opened(arm.requestsSent) })),
    }));
    return { run: { ...run, cells }, trials };
  }

  test('which is the answer, and no longer run is advised', () => {
    const report = buildReport({ ...at(closing), charts: [] });
    const { verdict, precision, notes, badges } = report.answer;
    assert.equal(verdict, 'What a connection costs cannot be compared here');
    assert.match(precision, /closes each connection after its response, so there is nothing to reuse\.$/);
    assert.deepEqual(badges[0], { text: 'no connection could be reused', tone: 'doubt' });
    assert.doesNotMatch(JSON.stringify([notes, report.headline, report.remarks]), /--budget-sec|Too few/);
  });

  test('unless it keeps connections, or was seen to after its first answer', () => {
    for (const sample of [at(FOUND_SERVER), at(closing, sent => sent / 2)])
      assert.match(answerOf(sample).verdict, /^Undecided: one replicate is too few/);
    assert.match(answerOf(at(FOUND_SERVER)).notes.join(), /--budget-sec/);
  });
});

describe('The verdict is short and right for every kind of run', () => {
  const CASES: Record<string, string | RegExp> = {
    'two arms': /^Reuse serves 5\.\d+ times the requests$/,
    'six arms': /^Largest difference: unlimited serves 5\.\d+ times the requests of one$/,
    'an invalid trial': /^Not reliable: Reuse serves 5\.\d+ times the requests$/,
    'an invalid trial of six arms': /^Largest difference: fifty serves 4\.\d+ times the requests of one$/,
    'one arm': /^4,\d+ requests per second at a mean latency of \d/,
    'one replicate': 'Undecided: one replicate is too few to compare persistent and short',
    'no completed trial': 'Could not be measured',
    'an open load': /^Reuse is 5\.\d+ times as fast$/,
    'a capacity search': /^Reuse sustains at most about 5\.\d times the rate$/,
    'a search cut short': 'No capacity of short and persistent was found',
    'two drivers': /^The load tools differ by up to 0\.\d % in requests per second$/,
    'two scenarios': /^Reuse serves 5\.\d+ and 5\.\d+ times the requests in both scenarios$/,
    'a sweep': /^FAIL: requests\/s, persistent is \d\.\d+× short at 80 ms round trip; limit 3×$/,
  };
  for (const [name, expected] of Object.entries(CASES)) {
    test(name, () => {
      const { verdict } = answerOf(SAMPLES[name]!);
      if (typeof expected === 'string') assert.equal(verdict, expected);
      else assert.match(verdict, expected);
    });
  }

  for (const [why, name, ratio, verdict, expected] of [
    [
      'a small gain is said in percent',
      'two arms',
      [1.12, 1.1, 1.14],
      'better',
      'Reuse serves 12 % more requests',
    ],
    [
      'a gain smaller than the digits of its ratio',
      'two arms',
      [1.004, 1.001, 1.007],
      'better',
      'Reuse serves 0.4 % more requests',
    ],
    [
      'a gain with a wide interval',
      'two arms',
      [4.2, 2.4, 7.5],
      'better',
      'Reuse serves about 4.2 times the requests',
    ],
    ['a loss', 'two arms', [0.145, 0.14, 0.15], 'worse', /^Reuse serves 8\d(\.\d)? % fewer requests$/],
    ['no verdict', 'two arms', [1.1, 0.9, 1.3], 'unsure', 'No difference shown between persistent and short'],
    [
      'no verdict in any of several scenarios',
      'two scenarios',
      [1.1, 0.9, 1.3],
      'unsure',
      'No difference shown in 2 of 2 scenarios',
    ],
    [
      'an interval beyond 1 that other comparisons leave unsure',
      'two arms',
      [0.18, 0.06, 0.57],
      'unsure',
      /^Unsure \(multiple comparisons\): Reuse serves about \d+ % fewer requests$/,
    ],
    [
      'the same of several clients',
      'six arms',
      [0.19, 0.042, 0.82],
      'unsure',
      /^Unsure \(multiple comparisons\): \S+ serves about \d+ % fewer requests than one$/,
    ],
    [
      'the same with a bound a factor of 100 away',
      'six arms',
      [0.02, 0.0001, 0.82],
      'unsure',
      /^Unsure \(multiple comparisons\): \S+ and one may differ$/,
    ],
    [
      'bounds a factor of 1,000 away',
      'two arms',
      [4, 1.01, 4_000],
      'better',
      'persistent and short differ, but by how much is not known',
    ],
    ['less time is faster', 'an open load', [0.5, 0.49, 0.51], 'better', 'Reuse is 2.00 times as fast'],
    ['more time is slower', 'an open load', [2, 1.9, 2.1], 'worse', 'Reuse takes 2.00 times as long'],
    [
      'a little less time',
      'an open load',
      [0.9, 0.89, 0.91],
      'better',
      'Mean latency is 10.0 % lower with reuse',
    ],
  ] as const) {
    test(why, () => {
      const [value, low, high] = ratio;
      const found = answerOf(withRatio(name, { value, low, high }, verdict)).verdict;
      if (typeof expected === 'string') assert.equal(found, expected);
      else assert.match(found, expected);
    });
  }

  test('differences that rest on a failed audit are not counted among those shown', () => {
    const texts = (name: string): string[] => answerOf(SAMPLES[name]!).badges.map(({ text }) => text);
    assert.deepEqual(texts('an invalid trial of six arms').slice(0, 2), [
      'not reliable: an audit failed',
      '4 of 5 differences shown',
    ]);
    assert.doesNotMatch(texts('an invalid trial').join(), /difference/);
  });

  test('no sentence denies a difference that an interval alone would show', () => {
    for (const name of ['two arms', 'six arms']) {
      const sample = withRatio(name, { value: 0.18, low: 0.06, high: 0.57 }, 'unsure');
      const { precision, badges } = answerOf(sample);
      assert.match(precision, /alone/);
      assert.doesNotMatch(precision, /includes 1|^No /);
      assert.ok(badges.some(({ text }) => text === 'unsure: multiple comparisons'));
    }
  });

  test('at most 15 words and four badges, without marks, for every sample', () => {
    for (const [name, sample] of Object.entries(SAMPLES)) {
      const { verdict, badges } = answerOf(sample);
      assert.ok(name === 'a hostile name' || verdict.split(/\s+/).length <= 15, `${name}: ${verdict}`);
      assert.doesNotMatch(verdict, /[†‡§≥¶]/);
      assert.ok(badges.length <= 4, name);
    }
  });
});

test('waits for a core are named where most trials had them, with the longest', () => {
  const contended = (share: number) => {
    const { run, trials } = structuredClone(SAMPLES['two arms']!);
    const busy = trials.slice(0, trials.length * share);
    for (const trial of busy) {
      assert.ok(trial.state === 'completed');
      trial.measurement.target!.runDelayRatio = 0.46;
    }
    const ids = new Set(busy.map(({ trial }) => trial.id));
    for (const finding of run.cells[0]!.findings)
      if (finding.rule === 'contention' && ids.has(finding.trial!)) finding.state = 'warn';
    return answerOf({ run, trials }).badges.map(({ text }) => text);
  };
  const text = 'waited for CPU up to 46 % of the time';
  assert.ok(contended(1).includes(text));
  assert.ok(!contended(0.5).includes(text));
});

describe('A failed limit comes first, with how far it is missed; red is for failure and disbelief alone', () => {
  test('of four limits one fails', () => {
    const { verdict, precision, badges } = answerOf(withLimits(['pass', 'fail', 'unsure', 'pass']));
    assert.equal(verdict, 'FAIL: requests/s, persistent is 2.00× short; limit 8×');
    assert.match(precision, /^Reuse serves 5\.\d+ times the requests\. /);
    assert.deepEqual(badges[0], { text: 'FAIL 1 of 4 limits', tone: 'fail' });
  });

  test('limits that hold, or are undecided, do not change the verdict', () => {
    for (const [states, text, tone] of [
      [['pass', 'pass'], 'all 2 limits hold', 'good'],
      [['pass'], 'the limit holds', 'good'],
      [['pass', 'unsure'], '1 of 2 limits undecided', 'doubt'],
    ] as const) {
      const { verdict, badges } = answerOf(withLimits(states));
      assert.match(verdict, /^Reuse serves 5\.\d+ times the requests$/);
      assert.deepEqual(badges[0], { text, tone });
    }
  });

  test('a failed audit is disbelief', () => {
    const { badges } = answerOf(sampleRuns['an invalid trial']!);
    assert.deepEqual(badges[0], { text: 'not reliable: an audit failed', tone: 'fail' });
    assert.ok(answerOf(sampleRuns['two arms']!).badges.every(({ tone }) => tone !== 'fail'));
  });

  test('a request that never had a good answer is named at once, with its share, beside others that had', () => {
    const { run, trials } = structuredClone(sampleRuns['two arms']!);
    for (const result of trials) {
      assert.ok(result.state === 'completed');
      Object.assign(result.measurement, { completed: 95, failed: 5 });
      result.measurement.requests = [
        { name: 'list', sent: 95, completed: 95, failed: 0, censored: null, response: null },
        { name: 'gone', sent: 5, completed: 0, failed: 5, censored: null, response: null },
      ];
    }
    const [cell] = run.cells;
    cell!.arms = summariseArms(trials);
    cell!.findings = auditCell(trials, cell!.scenario);
    const { badges, notes } = answerOf({ run, trials });
    assert.deepEqual(badges.slice(0, 2), [
      { text: 'not reliable: an audit failed', tone: 'fail' },
      { text: 'no good answer to gone', tone: 'fail' },
    ]);
    assert.ok(
      notes.includes(
        'No good answer to gone: all 20 of short (5 % of its requests) and all 20 of persistent (5 % of its requests) failed.',
      ),
      notes.join('\n'),
    );
    const twice = {
      ...run,
      cells: [cell!, { ...cell!, cell: 'other', scenario: { ...cell!.scenario, name: 'other' } }],
    };
    const both = answerOf({ run: twice, trials });
    assert.ok(
      both.notes.some(note => note.startsWith('short-vs-persistent: No good answer to gone: all 20')),
    );
  });
});

test("conntax's own target on another machine is not called loopback", () => {
  const { run, trials } = sampleRuns['two arms']!;
  const contextAt = (targetAddress: string) =>
    answerOf({ run: { ...run, targetAddress }, trials }).context ?? '';
  assert.match(contextAt('10.0.0.5'), /^Conditions: .*, a target on another machine\./m);
  assert.match(contextAt('127.0.0.1'), /^Conditions: .*, loopback\./m);
});

test('several scenarios are rows of a table, their bars on one axis from the lowest bound to the highest', () => {
  const { overview } = buildReport({ ...sampleRuns['two scenarios']!, charts: [] });
  assert.deepEqual(
    overview?.rows.map(({ name }) => name),
    ['short-vs-persistent', 'requests-per-connection'],
  );
  const places = overview!.rows.flatMap(({ bar }) =>
    bar === null ? [] : [bar.one, bar.low, bar.value, bar.high],
  );
  assert.equal(Math.min(...places), 0);
  assert.equal(Math.max(...places), 1);
  for (const { bar } of overview!.rows)
    assert.ok(bar!.one < bar!.low && bar!.low < bar!.value && bar!.value < bar!.high);
  assert.deepEqual(
    overview!.ticks.map(({ text }) => text),
    ['1', '2', '5'],
  );
  assert.equal(overview!.ticks[0]!.at, overview!.rows[0]!.bar!.one);
  assert.equal(buildReport({ ...sampleRuns['two arms']!, charts: [] }).overview, null);
});

test('gains of up to three scenarios are listed in their order, of more as a range, those over TLS apart; the column says what of', () => {
  const { run, trials } = sampleRuns['two arms']!;
  const [cell] = run.cells;
  const answered = (factors: readonly number[], areOverTls: readonly boolean[] = []) => {
    const { scenario } = cell!;
    const tls = { ...scenario, target: { ...scenario.target, tls: '1.3' as const } };
    const cells = factors.map((factor, index) => ({
      ...cell!,
      cell: `scenario-${index}`,
      scenario: areOverTls[index] ? tls : scenario,
      comparisons: cell!.comparisons.map(comparison => ({
        ...comparison,
        ratio: comparison.ratio && {
          value: comparison.ratio.value * factor,
          low: comparison.ratio.low * factor,
          high: comparison.ratio.high * factor,
        },
      })),
    }));
    const named = cells.flatMap(one =>
      trials.map(result => ({ ...result, trial: { ...result.trial, cell: one.cell } })),
    );
    return buildReport({ run: { ...run, cells }, trials: named, charts: [] });
  };
  const three = answered([2, 8, 1]);
  const overTls = answered([2, 8, 1], [false, true, false]);
  assert.match(
    overTls.answer.verdict,
    /^Reuse serves 1\d(\.\d)? and 5\.\d+ times the requests, over TLS 4\d(\.\d)? times$/,
  );
  assert.match(
    three.answer.verdict,
    /^Reuse serves 1\d(\.\d)?, 4\d(\.\d)? and 5\.\d+ times the requests in 3 scenarios$/,
  );
  assert.match(
    answered([2, 8, 1, 4]).answer.verdict,
    /^Reuse serves 5\.\d+ to 4\d(\.\d)? times the requests in 4 scenarios$/,
  );
  for (const [factors, ticks] of [
    [
      [2, 8, 1],
      ['1', '2', '5', '10', '20'],
    ],
    [
      [1, 45],
      ['1', '10', '100'],
    ],
    [
      [0.015, 200],
      ['0.1', '1', '10', '100', '1,000'],
    ],
    [
      [0.195, 0.2],
      ['1', '1.02', '1.04'],
    ],
  ] as const) {
    const { overview } = answered(factors);
    assert.deepEqual(
      overview!.ticks.map(({ text }) => text),
      ticks,
    );
  }
  assert.equal(
    three.overview!.table.columns.find(({ key }) => key === 'gain')!.heading,
    'requests/s, times better',
  );
});

describe('The first screen says what was asked, what the clients are, and what limited the measurement', () => {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    test(`${name}: of one scenario in its answer, of several in their rows`, () => {
      const { answer, overview } = buildReport({ ...sample, charts: [] });
      if (overview !== null) {
        assert.deepEqual([answer.question, answer.limitedBy], [undefined, undefined]);
        const at = overview.table.columns.findIndex(({ key }) => key === 'question');
        for (const [index, { answer: own }] of overview.rows.entries()) {
          assert.equal(overview.table.rows[index]![at]!.text, own.question);
          assert.match(own.limitedBy?.text ?? '', /bottleneck|set the (pace|rate)|ended the search/);
          assert.ok(overview.table.rows[index]!.at(-1)!.text.includes(own.limitedBy!.text));
        }
        return;
      }
      assert.equal(answer.question, sample.run.cells[0]!.scenario.question);
      assert.match(answer.clients ?? '', /: .*\.$/);
      const isMeasured = sample.trials.some(({ state }) => state === 'completed');
      assert.equal(answer.limitedBy !== undefined, isMeasured);
    });
  }
});

describe('One client: how sure its figure is, and what it is not', () => {
  const texts = ({ badges }: Answer): string[] => badges.map(({ text }) => text);

  test('the intervals of its rate and its mean latency, over the replicates', () => {
    const answer = answerOf(sampleRuns['one arm']!);
    assert.match(
      answer.precision,
      /^95 % interval [34],\d+ to 4,\d+ requests per second; 95 % interval of the replicates' mean latency 2\d\.\d to 2\d\.\d ms, from 4 replicates\.$/,
    );
    assert.match(texts(answer)[0]!, /^4 replicates, ±\d+(\.\d+)? %$/);
    assert.equal(texts(answer)[1], 'one client: nothing to compare with');
  });

  test('of one replicate there is no interval', () => {
    const { run, trials } = sampleRuns['one arm']!;
    const first = trials.filter(({ trial }) => trial.replicate === 0);
    const cells = run.cells.map(cell => ({ ...cell, replicates: 1, arms: summariseArms(first) }));
    const answer = answerOf({ run: { ...run, cells }, trials: first });
    assert.equal(answer.precision, 'From 1 replicate: no interval is known.');
    assert.deepEqual(answer.badges[0], { text: '1 replicate: no interval', tone: 'doubt' });
  });
});

describe('The headline of several scenarios has a direction where they share one', () => {
  /** The sample's pair in two scenarios, with these ratios of requests/s. */
  function pairs(
    ratios: readonly [value: number, verdict: 'better' | 'worse' | 'unsure'][],
    {
      rename = arm => arm,
      expectations = [],
      reach = 0.02,
    }: {
      reach?: number;
      rename?: (arm: string, index: number) => string;
      expectations?: (typeof sampleRuns)[string]['run']['cells'][number]['expectations'];
    } = {},
  ): Answer {
    const { run, trials } = sampleRuns['two arms']!;
    const [cell] = run.cells;
    const cells = ratios.map(([value, verdict], index) => {
      const named = JSON.parse(
        JSON.stringify(cell!).replaceAll(/"(short|persistent)"/g, (_, arm) =>
          JSON.stringify(rename(arm, index)),
        ),
      ) as NonNullable<typeof cell>;
      const ratio = { value, low: value * (1 - reach), high: value * (1 + reach) };
      return {
        ...named,
        cell: `scenario-${index}`,
        expectations,
        comparisons: named.comparisons.map(comparison =>
          comparison.isDeciding ? { ...comparison, ratio, verdict } : comparison,
        ),
      };
    });
    const named = cells.flatMap((one, index) =>
      trials.map(result => ({
        ...result,
        trial: { ...result.trial, cell: one.cell, arm: rename(result.trial.arm, index) },
      })),
    );
    return answerOf({ run: { ...run, cells }, trials: named });
  }

  for (const [why, ratios, verdict] of [
    [
      'both gain',
      [
        [5, 'better'],
        [4, 'better'],
      ],
      'Reuse serves 5.00 and 4.00 times the requests in both scenarios',
    ],
    [
      'both lose a little',
      [
        [0.9, 'worse'],
        [0.8, 'worse'],
      ],
      'Reuse serves 10.0 and 20.0 % fewer requests in both scenarios',
    ],
    [
      'one of three is unsure',
      [
        [5, 'better'],
        [1, 'unsure'],
        [4, 'better'],
      ],
      'Reuse serves 5.00 and 4.00 times the requests in 2 of 3 scenarios',
    ],
    [
      'one gains, one loses',
      [
        [5, 'better'],
        [0.8, 'worse'],
      ],
      'Clients differ in 2 of 2 scenarios',
    ],
  ] as [string, [number, 'better' | 'worse' | 'unsure'][], string][]) {
    test(why, () => assert.equal(pairs(ratios).verdict, verdict));
  }

  test('wide ones are about so many times, and that is said once where all are', () => {
    const of = (reach: number, values: readonly number[]): string =>
      pairs(
        values.map(value => [value, 'better'] as [number, 'better']),
        { reach },
      ).verdict;
    assert.equal(of(0.5, [5, 4]), 'Reuse serves about 5.0 and 4.0 times the requests in both scenarios');
    assert.equal(of(0.02, [5, 4]), 'Reuse serves 5.00 and 4.00 times the requests in both scenarios');
  });

  test('of many losses the range rises', () => {
    const ratios = [0.9, 0.8, 0.85, 0.7].map(value => [value, 'worse'] as [number, 'worse']);
    assert.match(
      pairs(ratios).verdict,
      /^Reuse serves 10(\.0)? to 30(\.0)? % fewer requests in 4 scenarios$/,
    );
  });

  test('of clients of other names that differ in reuse alone too', () => {
    const named = pairs(
      [
        [5, 'better'],
        [4, 'better'],
      ],
      { rename: (arm, index) => (index === 0 ? arm : `other-${arm}`) },
    );
    assert.match(named.verdict, /^Reuse serves 5\.0\d? and 4\.0\d? times the requests in both scenarios$/);
  });

  test('the word reuse is explained where the headline has it, and only there', () => {
    const both = (value: number, verdict: 'better' | 'worse') =>
      pairs([
        [5, 'better'],
        [value, verdict],
      ]).clients;
    assert.match(both(4, 'better')!, /^Reuse: .*a new connection for every request/);
    assert.equal(both(0.8, 'worse'), '');
  });

  test('without a direction, limits that all hold are the answer', () => {
    const { expectations } = sampleRuns['failed limits']!.run.cells[0]!;
    const of = (state: 'pass' | 'unsure', second: number): Answer =>
      pairs(
        [
          [5, 'better'],
          [second, second > 1 ? 'better' : 'worse'],
        ],
        { expectations: expectations.map(one => ({ ...one, state })) },
      );
    const held = of('pass', 0.8);
    assert.equal(held.verdict, `All ${expectations.length * 2} limits hold`);
    assert.equal(held.precision, 'Clients differ in 2 of 2 scenarios.');
    assert.match(of('pass', 4).verdict, /^Reuse serves/);
    assert.equal(of('unsure', 0.8).verdict, 'Clients differ in 2 of 2 scenarios');
  });
});
