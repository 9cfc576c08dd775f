// What a CI server reads in junit.xml.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildReport } from '../build.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import junit from './junit.ts';

test('the duration is that of a clock that nobody sets', async () => {
  const stored = sampleRuns['two arms']!;
  const finishedAt = new Date(Date.parse(stored.run.startedAt) - 7_180_000).toISOString();
  const run = { ...stored.run, finishedAt, elapsedMs: 20_100 };
  const xml = await junit.render({ ...stored, run, report: buildReport({ ...stored, run, charts: [] }) });
  assert.match(xml, /<testsuites [^>]*time="20.1"/);
});

test('a run whose audits only warn is said to have none that failed, not none that warned', async () => {
  const stored = sampleRuns['two arms']!;
  const xml = await junit.render({ ...stored, report: buildReport({ ...stored, charts: [] }) });
  assert.match(xml, /<testcase [^>]*name="measured, and no audit failed"/);
});
