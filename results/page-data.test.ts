// What a page holds of a run is what was put into it, whatever its texts, and pages of older versions can be read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { UsageError } from './errors.ts';
import type { Run } from './model/run.ts';
import type { TrialResult } from './model/trial.ts';
import { PAGE_DATA_ID, packRun, unpackRun } from './page-data.ts';
import { sampleRun } from './testing/sample-run.ts';

function pageOf(packed: string, kind: 'brotli' | 'gzip' = 'brotli'): string {
  return `<p>x</p><script type="application/${kind}" id="${PAGE_DATA_ID}">${packed}</script>`;
}

function readBack(packed: string): { run: Run; trials: TrialResult[] } {
  const [run, ...trials] = unpackRun(pageOf(packed), 'a.html');
  return { run: JSON.parse(run) as Run, trials: trials.map(line => JSON.parse(line) as TrialResult) };
}

const { run, trials } = sampleRun();

test('a run comes out of its page as it was, histograms to the letter, and is packed to the same text again', () => {
  const packed = packRun({ run, trials });
  const found = readBack(packed);
  assert.deepEqual(found, JSON.parse(JSON.stringify({ run, trials })));
  assert.equal(packRun(found), packed);
});

test('texts that look like what stands for a histogram stay, as does what is no histogram', () => {
  const question = '"v2":@8@ "v2":"HISTFAAAABh42pNpmSzMwMDAxAAB" \0';
  const changed = trials.map(result =>
    result.state === 'failed'
      ? result
      : {
          ...result,
          measurement: {
            ...result.measurement,
            response: { ...result.measurement.response, v2: 'HISTFAAAABh42pNpmSzMwMDAxAAB' },
          },
        },
  );
  const cells = run.cells.map(cell => ({ ...cell, scenario: { ...cell.scenario, question } }));
  const found = readBack(packRun({ run: { ...run, cells }, trials: changed }));
  assert.deepEqual(found, JSON.parse(JSON.stringify({ run: { ...run, cells }, trials: changed })));
});

test('the page of an older version has the lines in gzip', () => {
  assert.deepEqual(unpackRun(pageOf(gzipSync('a\nb').toString('base64'), 'gzip'), 'a.html'), ['a', 'b']);
});

test('a page without a run, or with half of it, is refused', () => {
  const packed = packRun({ run, trials });
  for (const page of ['', pageOf(packed.slice(0, packed.length / 2)), pageOf('')])
    assert.throws(() => unpackRun(page, 'a.html'), UsageError);
});
