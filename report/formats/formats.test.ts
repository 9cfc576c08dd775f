// Every format but the page keeps the contract of formats, and the brief ones read as they did; html.slow.test.ts does the page.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildReport } from '../build.ts';
import { OPTIONS, reportOf, SAMPLES, testFormat } from '../testing/format-suite.ts';
import { formats, sweepCharts } from '../testing/plugins.ts';
import { wrapped } from './terminal-page.ts';

const BRIEF = { ...OPTIONS, isBrief: true };
const GOLDENS = [
  { name: 'terminal', format: 'terminal', options: OPTIONS },
  { name: 'brief', format: 'terminal', options: BRIEF },
  { name: 'markdown', format: 'markdown', options: OPTIONS },
];
const GOLDEN_SAMPLES = [
  'two arms',
  'an invalid trial of six arms',
  'an open load',
  'a capacity search',
  'a link',
  'a sweep',
  'a sweep of two settings',
  'a troubled sweep',
  'a bad hour',
];

for (const format of formats) if (format.name !== 'html') testFormat(format);

test('the machine has every sweep with the raw figures of every measure, and each cell knows its place', async () => {
  const report = buildReport({ ...SAMPLES['a sweep']!, charts: [], sweepCharts });
  const text = await formats.find(({ name }) => name === 'json')!.render(report, OPTIONS);
  const { sweeps, cells } = JSON.parse(text);
  assert.deepEqual(
    cells.map(({ sweep }: { sweep: unknown }) => sweep),
    [0, 1, 5, 20, 80].map(value => ({ name: 'round-trip', place: `round trip ${value} ms` })),
  );
  const rate = sweeps[0].measures.find(({ name }: { name: string }) => name === 'requestsPerSec');
  assert.deepEqual(Object.keys(rate.rows[0]), [
    'link.roundTripMs',
    'persistent:ratio',
    'short:requestsPerSec',
    'persistent:requestsPerSec',
    'marks',
  ]);
  assert.deepEqual(Object.keys(rate.rows[4]['persistent:ratio']), ['value', 'low', 'high']);
});

test('the sentences that say all of a run at once are for machines alone', async () => {
  for (const sample of ['two arms', 'two scenarios', 'six arms']) {
    const report = reportOf(sample);
    for (const { name, render } of formats.filter(({ name }) => name === 'terminal' || name === 'markdown')) {
      const text = await render(report, OPTIONS);
      assert.ok(!text.replaceAll(/\s+/g, ' ').includes(report.headline), `${name} of ${sample}`);
    }
  }
});

test('a figure and its unit stay on one line', () => {
  assert.deepEqual(wrapped('wide: ±62 %; 44 µs† and 5.18 ms, 3 s', 10), [
    'wide:',
    '±62 %;',
    '44 µs† and',
    '5.18 ms,',
    '3 s',
  ]);
});

test('the short report fits a screen, and begins and ends with the answer', async () => {
  const terminal = formats.find(({ name }) => name === 'terminal')!;
  for (const [sample, columns] of Object.keys(SAMPLES).flatMap(sample =>
    sample.includes('hostile') ? [] : ([100, 160].map(columns => [sample, columns]) as [string, number][]),
  )) {
    const report = reportOf(sample);
    const lines = (await terminal.render(report, { ...BRIEF, columns })).split('\n');
    const what = `${sample}, ${columns} columns: ${lines.length} lines\n${lines.join('\n')}`;
    assert.ok(lines.length <= 25, what);
    assert.equal(lines[0], report.answer.verdict, what);
    assert.equal(lines.at(-1), report.answer.verdict, what);
    for (const { text } of report.answer.badges)
      assert.ok(
        lines.some(line => line.includes(text)),
        what,
      );
  }
});

test('five clients are shown before the table is cut, however much there is to do next', async () => {
  const terminal = formats.find(({ name }) => name === 'terminal')!;
  const report = reportOf('six arms');
  const next = Array.from({ length: 9 }, () => 'Set the pool to 5 connections.');
  const lines = (await terminal.render(report, { ...BRIEF, next })).split('\n');
  const names = report.cells[0]!.brief.rows.map(row => row[0]!.text);
  assert.ok(names.length > 4);
  for (const name of names.slice(0, 5))
    assert.ok(
      lines.some(line => line.startsWith(`${name} `)),
      lines.join('\n'),
    );
});

test('beside a failed limit the ratio of a row has the name of its metric; beside an answer about it, none', async () => {
  const terminal = formats.find(({ name }) => name === 'terminal')!;
  const report = buildReport({ ...SAMPLES['two scenarios']!, charts: [] });
  const [first, ...others] = report.overview!.rows;
  const failed = { ...first!.answer, verdict: 'FAIL: server CPU per request, a is 46× b; limit 1×' };
  const rows = [{ ...first!, answer: failed }, ...others];
  const text = await terminal.render(
    { ...report, overview: { ...report.overview!, rows } },
    { ...BRIEF, columns: 200 },
  );
  assert.match(text, /limit 1×, requests\/s [\d.]+× \([\d.]+ to [\d.]+\)$/m);
  const line = text.split('\n').find(own => own.startsWith(`${others[0]!.name}: `))!;
  assert.match(line, /, [\d.]+× \([\d.]+ to [\d.]+\)$/);
  assert.doesNotMatch(line, /requests\/s/);
});

test('what to do next stands above the answer that ends the report, within the same screen', async () => {
  const terminal = formats.find(({ name }) => name === 'terminal')!;
  const next = ['Set the pool to 5 connections. '.repeat(6).trim(), 'Add --save.'];
  for (const isBrief of [true, false]) {
    const report = reportOf('two arms');
    const lines = (await terminal.render(report, { ...OPTIONS, isBrief, next })).split('\n');
    if (isBrief) assert.ok(lines.length <= 25, lines.join('\n'));
    const at = lines.indexOf('Next:');
    assert.deepEqual(lines.slice(at + 3), ['- Add --save.', '', report.answer.verdict]);
    assert.ok(lines.every(line => line.length <= 100));
  }
});

test('the terminal keeps within its width, and colours only when asked', async () => {
  const terminal = formats.find(({ name }) => name === 'terminal')!;
  for (const sample of [
    'two arms',
    'an invalid trial of six arms',
    'a failed trial',
    'two scenarios',
    'a sweep of two settings',
    'a troubled sweep',
    'a bad hour',
    'failed limits',
    'scenarios not begun',
  ]) {
    const report = reportOf(sample);
    for (const columns of [60, 80, 100, 160]) {
      const plain = await terminal.render(report, { hasColour: false, columns });
      for (const line of plain.split('\n')) assert.ok(line.length <= columns, `${line.length}: ${line}`);
      const coloured = await terminal.render(report, { hasColour: true, columns });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
      assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), plain);
      assert.notEqual(coloured, plain);
      const brief = await terminal.render(report, { ...BRIEF, columns });
      for (const line of brief.split('\n')) assert.ok(line.length <= columns, `${line.length}: ${line}`);
    }
  }
});

for (const { name, format, options } of GOLDENS) {
  for (const sample of GOLDEN_SAMPLES) {
    const file = new URL(`../goldens/${sample.replaceAll(' ', '-')}.${name}.txt`, import.meta.url);
    test(`${name} of ${sample} is as it was (UPDATE_GOLDENS=1 accepts what it is now)`, async () => {
      const text = await formats.find(found => found.name === format)!.render(reportOf(sample), options);
      if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
      assert.equal(text, readFileSync(file, 'utf8'));
    });
  }
}
