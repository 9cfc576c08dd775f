// comment.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reportOf, SAMPLES } from '../testing/format-suite.ts';
import comment from './comment.ts';

const render = (report: ReturnType<typeof reportOf>): string =>
  comment.render({ report } as Parameters<typeof comment.render>[0]) as string;

describe('a comment on a pull request', () => {
  for (const sample of Object.keys(SAMPLES)) {
    test(`${sample}: begins with its mark and the verdict, and folds what is long`, () => {
      const report = reportOf(sample);
      const [mark, blank, verdict] = render(report).split('\n');
      assert.deepEqual([mark, blank], ['<!-- conntax -->', '']);
      assert.match(verdict!, /^\*\*.+\*\*$/);
      for (const { name } of report.cells.slice(0, 3)) {
        assert.ok(render(report).includes(name.replaceAll(/[\\[\]_*]/g, '\\$&')), name);
      }
    });
  }

  test('is never longer than GitHub allows, however many cells there are', () => {
    const report = reportOf('two arms');
    const [cell] = report.cells;
    for (const count of [10, 100, 10_000]) {
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
