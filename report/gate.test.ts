// The report of a gate says what regressed, by how much, how certain that is, and since when.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { type RunSummary, summariseRun } from '../results/baselines.ts';
import { gateRun } from '../results/gate.ts';
import { findTrendsUpTo } from '../results/history.ts';
import type { Metric } from '../results/model/run.ts';
import { sampleHistory, sampleRun } from '../results/testing/sample-run.ts';
import { NULL_ARM } from '../scenarios/model/sweep.ts';
import { buildGateReport } from './gate.ts';
import type { Report } from './model.ts';
import { formats } from './testing/plugins.ts';

const before = summariseRun(sampleRun().run);

function damaged(damage: (after: RunSummary) => void): RunSummary {
  const after = structuredClone(before);
  after.runId = '2026-11-24T12-25-01Z-p0c2';
  damage(after);
  return after;
}

function reportOf(after: RunSummary, history: readonly RunSummary[] = []) {
  const result = gateRun(before, after, { minEffect: 0.05 });
  return buildGateReport({ before, after, result, trends: findTrendsUpTo(after, history) });
}

const reportWith = (damage: (after: RunSummary) => void) => reportOf(damaged(damage));

/** Of every arm, by 30 %. */
function raised(metric: Metric): (after: RunSummary) => void {
  return after => {
    for (const ratio of after.cells[0]!.ratios) {
      if (ratio.metric !== metric) continue;
      const { value, low, high } = ratio.interval!;
      ratio.interval = { value: value * 1.3, low: low * 1.3, high: high * 1.3 };
    }
  };
}

const slower = raised('cpuUsPerRequest');

/** A run known to half a per cent, against itself. */
function ofPrecise() {
  const run = damaged(after => {
    for (const { interval } of after.cells[0]!.ratios) {
      interval!.low = interval!.value / 1.005;
      interval!.high = interval!.value * 1.005;
    }
  });
  const result = gateRun(run, run, { minEffect: 0.05 });
  return buildGateReport({ before: run, after: run, result, trends: [] });
}

test('the headline of a regression says what, whose, by how much, how sure, and since when', () => {
  const { headline, checks } = reportWith(slower);
  assert.match(
    headline,
    /^Regression: client CPU per request of persistent in short-vs-persistent rose by 30\.0 % \(\d[\d.]* to \d[\d.]* %\), since commit 3f9c1d2a7b6e\.$/,
  );
  assert.deepEqual(
    checks.filter(({ state }) => state === 'fail').map(({ name }) => name),
    ['client CPU per request, persistent: no regression'],
  );
});

suite('the answer says how sure it is', () => {
  const raise = (after: RunSummary, arm: string, failed: number): void => {
    const one = after.cells[0]!.arms.find(found => found.arm === arm)!;
    one.failed += failed;
  };
  const rows: [why: string, report: Report, precision: RegExp][] = [
    [
      'of a ratio: from where to where, its interval beside the limit, and the noise',
      reportWith(slower),
      /^Regression: from 0\.153× to 0\.199× that of short in short-vs-persistent, since commit 3f9c1d2a7b6e\. All of the 95 % interval, 26\.5 to 33\.6 %, is beyond the limit of 5\.0 %; the noise between two copies of the same client was not measured \(--null-arm\)\.$/,
    ],
    [
      'of a share of requests',
      reportWith(after => raise(after, 'persistent', 5_000)),
      /^Regression: from 0 % to [\d.]+ % of requests in .* All of the 95 % interval, [\d.]+ to [\d.]+, is beyond the limit of 0\.50 per 1,000; /,
    ],
    [
      'where it is unsure, with what would have been seen',
      reportWith(() => {}),
      /^Compared with commit 3f9c1d2a7b6e\. The intervals of these reach beyond the limit, or are too wide to tell\. Smallest detectable change, .*: [\d.]+ % in .*, to [\d.]+ % in /,
    ],
    [
      'where nothing changed',
      ofPrecise(),
      /^Compared with commit 3f9c1d2a7b6e: each 95 % interval ends before the limit of a regression\. Smallest/,
    ],
  ];
  for (const [why, { answer }, precision] of rows) {
    test(why, () => {
      assert.match(answer.precision, precision);
      assert.doesNotMatch(answer.precision, new RegExp(`^${answer.verdict}`));
    });
  }

  test('and the table says what limit, unsure and × are', () => {
    const { brief } = reportWith(slower);
    assert.match(
      brief!.notes.join(' '),
      /whole 95 % interval lies beyond the limit; unsure .* × is a ratio: .* short,/,
    );
  });
});

