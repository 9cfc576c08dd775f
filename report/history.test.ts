// The report of a history says what changed and since when, draws it, and treats names as text.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { TopLevelSpec } from 'vega-lite';
import { type RunSummary, summariseRun } from '../results/baselines.ts';
import type { SampleHistoryOptions } from '../results/testing/sample-history.ts';
import { sampleHistory } from '../results/testing/sample-history.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import { renderChart } from './formats/chart-svg.ts';
import { buildHistoryReport } from './history.ts';
import type { Report } from './model.ts';
import { formats } from './testing/plugins.ts';
import { HOSTILE_NAME } from './testing/sample-runs.ts';

const now = summariseRun(sampleRun().run);
const slower: SampleHistoryOptions = { count: 13, metric: 'requestsPerSec', atLevel: 5, factor: 1.1 };

function historyOf(options: Partial<SampleHistoryOptions>, newest = now): [RunSummary, ...RunSummary[]] {
  const [oldest, ...others] = [...sampleHistory(newest, { ...slower, ...options }), structuredClone(newest)];
  return [oldest!, ...others];
}

function reportOf(options: Partial<SampleHistoryOptions>, newest = now) {
  return buildHistoryReport(historyOf(options, newest));
}

suite('the headline', () => {
  const rows: [why: string, options: Partial<SampleHistoryOptions>, headline: RegExp][] = [
    [
      'of the worst change for the worse, with its date',
      {},
      /^Requests\/s of persistent in short-vs-persistent fell by 8\.5 % \(7\.6 to 9\.5 %\) on 2026-11-18\.$/,
    ],
    [
      'of improvements alone',
      { factor: 1 / 1.1 },
      /^No change for the worse in 2 ratios over 14 runs\. 1 of them improved\.$/,
    ],
    ['where nothing changed', { factor: 1 }, /^No change for the worse in 2 ratios over 14 runs\.$/],
    [
      'of too few runs',
      { count: 4, atLevel: 2 },
      /^Too few runs for a trend: 5 runs; a trend needs 6 under the same conditions\.$/,
    ],
    [
      'of more runs than count',
      { factor: 1, count: 70 },
      /^No change for the worse in 2 ratios over the newest 60 of 71 runs\.$/,
    ],
    ['of one run', { count: 0, atLevel: 0 }, /^Too few runs for a trend: 1 run; /],
  ];
  for (const [why, options, headline] of rows) {
    test(why, () => assert.match(reportOf(options).headline, headline));
  }

  test('of several it names the greatest, and how many more', () => {
    const { headline, answer } = twoWorse();
    assert.match(headline, /^Client CPU per request .* on 2026-11-18, and 1 more became worse\.$/);
    assert.match(
      answer.verdict,
      /^Client CPU per request of persistent rose by \d+\.\d % on 2026-11-18; 1 more worse$/,
    );
    assert.match(answer.notes.join(), /^Requests\/s of persistent in short-vs-persistent fell by 8\.5 % /);
  });
});

/** Requests/s fell and, by more, the CPU time rose. */
function twoWorse() {
  const [oldest, ...others] = historyOf({ factor: 1.1 }).map((run, index) => {
    const copy = structuredClone(run);
    for (const ratio of copy.cells[0]!.ratios) {
      if (ratio.metric !== 'cpuUsPerRequest' || index >= 8) continue;
      const { value, low, high } = ratio.interval!;
      ratio.interval = { value: value / 1.5, low: low / 1.5, high: high / 1.5 };
    }
    return copy;
  });
  return buildHistoryReport([oldest!, ...others]);
}

suite('the answer', () => {
  const rows: [why: string, report: Report, verdict: RegExp, badges: string[]][] = [
    [
      'is the change for the worse, with its date',
      reportOf({}),
      /^Requests\/s of persistent fell by 8\.5 % on 2026-11-18$/,
      ['1 of 2 ratios worse'],
    ],
    ['is the largest of several', twoWorse(), /^Client CPU .*; 1 more worse$/, ['2 of 2 ratios worse']],
    [
      'is an improvement where nothing is worse',
      reportOf({ factor: 1 / 1.1 }),
      /^Improved: requests\/s of persistent rose by 1\d\.\d % on 2026-11-18$/,
      ['0 of 2 ratios worse', '1 improved'],
    ],
    ['is that nothing changed', reportOf({ factor: 1 }), /^No change for the worse in 2 ratios$/, []],
    ['is that there are too few runs', reportOf({ count: 4, atLevel: 2 }), /^Too few runs for a trend$/, []],
  ];
  for (const [why, { answer }, verdict, badges] of rows) {
    test(why, () => {
      assert.match(answer.verdict, verdict);
      assert.ok(answer.verdict.split(' ').length <= 15, answer.verdict);
      assert.deepEqual(
        answer.badges.map(({ text }) => text),
        badges,
      );
    });
  }

  test('says what the ratio is of, how sure the change is and what came with it, each once', () => {
    const { verdict, precision, context, notes } = reportOf({}).answer;
    assert.match(
      precision,
      /^Relative to short, the baseline client of short-vs-persistent: 5\.67× before, 5\.19× since\. 95 % interval of the change: 7\.6 to 9\.5 %; chance alone shows one as clear in 1 of 1,000 shuffled histories \(p = 0\.001\)\.$/,
    );
    assert.match(context, /^Changed since the previous run: commit .*, undici 8\.11\.0 to 8\.12\.4\.$/);
    const all = [verdict, precision, context, ...notes].join(' ');
    for (const once of ['8.5 %', '2026-11-18', '5.19×', 'undici'])
      assert.equal(all.split(once).length, 2, once);
  });

  test('without a change it says what a ratio is', () => {
    const { precision } = reportOf({ factor: 1 }).answer;
    assert.match(precision, /^Over 14 runs\. A ratio is the figure of a client divided by /);
  });
});

