// The report of a run is complete, and every figure of an invalid trial is marked.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import { buildReport, expectationVerdict } from './build.ts';
import terminal from './formats/terminal.ts';
import type { CellReport, Check, Table } from './model.ts';
import { figureColumn, keyColumn, wordColumn, words } from './tables/table.ts';
import { reportOf } from './testing/format-suite.ts';
import { charts, formats, sweepCharts } from './testing/plugins.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { sampleSweeps } from './testing/sample-sweeps.ts';

describe('What fails a run is reported in one sentence, however much it is, and its limits first in every form', () => {
  const measured: Check = {
    group: 'cell',
    name: 'measured',
    subject: 'not measured',
    isFigure: false,
    state: 'pass',
    detail: '',
  };
  const holds: Check = { ...measured, subject: 'expected a ≤ 1 ms', isFigure: true, detail: 'measured 9 ms' };
  const fails: Check = { ...holds, state: 'fail' };

  const cases: [why: string, checks: Check[], verdict: string | null][] = [
    ['nothing was expected', [measured], null],
    ['all holds', [measured, holds], null],
    ['nothing could be measured', [{ ...measured, state: 'broken' }], null],
    ['what is unsure', [measured, { ...holds, state: 'unsure' }], null],
    ['one of two', [measured, holds, fails], '1 of 2 expectations failed: expected a ≤ 1 ms, measured 9 ms.'],
    [
      'of several cells',
      [measured, { ...fails, group: 'b' }],
      '1 of 1 expectations failed: b: expected a ≤ 1 ms, measured 9 ms.',
    ],
    [
      'many',
      Array.from({ length: 5 }, () => fails),
      `5 of 5 expectations failed: ${Array(3).fill('expected a ≤ 1 ms, measured 9 ms').join('; ')}; and 2 more.`,
    ],
  ];
  for (const [why, checks, verdict] of cases) {
    test(why, () => assert.equal(expectationVerdict(checks), verdict));
  }

  suite('in every form', () => {
    const built = buildReport({ ...sampleRuns['two arms']!, charts: [] });
    const first = 'FAIL: something is 0.15×; limit 0.8×';
    const limits: Table = {
      name: 'limits',
      title: 'Limits',
      columns: [
        wordColumn('state', 'outcome'),
        keyColumn('limit', 'limit'),
        figureColumn('wanted', 'wanted'),
      ],
      rows: [
        [words('FAIL', 'fail'), words('something'), words('≥ 0.8×')],
        [words('unsure'), words('something else'), words('≥ 10×')],
      ],
      notes: ['Not shown: another one.'],
    };
    const report = { ...built, limits, answer: { ...built.answer, verdict: first } };
    for (const format of formats) {
      test(format.name, async () => {
        const text = await format.render(report, { hasColour: false, columns: 100 });
        const parts = ['something', 'something else', 'Not shown: another one.'];
        const places = (['json', 'terminal'].includes(format.name) ? parts : ['FAIL', ...parts]).map(part =>
          text.indexOf(part, text.indexOf(first) + first.length),
        );
        assert.ok(places.every(place => place >= 0));
        if (format.name === 'json') return;
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
        );
        assert.ok(
          places.at(-1)! < text.indexOf(format.name === 'html' ? 'class="badges"' : 'difference shown'),
        );
        if (format.name === 'terminal') assert.ok(text.startsWith(first));
      });
    }

    test('on a terminal in aligned lines, red where it failed, and as sentences where that is too wide', () => {
      const lines = (columns: number, hasColour = false) => {
        const text = terminal.render(report, { hasColour, columns }) as string;
        return text.split('\n').slice(1, 5);
      };
      assert.deepEqual(lines(100), [
        '  limit           wanted',
        '✗ something       ≥ 0.8×',
        '! something else   ≥ 10×',
        'Not shown: another one.',
      ]);
      const [, failed, unsure] = lines(100, true);
      assert.ok(failed!.startsWith('\u001b[31m') && unsure!.startsWith('\u001b[33m'));
      limits.rows[0]![1]!.text = 'something that takes more than sixty characters beside the rest';
      assert.deepEqual(lines(60).slice(0, 2), [
        '✗ something that takes more than sixty characters beside the',
        '  rest; wanted ≥ 0.8×',
      ]);
    });
  });
});