test('a run without a change says so, and of how many figures', () => {
  const { headline, caveats } = reportWith(() => {});
  assert.match(headline, /^No regression (in \d+ figures since commit|detected, but none can be ruled out)/);
  assert.match(caveats.join(' '), /--null-arm/, 'and that no noise floor is known');
});

test('what could not be compared is a remark, and a check that a machine may stumble over', () => {
  const { headline, remarks, checks } = reportWith(after => {
    after.cells = [];
  });
  assert.equal(headline, 'Nothing in the baseline could be compared.');
  assert.deepEqual(remarks, ['short-vs-persistent was not measured in this run.']);
  assert.deepEqual(
    checks.map(({ state, detail }) => [state, detail]),
    [['broken', 'short-vs-persistent was not measured in this run']],
  );
});

test('a part that could not be compared is named in the headline', () => {
  const two = structuredClone(before);
  two.cells.push({ ...two.cells[0]!, cell: 'another' });
  const result = gateRun(two, before, { minEffect: 0.05 });
  const { headline, checks } = buildGateReport({ before: two, after: before, result, trends: [] });
  assert.match(
    headline,
    /^Not all of the baseline could be compared: another was not measured in this run\. No /,
  );
  assert.deepEqual(
    checks.filter(({ group }) => group === 'baseline').map(({ state }) => state),
    ['unsure'],
  );
});

/** The ratios of a metric known to within a factor, in both directions. */
function widened(factor: number, isWide: (metric: Metric) => boolean = () => true) {
  return damaged(after => {
    for (const { metric, interval } of after.cells[0]!.ratios) {
      if (!isWide(metric)) continue;
      interval!.low = interval!.value / factor;
      interval!.high = interval!.value * factor;
    }
  });
}

const blindness: [why: string, after: RunSummary, said: RegExp][] = [
  [
    'all of it is in the first line, with the best that it could have seen',
    widened(3),
    /^Blind: a change of 25 % would have gone undetected in 5 of 5 ratios; the smallest detectable change is >999 % in .* of persistent \(short-vs-persistent\)\. No regression detected/,
  ],
  [
    'so is what decides',
    widened(3, metric => metric === 'requestsPerSec'),
    /^Blind: a change of 25 % would have gone undetected in 1 of 5 ratios, including all deciding ones \(requests\/s of persistent \(short-vs-persistent\)\); /,
  ],
  [
    'what does not decide is said below',
    widened(3, metric => metric === 'p99Us'),
    /^No regression .*\nPartly blind: a change of 25 % would have gone undetected in 1 of 5 ratios \(p99 latency of persistent \(short-vs-persistent\)\)\.$/,
  ],
];
for (const [why, after, said] of blindness) {
  test(`blindness: ${why}`, () => {
    const { headline, remarks, checks } = reportOf(after);
    assert.match([headline, ...remarks].join('\n'), said);
    assert.ok(checks.some(({ state }) => state === 'unsure'));
  });
}

test('a null arm in one of the two runs alone is said, not taken for another scenario', () => {
  const { remarks } = reportWith(after => {
    const [cell] = after.cells;
    cell!.conditions = 'of other clients';
    cell!.ratios.push({ ...cell!.ratios[0]!, candidate: NULL_ARM });
  });
  assert.deepEqual(remarks, [
    'short-vs-persistent has a null arm only in this run; measure either both or neither with --null-arm.',
  ]);
});

