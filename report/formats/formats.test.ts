// In: every format of the folder and runs of every kind. Out: proof that each shows all of the report, and only as text.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Format } from '../format.ts';
import { buildReport } from '../model.ts';
import type { Report, Table } from '../report.ts';
import { charts, formats, sweepCharts } from '../testing/plugins.ts';
import {
  HOSTILE_NAME,
  hostileSweep,
  type StoredSample,
  sampleRuns,
  sweepAndScenario,
} from '../testing/sample-runs.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';

const OPTIONS = { hasColour: false, columns: 100 };
const SAMPLES: Record<string, StoredSample> = {
  ...sampleRuns,
  ...sampleSweeps,
  'a hostile sweep': hostileSweep(),
  'a sweep and a scenario': sweepAndScenario(),
};
/** As pages they are drawn in page.test.ts. */
const LARGE = ['a sweep', 'a sweep of two settings'];
const GOLDENS = ['terminal', 'markdown'];
const GOLDEN_SAMPLES = [
  'two arms',
  'an invalid trial of six arms',
  'an open load',
  'a capacity search',
  'a link',
  'a sweep',
  'a sweep of two settings',
  'a troubled sweep',
];

/** What is left of a text when wrapping and escaping are taken away: letters, digits and marks. */
function bare(text: string): string {
  return text.replace(/[^\p{L}\p{N}†‡×%]/gu, '');
}

