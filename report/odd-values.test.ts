// Names and figures that are allowed and odd: a client called as a member of every object, a ratio to nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from '../results/testing/sample-run.ts';
import { buildReport } from './build.ts';
import html from './formats/html.ts';
import { charts } from './testing/plugins.ts';
import { formatRelativeChange } from './words/numbers.ts';

for (const name of ['constructor', '__proto__', 'toString']) {
  test(`a stored run with a client called ${name} is shown, chart or none`, async () => {
    const sample = JSON.parse(
      JSON.stringify(sampleRun({ replicates: 2, blocks: 2 })).replaceAll(
        '"persistent"',
        JSON.stringify(name),
      ),
    ) as ReturnType<typeof sampleRun>;
    const { cells } = buildReport({ ...sample, charts: [] });
    // Without its modes to go by, the headline has the names.
    sample.run.cells[0]!.scenario.clients = {};
    const { headline } = buildReport({ ...sample, charts: [] });
    const text = JSON.stringify([headline, cells[0]!.conditions, cells[0]!.main.rows]);
    assert.ok(text.includes(name));
    const page = await html.render(buildReport({ ...sample, charts }), { hasColour: false, columns: 100 });
    assert.match(page, /could not be drawn: |<svg /);
    assert.doesNotMatch(text, /function|native code|\[object/);
  });
}

for (const [why, change, text] of [
  ['from nothing to nothing', { value: Number.NaN, low: Number.NaN, high: Number.NaN }, '– (bounds unknown)'],
  [
    'from nothing to something',
    { value: Infinity, low: Number.NaN, high: Infinity },
    '>+999 % (bounds unknown)',
  ],
  ['by a little', { value: 1.02, low: 0.99, high: 1.05 }, '+2.0 % (−1.0 % to +5.0 %)'],
] as const) {
  test(`a change ${why}`, () => assert.equal(formatRelativeChange(change), text));
}