test('a quantile of too few requests is marked in either run, a mean is not', () => {
  const few = damaged(after => {
    for (const arm of after.cells[0]!.arms) arm.completed = 400;
  });
  const { brief, tables } = reportOf(few);
  const marked = brief!.rows.filter(row => row.some(({ marks = [] }) => marks.includes('fewBeyond')));
  assert.ok(marked.length > 0);
  for (const row of marked) assert.match(row[1]!.text, /p99/);
  assert.ok(tables.some(({ notes = [] }) => notes.some(note => note.startsWith('‡'))));
  const { brief: ofMany } = reportOf(before);
  assert.ok(ofMany!.rows.every(row => row.every(({ marks = [] }) => !marks.includes('fewBeyond'))));
});

suite('with a history', () => {
  const step = { count: 13, metric: 'cpuUsPerRequest', factor: 1 / 1.3 } as const;
  const worse = damaged(slower);
  const since =
    /^Client CPU per request of persistent in short-vs-persistent rose by .* on (\S+), from 0\.15\d× to 0\.19\d× that of short, in run (\S+)\. /;

  test('a red report says since when, by how much and how sure, and what came with it', () => {
    const [remark, ...others] = reportOf(worse, sampleHistory(worse, { ...step, atLevel: 5 })).remarks;
    assert.deepEqual(others, []);
    assert.deepEqual(since.exec(remark!)?.slice(1), ['2026-11-18', '2026-11-18T12-25-52Z-0008']);
    assert.match(remark!, / rose by [\d.]+ % \([\d.]+ to [\d.]+ %, p = 0\.00\d\) on /);
    assert.match(
      remark!,
      / Changed since the previous run: commit ccc7ccc7ccc7 to ccc8ccc8ccc8, undici 8\.11\.0 to 8\.12\.4\.$/,
    );
  });

  test('a regression of this run only has no date yet', () => {
    const { remarks } = reportOf(worse, sampleHistory(worse, { ...step, atLevel: 0 }));
    assert.deepEqual(remarks, [
      'Client CPU per request of persistent in short-vs-persistent: the regression is not visible in the 14 runs of the history yet, because a change of level needs at least three runs.',
    ]);
  });

  test('nor has one where the last change was for the better', () => {
    const { remarks } = reportOf(worse, sampleHistory(worse, { ...step, factor: 1.3, atLevel: 5 }));
    assert.match(remarks.join(), /not visible in the 14 runs/);
  });

  const shown: [why: string, after: RunSummary, metrics: string[]][] = [
    ['what decides and the CPU', damaged(() => {}), ['requestsPerSec', 'cpuUsPerRequest']],
    ['and what is a regression', damaged(raised('p99Us')), ['requestsPerSec', 'p99Us', 'cpuUsPerRequest']],
  ];
  for (const [why, after, metrics] of shown) {
    test(`shown are ${why}, as a table and drawn`, () => {
      const { tables, figures } = reportOf(after, sampleHistory(after, { ...step, atLevel: 5 }));
      assert.deepEqual(
        tables.at(-1)!.rows.map(row => row[3]!.value),
        metrics,
      );
      const drawn = figures.map(({ name }) => name).filter(name => name !== 'changes');
      assert.equal(
        drawn[0],
        'short-vs-persistent/persistent/cpuUsPerRequest',
        'what became worse comes first',
      );
      assert.deepEqual(
        drawn.toSorted(),
        metrics.map(metric => `short-vs-persistent/persistent/${metric}`).toSorted(),
      );
    });
  }

  test('of too few runs there is nothing at all', () => {
    const history = sampleHistory(worse, { ...step, count: 4, atLevel: 2 });
    assert.deepEqual(reportOf(worse, history), reportOf(worse));
  });
});