/** The same of what a format made of it. */
function bareOf(format: Format, rendered: string): string {
  if (format.name === 'json') return bare(rendered.replace(/\\./g, ''));
  if (format.name === 'terminal') return bare(rendered);
  return bare(rendered.replace(/<[^>]*>/g, '').replace(/&(#39|quot|lt|gt|amp);/g, ''));
}

function mustShow({ headline, remarks, cells, sweeps, caveats }: Report, format: Format): string[] {
  const isForMachines = format.name === 'json';
  const isBrief = format.name === 'terminal' || format.name === 'markdown';
  const isShown = ({ columns }: Table): boolean =>
    format.name !== 'terminal' || columns.filter(({ isKey }) => isKey).length <= 2;
  return [
    headline,
    ...remarks,
    ...caveats,
    ...sweeps.flatMap(sweep => [
      sweep.question,
      ...sweep.caveats,
      ...(sweep.expectations?.rows.flat().map(({ text }) => text) ?? []),
      ...sweep.measures.flatMap(({ title, table }) => [
        ...(isForMachines ? [title] : [table.title, ...table.columns.map(({ heading }) => heading)]),
        ...(isForMachines ? [] : table.rows.flat().map(({ text }) => text)),
      ]),
      ...(isForMachines
        ? []
        : [...sweep.special.filter(isShown), sweep.cellTable].flatMap(({ rows }) =>
            rows.flat().map(({ text }) => text),
          )),
      ...(format.name === 'terminal' ? [] : sweep.conditions.map(({ value }) => value)),
    ]),
    // Of a sweep the brief formats have only what its cells say together.
    ...cells
      .filter(({ sweep }) => sweep === null || !isBrief)
      .flatMap(cell => [
        cell.question,
        cell.stop.text,
        ...cell.caveats,
        ...cell.main.rows.map(row => row[0]!.text.replace(/ .*|†/g, '')),
        ...cell.audits
          .filter(({ state }) => state !== 'pass')
          .flatMap(({ brief, details }) =>
            format.name === 'terminal' || format.name === 'html' ? [brief] : details,
          ),
        ...(cell.failures?.rows.flatMap(row =>
          row.map(({ text, value }) => (isForMachines ? String(value ?? '') : text)),
        ) ?? []),
      ]),
  ];
}

for (const format of formats) {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    if (name.includes('hostile') || (format.name === 'html' && LARGE.includes(name))) continue;
    test(`${format.name} shows all of a run with ${name}`, async () => {
      const report = buildReport({ ...sample, charts, sweepCharts });
      const shown = bareOf(format, await format.render(report, OPTIONS));
      for (const text of mustShow(report, format)) assert.ok(shown.includes(bare(text)), text);
    });
  }

  test(`${format.name} has the article's table, every arm and every mark`, async () => {
    const report = buildReport({ ...SAMPLES['an invalid trial']!, charts });
    const text = await format.render(report, OPTIONS);
    if (format.name === 'json') {
      const { cells } = JSON.parse(text);
      const { article, main } = cells[0].tables;
      assert.deepEqual(Object.keys(article.rows[0]), [
        'mode',
        'concurrency',
        'meanMs',
        'requestsPerSec',
        'errorRatio',
        'marks',
      ]);
      assert.deepEqual(main.rows[1].marks.meanMs, ['invalid']);
      assert.equal(main.rows[0].meanMs, sampleRuns['an invalid trial']!.run.cells[0]!.arms[0]!.meanUs / 1000);
      return;
    }
    for (const { heading } of report.cells[0]!.article.columns) assert.ok(text.includes(heading), heading);
    for (const cell of report.cells[0]!.article.rows.flat())
      assert.ok(bareOf(format, text).includes(bare(cell.text)), cell.text);
    assert.ok(text.includes('†') && text.includes('not valid'));
  });

  for (const sample of ['a hostile name', 'a hostile sweep']) {
    test(`${format.name} takes ${sample} as text`, async () => {
      const report = buildReport({ ...SAMPLES[sample]!, charts, sweepCharts });
      const text = await format.render(report, OPTIONS);
      assert.ok(text.includes('alert(1)'));
      assert.ok(!text.includes('\u001b'));
      if (format.name === 'json') assert.ok(text.includes(JSON.stringify(HOSTILE_NAME)));
      if (format.name === 'html') assert.doesNotMatch(text, /<script>alert|<img/);
      if (format.name === 'markdown') {
        assert.doesNotMatch(text, /<script|<img|[^\\]\|"/);
        const widths = text
          .match(/(?<=\n\n)\| [^\n]*(\n\|[^\n]*)+/g)
          ?.map(table => new Set(table.split('\n').map(line => line.split(/(?<!\\)\|/).length)).size);
        assert.ok(
          widths?.every(kinds => kinds === 1),
          'rows as wide as their heads',
        );
      }
    });
  }
}

test('the machine has every sweep with the raw figures of every measure, and each cell knows its place', async () => {
  const report = buildReport({ ...SAMPLES['a sweep']!, charts: [], sweepCharts });
  const text = await formats.find(({ name }) => name === 'json')!.render(report, OPTIONS);
  const { sweeps, cells } = JSON.parse(text);
  assert.deepEqual(
    cells.map(({ sweep }: { sweep: unknown }) => sweep),
    [0, 1, 5, 20, 80].map(value => ({ name: 'round-trip', place: `roundTripMs = ${value}` })),
  );
  const rate = sweeps[0].measures.find(({ name }: { name: string }) => name === 'requestsPerSec');
  assert.deepEqual(Object.keys(rate.rows[0]), [
    'link.roundTripMs',
    'short:requestsPerSec',
    'persistent:requestsPerSec',
    'persistent:ratio',
    'marks',
  ]);
  assert.deepEqual(Object.keys(rate.rows[4]['persistent:ratio']), ['value', 'low', 'high']);
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
  ]) {
    const report = buildReport({ ...SAMPLES[sample]!, charts });
    for (const columns of [80, 100, 160]) {
      const plain = await terminal.render(report, { hasColour: false, columns });
      for (const line of plain.split('\n')) assert.ok(line.length <= columns, `${line.length}: ${line}`);
      const coloured = await terminal.render(report, { hasColour: true, columns });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
      assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), plain);
      assert.notEqual(coloured, plain);
    }
  }
});

for (const name of GOLDENS) {
  for (const sample of GOLDEN_SAMPLES) {
    const file = new URL(`../goldens/${sample.replaceAll(' ', '-')}.${name}.txt`, import.meta.url);
    test(`${name} of ${sample} is as it was (UPDATE_GOLDENS=1 accepts what it is now)`, async () => {
      const format = formats.find(format => format.name === name)!;
      const report = buildReport({ ...SAMPLES[sample]!, charts, sweepCharts });
      const text = await format.render(report, OPTIONS);
      if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
      assert.equal(text, readFileSync(file, 'utf8'));
    });
  }
}
