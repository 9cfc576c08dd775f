// What a run tells of itself while it goes on, over HTTP on loopback.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { headlineOf } from '../../results/metrics.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { planRun } from '../plan/plan.ts';
import type { RunEvent } from '../run/context.ts';
import { LiveMetrics } from './live-metrics.ts';

const { run, trials } = sampleRun();
const [result] = run.cells;
const [cell] = planRun([result!.scenario], { seed: 1 }).cells;

const started: RunEvent = { type: 'cell-started', cell: cell!, index: 0, cellCount: 1 };
const replicateFinished: RunEvent = {
  type: 'replicate-finished',
  cell: cell!.id,
  replicate: 0,
  headline: headlineOf(cell!.scenario.load),
  comparisons: [],
};

async function readValue(url: string, pattern: RegExp): Promise<number> {
  const response = await fetch(url);
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  return Number(pattern.exec(await response.text())?.[1]);
}

suite('live metrics', () => {
  test('counters grow with every trial, gauges with every replicate', async t => {
    const metrics = await LiveMetrics.open(run.id, 0);
    t.after(() => metrics.close());
    const requests = /conntax_requests_total\{[^}]*arm="short",outcome="ok"\} (\d+)/;
    const rate = /conntax_requests_per_second\{[^}]*arm="short"\} (\S+)/;
    assert.ok(
      Number.isNaN(await readValue(metrics.url, requests)),
      'nothing is known before the first trial',
    );
    metrics.show(started);
    const seen: number[] = [];
    for (const trial of trials.slice(0, 4)) {
      metrics.show({ type: 'trial', result: trial });
      seen.push(await readValue(metrics.url, requests));
    }
    assert.ok(seen[0]! > 0 && seen[0] === seen[1] && seen[2]! > seen[1]!, String(seen));
    assert.ok(Number.isNaN(await readValue(metrics.url, rate)));
    metrics.show(replicateFinished);
    assert.ok((await readValue(metrics.url, rate)) > 0);
    metrics.show({ type: 'cell-finished', result: result! });
    assert.equal(await readValue(metrics.url, rate), result!.arms[0]!.requestsPerSec!.value);
    assert.ok((await readValue(metrics.url, /conntax_audits\{[^}]*state="pass"\} (\d+)/)) > 0);
  });

  test('anything else is not found, and says where they are', async t => {
    const metrics = await LiveMetrics.open(run.id, 0);
    t.after(() => metrics.close());
    const response = await fetch(new URL('../commands/', metrics.url));
    assert.equal(response.status, 404);
    assert.match(await response.text(), /\/metrics/);
  });

  test('the error for an occupied port names the port', async t => {
    const metrics = await LiveMetrics.open(run.id, 0);
    t.after(() => metrics.close());
    const port = Number(new URL(metrics.url).port);
    await assert.rejects(
      LiveMetrics.open(run.id, port),
      new RegExp(`cannot listen on port ${port} for metrics`),
    );
  });
});
