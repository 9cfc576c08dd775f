// What fails a run is told in a sentence, however much it is, and in every form first.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { buildReport } from './build.ts';
import type { Check } from './model.ts';
import { formats } from './testing/plugins.ts';
import { sampleRuns } from './testing/sample-runs.ts';
import { expectationVerdict } from './verdict.ts';

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
  const verdict = '1 of 3 expectations failed: expected something';
  const report = { ...buildReport({ ...sampleRuns['two arms']!, charts: [] }), verdict };
  for (const format of formats) {
    test(format.name, async () => {
      const text = await format.render(report, { hasColour: false, columns: 100 });
      const place = text.indexOf(verdict);
      assert.ok(place >= 0);
      if (format.name !== 'json') assert.ok(place < text.indexOf('What each client did'));
      if (format.name === 'terminal') assert.ok(text.startsWith(verdict) && text.endsWith(verdict));
    });
  }

  test('a headline that is the verdict stands once at the top', async () => {
    const terminal = formats.find(({ name }) => name === 'terminal')!;
    const text = await terminal.render({ ...report, headline: verdict }, { hasColour: false, columns: 100 });
    assert.equal(text.split(verdict).length, 3, 'and once at the end');
  });
});
