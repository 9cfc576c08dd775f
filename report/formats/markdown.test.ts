// The comment on a pull request is short before anything is opened, names what failed, and takes names as text.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reportOf, SAMPLES } from '../testing/format-suite.ts';
import { commentOutput as comment, escapeMarkdown } from './markdown.ts';

const render = (report: ReturnType<typeof reportOf>): string =>
  comment.render({ report } as Parameters<typeof comment.render>[0]) as string;

describe('a comment on a pull request', () => {
  for (const sample of Object.keys(SAMPLES)) {
    test(`${sample}: begins with its mark and the verdict, and folds what is long`, () => {
      const report = reportOf(sample);
      const [mark, blank, verdict] = render(report).split('\n');
      assert.deepEqual([mark, blank], ['<!-- conntax -->', '']);
      assert.equal(verdict, `**${escapeMarkdown(report.answer.verdict)}**`);
      const shown = render(report).replace(/(<details>.*)[\s\S]*<\/details>/, '$1');
      // The workflow adds the link to the report.
      const lines = shown.split('\n').filter(line => line !== '').length + 1;
      assert.ok(lines <= 15, `${lines} lines:\n${shown}`);
      for (const { name } of report.cells.slice(0, 3)) {
        assert.ok(render(report).includes(name.replaceAll(/[\\[\]_*]/g, '\\$&')), name);
      }
    });
  }

  test('names what failed, failed scenarios first', () => {
    const report = reportOf('two scenarios');
    const { overview, checks } = report;
    const [first, second] = overview!.rows;
    const failing = { ...second!, answer: { ...second!.answer, verdict: 'FAIL: too slow' } };
    const rows = [first!, failing];
    const failed = Array.from({ length: 5 }, () => ({
      ...checks[0]!,
      state: 'fail' as const,
      detail: '3 of 4',
    }));
    const lines = render({ ...report, overview: { ...overview!, rows }, checks: failed }).split('\n');
    const at = (text: string): number => lines.findIndex(line => line.includes(text));
    assert.ok(at(`| ${second!.name} |`) < at(`| ${first!.name} |`), 'failed scenarios first');
    assert.equal(lines.filter(line => line.endsWith(': 3 of 4')).length, 3);
    assert.ok(lines.includes('- and 2 more'));
  });

  test('the limits that failed stand below the verdict, and what was measured below them', () => {
    const lines = render(reportOf('a sweep')).split('\n');
    const at = (text: string): number => lines.findIndex(line => line.startsWith(text));
    assert.ok(at('**FAIL: ') < at('| FAIL | round trip 80 ms | requests/s, persistent / short | ≥ 3× |'));
    assert.ok(at('| FAIL | round trip 20 ms') < at('| 80 | 2.17× '));
    assert.equal(lines.filter(line => line.startsWith('- round-trip')).length, 0, 'not said twice');
  });

  test('is never longer than GitHub allows, however many cells there are', () => {
    const report = reportOf('two arms');
    const [cell] = report.cells;
    for (const count of [10, 100, 2_000]) {
      const many = { ...report, cells: Array.from({ length: count }, () => cell!) };
      const text = render(many);
      assert.ok(text.length <= 65_536 && text.startsWith('<!-- conntax -->'), `${text.length}`);
    }
  });

  test('reads no name as markup', () => {
    const report = reportOf('two arms');
    const [cell] = report.cells;
    const text = render({ ...report, cells: [{ ...cell!, name: '<img src=x> @everyone `a`' }] });
    assert.ok(!text.includes('<img') && text.includes('&lt;img'));
  });
});
