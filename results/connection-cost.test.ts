// What a connection costs: the injected cost comes back, only pairs that differ in connections alone are used, and intervals hold the truth.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { connectionCosts, mainCosts } from './connection-cost.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { splitPhases } from './phases.ts';
import { sampleRun } from './testing/sample-run.ts';

interface Costs {
  requestUs: number;
  connectionUs: number;
}

/** The trials of a sample whose CPU time is that of requests and of the connections opened in the windows. */
function trialsWith(
  { client, server }: { client: Costs; server: Costs },
  trials: TrialResult[] = sampleRun().trials,
): TrialResult[] {
  for (const result of trials) {
    if (result.state !== 'completed') continue;
    const { measurement } = result;
    const share = measurement.connect.count / (measurement.completed + measurement.failed);
    measurement.generator.cpuUsPerRequest = client.requestUs + client.connectionUs * share;
    measurement.target!.cpuUsPerRequest = server.requestUs + server.connectionUs * share;
  }
  return trials;
}

const COSTS = { client: { requestUs: 30, connectionUs: 160 }, server: { requestUs: 20, connectionUs: 40 } };

suite('the cost of a connection', () => {
  test('is what was put in, for client and server apart', () => {
    const [cost, ...others] = connectionCosts(trialsWith(COSTS));
    assert.equal(others.length, 0);
    assert.deepEqual([cost!.more, cost!.fewer], ['short', 'persistent']);
    assert.ok(Math.abs(cost!.client.valueUs - 160) < 1e-6);
    assert.ok(Math.abs(cost!.server!.valueUs - 40) < 1e-6);
    assert.ok(Math.abs(cost!.savedCoresAt1kPerSec! - 0.2 * cost!.connectionsPerRequest) < 1e-9);
    assert.ok(cost!.client.interval!.low <= 160 + 1e-6 && cost!.client.interval!.high >= 160 - 1e-6);
  });

  test('any costs come back, those near 0 too', () => {
    const { trials } = sampleRun();
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 500, noNaN: true }),
        fc.double({ min: 0, max: 3_000, noNaN: true }),
        (requestUs, connectionUs) => {
          const costs = { requestUs, connectionUs };
          const [cost] = connectionCosts(trialsWith({ client: costs, server: costs }, trials));
          assert.ok(Math.abs(cost!.client.valueUs - connectionUs) < 1e-6 * (1 + requestUs + connectionUs));
        },
      ),
    );
  });

  test('a client that opens one for each request has exactly one, whatever opened in the windows', () => {
    const { trials } = sampleRun();
    for (const result of trials as CompletedTrial[]) {
      const { connect, slices } = result.measurement;
      connect.count = Math.round(connect.count * 0.986);
      for (const slice of slices) slice.opened = result.trial.arm === 'short' ? slice.exchanges : 0;
    }
    const [cost] = connectionCosts(trials);
    assert.equal(cost!.connectionsPerRequest, 1);
    assert.equal(splitPhases(trials.slice(0, 1) as CompletedTrial[])!.connectionsPerRequest, 1);
  });

  test('the interval is over the replicates', () => {
    const trials = trialsWith(COSTS);
    for (const { trial, measurement } of trials as CompletedTrial[]) {
      if (trial.arm === 'short') measurement.generator.cpuUsPerRequest += [-2, -1, 1, 2][trial.replicate]!;
    }
    const [cost] = connectionCosts(trials);
    const rounded = cost!.client.replicateUs.map(value => Math.round(value));
    assert.deepEqual(rounded, [158, 159, 161, 162]);
    const { value, low, high } = cost!.client.interval!;
    assert.ok(Math.abs(value - 160) < 0.1 && low < 158 && low > 153 && high > 162 && high < 167);
  });

  test('has no interval with two replicates', () => {
    const [cost] = connectionCosts(trialsWith(COSTS, sampleRun({ replicates: 2 }).trials));
    assert.equal(cost!.client.interval, null);
  });

  test('every pair that differs enough has one, the amortisation curve has many', () => {
    const costs = connectionCosts(
      trialsWith(COSTS, sampleRun({ scenario: 'requests-per-connection' }).trials),
    );
    assert.ok(costs.length > 3);
    for (const { connectionsPerRequest, client } of costs) {
      assert.ok(connectionsPerRequest >= 0.1);
      assert.ok(Math.abs(client.valueUs - 160) < 1e-6);
    }
  });

  test('clients of different libraries have none: their requests cost differently too', () => {
    const trials = trialsWith(COSTS);
    for (const { trial } of trials) {
      if (trial.arm === 'short') trial.client = { ...trial.client, transport: 'fetch' };
    }
    assert.deepEqual(connectionCosts(trials), []);
  });

  test('figures beyond every number, as a damaged run may hold them, have none', () => {
    const trials = trialsWith(COSTS) as CompletedTrial[];
    for (const { measurement } of trials) measurement.generator.cpuUsPerRequest *= 1e305;
    assert.deepEqual(connectionCosts(trials), []);
  });

  test('of a server that conntax did not start only the client’s is known', () => {
    const trials = trialsWith(COSTS);
    for (const trial of trials as CompletedTrial[]) trial.measurement.target = null;
    const [cost] = connectionCosts(trials);
    assert.equal(cost!.server, null);
    assert.ok(Math.abs(cost!.client.valueUs - 160) < 1e-6);
  });

  test('how many more requests reuse served is the ratio of rates, where the load does not set them', () => {
    const [cost] = connectionCosts(sampleRun().trials);
    assert.ok(cost!.served!.low > 4 && cost!.served!.high < 6);
    const [open] = connectionCosts(sampleRun({ scenario: 'same-load' }).trials);
    assert.equal(open!.served, null);
  });

  test('the same by CPU time is the ratio of what a request costs client and server together', () => {
    const trials = sampleRun().trials as CompletedTrial[];
    for (const { trial, measurement } of trials) {
      for (const slice of measurement.slices) {
        const isShort = trial.arm === 'short';
        slice.generatorCpuUs = slice.exchanges * (isShort ? 190 : 30);
        slice.targetCpuUs = slice.exchanges * (isShort ? 60 : 20);
      }
    }
    const byCpu = () => connectionCosts(trials)[0]!.servedByCpu!;
    assert.ok(Math.abs(byCpu().value - 5) < 1e-9);
    for (const slice of trials.flatMap(({ measurement }) => measurement.slices)) slice.targetCpuUs = null;
    assert.ok(Math.abs(byCpu().value - 190 / 30) < 1e-9, 'of an external server, the client alone');
  });

  test('what one user waits for is the difference of medians, replicate by replicate', () => {
    const { trials } = sampleRun();
    for (const { trial, measurement } of trials as CompletedTrial[]) {
      if (trial.arm === 'short') measurement.alone!.responseUs += trial.replicate;
    }
    const { added, requestUs, connectUs, tlsUs } = connectionCosts(trials)[0]!.alone!;
    assert.deepEqual(added.replicateUs, [230, 231, 232, 233]);
    assert.deepEqual([requestUs, connectUs, tlsUs], [120, 90, null]);
    (trials[0] as CompletedTrial).measurement.alone = null;
    assert.equal(connectionCosts(trials)[0]!.alone, null, 'not of some replicates alone');
  });

  test('one pair speaks for a library: the one that differs most, of equals the one with the baseline', () => {
    const costs = connectionCosts(sampleRun({ scenario: 'requests-per-connection' }).trials);
    const libraryOf = () => 'undici';
    const [main, ...others] = mainCosts(costs, { baseline: 'one', libraryOf });
    assert.deepEqual([main!.more, main!.fewer, others.length], ['one', 'unlimited', 0]);
    const same = costs.slice(0, 1).flatMap(cost => [
      { ...cost, more: 'full', fewer: 'kept' },
      { ...cost, more: 'resumed', fewer: 'kept' },
    ]);
    assert.equal(mainCosts(same, { baseline: 'resumed', libraryOf })[0]!.more, 'resumed');
    assert.equal(mainCosts(same, { baseline: 'full', libraryOf: arm => arm }).length, 2);
  });

  test('of load tools, the ledger says how many were opened', () => {
    const trials = trialsWith(COSTS) as CompletedTrial[];
    for (const { measurement } of trials) measurement.ledger.openedBy = 'kernel';
    const [cost] = connectionCosts(trials);
    assert.ok(Math.abs(cost!.client.valueUs / 160 - 1) < 0.05);
  });
});
