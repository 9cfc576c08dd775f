// In: a run held against a baseline. Out: proof that a tired reader learns what got slower, by how much, how sure, since when.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { gateRun } from '../results/gate.ts';
import { type RunSummary, summariseRun } from '../results/run-summary.ts';
import { sampleRun } from '../results/testing/sample-run.ts';
import { buildGateReport } from './gate-report.ts';
import { formats } from './testing/plugins.ts';

const before = summariseRun(sampleRun().run);

function reportWith(damage: (after: RunSummary) => void) {
  const after = structuredClone(before);
  after.runId = '2026-11-24T12-25-01Z-p0c2';
  damage(after);
  return buildGateReport({ before, after, result: gateRun(before, after, { minEffect: 0.05 }) });
}

function slower(after: RunSummary): void {
  for (const ratio of after.cells[0]!.ratios) {
    if (ratio.metric !== 'cpuUsPerRequest') continue;
    const { value, low, high } = ratio.interval!;
    ratio.interval = { value: value * 1.3, low: low * 1.3, high: high * 1.3 };
  }
}

test('the headline of a regression says what, whose, by how much, how sure, and since when', () => {
  const { headline, checks } = reportWith(slower);
  assert.match(
    headline,
    /^Regression: client CPU per request of persistent in short-vs-persistent changed by \+30\.0 % \(\+\d[\d.]* % to \+\d[\d.]* %\), since commit 3f9c1d2a7b6e\.$/,
  );
  assert.deepEqual(
    checks.filter(({ state }) => state === 'fail').map(({ name }) => name),
    ['client CPU per request, persistent: no regression'],
  );
});

test('a run without a change says so, and of how many figures', () => {
  const { headline, caveats } = reportWith(() => {});
  assert.match(headline, /^No regression (in \d+ figures since commit|could be shown, nor ruled out)/);
  assert.match(caveats.join(' '), /--null-arm/, 'and that no noise floor is known');
});

test('what could not be compared is a remark', () => {
  const { headline, remarks } = reportWith(after => {
    after.cells = [];
  });
  assert.match(headline, /^Not all of the baseline could be compared/);
  assert.deepEqual(remarks, ['short-vs-persistent was not measured in this run.']);
});

for (const name of ['terminal', 'markdown']) {
  const file = new URL(`goldens/a-regression.${name}.txt`, import.meta.url);
  test(`${name} of a regression is as it was (UPDATE_GOLDENS=1 accepts what it is now)`, async () => {
    const format = formats.find(one => one.name === name)!;
    const text = await format.render(reportWith(slower), { hasColour: false, columns: 100 });
    if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}