describe('The report of a run is complete and marks every invalid figure', () => {
  function tablesOf(cell: CellReport): Table[] {
    const tables = [
      cell.main,
      cell.article,
      cell.ratios,
      ...cell.special,
      cell.phases,
      ...cell.figures.map(({ table }) => table),
    ];
    return tables.filter(table => table !== null);
  }

  test('every table has a cell for each column, and figures have raw values', () => {
    for (const name of Object.keys(sampleRuns)) {
      for (const cell of reportOf(name).cells) {
        for (const { columns, rows, title } of tablesOf(cell)) {
          for (const row of rows) {
            assert.equal(row.length, columns.length, `${name}, ${title}`);
            row.forEach((entry, index) => {
              const isFigure = columns[index]!.align === 'right';
              if (isFigure && entry.text !== '–') assert.notEqual(entry.value, null, `${name}, ${title}`);
            });
          }
        }
      }
    }
  });

  test('whose code ran is a condition, of a client and of a target', () => {
    const sample = sampleRuns['two arms']!;
    const cells = sample.run.cells.map(cell => ({
      ...cell,
      code: { short: 'undici 7' },
      targetCode: { short: 'fastify 4', persistent: 'fastify 5' },
    }));
    const [cell] = buildReport({ ...sample, run: { ...sample.run, cells }, charts }).cells;
    const told = cell!.conditions.filter(({ value }) => /code of/.test(value));
    assert.deepEqual(
      told.map(({ label, value }) => [label, value.replace(/.*;/, '')]),
      [
        ['Target of short', 'code of fastify 4'],
        ['Target of persistent', 'code of fastify 5'],
        ['Client short (baseline)', ' code of undici 7'],
      ],
    );
  });

  test('every table of a sweep has a row for each combination, a cell for each column, and raw values', () => {
    for (const [sample, rowCount] of [
      ['a sweep', 5],
      ['a sweep of two settings', 6],
      ['a troubled sweep', 5],
    ] as const) {
      const { sweeps, cells } = buildReport({ ...sampleSweeps[sample]!, charts: [], sweepCharts });
      const [sweep] = sweeps;
      assert.equal(sweep?.measures[0]?.name, 'requestsPerSec');
      assert.ok(sweep.measures.length >= 7);
      for (const { columns, rows, title } of [...sweep.measures.map(({ table }) => table), sweep.cellTable]) {
        assert.equal(rows.length, rowCount, title);
        for (const row of rows) {
          assert.equal(row.length, columns.length, title);
          for (const { text, value } of row)
            if (text !== '–' && text !== 'not measured') assert.notEqual(value, null);
        }
      }
      assert.ok(cells.every(cell => cell.sweep?.name === sweep.name));
    }
  });

  test('a table of single cells is merged over all cells, each row with its place', () => {
    const { sweeps, cells } = buildReport({ ...sampleSweeps['a sweep']!, charts: [] });
    const [prediction] = sweeps[0]!.special;
    assert.equal(prediction?.name, 'prediction');
    assert.deepEqual(
      prediction.columns.slice(0, 2).map(({ key, isKey }) => [key, isKey]),
      [
        ['link.roundTripMs', true],
        ['arm', true],
      ],
    );
    const own = cells.flatMap(cell => cell.special.find(({ name }) => name === 'prediction')!.rows);
    assert.deepEqual(
      prediction.rows.map(row => row.slice(1)),
      own,
    );
    assert.deepEqual(
      prediction.rows.map(([place]) => place!.value),
      [0, 0, 1, 1, 5, 5, 20, 20, 80, 80],
    );
    assert.equal(new Set(prediction.notes).size, prediction.notes.length);
  });

  test('what is the same in all cells of a sweep is shown once, and what is swept comes first', () => {
    const { sweeps } = buildReport({ ...sampleSweeps['a sweep of two settings']!, charts: [] });
    const labels = sweeps[0]!.conditions.map(({ label }) => label);
    assert.deepEqual(labels.slice(0, 3), ['Swept', 'Swept', 'Order of measurement']);
    assert.ok(labels.includes('Client persistent (baseline)') && !labels.includes('Client reused'));
  });

  test("the article's columns are there, under its own names", () => {
    const [cell] = buildReport({ ...sampleRuns['two arms']!, charts: [] }).cells;
    assert.deepEqual(
      cell?.article.columns.map(({ heading, unit }) => [heading, unit]),
      [
        ['connection policy', undefined],
        ['concurrency', undefined],
        ['mean latency', 'ms'],
        ['QPS', undefined],
        ['error rate', undefined],
      ],
    );
    assert.deepEqual(
      cell?.article.rows.map(row => row[0]!.text),
      ['short', 'persistent'],
    );
  });

  test('each figure of an arm with an invalid trial is marked in every table, and the mark is explained', () => {
    const [cell] = buildReport({ ...sampleRuns['an invalid trial']!, charts }).cells;
    assert.equal(cell?.state, 'invalid');
    const byArm = [cell.main, cell.phases!, ...cell.figures.map(({ table }) => table)].filter(
      ({ columns, name }) => columns[0]?.key === 'arm' && name !== 'timeline',
    );
    assert.ok(byArm.length >= 3);
    for (const { title, columns, rows, notes } of byArm) {
      for (const row of rows) {
        const isInvalid = row[0]!.value === 'persistent';
        row.forEach(({ text, value }, index) => {
          if (columns[index]!.isKey || typeof value !== 'number') return;
          assert.equal(text.includes('†'), isInvalid, `${title}: ${text}`);
        });
      }
      assert.ok(
        notes.some(note => note.startsWith('†')),
        title,
      );
    }
    for (const row of cell.ratios!.rows) assert.match(row[2]!.text, /†$/);
    assert.match(cell.article.rows[1]!.map(({ text }) => text).join(' '), /†.*†.*†/);
  });

  test('only the trial that failed its audit is marked in the timeline', () => {
    const [cell] = buildReport({ ...sampleRuns['an invalid trial']!, charts }).cells;
    const { table } = cell!.figures.find(({ name }) => name === 'timeline')!;
    const marked = table.rows.filter(row => row.some(({ marks }) => marks.includes('invalid')));
    assert.deepEqual([...new Set(marked.map(row => `${row[0]!.value}/${row[1]!.value}`))], ['persistent/3']);
  });

  test('audits are folded to a line a rule and arm, and what does not pass is named by trial', () => {
    const sample = sampleRuns['an invalid trial']!;
    const [cell] = buildReport({ ...sample, charts: [] }).cells;
    const pairs = new Set(sample.run.cells[0]!.findings.map(({ rule, arm }) => `${rule} ${arm}`));
    assert.equal(cell?.audits.length, pairs.size);
    const failing = cell.audits.filter(({ state }) => state === 'fail');
    assert.deepEqual(
      failing.map(({ rule, arm, trials }) => ({ rule, arm, trials })),
      [{ rule: 'ledger', arm: 'persistent', trials: ['short-vs-persistent/r3/persistent'] }],
    );
    assert.match(cell.auditSummary, /1 failure\.$/);
  });

  test('an arm without a completed trial has no figures at all', () => {
    const [cell] = buildReport({ ...sampleRuns['no completed trial']!, charts }).cells;
    assert.equal(cell?.state, 'unmeasured');
    assert.deepEqual(cell.figures, []);
    for (const row of cell.main.rows) assert.ok(row.slice(1).every(({ value }) => value === null));
    assert.equal(cell.failures?.rows.length, 8);
  });

  test('the same run gives the same report', () => {
    const sample = sampleRuns['six arms']!;
    assert.deepEqual(buildReport({ ...sample, charts }), buildReport({ ...sample, charts }));
  });
});

