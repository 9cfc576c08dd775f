// A history grows by a line a run, whatever is done twice.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { summariseRun } from './baselines.ts';
import { appendHistory, readHistory } from './history.ts';
import { sampleRun } from './testing/sample-run.ts';

test('a history', t => {
  const dir = mkdtempSync(join(tmpdir(), 'conntax-history-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const summary = summariseRun(sampleRun().run);
  const later = { ...summary, runId: '2026-11-24T12-25-01Z-p0c2', startedAt: '2026-11-24T12:25:01.000Z' };
  assert.deepEqual(readHistory(dir), []);
  appendHistory(dir, later);
  appendHistory(dir, summary);
  appendHistory(dir, later);
  assert.deepEqual(readHistory(dir), [summary, later], 'oldest first, each once');
  const file = join(dir, 'history.ndjson');
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 3);
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"schemaVersion":9}\n`);
  assert.throws(() => readHistory(dir), /history\.ndjson, line 3 is not a run of conntax/);
  writeFileSync(file, `${JSON.stringify({ ...summary, conntax: '99.0.0', weather: 'wet' })}\n`);
  assert.throws(() => readHistory(dir), /history\.ndjson, line 1 was written by conntax 99\.0\.0, .*weather/);
});