test('a gate without a regression does not hide that the history became worse', () => {
  const history = sampleHistory(before, { count: 13, metric: 'requestsPerSec', factor: 1.1, atLevel: 5 });
  const { answer, headline, remarks } = reportOf(before, history);
  assert.match(answer.verdict, /^No regression .*; history: 1 worse$/);
  assert.match(headline, / Over the history 1 ratio became worse\.$/);
  assert.match(remarks.join(), /Requests\/s of persistent .* fell by /);
});

test('beside each change that decides stands the change for the worse that is a regression', () => {
  const { brief } = reportWith(slower);
  const [figure, limit] = ['figure', 'limit'].map(key =>
    brief!.columns.findIndex(column => column.key === key),
  );
  const limits = Object.fromEntries(brief!.rows.map(row => [row[figure!]!.text, row[limit!]!.text]));
  assert.equal(limits['requests/s of persistent'], '−4.8 %');
  assert.equal(limits['client CPU per request of persistent'], '+5.0 %');
  assert.equal(limits['error rate of short'], '+0.50 per 1,000');
  assert.equal(limits['requests/s of short, absolute'], '–');
});

test('the outcome comes first, and regressions on top', () => {
  const { brief, tables } = reportWith(slower);
  for (const table of [brief!, ...tables]) assert.equal(table.columns[0]!.key, 'state');
  assert.deepEqual(brief!.rows[0]!.map(({ text }) => text).slice(0, 2), [
    'REGRESSION',
    'client CPU per request of persistent',
  ]);
  const count = tables.reduce((sum, { rows }) => sum + rows.length, 0);
  assert.equal(brief!.rows.length, count);
});

test('of what the runs were measured by, only what differs is listed', () => {
  const report = reportWith(after => {
    after.host = { ...after.host, node: '27.0.0', packages: { undici: '9.0.0' } };
  });
  const [group, ...others] = report.facts;
  assert.deepEqual(others, []);
  assert.deepEqual(
    group!.facts.map(({ label }) => label),
    ['Run', 'Node', ...Object.keys(before.host.packages), 'The same'],
  );
  const node = group!.facts.find(({ label }) => label === 'Node')!;
  assert.equal(node.value, `${before.host.node} before, 27.0.0 after`);
  assert.match(group!.facts.at(-1)!.value, /Started, conntax, Git commit, CPU, Kernel/);
});

const regression = damaged(slower);
const samples = {
  'a-regression': reportOf(regression),
  'a-dated-regression': reportOf(
    regression,
    sampleHistory(regression, { count: 13, metric: 'cpuUsPerRequest', factor: 1 / 1.3, atLevel: 5 }),
  ),
};
test('the short report fits a screen of any width, and begins and ends with the verdict', async () => {
  const terminal = formats.find(({ name }) => name === 'terminal')!;
  const all = {
    ...samples,
    'nothing changed': reportWith(() => {}),
    'nothing compared': reportWith(after => {
      after.cells = [];
    }),
  };
  for (const [sample, report] of Object.entries(all)) {
    for (const columns of [60, 100, 160]) {
      const text = await terminal.render(report, { hasColour: false, columns, isBrief: true });
      const lines = text.split('\n');
      const what = `${sample}, ${columns} columns: ${lines.length} lines\n${text}`;
      if (columns >= 100) {
        assert.ok(lines.length <= 25, what);
        assert.equal(lines[0], report.answer.verdict, what);
        assert.equal(lines.at(-1), report.answer.verdict, what);
      }
      for (const line of lines) assert.ok(line.length <= columns, what);
    }
  }
});

for (const [sample, report] of Object.entries(samples)) {
  for (const name of ['terminal', 'brief', 'markdown']) {
    const file = new URL(`goldens/${sample}.${name}.txt`, import.meta.url);
    test(`${name} of ${sample} is as it was (UPDATE_GOLDENS=1 accepts what it is now)`, async () => {
      const isBrief = name === 'brief';
      const format = formats.find(one => one.name === (isBrief ? 'terminal' : name))!;
      const text = await format.render(report, { hasColour: false, columns: 100, isBrief });
      if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
      assert.equal(text, readFileSync(file, 'utf8'));
    });
  }
}
