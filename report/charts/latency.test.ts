// Pictures of latency: from p50 to where requests are few, with the replicates' band, limits where they are near, and a hill per client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopLevelSpec } from 'vega-lite';
import { firstResult, judge } from '../../results/expect.ts';
import { quantileUs } from '../../results/histogram.ts';
import { countResponses } from '../../results/metrics.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { type CellView, viewCell } from '../cell-view.ts';
import density from './density.ts';
import { latencyPercentiles, responseAndService } from './percentiles.ts';

interface Row {
  rarity: number;
  ms: number;
  highMs?: number;
  to?: number;
  tip?: string;
  name?: string;
}
interface DrawnLayer {
  data: { name?: string; values: Row[] };
  mark: { type: string; shape?: string; color?: string };
}

function layersOf(spec: TopLevelSpec): DrawnLayer[] {
  return (spec as unknown as { layer: DrawnLayer[] }).layer;
}

function viewOf(options: Parameters<typeof sampleRun>[0] = {}): CellView {
  const { run, trials } = sampleRun(options);
  return viewCell(run.cells[0]!, trials, ['short', 'persistent']);
}

/** The view with a limit of p99 of `persistent`. */
function limitedTo(p99Ms: number): CellView {
  const view = viewOf();
  const expectation = { metric: 'p99Us', of: 'persistent', atMost: p99Ms * 1_000 } as const;
  const expectations = [firstResult(expectation, judge(expectation, view.trials))];
  return { ...view, result: { ...view.result, expectations } };
}

test('lines begin at p50 and end where fewer than 10 requests took longer', () => {
  const view = viewOf();
  const [first] = view.arms;
  const rarities = layersOf(latencyPercentiles.spec(view))
    .find(({ mark }) => mark.type === 'line')!
    .data.values.filter(row => (row as unknown as { arm: string }).arm === first!.label)
    .map(({ rarity }) => rarity);
  const count = countResponses(first!.trials);
  assert.equal(rarities[0], 2);
  assert.ok(rarities.every(rarity => count / rarity >= 10 - 1e-6));
  assert.ok(count / rarities.at(-1)! < 12, 'the next point has too few');
});

test('the band is from the lowest replicate to the highest, as far as each has 10 slower requests', () => {
  const view = viewOf();
  const [first] = view.arms;
  const [band] = layersOf(latencyPercentiles.spec(view)).filter(({ mark }) => mark.type === 'area');
  const responses = first!.trials.map(({ measurement }) => measurement.response);
  assert.ok(band!.data.values.length > 10);
  for (const { rarity, ms, highMs } of band!.data.values) {
    const found = responses.map(response => quantileUs(response, 1 - 1 / rarity) / 1_000);
    assert.ok(Math.abs(ms - Math.min(...found)) < 1e-9 && Math.abs(highMs! - Math.max(...found)) < 1e-9);
    assert.ok(responses.every(({ count }) => count / rarity >= 10 - 1e-6));
  }
  const one = layersOf(latencyPercentiles.spec(viewOf({ replicates: 1 })));
  assert.ok(
    one.every(({ mark, data }) => mark.type !== 'area' || data.values.length === 0),
    'one replicate has none',
  );
});

test('a limit that is near is a stroke at its percentile, and a far one an arrow that leaves the axis as it is', () => {
  const limitOf = (view: CellView) =>
    layersOf(latencyPercentiles.spec(view)).find(({ data }) => data.values[0]?.tip?.startsWith('limit: '));
  const near = limitOf(limitedTo(9))!;
  assert.equal(near.mark.type, 'rule');
  assert.equal(near.mark.color, 'var(--arm-1)');
  const [{ rarity, to, ms, tip }] = near.data.values as [Row];
  assert.ok(rarity < 100 && to! > 100 && ms === 9);
  assert.equal(tip, 'limit: p99 latency, persistent ≤ 9 ms');
  assert.match(latencyPercentiles.caption(limitedTo(9)), /Strokes across are limits.*persistent ≤ 9 ms\.$/);
  const far = limitOf(limitedTo(10_000))!;
  assert.equal(far.mark.shape, 'triangle-up');
  assert.ok(far.data.values[0]!.ms < 100);
  assert.equal(limitOf(viewOf()), undefined);
});

test('the objective of a capacity search is a limit of all clients', () => {
  const view = viewOf({ scenario: 'capacity' });
  assert.match(responseAndService.caption(view), /limits.*: p99 latency ≤ 50 ms\.$/);
});

test('each client has a hill of its own height, with p50 and p99 as its table has them', () => {
  const view = viewOf();
  const layers = layersOf(density.spec(view));
  const hills = layers.filter(({ mark }) => mark.type === 'area');
  assert.equal(hills.length, 2);
  const marked = layers.find(({ data }) => data.name === 'figures')!.data.values;
  assert.deepEqual(
    marked.map(({ name, ms }) => [name, ms]),
    view.arms.flatMap(({ summary }) => [
      ['p50', summary!.p50Us / 1_000],
      ['p99', summary!.p99Us / 1_000],
    ]),
  );
  for (const [row, { data }] of hills.entries()) {
    const tops = data.values as unknown as { ms: number; top: number; foot: number }[];
    assert.ok(Math.abs(Math.max(...tops.map(({ top, foot }) => foot - top)) - 0.82) < 1e-9);
    const peak = tops.reduce((most, next) => (next.top < most.top ? next : most));
    const { p50Us } = view.arms[row]!.summary!;
    assert.ok(peak.ms > (p50Us / 1_000) * 0.8 && peak.ms < (p50Us / 1_000) * 1.2, `${peak.ms}`);
  }
});

test('a client of fewer than 1,000 requests has no hill, and is named', () => {
  const view = viewOf();
  for (const { measurement } of view.arms[0]!.trials) measurement.response.count = 200;
  assert.equal(layersOf(density.spec(view)).filter(({ mark }) => mark.type === 'area').length, 1);
  assert.match(density.caption(view), /Without short, of fewer than 1,000 requests\.$/);
  for (const { measurement } of view.arms[1]!.trials) measurement.response.count = 200;
  assert.equal(density.applies(view), false);
});