test('the order in which clients were measured and stored changes nothing', () => {
  const { run, trials } = sampleRuns['an invalid trial of six arms']!;
  const cells = run.cells.map(cell => ({
    ...cell,
    arms: cell.arms.toReversed(),
    comparisons: cell.comparisons.toReversed(),
    findings: cell.findings.toReversed(),
  }));
  const textOf = (report: ReturnType<typeof buildReport>): string =>
    // Findings of one trial have an order of their own.
    JSON.stringify({
      ...report,
      cells: report.cells.map(({ audits, auditTable, trust, passed, ...cell }) => cell),
    });
  assert.equal(
    textOf(buildReport({ run: { ...run, cells }, trials: trials.toReversed(), charts })),
    textOf(buildReport({ run, trials, charts })),
  );
});

test('scenarios that were not begun are named below the verdict', () => {
  const { answer } = buildReport({ ...sampleRuns['scenarios not begun']!, charts: [] });
  assert.equal(answer.badges[0]?.text, '2 of 3 scenarios not begun');
  assert.equal(answer.notes[0], 'Not begun: capacity, sizes.');
});

test('every form has the command that measures what is missing, and says only once that the run is partial', async () => {
  const report = buildReport({ ...sampleRuns['scenarios not begun']!, charts: [] });
  const { command } = report.missing!;
  assert.match(command, /^conntax run .*short-vs-persistent capacity sizes --/);
  for (const { name, render } of formats) {
    for (const isBrief of [false, true]) {
      const text = await render(report, { hasColour: false, columns: 100, isBrief });
      assert.ok(text.replaceAll(String.raw`\-`, '-').includes(command), `${name}: ${text}`);
      if (name === 'html') assert.doesNotMatch(text, /class="pill[^"]*">partial</);
    }
  }
});