suite('what else it tells', () => {
  test('every change, the newest first', () => {
    const back = historyOf({ count: 24, atLevel: 16 }).map((run, index) => {
      const copy = structuredClone(run);
      for (const ratio of copy.cells[0]!.ratios) {
        if (ratio.metric !== 'requestsPerSec' || index < 17) continue;
        const { value, low, high } = ratio.interval!;
        ratio.interval = { value: value / 1.1, low: low / 1.1, high: high / 1.1 };
      }
      return copy;
    });
    const { remarks } = buildHistoryReport([back[0]!, ...back.slice(1)]);
    assert.deepEqual(
      remarks.map(remark =>
        / fell by .* on (\S+), from (\S+) to (\S+) that of short, in run /.exec(remark)?.slice(1),
      ),
      [
        ['2026-11-16', '5.16×', '4.68×'],
        ['2026-11-07', '5.67×', '5.16×'],
      ],
    );
  });

  const traits: [why: string, before: (run: RunSummary) => void, told: RegExp][] = [
    [
      'the commits',
      () => {},
      /the previous run: commit ccc7ccc7ccc7 to ccc8ccc8ccc8, undici 8\.11\.0 to 8\.12\.4\.$/,
    ],
    [
      'the machine and the software',
      run => {
        run.host = { ...run.host, node: '26.9.0', kernel: '6.17.0', cpuCount: 4 };
        run.conntax = '0.0.9';
      },
      /, conntax 0\.0\.9 to 0\.1\.0, undici .*, Node 26\.9\.0 to 26\.10\.0, kernel 6\.17\.0 to 6\.18\.5, CPU AMD EPYC 7B13 with 4 cores to AMD EPYC 7B13 with 2 cores\.$/,
    ],
    [
      'nothing, where nothing that is known differs',
      run => {
        run.git = null;
        run.host.packages = {};
      },
      /p = 0\.00\d\) .*\. Nothing that conntax records changed since the previous run\.$/,
    ],
  ];
  for (const [why, change, told] of traits) {
    test(`of what came with a change: ${why}`, () => {
      const history = historyOf({});
      change(history[7]!);
      assert.match(buildHistoryReport(history).remarks.join(), told);
    });
  }

  test('a dirty commit is called so, and one that is not known is left out', () => {
    const history = historyOf({});
    history[8]!.git!.isDirty = true;
    assert.match(
      buildHistoryReport(history).remarks.join(),
      /commit ccc7ccc7ccc7 to ccc8ccc8ccc8 with uncommitted changes, /,
    );
    history[8]!.git = null;
    assert.match(buildHistoryReport(history).remarks.join(), /the previous run: undici /);
  });

  test('cells that have no trend yet', () => {
    const history = historyOf({ factor: 1 });
    history.at(-1)!.cells = [...history.at(-1)!.cells, { ...now.cells[0]!, cell: 'new-one' }];
    assert.deepEqual(buildHistoryReport(history).remarks, [
      'Too few runs for a trend of new-one; it needs 6 under the same conditions.',
    ]);
  });
});

/** The points of the layer that is named for them. */
function pointsOf(spec: TopLevelSpec): { low: number; high: number; value: number }[] {
  const found: never[][] = [];
  JSON.stringify(spec, (_, value) => {
    if (value?.name === 'figures' && Array.isArray(value.values)) found.push(value.values);
    return value;
  });
  assert.equal(found.length, 1);
  return found[0]!;
}

