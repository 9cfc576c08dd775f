// What every format must hold for runs of every kind: it shows all of the report, and only as text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopLevelSpec } from 'vega-lite';
import { buildReport } from '../build.ts';
import type { Format } from '../formats/format.ts';
import { badgesOf, type Report, type Table } from '../model.ts';
import { charts, sweepCharts } from './plugins.ts';
import {
  HOSTILE_NAME,
  hostileSweep,
  type StoredSample,
  sampleRuns,
  sweepAndScenario,
} from './sample-runs.ts';
import { sampleSweeps } from './sample-sweeps.ts';

export const OPTIONS = { hasColour: false, columns: 100 };
export const SAMPLES: Record<string, StoredSample> = {
  ...sampleRuns,
  ...sampleSweeps,
  'a hostile sweep': hostileSweep(),
  'a sweep and a scenario': sweepAndScenario(),
};
const reports = new Map<string, Report>();

/** The report of a sample with all charts. It is built once: every format and every golden reads the same. */
export function reportOf(name: string): Report {
  const report = reports.get(name) ?? buildReport({ ...SAMPLES[name]!, charts, sweepCharts });
  reports.set(name, report);
  return report;
}

/** A picture that is drawn in no time. */
const PLAIN: TopLevelSpec = { data: { values: [{}] }, mark: 'point' };

/**
 * The report with plain pictures, wherever it has some. Each chart is drawn for each sample in charts.slow.test.ts, and whole pages
 * in page.io.test.ts.
 */
function withPlainPictures<Part>(part: Part): Part {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map(withPlainPictures) as Part;
  if ('spec' in part && 'caption' in part) return { ...part, spec: PLAIN };
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, withPlainPictures(value)]),
  ) as Part;
}

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

function mustShow(report: Report, format: Format): string[] {
  const { answer, overview, cells, sweeps, caveats } = report;
  const isForMachines = format.name === 'json';
  const isBrief = format.name === 'terminal' || format.name === 'markdown';
  const isShown = ({ columns }: Table): boolean =>
    format.name !== 'terminal' || columns.filter(({ isKey }) => isKey).length <= 2;
  return [
    answer.verdict,
    answer.precision,
    answer.context,
    ...answer.notes,
    ...badgesOf(answer).map(({ text }) => text),
    answer.question ?? '',
    answer.clients ?? '',
    ...(isForMachines ? [report.headline, ...report.remarks] : []),
    ...(overview?.rows.flatMap(row => [
      row.answer.verdict,
      ...badgesOf(row.answer).map(({ text }) => text),
      row.answer.question ?? '',
      ...row.answer.notes,
    ]) ?? []),
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
        ...cell.asides,
        cell.stop.text,
        ...cell.caveats,
        ...cell.main.rows.map(row => row[0]!.text.replace(/ .*|†/g, '')),
        ...cell.audits
          .filter(({ state }) => state !== 'pass')
          .flatMap(({ brief, details }) => (format.name === 'terminal' ? [brief] : details)),
        ...(cell.failures?.rows.flatMap(row =>
          row.map(({ text, value }) => (isForMachines ? String(value ?? '') : text)),
        ) ?? []),
      ]),
  ];
}

/** Registers the tests of one format. */
export function testFormat(format: Format): void {
  for (const name of Object.keys(SAMPLES)) {
    if (name.includes('hostile')) continue;
    test(`${format.name} shows all of a run with ${name}`, async () => {
      const report = withPlainPictures(reportOf(name));
      const shown = bareOf(format, await format.render(report, OPTIONS));
      for (const text of mustShow(report, format)) assert.ok(shown.includes(bare(text)), text);
    });
  }

  test(`${format.name} has the article's table, every arm and every mark`, async () => {
    const report = withPlainPictures(reportOf('an invalid trial'));
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
    assert.ok(text.includes('†') && /invalid|not reliable/i.test(text));
  });

  for (const sample of ['a hostile name', 'a hostile sweep']) {
    test(`${format.name} takes ${sample} as text`, async () => {
      const report = reportOf(sample);
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