test('on a narrow terminal the command goes on behind a backslash, but not within quotes', async () => {
  const { run, trials } = sampleRuns['scenarios not begun']!;
  const linesOf = async (words: string[]) => {
    const command = ['conntax', 'run', 'quick', ...words];
    const report = buildReport({ run: { ...run, command }, trials, charts: [] });
    const text = await formats
      .find(({ name }) => name === 'terminal')!
      .render(report, { hasColour: false, columns: 60, isBrief: true });
    const lines = text.split('\n');
    const from = lines.findIndex(line => line.startsWith('  conntax run '));
    const to = lines.indexOf('', from);
    return lines.slice(from, to);
  };
  const lines = await linesOf(['--budget-sec', '90', '--precision', '0.02']);
  assert.ok(lines.length > 1 && lines.every(line => line.length <= 60), lines.join('\n'));
  assert.ok(lines.slice(0, -1).every(line => line.endsWith(' \\')) && !lines.at(-1)!.endsWith('\\'));
  assert.equal((await linesOf(['--machine', 'ssh gen1 npx conntax agent'])).length, 1);
});

test('scenarios that this machine cannot measure are named, with the reason', () => {
  const { run, trials } = sampleRuns['two arms']!;
  const skipped = [{ cell: 'ports', message: 'no namespace', hint: 'expected: root' }];
  const { answer, caveats } = buildReport({ run: { ...run, skipped }, trials, charts: [] });
  assert.equal(answer.badges[0]?.text, '1 of 2 scenarios skipped');
  assert.equal(answer.notes[0], 'Skipped: ports.');
  assert.ok(caveats.includes('ports was skipped, because this machine has no namespace (expected: root).'));
});

test('where nothing was measured, no form has a table of dashes', async () => {
  const report = buildReport({ ...sampleRuns['no completed trial']!, charts });
  for (const format of formats.filter(({ name }) => name !== 'json')) {
    const text = await format.render(report, { hasColour: false, columns: 100 });
    assert.doesNotMatch(text, /Results by client/, format.name);
  }
});

test('the rate that a schedule sets is compared in no table and no picture', () => {
  for (const sample of ['an open load', 'an invalid trial of an open load']) {
    const [cell] = buildReport({ ...sampleRuns[sample]!, charts }).cells;
    const compared = [cell!.ratios!, cell!.forest!.table].flatMap(({ rows }) =>
      rows.map(([metric]) => metric!.value),
    );
    assert.ok(compared.includes('meanUs') && !compared.includes('requestsPerSec'), sample);
  }
});

test('figures of a load tool have the digits that their interval supports, as in every other table', () => {
  const [cell] = buildReport({ ...sampleRuns['two drivers']!, charts: [] }).cells;
  const textsOf = (table: Table): string[] => {
    const column = table.columns.findIndex(({ key }) => key === 'requestsPerSec');
    return table.rows.map(row => row[column]!.text.replace(/ .*/, ''));
  };
  const agreement = cell!.special.find(({ name }) => name === 'agreement')!;
  assert.deepEqual(textsOf(agreement), textsOf(cell!.brief));
});