suite('a picture', () => {
  for (const [why, options] of [
    ['with a change', {}],
    ['without', { factor: 1 }],
    ['of the fewest runs', { count: 5, atLevel: 2 }],
    ['of many', { count: 200 }],
  ] as const) {
    test(`${why} is drawn without a warning, with a point and a row for each run`, async () => {
      for (const figure of reportOf(options).figures) {
        const warnings: string[] = [];
        const onWarning = (text: string) => warnings.push(text);
        const svg = await renderChart(figure.spec, { id: 'x', description: 'y', onWarning });
        assert.deepEqual(warnings, []);
        assert.equal(pointsOf(figure.spec).length, figure.table.rows.length);
        assert.equal(svg.match(/<title>2026-[^<]*: [\d.]+× \(/g)?.length, figure.table.rows.length);
        assert.doesNotMatch(svg, / style=|<script|NaN|undefined|Infinity/);
      }
    });
  }

  test('has a line for each level, and one between them that says what changed', async () => {
    const [figure] = reportOf({}).figures;
    const svg = await renderChart(figure!.spec, { id: 'x', description: 'y' });
    assert.equal(svg.match(/<title>level: [\d.]+×</g)?.length, 2);
    assert.equal(svg.match(/<title>Requests\/s of persistent in [^<]*p = 0\.00\d/g)?.length, 1);
  });

  test('is not dwarfed by the band of one bad run', () => {
    const history = historyOf({});
    history[3]!.cells[0]!.ratios[0]!.interval!.high = 1_000;
    history[3]!.cells[0]!.ratios[0]!.interval!.low = 0.001;
    const [figure] = buildHistoryReport(history).figures;
    const points = pointsOf(figure!.spec);
    assert.ok(Math.max(...points.map(({ high }) => high)) < 7);
    assert.ok(Math.min(...points.map(({ low }) => low)) > 4);
  });
});

suite('pictures beside each other', () => {
  /** Two more clients than the first cell has, one of which a run lacks, and one that became better. */
  function several(): [RunSummary, ...RunSummary[]] {
    const six = sampleRun({ scenario: 'requests-per-connection' }).run.cells;
    const both = summariseRun({ ...sampleRun().run, cells: [...sampleRun().run.cells, ...six] });
    const history = historyOf({}, both);
    history[2]!.cells = history[2]!.cells.slice(0, 1);
    return history;
  }
  const placesOf = (spec: TopLevelSpec) =>
    (pointsOf(spec) as unknown as { x: number; isNewest: boolean }[]).map(({ x }) => x);

  test('have the same runs at their axes, also where a scenario was not measured, and those that became worse first', () => {
    const { figures } = buildHistoryReport(several());
    assert.ok(figures.length > 2);
    const [first, ...others] = figures;
    assert.match(first!.small!.note, /^Worse since 2026-11-18: /);
    for (const { spec, name } of [first!, ...others]) {
      const places = placesOf(spec);
      assert.equal(places.at(-1), 13, name);
      assert.equal(places.includes(2), name.startsWith('short-vs-persistent'), name);
    }
  });

  test('link to the commit of a change where its repository is known, and only to a page of it', async () => {
    const page = formats.find(({ name }) => name === 'html')!;
    const rendered = async (history: [RunSummary, ...RunSummary[]]) =>
      page.render(buildHistoryReport(history), { hasColour: false, columns: 100 });
    const address = `https://git.example.com/us/ours/commit/${'ccc8'.repeat(10)}`;
    assert.ok((await rendered(historyOf({}))).includes(`<a href="${address}">commit ccc8ccc8ccc8</a>`));
    const history = historyOf({});
    history[8]!.git!.repositoryUrl = 'javascript:alert(1)';
    const text = await rendered(history);
    assert.ok(!text.includes('javascript:') && text.includes('Changed with commit ccc8ccc8ccc8. '));
  });
});

for (const format of formats) {
  test(`${format.name} takes the names of a history as text`, async () => {
    const hostile = structuredClone(now);
    hostile.cells[0]!.cell = HOSTILE_NAME;
    for (const ratio of hostile.cells[0]!.ratios) ratio.candidate = HOSTILE_NAME;
    hostile.host.packages[HOSTILE_NAME] = HOSTILE_NAME;
    const history = historyOf({}, hostile);
    history[7]!.host.packages[HOSTILE_NAME] = '1';
    const text = await format.render(buildHistoryReport(history), { hasColour: false, columns: 100 });
    assert.ok(text.includes('alert(1)'));
    assert.ok(!text.includes('\u001b'));
    if (format.name === 'html') assert.doesNotMatch(text, /<script>alert|<img/);
    if (format.name === 'markdown') assert.doesNotMatch(text, /<script|<img|[^\\]\|"/);
  });
}

for (const name of ['terminal', 'brief', 'markdown']) {
  const file = new URL(`./goldens/a-history.${name}.txt`, import.meta.url);
  test(`${name} of a history is as it was (UPDATE_GOLDENS=1 accepts what it is now)`, async () => {
    const isBrief = name === 'brief';
    const format = formats.find(one => one.name === (isBrief ? 'terminal' : name))!;
    const text = await format.render(reportOf({}), { hasColour: false, columns: 100, isBrief });
    if (isBrief) assert.ok(text.split('\n').length <= 25, text);
    if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}
